//! Amplification of groups and of their members: the question, and what wires its answer. The formulas
//! are in `levels`, the test of labels in `permute`, the words in `report`.

mod levels;
mod of_log;
mod permute;
mod record;
mod report;
mod work;

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};

use self::of_log::Groups;
pub use self::of_log::{Member, Membership, MultiMembership};
use self::permute::Draws;
pub use self::record::{
    GROUP_SCHEMA, GROUP_VERSION, GroupRecord, GroupReportRecord, LabelTestRecord, MemberRecord,
    PartRecord,
};
pub use self::report::{
    Contribution, Direction, GroupFinding, GroupReport, LabelTest, MemberCounts, MemberFinding,
    Part, PartKind, PermutationCount, Presence, Quantiles, Surely, Verdict,
};
use self::work::Work;
use crate::error::Error;
use crate::format::word::said_by_words;
use crate::inference::{Interval, Jackknife, TopicQuestion};
use crate::log::ExposureLog;
use crate::question::whole::{Part as Said, Question, same};
use crate::statistic::{HaldaneAnscombeRatio, Statistic};
use crate::tally::{Tally, TallySpec};

/// What to do with members that an arm never shows, whose log ratio is not finite. They are counted by
/// arm in any case ([`MemberCounts`]), and they are in the group's own ratio.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ZeroMembers {
    /// They are left out of means and quantiles, which are then those of the members shown in both arms.
    /// That is another question than the group's if the treatment makes members appear or vanish.
    #[default]
    LeftOut,
    /// Half a unit is added to every member's total and one to the overall ones, as
    /// [`HaldaneAnscombeRatio`] does, so that all members of either arm count. It pulls
    /// ratios of rare members towards 1. Members that neither arm shows are left out still.
    HalfAdded,
}

said_by_words!(ZeroMembers);

impl fmt::Display for ZeroMembers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LeftOut => f.write_str("Members that an arm never shows are left out of means"),
            Self::HalfAdded => write!(
                f,
                "Members count with 1/2 added to each cell ({}); those in neither arm are left out",
                HaldaneAnscombeRatio.name()
            ),
        }
    }
}

/// Who a group's members are compared with when the label is permuted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PermutationPool {
    /// The members of the other groups: is it this label rather than those?
    #[default]
    OtherGroups,
    /// All other members of the tally, of a group or of none.
    AllMembers,
}

said_by_words!(PermutationPool);

impl fmt::Display for PermutationPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OtherGroups => "labels are permuted over the members of all groups",
            Self::AllMembers => "labels are permuted over all members",
        })
    }
}

