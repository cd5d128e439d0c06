//! Which column is which, by name and content. A guess, to be read by somebody who knows the log.

use serde::Serialize;
use tiltmeter::log::{
    COUNT_NAMES, LogSchema, NumberForm, Role, TimeFormat, TopicColumn, TopicFormat,
};

use super::profile::{ColumnProfile, Holds, Profile};
use super::show::{shown, word};
use crate::log::LogArgs;
use crate::roles::RoleArgs;

/// More columns than this are not tried as clusters.
const MOST_CLUSTERS: usize = 16;

/// A column in a role.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Guessed {
    pub(crate) role: Role,
    pub(crate) column: String,
    /// Whether a flag says so.
    #[serde(skip)]
    pub(crate) said: bool,
    /// Why.
    pub(crate) because: String,
    /// How times are written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) time_format: Option<TimeFormat>,
    /// How topics are written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) topic_format: Option<TopicFormat>,
}

/// What the columns may be.
#[derive(Debug, Serialize)]
pub(crate) struct Guess {
    pub(crate) roles: Vec<Guessed>,
    /// Roles that columns may play too, and are not taken for: only the author of the log can know, or
    /// rows would be lost.
    pub(crate) perhaps: Vec<Guessed>,
    /// Other columns that may hold topics.
    pub(crate) other_topics: Vec<String>,
    /// Columns, beside those of roles, that impressions could be clustered by.
    pub(crate) clusters: Vec<String>,
    /// What the first place has as its rank, where that is not 1 and nobody said it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) first_rank: Option<u32>,
    /// How numbers are written in columns of roles, where nobody said it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) numbers: Option<NumberForm>,
    /// What keeps a column from its role.
    pub(crate) remarks: Vec<String>,
    /// The column of topics with new names, where flags say some.
    #[serde(skip)]
    pub(crate) relabelled: Option<TopicColumn>,
}

/// What speaks against a guess.
enum Doubt {
    None,
    /// It is taken, and this is said.
    Said(String),
    /// It is not taken.
    LeftOut(String),
}

/// Names by role, the likelier first; without `_id` at their ends.
const NAMES: &[(Role, &[&str])] = &[
    (
        Role::Arm,
        &[
            "arm",
            "feed",
            "condition",
            "variant",
            "treatment",
            "policy",
            "algorithm",
            "group",
            "leaning",
            "timeline",
        ],
    ),
    (
        Role::Viewer,
        &[
            "viewer",
            "user",
            "device",
            "participant",
            "puppet",
            "sock_puppet",
            "account",
            "respondent",
            "subject",
            "persona",
            "uid",
            "seen_by",
            "shown_to",
            "profile",
            "who",
        ],
    ),
    (
        Role::Item,
        &[
            "item", "video", "post", "tweet", "article", "story", "content", "document", "url",
            "ad", "product",
        ],
    ),
    (Role::Position, &["position", "rank", "pos", "slot", "watch_index", "index", "place", "#"]),
    (
        Role::Time,
        &[
            "ts",
            "time",
            "timestamp",
            "datetime",
            "shown_at",
            "created_at",
            "date",
            "watched",
            "watch_ts_datetime",
            "day",
        ],
    ),
    (Role::Slate, &["slate", "request", "list", "page_view", "query", "impression_list"]),
    (Role::Session, &["session", "visit"]),
    (Role::Stratum, &["stratum", "strata", "country"]),
    (Role::Weight, &["weight"]),
    (Role::Count, MORE_COUNTS),
    (Role::Propensity, &["propensity", "pscore", "propensity_score"]),
    (Role::Engagement, &["click", "clicked", "engagement", "like", "liked", "clicks", "likes"]),
    (Role::Satisfaction, &["satisfaction", "satisfied"]),
];

/// Names of columns that may say how many impressions a row stands for, beside those that hardly ever say
/// anything else.
const MORE_COUNTS: &[&str] = &["exposures", "n_users", "n_viewers", "n_views", "views"];

/// Those of them that may as well say how popular an item is.
const POPULAR: &[&str] = &["n_users", "n_viewers", "n_views", "views"];

/// What an item's public did with it, as platforms count it.
const REACTIONS: &[&str] = &[
    "like",
    "likes",
    "comment",
    "comments",
    "share",
    "shares",
    "retweets",
    "reposts",
    "replies",
    "favorites",
    "favourites",
    "hearts",
    "upvotes",
];

