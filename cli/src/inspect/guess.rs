//! Which column is which, by name and content. A guess, to be read by somebody who knows the log.

use serde::Serialize;
use tiltmeter::log::{COUNT_NAMES, LogSchema, Role, TimeFormat, TopicColumn, TopicFormat};

use super::profile::{ColumnProfile, Holds, Profile};
use super::show::shown;

/// More columns than this are not tried as clusters.
const MOST_CLUSTERS: usize = 16;

/// A column in a role.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Guessed {
    pub(crate) role: Role,
    pub(crate) column: String,
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
    /// What keeps a column from its role.
    pub(crate) remarks: Vec<String>,
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
        ],
    ),
    (
        Role::Item,
        &[
            "item", "video", "post", "tweet", "article", "story", "content", "document", "url",
            "ad", "product",
        ],
    ),
    (Role::Position, &["position", "rank", "pos", "slot", "watch_index", "index", "place"]),
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
    "publisher",
    "genre",
    "section",
];

/// How well a name fits: the place in the list, exact names first.
fn place(name: &str, names: &[&str]) -> Option<usize> {
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
        Role::Position if column.holds != Holds::WholeNumbers => refuse("holds other than ranks"),
        Role::Position if low < 1.0 => refuse("starts below 1; add 1 if its ranks start at 0"),
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

pub(crate) fn of(profile: &Profile) -> Guess {
    let mut guess = Guess {
        roles: Vec::new(),
        perhaps: Vec::new(),
        other_topics: Vec::new(),
        clusters: Vec::new(),
        remarks: Vec::new(),
    };
    let counts = [&COUNT_NAMES, MORE_COUNTS].concat();
    for (role, names) in NAMES {
        guess.by_name(*role, if *role == Role::Count { &counts } else { names }, profile);
    }
    guess.arm_by_content(profile);
    guess.topics(profile);
    guess.clusters(profile);
    guess
}

impl Guess {
    /// The column of a role.
    pub(crate) fn role(&self, role: Role) -> Option<&Guessed> {
        self.roles.iter().find(|its| its.role == role)
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
                        Some(format) => format!("its name, and times in the format {format:?}"),
                        None => format!("its name, and {} distinct values", count(column)),
                    };
                    let mut guessed = Guessed {
                        role,
                        column: column.name.clone(),
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
                because,
                time_format: None,
                topic_format: Some(format),
            });
        }
        self.other_topics = named.map(|column| column.name.clone()).collect();
    }

    fn clusters(&mut self, profile: &Profile) {
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
        let most = (profile.rows / 2) as usize;
        let found = profile.columns.iter().filter(|column| {
            let kind = matches!(column.holds, Holds::Text | Holds::WholeNumbers | Holds::Times)
                && column.stored_as != "timestamps";
            let named =
                !taken.contains(&&*column.name) && !self.other_topics.contains(&column.name);
            kind && named
                && column.missing == 0
                && !column.more_distinct
                && (2..=most).contains(&column.distinct)
        });
        self.clusters = found.take(MOST_CLUSTERS).map(|column| column.name.clone()).collect();
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
                    schema.topics(TopicColumn::new(column, topic_format.unwrap_or_default()))
                }
                Role::Slate => schema.slate(column),
                Role::Session => schema.session(column),
                Role::Engagement => schema.engagement(column),
                Role::Propensity => schema.propensity(column),
                Role::Satisfaction => schema.satisfaction(column),
                _ => schema,
            };
        }
        self.clusters.iter().fold(schema, LogSchema::column)
    }
}

fn count(column: &ColumnProfile) -> String {
    let more = if column.more_distinct { "more than " } else { "" };
    format!("{more}{}", column.distinct)
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