/// Amplification of groups against that of their members, being put together.
///
/// Huszar et al. 2022 (PNAS, doi 10.1073/pnas.2025334119) found parties amplified unalike, and no
/// association of single legislators' amplification with their party. The two levels answer different
/// questions: a group is one thing with one audience, in which large members weigh more; its members are
/// many things, of which each counts once. Here both are estimated from one tally, in which *topics are
/// the members* (items, creators, any individuals) and a group is a set of them.
///
/// For each group, with `S` the share of the union of its members and `s_m` of member `m`, in treatment
/// `A` and baseline `B`:
///
/// - **the group**: `S_A / S_B`. Pooled, or averaged over clusters, the share of the union is the sum of
///   its members' shares; as reach it is the share of clusters that any of them reached;
/// - **the members**: `exp` of the mean of `ln(s_mA / s_mB)`, each member counting once, and once more
///   weighted by its total in the baseline; their quantiles, and each member's own estimate;
/// - **the gap** of the two, with an interval of its own;
/// - **parts** that add up to the group's logarithm exactly: with `C` the members shown in both arms,
///
/// ```text
/// ln(S_A/S_B) = mean over C of ln(s_mA/s_mB)                               Members
///             + sum over C of (w_m - 1/|C|) ln(s_mA/s_mB)                  Weight
///             + ln(sum of s_mA / sum over C) - ln(sum of s_mB / sum over C)    Turnover
///             + ln(S_A / sum of s_mA) - ln(S_B / sum of s_mB)              Overlap, for reach alone
///
/// w_m = L(q_mA, q_mB) / sum of L,  q_m = s_m / sum over C,  L(x, y) = (x - y) / ln(x/y)
/// ```
///
/// The first two are the logarithmic mean Divisia decomposition (LMDI-II; Ang 2005, doi
/// 10.1016/j.enpol.2003.10.010), the index of Sato (1976, doi 10.2307/1924029) and Vartia: with these
/// weights the members' log ratios add up to the group's without a rest, and arms can change places. The
/// third is how Feenstra (1994, American Economic Review 84, 157-177) joins goods that come and go to that
/// index. The fourth is what a union adds to a sum.
///
/// - **permutation tests of the label** ([`LabelTest`]), by the difference of mean log ratios and by that
///   of the unions' log ratios. Where there are no more ways than replicates all are gone through;
///   otherwise p is `(1 + as far or further) / (1 + drawn)`. Draws are a pure function of seed, replicate
///   and the member's place in the order of names. With groups two by two, [`PermutationPool::OtherGroups`] tests
///   the one against the other;
/// - **a verdict** ([`Verdict`]) on whether the levels agree.
///
/// **Right** where clusters are independent; every number but the tests is a smooth function of totals by
/// cluster, with the interval asked for. Which members are shown in both arms is taken as given.
///
/// **Fails** with many members that few clusters see: their logarithms are noisy and, with zeros left
/// out, biased, and so is their mean; reach, or fewer and larger members, is better. Refused where an
/// impression has two members of the tally, since sums of members are then no union. At an infinite or
/// zero ratio of a group there is no interval (a member's own estimate has the one-sided bound).
///
/// **Costs** 16 bytes for each cluster and member of the largest group; with many of both, tally by
/// [hash buckets](crate::ClusterBy::hashed), whose number is fixed. A permutation costs a pass over the
/// members, for reach over what each cluster was shown of them.
///
/// ```
/// use tiltmeter::decompose::{GroupDecomposition, Verdict};
/// use tiltmeter::log::{LogSchema, TopicColumn};
/// use tiltmeter::tally::{Tally, TallySpec};
/// use tiltmeter::{ExposureLog, Question, source::SliceSource};
///
/// // Of four creators, the treatment shows one of the first party much more, the other less.
/// let shown = [("ann", 8, 2), ("bea", 1, 2), ("cem", 4, 4), ("dag", 2, 4)];
/// let (mut who, mut feed, mut by) = (Vec::new(), Vec::new(), Vec::new());
/// for viewer in 0..12 {
///     for (creator, ranked, newest) in shown {
///         let (arm, times) = if viewer % 2 == 0 { ("ranked", ranked) } else { ("newest", newest) };
///         for _ in 0..times + usize::from(creator == "cem") * (viewer / 2 % 2) {
///             who.push(viewer.to_string());
///             feed.push(arm);
///             by.push(creator);
///         }
///     }
/// }
/// let source = SliceSource::new("example").text("who", &who).text("feed", &feed).text("by", &by);
/// let schema = LogSchema::new().viewer("who").arm("feed").topics(TopicColumn::single("by"));
/// let tally = Tally::of(&ExposureLog::read(source, &schema)?, &TallySpec::default())?;
///
/// let report = GroupDecomposition::of(&tally, &Question::between("ranked", "newest"))
///     .group("first", ["ann", "bea"])
///     .group("second", ["cem", "dag"])
///     .run()?;
/// let first = report.group("first").expect("it was asked for");
/// // The group's share went from 4 of 12.5 to 9 of 15.5; its members' from 2 to 8 and from 2 to 1.
/// let ratio = first.group.value.number().expect("finite");
/// assert!((ratio - (9.0 / 15.5) / (4.0 / 12.5)).abs() < 1e-12);
/// let mean = first.mean_member.value.number().expect("finite");
/// assert!((mean - (8.0_f64 / 2.0 * 1.0 / 2.0).sqrt() * 12.5 / 15.5).abs() < 1e-12);
/// let parts: f64 = first.parts.iter().filter_map(|part| part.figure.value.number()).sum();
/// assert!((parts - ratio.ln()).abs() < 1e-12);
/// // Two of four members can be labelled in six ways, and no other way lies nearer to no difference.
/// assert_eq!(first.label_test.p, Ok(1.0));
/// println!("{report}");
/// # Ok::<(), tiltmeter::Error>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct GroupDecomposition<'l> {
    of: Subject<'l>,
    question: Question,
    groups: Groups,
    several: MultiMembership,
    interval: Interval,
    member_interval: Interval,
    zeros: ZeroMembers,
    others: PermutationPool,
    draws: Draws,
}