const TOPIC_NAMES: &[&str] = &[
    "topics",
    "topic",
    "tags",
    "labels",
    "categories",
    "category",
    "tag",
    "label",
    "party",
    "stance",
    "about",
    "publisher",
    "genre",
    "section",
];

/// How well a name fits: the place in the list, exact names first. Of a field inside objects its own name fits less well
/// than the whole, and of one called `id` that of what it is in.
fn place(name: &str, names: &[&str]) -> Option<usize> {
    let inner = || {
        let (outer, own) = name.rsplit_once('.')?;
        let outer = outer.rsplit('.').next().unwrap_or(outer);
        Some(
            names.len()
                + place_of_one(if own.eq_ignore_ascii_case("id") { outer } else { own }, names)?,
        )
    };
    place_of_one(name, names).or_else(inner)
}

fn place_of_one(name: &str, names: &[&str]) -> Option<usize> {
    let name = name.to_ascii_lowercase().replace([' ', '-', '.'], "_");
    let stem = name.strip_suffix("_id").or_else(|| name.strip_suffix("id")).unwrap_or(&name);
    let stem = stem.trim_end_matches('_');
    names.iter().position(|its| *its == name || *its == stem)
}

/// Whether a column's content can play a role; what is wrong with it if not.
fn fits(role: Role, column: &ColumnProfile) -> Result<(), String> {
    let numbers = matches!(column.holds, Holds::WholeNumbers | Holds::Numbers | Holds::Booleans);
    let (low, high) = column.range.unwrap_or((0.0, 0.0));
    let refuse = |what: &str| Err(format!("{:?} is called like {role}, but {what}", column.name));
    match role {
        Role::Arm | Role::Stratum if column.distinct < 2 => refuse("has fewer than two values"),
        Role::Arm if column.distinct > 50 || column.more_distinct => refuse("has many values"),
        Role::Position if !are_whole(column) => refuse("holds other than ranks"),
        Role::Position if low < 0.0 => refuse("starts below 0"),
        Role::Time if column.time_format.is_none() => refuse("is in no format that is tried"),
        Role::Propensity if !numbers || low <= 0.0 || high > 1.0 => refuse("is no probability"),
        Role::Satisfaction if !numbers || low < 0.0 || high > 1.0 => refuse("is no probability"),
        Role::Weight if !numbers || low < 0.0 => refuse("is no weight"),
        Role::Count if column.holds != Holds::WholeNumbers => {
            refuse("holds other than whole numbers")
        }
        Role::Count if low < 0.0 => refuse("holds numbers below 0"),
        Role::Count if high <= 1.0 => refuse("counts no more than 1"),
        Role::Engagement if !numbers => refuse("holds no numbers"),
        _ if matches!(column.holds, Holds::Nothing | Holds::Unreadable) => refuse("holds nothing"),
        Role::Viewer | Role::Item | Role::Slate | Role::Session | Role::Stratum
            if matches!(column.holds, Holds::Numbers | Holds::Lists) =>
        {
            refuse("holds no ids")
        }
        _ => Ok(()),
    }
}

/// Whether a name is called like an arm.
pub(crate) fn is_of_arms(name: &str) -> bool {
    is_called(Role::Arm, name)
}

/// Whether a name is called like what was shown.
pub(crate) fn is_of_content(name: &str) -> bool {
    is_called(Role::Item, name) || place(name, TOPIC_NAMES).is_some()
}

/// Whether a name is called like viewers.
pub(crate) fn is_of_viewers(name: &str) -> bool {
    is_called(Role::Viewer, name)
}

fn is_called(role: Role, name: &str) -> bool {
    NAMES.iter().any(|(its, names)| *its == role && place(name, names).is_some())
}

/// Whole numbers, with or without a point and zeros.
fn are_whole(column: &ColumnProfile) -> bool {
    let whole = |its: &String| its.parse().is_ok_and(|number: f64| number.fract() == 0.0);
    match column.holds {
        Holds::WholeNumbers => true,
        Holds::Numbers => column.number_form.is_none() && column.values.iter().all(whole),
        _ => false,
    }
}

