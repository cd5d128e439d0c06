//! From a log to members and groups: members are items or the ids of a column, and belong to the groups
//! that the topics of their impressions name.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::base::printable::printable;
use crate::error::Error;
use crate::format::word::said_by_words;
use crate::log::{Coded, ExposureLog, Role};

/// Who the members of groups are, in a log.
///
/// ```
/// use tiltmeter::decompose::Member;
/// assert_eq!(Member::column("creator").to_string(), "creator");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Member {
    /// Items.
    Item,
    /// The ids of a column by name, such as creators.
    Column(String),
}

impl Member {
    /// The ids of a column by name.
    pub fn column(name: impl Into<String>) -> Self {
        Self::Column(name.into())
    }
}

impl fmt::Display for Member {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Item => f.write_str("item"),
            Self::Column(name) => f.write_str(&printable(name)),
        }
    }
}

/// What to do with a member whose impressions have topics of several groups.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MultiMembership {
    /// Nothing is decomposed: [`Error::MemberOfTwoGroups`].
    #[default]
    Refuse,
    /// It belongs to the group of most of its impressions; of none where that is a tie.
    Majority,
    /// It belongs to none.
    LeaveOut,
}

said_by_words!(MultiMembership);

/// How members came to their groups.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Membership {
    /// Members of the log.
    pub members: u64,
    /// Those of one group.
    pub of_one: u64,
    /// Those of several, given to the one of most of their impressions.
    pub by_majority: u64,
    /// Those of several, given to none.
    pub left_out: u64,
    /// Those of none of the groups.
    pub of_none: u64,
}

impl fmt::Display for Membership {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { members, of_one, by_majority, left_out, of_none } = self;
        write!(
            f,
            "{members} members: {of_one} of one group, {by_majority} of several by majority, \
             {left_out} of several left out, {of_none} of none"
        )
    }
}

/// Groups with the names of their members.
pub(super) type Groups = Vec<(String, Vec<String>)>;

/// The column that says who the member of an impression is.
pub(super) fn members<'l>(log: &'l ExposureLog, by: &Member) -> Result<&'l Coded, Error> {
    match by {
        Member::Item => log.require_ids(Role::Item, "a decomposition by item"),
        Member::Column(name) => log.column(name),
    }
}

/// Groups by the topics of members' impressions: those asked for, or all.
pub(super) fn groups(
    log: &ExposureLog,
    members: &Coded,
    labels: Option<&[String]>,
    several: MultiMembership,
) -> Result<(Groups, Membership), Error> {
    let topics = log.topics().ok_or_else(|| Error::MissingRole {
        role: Role::Topics,
        needed_by: "a decomposition by the topics of members".to_owned(),
    })?;
    let asked: Option<BTreeSet<&str>> =
        labels.map(|labels| labels.iter().map(String::as_str).collect());
    let wanted = |label: &str| asked.as_ref().is_none_or(|asked| asked.contains(label));
    let known: BTreeSet<&str> = topics.labels().iter().collect();
    if let Some(topic) = labels.into_iter().flatten().find(|its| !known.contains(&***its)) {
        let available = topics.labels().iter().map(str::to_owned).collect();
        return Err(Error::UnknownTopic { topic: topic.clone(), available });
    }
    // By member and topic, impressions; in the order of names, so that nothing depends on that of rows.
    let mut shown: BTreeMap<&str, BTreeMap<&str, u64>> = BTreeMap::new();
    for row in 0..log.rows() {
        let Some(member) = members.id(row) else { continue };
        let of = shown.entry(member).or_default();
        let n = log.impressions_in(row..row + 1);
        for &code in topics.of_row(row) {
            let label = topics.labels().id(code).filter(|label| wanted(label));
            label.into_iter().for_each(|label| *of.entry(label).or_default() += n);
        }
    }
    let mut groups: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    let mut membership = Membership { members: shown.len() as u64, ..Membership::default() };
    for (member, of) in &shown {
        let group = membership.group(member, of, several)?;
        group.into_iter().for_each(|group| groups.entry(group).or_default().push((*member).into()));
    }
    let Some(labels) = labels else {
        let groups = groups.into_iter().map(|(name, members)| (name.to_owned(), members));
        return Ok((groups.collect(), membership));
    };
    // A label without members of its own stays, to be refused by its name.
    let in_order = labels.iter().map(|label| {
        let members = groups.get_mut(&**label).map(std::mem::take);
        (label.clone(), members.unwrap_or_default())
    });
    Ok((in_order.collect(), membership))
}

impl Membership {
    /// The group of a member, from how many of its impressions have the topic of each.
    fn group<'l>(
        &mut self,
        member: &str,
        of: &BTreeMap<&'l str, u64>,
        several: MultiMembership,
    ) -> Result<Option<&'l str>, Error> {
        let most = of.values().max().copied().unwrap_or_default();
        let mut leading = of.iter().filter(|(_, count)| **count == most).map(|(name, _)| *name);
        let (first, tie) = (leading.next(), leading.next());
        if of.len() < 2 {
            self.of_one += u64::from(first.is_some());
            self.of_none += u64::from(first.is_none());
            return Ok(first);
        }
        match several {
            MultiMembership::Refuse => {
                let mut names = of.keys().map(|name| (*name).to_owned());
                Err(Error::MemberOfTwoGroups {
                    member: member.to_owned(),
                    first: names.next().unwrap_or_default(),
                    second: names.next().unwrap_or_default(),
                })
            }
            MultiMembership::Majority if tie.is_none() => {
                self.by_majority += 1;
                Ok(first)
            }
            MultiMembership::Majority | MultiMembership::LeaveOut => {
                self.left_out += 1;
                Ok(None)
            }
        }
    }
}