/// What is decomposed: a tally whose topics are members, or a log to make one of.
#[derive(Clone, Debug)]
enum Subject<'l> {
    Tally(&'l Tally),
    Log(&'l ExposureLog, Member),
}

impl<'l> GroupDecomposition<'l> {
    /// Of a tally whose topics are the members, such as that of a log retagged by creator
    /// ([`ExposureLog::with_topics_by_row`]). Groups are to be given.
    pub fn of(tally: &'l Tally, question: &Question) -> Self {
        Self::new(Subject::Tally(tally), question)
    }

    /// Of a log: members are its items or the ids of a column, and a group for each topic has the members
    /// whose impressions have it, unless groups are given. [`GroupReport::membership`] counts how members
    /// came to their groups. Groups are of the question's topics, in its order, by default of all by name. The
    /// log is copied, to be tagged by member.
    ///
    /// ```
    /// use tiltmeter::decompose::{GroupDecomposition, Member};
    /// use tiltmeter::log::{LogSchema, TopicColumn};
    /// use tiltmeter::{ExposureLog, Question, source::SliceSource};
    ///
    /// let source = SliceSource::new("example")
    ///     .text("who", &["1", "1", "2", "2", "3", "3", "4", "4"])
    ///     .text("feed", &["ranked", "ranked", "ranked", "ranked", "new", "new", "new", "new"])
    ///     .text("item", &["x", "y", "x", "z", "x", "y", "y", "z"])
    ///     .text("about", &["war", "war", "war", "sport", "war", "war", "war", "sport"]);
    /// let schema = LogSchema::new().viewer("who").arm("feed").item("item");
    /// let schema = schema.topics(TopicColumn::single("about"));
    /// let log = ExposureLog::read(source, &schema)?;
    /// let question = Question::between("ranked", "new");
    /// let report = GroupDecomposition::of_log(&log, Member::Item, &question).run()?;
    /// let war = report.group("war").expect("it is a topic");
    /// assert_eq!((war.members.len(), war.group.value.number()), (2, Some(1.0)));
    /// # Ok::<(), tiltmeter::Error>(())
    /// ```
    pub fn of_log(log: &'l ExposureLog, by: Member, question: &Question) -> Self {
        Self::new(Subject::Log(log, by), question)
    }

    fn new(of: Subject<'l>, question: &Question) -> Self {
        Self {
            of,
            question: question.clone(),
            groups: Vec::new(),
            several: MultiMembership::default(),
            interval: Interval::default(),
            member_interval: Interval::Jackknife(Jackknife::default()),
            zeros: ZeroMembers::default(),
            others: PermutationPool::default(),
            draws: Draws { replicates: 9_999, seed: 0 },
        }
    }

    /// Adds a group. Members that the tally does not have were never shown, and are counted.
    pub fn group<M: Into<String>>(
        mut self,
        name: impl Into<String>,
        members: impl IntoIterator<Item = M>,
    ) -> Self {
        self.groups.push((name.into(), members.into_iter().map(Into::into).collect()));
        self
    }

    /// What to do with members of a log that several groups claim.
    pub fn several(mut self, several: MultiMembership) -> Self {
        self.several = several;
        self
    }

    /// How intervals of groups, means and parts are made. The default is the delta method, with fewer
    /// than ten clusters in an arm the jackknife; of members that few clusters carry it knows nothing, so
    /// with many of those ask for the jackknife.
    pub fn interval(mut self, interval: Interval) -> Self {
        self.interval = interval;
        self
    }

    /// How the members' own intervals are made; by the jackknife by default, which is a pass over the
    /// clusters for each.
    pub fn member_interval(mut self, interval: Interval) -> Self {
        self.member_interval = interval;
        self
    }

    /// What to do with members that an arm never shows.
    pub fn zeros(mut self, zeros: ZeroMembers) -> Self {
        self.zeros = zeros;
        self
    }

    /// Who members are compared with when labels are permuted.
    pub fn others(mut self, others: PermutationPool) -> Self {
        self.others = others;
        self
    }

    /// How many ways of labelling to draw, or to go through all of, and the seed; by default 9,999 and 0.
    pub fn permutations(mut self, replicates: u32, seed: u64) -> Self {
        self.draws = Draws { replicates, seed };
        self
    }

    /// Works it out.
    ///
    /// # Errors
    /// [`Error::Unstated`] for a question without a baseline, [`Error::NotLookedAt`] for one with statistics,
    /// strata or a second way of clustering, and with topics where groups are given; [`Error::OtherTally`] for
    /// one that says otherwise than the tally; [`Error::Parameter`] without groups, with a
    /// single one under [`PermutationPool::OtherGroups`], where impressions have two members, and for numbers out
    /// of their range; [`Error::MemberOfTwoGroups`], [`Error::RepeatedGroup`] and
    /// [`Error::UnknownGroup`]; those of the tally and of [`estimates`](crate::inference::estimates).
    pub fn run(&self) -> Result<GroupReport, Error> {
        let asked = &self.question;
        asked.refuse(
            "a decomposition by groups",
            &[Said::Statistics, Said::Strata, Said::SecondCluster, Said::Correction],
        )?;
        let baseline = asked.needs_baseline()?;
        let (tally, groups, membership) = self.members()?;
        let attention = asked.attention.as_ref().unwrap_or(&tally.spec().attentions[0]);
        let (treatment, unit, denominator) = (&asked.treatment, asked.unit, asked.denominator);
        let question = TopicQuestion {
            topic: "",
            treatment,
            baseline,
            unit,
            denominator,
            attention,
            correction: None,
        };
        let work = Work::new(self, &tally, question, &groups)?;
        let groups = groups.iter().map(|(name, members)| work.finding(name, members));
        Ok(GroupReport {
            treatment: treatment.clone(),
            baseline: baseline.clone(),
            unit,
            denominator,
            weights: tally.weights().clone(),
            attention: attention.clone(),
            multi_label: tally.spec().multi_label,
            cluster: tally.spec().cluster.clone(),
            kept: match &self.of {
                Subject::Tally(_) => Vec::new(),
                Subject::Log(log, _) => log.origin().kept.clone(),
            },
            zeros: self.zeros,
            others: self.others,
            groups: groups.collect::<Result<_, _>>()?,
            membership,
        })
    }

    /// The tally by member, the groups, and how members came to them.
    fn members(&self) -> Result<(Cow<'_, Tally>, Groups, Option<Membership>), Error> {
        let (log, by) = match &self.of {
            Subject::Tally(tally) => {
                let spec = tally.spec();
                same("cluster", self.question.cluster.as_ref(), &spec.cluster)?;
                same("counting of labels", self.question.multi_label.as_ref(), &spec.multi_label)?;
                self.refuse_topics()?;
                return Ok((Cow::Borrowed(*tally), self.groups.clone(), None));
            }
            Subject::Log(log, by) => (*log, by),
        };
        let members = of_log::members(log, by)?.clone();
        let (groups, membership) = if self.groups.is_empty() {
            let labels = self.question.topics.named();
            let (groups, membership) = of_log::groups(log, &members, labels, self.several)?;
            (groups, Some(membership))
        } else {
            self.refuse_topics()?;
            (self.groups.clone(), None)
        };
        let by_member =
            log.clone().with_topics_by_row(|_, row| members.id(row).into_iter().collect())?;
        let spec = TallySpec {
            cluster: self.question.cluster.clone().unwrap_or_default(),
            attentions: vec![self.question.attention.clone().unwrap_or_default()],
            multi_label: self.question.multi_label.unwrap_or_default(),
            ..TallySpec::default()
        };
        Ok((Cow::Owned(Tally::of(&by_member, &spec)?), groups, membership))
    }

    /// Where groups are given, topics that are named would change nothing.
    fn refuse_topics(&self) -> Result<(), Error> {
        self.question.refuse("a decomposition by given groups", &[Said::Topics])
    }
}