pub(crate) fn of(profile: &Profile, log: &LogArgs) -> Guess {
    let mut guess = Guess {
        roles: Vec::new(),
        perhaps: Vec::new(),
        other_topics: Vec::new(),
        clusters: Vec::new(),
        first_rank: None,
        numbers: None,
        remarks: Vec::new(),
        relabelled: None,
    };
    guess.said(&log.roles);
    let counts = [&COUNT_NAMES, MORE_COUNTS].concat();
    for (role, names) in NAMES {
        let is_ranked = *role == Role::Position && log.beside.ranks_by_order();
        if guess.role(*role).is_none() && !is_ranked {
            guess.by_name(*role, if *role == Role::Count { &counts } else { names }, profile);
        }
    }
    guess.arm_by_content(profile);
    if log.roles.topic_column().is_none() && !log.beside.has_items() {
        guess.topics(profile);
    }
    if let Some(Guessed { column, topic_format, .. }) = guess.role(Role::Topics)
        && log.roles.relabels()
    {
        let topics = TopicColumn::new(column, topic_format.unwrap_or_default());
        guess.relabelled = Some(log.roles.relabelled(topics));
    }
    guess.clusters(profile, &log.roles);
    guess.as_written(profile, &log.roles);
    guess
}

impl Guess {
    /// The column of a role.
    pub(crate) fn role(&self, role: Role) -> Option<&Guessed> {
        self.roles.iter().find(|its| its.role == role)
    }

    /// What flags say is not guessed.
    fn said(&mut self, roles: &RoleArgs) {
        let said = |role, column: &str| Guessed {
            role,
            column: column.to_owned(),
            said: true,
            because: "as said".to_owned(),
            time_format: None,
            topic_format: None,
        };
        for (role, column, _) in roles.columns_of_roles() {
            self.roles.extend(column.as_deref().map(|column| said(role, column)));
        }
        if let Some(column) = &roles.time {
            let time_format = Some(roles.time_format.clone().unwrap_or_default());
            self.roles.push(Guessed { time_format, ..said(Role::Time, column) });
        }
    }

    /// Ranks from 0, and numbers as offices write them.
    fn as_written(&mut self, profile: &Profile, roles: &RoleArgs) {
        let column_of =
            |guessed: &Guessed| profile.columns.iter().find(|its| its.name == guessed.column);
        if let Some(at) = self.roles.iter().position(|its| its.role == Role::Position)
            && let Some((low, _)) = column_of(&self.roles[at]).and_then(|its| its.range)
            && low == 0.0
            && roles.first_rank.is_none()
        {
            self.first_rank = Some(0);
            self.roles[at].because.push_str(
                "; ranks from 0, which is taken for the first place (--first-rank 0): if it says that \
                 the rank is not known, leave it out",
            );
        }
        let numeric = [
            Role::Count,
            Role::Position,
            Role::Engagement,
            Role::Propensity,
            Role::Weight,
            Role::Satisfaction,
        ];
        let of_roles = self.roles.iter().filter(|its| numeric.contains(&its.role));
        let forms: Vec<Option<NumberForm>> =
            of_roles.filter_map(column_of).map(|its| its.number_form).collect();
        if roles.numbers.is_none() {
            self.numbers = forms.iter().copied().flatten().next();
        }
        for column in &profile.columns {
            let Some(form) = column.number_form else { continue };
            if Some(form) != self.numbers.or(roles.numbers) {
                self.remarks.push(format!(
                    "{:?} holds numbers such as {}, which --numbers {} reads",
                    column.name,
                    shown(&column.values[0]),
                    word(&form),
                ));
            }
        }
    }

    fn by_name(&mut self, role: Role, names: &[&str], profile: &Profile) {
        let mut named: Vec<(usize, &ColumnProfile)> = profile
            .columns
            .iter()
            .filter_map(|column| Some((place(&column.name, names)?, column)))
            .collect();
        named.sort_by_key(|(place, _)| *place);
        for (_, column) in named {
            match fits(role, column) {
                Ok(()) => {
                    let time_format = column.time_format.clone().filter(|_| role == Role::Time);
                    let because = match &time_format {
                        Some(format) => {
                            format!("its name, and times in the format {}", flag_of(format))
                        }
                        None => format!("its name, and {} distinct values", count(column)),
                    };
                    let mut guessed = Guessed {
                        role,
                        column: column.name.clone(),
                        said: false,
                        because,
                        time_format,
                        topic_format: None,
                    };
                    match self.doubt(role, column, profile) {
                        Doubt::None => self.roles.push(guessed),
                        Doubt::Said(why) => {
                            guessed.because.push_str(&why);
                            self.roles.push(guessed);
                        }
                        Doubt::LeftOut(why) => {
                            guessed.because = why;
                            self.perhaps.push(guessed);
                        }
                    }
                    return;
                }
                // What is inside an object has names of its own.
                Err(_) if column.holds == Holds::Unreadable => {}
                Err(remark) => self.remarks.push(remark),
            }
        }
    }

    /// What speaks against taking a column for a role by its name.
    fn doubt(&self, role: Role, column: &ColumnProfile, profile: &Profile) -> Doubt {
        let (missing, rows) = (column.missing, profile.rows);
        // Views of a row that is one item's, or beside likes, may be the item's, whoever was shown it.
        let of_one = [Role::Position, Role::Slate, Role::Item];
        let of_one = of_one.into_iter().any(|role| self.role(role).is_some());
        let reacted = |its: &ColumnProfile| place(&its.name, REACTIONS).is_some();
        let beside = || of_one || profile.columns.iter().any(reacted);
        let popular = || place(&column.name, POPULAR).is_some() && beside();
        match role {
            Role::Weight => Doubt::LeftOut(
                "its name; if it says how much an impression matters. All count alike without it"
                    .to_owned(),
            ),
            Role::Stratum => Doubt::LeftOut(
                "its name; for statistics that compare within its groups".to_owned(),
            ),
            Role::Count if popular() => Doubt::LeftOut(
                "its name; if it says how many impressions a row stands for, and not how popular the \
                 item is"
                    .to_owned(),
            ),
            Role::Arm | Role::Viewer if missing > 0 => {
                Doubt::Said(format!("; {missing} of {rows} rows have none, and are set aside"))
            }
            _ if missing > 0 => Doubt::LeftOut(format!(
                "its name; {missing} of {rows} rows have none, and would be set aside"
            )),
            Role::Count => {
                Doubt::Said("; each row stands for so many impressions alike".to_owned())
            }
            _ => Doubt::None,
        }
    }

    /// The one column of text with two values, where none is called like an arm: perhaps it is one.
    fn arm_by_content(&mut self, profile: &Profile) {
        if self.role(Role::Arm).is_some() {
            return;
        }
        let taken = |column: &ColumnProfile| self.roles.iter().any(|its| its.column == column.name);
        let mut two = profile.columns.iter().filter(|column| {
            column.distinct == 2
                && column.missing == 0
                && column.holds == Holds::Text
                && !taken(column)
        });
        if let (Some(column), None) = (two.next(), two.next()) {
            let values: Vec<String> = column.values.iter().map(|its| shown(its)).collect();
            self.perhaps.push(Guessed {
                role: Role::Arm,
                column: column.name.clone(),
                said: false,
                because: format!("the only text with two values: {}", values.join(", ")),
                time_format: None,
                topic_format: None,
            });
        }
    }

    fn topics(&mut self, profile: &Profile) {
        let taken: Vec<&str> = self.roles.iter().map(|its| &*its.column).collect();
        let mut named: Vec<(usize, &ColumnProfile)> = profile
            .columns
            .iter()
            .filter(|column| !taken.contains(&&*column.name))
            .filter(|column| {
                matches!(column.holds, Holds::Text | Holds::Lists | Holds::WholeNumbers)
            })
            .filter_map(|column| Some((place(&column.name, TOPIC_NAMES)?, column)))
            .collect();
        named.sort_by_key(|(place, _)| *place);
        let mut named = named.into_iter().map(|(_, column)| column);
        if let Some(column) = named.next() {
            let (format, because) = topic_format(column);
            self.remarks.extend(not_like_topics(column, format));
            self.roles.push(Guessed {
                role: Role::Topics,
                column: column.name.clone(),
                said: false,
                because,
                time_format: None,
                topic_format: Some(format),
            });
        }
        self.other_topics = named.map(|column| column.name.clone()).collect();
        if self.role(Role::Topics).is_some() {
            return;
        }
        if let Some((pattern, topics)) = self.columns_of_topics(profile) {
            self.roles.push(Guessed {
                role: Role::Topics,
                column: pattern,
                said: false,
                because: format!("{topics} columns that say yes or no, called alike"),
                time_format: None,
                topic_format: Some(TopicFormat::Flags),
            });
        } else if let Some(column) = profile.columns.iter().find(|its| are_addresses(its)) {
            self.perhaps.push(Guessed {
                role: Role::Topics,
                column: column.name.clone(),
                said: false,
                because: "addresses; if their domains are the topics (--topic-domain)".to_owned(),
                time_format: None,
                topic_format: Some(TopicFormat::Domain),
            });
        }
    }

    /// The pattern of columns that say yes or no and are called alike, and how many they are: the most of one kind.
    fn columns_of_topics(&self, profile: &Profile) -> Option<(String, usize)> {
        let mut kinds: Vec<(&str, usize)> = Vec::new();
        for column in &profile.columns {
            let Some(at) = column.name.find(['_', '.', ':', ' ', '-']) else { continue };
            let start = &column.name[..=at];
            if start.len() < column.name.len() && !kinds.iter().any(|(its, _)| *its == start) {
                let mut alike = profile.columns.iter().filter(|its| its.name.starts_with(start));
                let is_taken =
                    |its: &ColumnProfile| self.roles.iter().any(|role| role.column == its.name);
                let is_flag = |its: &ColumnProfile| says_yes_or_no(its) && !is_taken(its);
                let count = alike.clone().count();
                if count > 1 && alike.all(is_flag) && !start.contains('*') {
                    kinds.push((start, count));
                }
            }
        }
        let (start, count) = kinds.into_iter().max_by_key(|(_, count)| *count)?;
        Some((format!("{start}*"), count))
    }

    fn clusters(&mut self, profile: &Profile, roles: &RoleArgs) {
        let ids = [
            Role::Viewer,
            Role::Session,
            Role::Slate,
            Role::Stratum,
            Role::Item,
            Role::Arm,
            Role::Topics,
            Role::Position,
            Role::Weight,
            Role::Count,
            Role::Propensity,
            Role::Engagement,
            Role::Satisfaction,
        ];
        let taken: Vec<&str> = self
            .roles
            .iter()
            .filter(|its| ids.contains(&its.role))
            .map(|its| &*its.column)
            .collect();
        let topics = roles.topic_column();
        let made = |name: &str| roles.combined.iter().any(|(its, _)| its == name);
        let most = (profile.rows / 2) as usize;
        let found = profile.columns.iter().filter(|column| {
            let kind = matches!(column.holds, Holds::Text | Holds::WholeNumbers | Holds::Times)
                && column.stored_as != "timestamps";
            let named =
                !taken.contains(&&*column.name) && !self.other_topics.contains(&column.name);
            kind && named
                && !made(&column.name)
                && topics.as_ref().is_none_or(|topics| topics.column_name() != column.name)
                && column.missing == 0
                && !column.more_distinct
                && (2..=most).contains(&column.distinct)
        });
        self.clusters = found.take(MOST_CLUSTERS).map(|column| column.name.clone()).collect();
    }

    /// Does without what keeps the log from being read, as far as the fault says what that is; `false` where nothing is
    /// left that was guessed.
    pub(crate) fn give_up(&mut self, fault: &str, column: Option<&str>) -> bool {
        let named = |its: &str| {
            let start = its.strip_suffix('*').filter(|start| !start.is_empty());
            column.is_some_and(|column| {
                column == its || start.is_some_and(|start| column.starts_with(start))
            })
        };
        let cluster = self.clusters.iter().position(|column| named(column));
        let guessed = |its: &Guessed| !its.said;
        let role = self.roles.iter().position(|its| guessed(its) && named(&its.column));
        let (what, column) = if let Some(at) = cluster {
            ("a cluster".to_owned(), self.clusters.remove(at))
        } else if let Some(at) = role.or_else(|| self.roles.iter().rposition(guessed)) {
            let its = self.roles.remove(at);
            (its.role.to_string(), its.column)
        } else if let Some(column) = self.clusters.pop() {
            ("a cluster".to_owned(), column)
        } else {
            self.remarks.push(format!("it cannot be read so: {fault}"));
            return false;
        };
        self.remarks.push(format!("it cannot be read with {column:?} as {what}: {fault}"));
        true
    }

    /// The schema that the guess makes, its cluster columns among the further ones.
    pub(crate) fn schema(&self, mut schema: LogSchema) -> LogSchema {
        for Guessed { role, column, time_format, topic_format, .. } in &self.roles {
            schema = match role {
                Role::Viewer => schema.viewer(column),
                Role::Item => schema.item(column),
                Role::Arm => schema.arm(column),
                Role::Position => schema.position(column),
                Role::Time => schema.time(column, time_format.clone().unwrap_or_default()),
                Role::Count => schema.count(column),
                Role::Topics => {
                    let topics = || TopicColumn::new(column, topic_format.unwrap_or_default());
                    schema.topics(self.relabelled.clone().unwrap_or_else(topics))
                }
                Role::Slate => schema.slate(column),
                Role::Session => schema.session(column),
                Role::Engagement => schema.engagement(column),
                Role::Propensity => schema.propensity(column),
                Role::Satisfaction => schema.satisfaction(column),
                _ => schema,
            };
        }
        if let Some(rank) = self.first_rank {
            schema = schema.first_rank(rank);
        }
        if let Some(form) = self.numbers {
            schema = schema.numbers(form);
        }
        self.clusters.iter().fold(schema, LogSchema::column)
    }
}

/// A format of times as a flag says it.
fn flag_of(format: &TimeFormat) -> String {
    match format {
        TimeFormat::Pattern(pattern) => format!("pattern:{pattern}"),
        TimeFormat::Zone(name) => format!("zone:{name}"),
        plain => word(plain),
    }
}

fn count(column: &ColumnProfile) -> String {
    let more = if column.more_distinct { "more than " } else { "" };
    format!("{more}{}", column.distinct)
}

/// What a column of one topic holds.
fn says_yes_or_no(column: &ColumnProfile) -> bool {
    match column.holds {
        Holds::Booleans => true,
        Holds::WholeNumbers => column.range.is_some_and(|(low, high)| low >= 0.0 && high <= 1.0),
        _ => false,
    }
}

fn are_addresses(column: &ColumnProfile) -> bool {
    let is_address = |its: &String| its.starts_with("https://") || its.starts_with("http://");
    column.holds == Holds::Text && column.values.iter().all(is_address)
}

/// So many topics that are all numbers are more than a codebook mostly has.
const MANY_NUMBERS: usize = 24;

/// What speaks against a column of topics.
fn not_like_topics(column: &ColumnProfile, format: TopicFormat) -> Option<String> {
    let (name, values) = (&column.name, &column.values);
    if matches!(column.holds, Holds::WholeNumbers | Holds::Numbers) && values.len() >= MANY_NUMBERS
    {
        return Some(format!(
            "{name:?} is called like the topics, but holds {} distinct numbers: if it is a measure and \
             no code of topics, name another column",
            count(column)
        ));
    }
    if format != TopicFormat::Single {
        return None;
    }
    let with = |separator: char| values.iter().filter(|its| its.contains(separator)).count();
    let separator = ['|', ';'].into_iter().find(|its| 2 * with(*its) > values.len())?;
    Some(format!(
        "most values of {name:?} hold {separator:?}: if it stands between topics, say \
         --topics {name} --topics-separator '{separator}'"
    ))
}

/// How topics are written. A separator is one if the values taken apart have fewer distinct parts than
/// there are distinct values.
fn topic_format(column: &ColumnProfile) -> (TopicFormat, String) {
    let values = &column.values;
    if column.holds == Holds::Lists {
        return (TopicFormat::Separated('|'), "its name, and lists".to_owned());
    }
    let all = |start: &str| values.iter().all(|its| its.starts_with(start) && its.ends_with(']'));
    if !values.is_empty() && all("[") {
        let python = values.iter().any(|its| its.contains('\''));
        let format = if python { TopicFormat::PythonList } else { TopicFormat::JsonList };
        return (format, "its name, and lists in brackets".to_owned());
    }
    for separator in ['|', ';', ','] {
        let with = values.iter().filter(|its| its.contains(separator)).count();
        let mut parts: Vec<&str> =
            values.iter().flat_map(|its| its.split(separator)).map(str::trim).collect();
        parts.sort_unstable();
        parts.dedup();
        if with > 0 && parts.len() < values.len() {
            let because = format!(
                "its name, and {} topics with {separator:?} between them in {} distinct values",
                parts.len(),
                values.len()
            );
            return (TopicFormat::Separated(separator), because);
        }
    }
    (TopicFormat::Single, format!("its name, and {} distinct values", count(column)))
}
