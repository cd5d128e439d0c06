//! Which column of the log is which, as flags; and the units that are named by role or by column.

use std::path::Path;

use clap::Args;
use tiltmeter::log::{
    FileFormat, JoinNames, LogSchema, NumberForm, Role, RowPolicy, TimeFormat, TopicColumn,
    TopicFormat, Unlisted,
};
use tiltmeter::report::printable;
use tiltmeter::source::{LogSource, open_source_as};
use tiltmeter::tally::TallySpec;
use tiltmeter::{Attention, Baseline, ClusterBy, Error, Question};

use crate::parse::Relabelling;
use crate::{out, parse};

/// Columns by role.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Columns of the log")]
pub(crate) struct RoleArgs {
    /// The ranking condition.
    #[arg(long, value_name = "COLUMN")]
    pub(crate) arm: Option<String>,
    /// Who was shown the item.
    #[arg(long, value_name = "COLUMN")]
    pub(crate) viewer: Option<String>,
    /// What was shown.
    #[arg(long, value_name = "COLUMN")]
    pub(crate) item: Option<String>,
    /// The rank, from 1.
    #[arg(long, value_name = "COLUMN")]
    pub(crate) position: Option<String>,
    /// When it was shown.
    #[arg(long, value_name = "COLUMN")]
    pub(crate) time: Option<String>,
    /// How times are written: iso (the default), epoch_seconds, epoch_milliseconds, epoch_microseconds, epoch_nanoseconds
    /// (since 1970), rfc2822, javascript, zone:Europe/Berlin for local times, or a pattern such as pattern:%d-%m-%Y.
    #[arg(long, value_name = "FORMAT", requires = "time")]
    pub(crate) time_format: Option<TimeFormat>,
    /// How many impressions alike a row stands for: the report is that of a log with the row so often.
    #[arg(long, value_name = "COLUMN")]
    pub(crate) count: Option<String>,
    /// How much an impression matters, such as dwell time. If it says how often, it is --count.
    #[arg(long, value_name = "COLUMN")]
    pub(crate) weight: Option<String>,
    /// A group to keep apart, such as country.
    #[arg(long, value_name = "COLUMN")]
    pub(crate) stratum: Option<String>,
    /// The ranked list.
    #[arg(long, value_name = "COLUMN")]
    pub(crate) slate: Option<String>,
    /// The session.
    #[arg(long, value_name = "COLUMN")]
    pub(crate) session: Option<String>,
    /// Click, like, seconds watched.
    #[arg(long, value_name = "COLUMN")]
    pub(crate) engagement: Option<String>,
    /// The logging policy's probability.
    #[arg(long, value_name = "COLUMN")]
    pub(crate) propensity: Option<String>,
    /// The probability that a viewer stops here, for --attention cascade.
    #[arg(long, value_name = "COLUMN")]
    pub(crate) satisfaction: Option<String>,
    /// The topics by hand of rows that somebody labelled, written as those of --topic or --topics, and with | between them
    /// beside --topic-columns and --text; empty where nobody did. See --correct of audit.
    #[arg(long, value_name = "COLUMN", requires = "inclusion")]
    pub(crate) human: Option<String>,
    /// The chance with which a row was chosen to be labelled by hand.
    #[arg(long, value_name = "COLUMN", requires = "human")]
    pub(crate) inclusion: Option<String>,
    /// The topic, one an impression or none.
    #[arg(long, value_name = "COLUMN", conflicts_with = "topics")]
    pub(crate) topic: Option<String>,
    /// The topics, any number an impression.
    #[arg(long, value_name = "COLUMN")]
    pub(crate) topics: Option<String>,
    /// What stands between topics: one character (| by default), or python_list or json_list.
    #[arg(long, value_name = "CHAR", requires = "topics", conflicts_with = "topic", value_parser = parse::separator)]
    pub(crate) topics_separator: Option<TopicFormat>,
    /// Columns of topics, one for each: those that a pattern such as is_* names, by what the * stands for.
    #[arg(long, value_name = "PATTERN", conflicts_with_all = ["topic", "topics"])]
    pub(crate) topic_columns: Option<String>,
    /// A column of text, whose topics are those of --topic-match.
    #[arg(long, value_name = "COLUMN", requires = "topic_match", conflicts_with_all = ["topic", "topics", "topic_columns"])]
    pub(crate) text: Option<String>,
    /// A topic by a regular expression that its texts match, whatever their case and accents.
    #[arg(long, value_name = "TOPIC=PATTERN", requires = "text", value_parser = parse::assigned)]
    pub(crate) topic_match: Vec<(String, String)>,
    /// A column of addresses (URLs), whose domains are the topics.
    #[arg(long, value_name = "COLUMN", conflicts_with_all = ["topic", "topics", "topic_columns", "text"])]
    pub(crate) topic_domain: Option<String>,
    /// A new name for a topic; several may get one, and others keep theirs.
    #[arg(long, value_name = "OLD=NEW", value_parser = parse::assigned)]
    pub(crate) relabel: Vec<(String, String)>,
    /// The same from a table: its first column has old names, its second new ones.
    #[arg(long, value_name = "FILE", value_parser = parse::relabelling)]
    pub(crate) relabel_table: Option<Relabelling>,
    /// What the first place has as its rank: 0 where ranks count from 0. 1 by default.
    #[arg(long, value_name = "RANK", requires = "position")]
    pub(crate) first_rank: Option<u32>,
    /// A further column; those in --cluster and --filter need not be named here.
    #[arg(long, value_name = "COLUMN")]
    pub(crate) column: Vec<String>,
    /// A column made of others.
    #[arg(long, value_name = "NAME=A,B", value_parser = parse::combined)]
    pub(crate) combined: Vec<(String, Vec<String>)>,
    /// A text that means "no value", beside the empty one.
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    pub(crate) null: Vec<String>,
    /// Take names that differ only so for the same: spaces, case, unicode (composed letters, invisible
    /// characters), whole_numbers (1.0 and 1); more than one with commas between.
    #[arg(long, value_name = "HOW", value_delimiter = ',')]
    pub(crate) join_names: Vec<JoinNames>,
    /// The format of the log, whatever its name ends in: csv, tsv, json, ndjson, parquet, xlsx. Needed for standard
    /// input, which is called -.
    #[arg(long, value_name = "FORMAT")]
    pub(crate) format: Option<FileFormat>,
    /// The encoding of the log's text, by a name that browsers know, such as windows-1252. UTF-8 by default, unless the first
    /// bytes show another, which is said.
    #[arg(long, value_name = "NAME")]
    pub(crate) encoding: Option<String>,
    /// What the columns are called of a log of delimited text without a line of names.
    #[arg(long, value_name = "A,B,...", value_delimiter = ',')]
    pub(crate) columns: Vec<String>,
    /// How many lines stand before the log's line of names; by default those with fewer fields, which is said.
    #[arg(long, value_name = "LINES", conflicts_with = "columns")]
    pub(crate) preamble: Option<u32>,
    /// How numbers are written: plain (the default), thousands_comma (1,234.5) or decimal_comma (1.234,5).
    #[arg(long, value_name = "FORM")]
    pub(crate) numbers: Option<NumberForm>,
    /// What stands between the fields of a line: one character, or tab. By default what the name of the file says, unless
    /// the first lines show another, which is said.
    #[arg(long, value_name = "CHAR", value_parser = parse::delimiter)]
    pub(crate) delimiter: Option<u8>,
    /// Where in a .json document its array of rows is: the keys that lead to it, with dots between.
    #[arg(long, value_name = "PATH")]
    pub(crate) records: Option<String>,
    /// A list in each JSON object whose elements are the rows: --each seen has the columns seen.FIELD, and seen.# is
    /// the place in the list, from 1.
    #[arg(long, value_name = "PATH")]
    pub(crate) each: Option<String>,
    /// Leave out rows that break a rule, and count them, instead of stopping at the first.
    #[arg(long)]
    pub(crate) set_aside: bool,
}

/// How a column of a role is declared.
type Declare = fn(LogSchema, String) -> LogSchema;

impl RoleArgs {
    /// The columns of roles that are a name alone, said or not.
    pub(crate) fn columns_of_roles(&self) -> [(Role, &Option<String>, Declare); 13] {
        [
            (Role::Viewer, &self.viewer, LogSchema::viewer),
            (Role::Arm, &self.arm, LogSchema::arm),
            (Role::Item, &self.item, LogSchema::item),
            (Role::Position, &self.position, LogSchema::position),
            (Role::Weight, &self.weight, LogSchema::weight),
            (Role::Count, &self.count, LogSchema::count),
            (Role::Stratum, &self.stratum, LogSchema::stratum),
            (Role::Slate, &self.slate, LogSchema::slate),
            (Role::Session, &self.session, LogSchema::session),
            (Role::Engagement, &self.engagement, LogSchema::engagement),
            (Role::Propensity, &self.propensity, LogSchema::propensity),
            (Role::Satisfaction, &self.satisfaction, LogSchema::satisfaction),
            (Role::Inclusion, &self.inclusion, LogSchema::inclusion),
        ]
    }

    /// The schema, with these columns beside those that have roles.
    pub(crate) fn schema<'a>(&'a self, also: impl IntoIterator<Item = &'a str>) -> LogSchema {
        let mut schema = self.of_the_file(self.reading(LogSchema::new()));
        for (_, column, declare) in self.columns_of_roles() {
            if let Some(column) = column {
                schema = declare(schema, column.clone());
            }
        }
        if let Some(time) = &self.time {
            schema = schema.time(time, self.time_format.clone().unwrap_or_default());
        }
        if let Some(rank) = self.first_rank {
            schema = schema.first_rank(rank);
        }
        let mut named: Vec<&str> = Vec::new();
        for column in self.column.iter().map(String::as_str).chain(also) {
            if !named.contains(&column) && !self.has_ids(column) {
                named.push(column);
                schema = schema.column(column);
            }
        }
        for (name, of) in &self.combined {
            schema = schema.combined(name, of.iter().map(String::as_str));
        }
        // Tables beside the log have no labels by hand.
        let by_hand = self
            .human
            .as_ref()
            .map(|human| self.relabelled(TopicColumn::new(human, self.format_by_hand())));
        by_hand.into_iter().fold(self.tagged(schema), LogSchema::human)
    }

    /// How values are read, in the log and in tables beside it.
    pub(crate) fn reading(&self, mut schema: LogSchema) -> LogSchema {
        for null in &self.null {
            schema = schema.null(null);
        }
        for differ in &self.join_names {
            schema = schema.join_names(*differ);
        }
        schema = schema.numbers(self.numbers.unwrap_or_default());
        schema.rows(self.policy())
    }

    /// What becomes of rows that break a rule.
    pub(crate) fn policy(&self) -> RowPolicy {
        if self.set_aside { RowPolicy::SetAside } else { RowPolicy::Strict }
    }

    /// How the log's own files are made. A table beside it is a file of another kind: with the log's names of columns
    /// its own line of names would be a row.
    fn of_the_file(&self, mut schema: LogSchema) -> LogSchema {
        if let Some(format) = self.format {
            schema = schema.format(format);
        }
        if let Some(encoding) = &self.encoding {
            schema = schema.encoding(encoding);
        }
        if let Some(delimiter) = self.delimiter {
            schema = schema.delimiter(delimiter);
        }
        if let Some(lines) = self.preamble {
            schema = schema.preamble(lines);
        }
        if !self.columns.is_empty() {
            schema = schema.header(&self.columns);
        }
        schema = self.records.iter().fold(schema, LogSchema::records);
        self.each.iter().fold(schema, LogSchema::each)
    }

    /// With the topics.
    pub(crate) fn tagged(&self, schema: LogSchema) -> LogSchema {
        match self.topic_column() {
            Some(topics) => schema.topics(topics),
            None => schema,
        }
    }

    /// How topics by hand are written: as the others, where these are written as topics.
    fn format_by_hand(&self) -> TopicFormat {
        match self.topics {
            Some(_) => self.topics_separator.unwrap_or(TopicFormat::Separated('|')),
            // These find any number of topics a row, which have no form of their own.
            None if self.topic_columns.is_some() || self.text.is_some() => {
                TopicFormat::Separated('|')
            }
            None => TopicFormat::Single,
        }
    }

    /// The topics, if there are any.
    pub(crate) fn topic_column(&self) -> Option<TopicColumn> {
        let topics = if let Some(topic) = &self.topic {
            TopicColumn::single(topic)
        } else if let Some(topics) = &self.topics {
            TopicColumn::new(topics, self.topics_separator.unwrap_or(TopicFormat::Separated('|')))
        } else if let Some(columns) = &self.topic_columns {
            TopicColumn::flags(columns)
        } else if let Some(text) = &self.text {
            TopicColumn::matching(text, self.topic_match.iter().cloned())
        } else {
            TopicColumn::domain(self.topic_domain.as_ref()?)
        };
        Some(self.relabelled(topics))
    }

    /// With the new names of topics.
    pub(crate) fn relabelled(&self, topics: TopicColumn) -> TopicColumn {
        let table = self.relabel_table.iter().flat_map(|table| &table.0);
        topics.relabel(table.chain(&self.relabel).cloned()).unlisted(Unlisted::Keep)
    }

    /// Whether topics get new names.
    pub(crate) fn relabels(&self) -> bool {
        self.relabel_table.is_some() || !self.relabel.is_empty()
    }

    /// With the log's weights and counts, as far as a table has their columns.
    pub(crate) fn weighed(&self, schema: LogSchema, table: &Path) -> Result<LogSchema, Error> {
        if self.weight.is_none() && self.count.is_none() {
            return Ok(schema);
        }
        let source = open_source_as(table, &self.reading(LogSchema::new()))?;
        let has = |column: &&String| source.column_names().contains(column);
        let schema = self.weight.iter().filter(has).fold(schema, LogSchema::weight);
        Ok(self.count.iter().filter(has).fold(schema, LogSchema::count))
    }

    /// Whether a column is there by this name as ids, for a role or as a combination.
    fn has_ids(&self, name: &str) -> bool {
        let roles =
            [&self.viewer, &self.arm, &self.item, &self.stratum, &self.slate, &self.session];
        roles.into_iter().flatten().any(|its| its == name)
            || self.combined.iter().any(|(its, _)| its == name)
    }

    /// The column that both units are, if they are one: `viewer` and `column:ID` where viewers are `ID`.
    pub(crate) fn one_column(&self, first: &ClusterBy, second: &ClusterBy) -> Option<String> {
        let column = |unit: &ClusterBy| match unit {
            ClusterBy::Viewer => self.viewer.clone(),
            ClusterBy::Session => self.session.clone(),
            ClusterBy::Slate => self.slate.clone(),
            ClusterBy::Item => self.item.clone(),
            ClusterBy::Column(name) => Some(name.clone()),
            _ => None,
        };
        column(first).filter(|its| column(second).as_ref() == Some(its))
    }

    /// A unit by its name. `viewer`, `session`, `slate` and `item` are roles where the flag of that name
    /// is given, else columns; `column:NAME` is a column always.
    pub(crate) fn unit(&self, text: &str) -> Result<ClusterBy, String> {
        if let Some(name) = text.strip_prefix("column:") {
            return Ok(ClusterBy::column(name));
        }
        if let Some(rest) = text.strip_prefix("hashed:") {
            let (bits, unit) = rest.split_once(':').ok_or("hashed:BITS:UNIT")?;
            let bits = bits.parse().map_err(|_| format!("{bits:?} is no number of bits"))?;
            return Ok(self.unit(unit)?.hashed(bits));
        }
        Ok(match text {
            "impression" => ClusterBy::Impression,
            "viewer" if self.viewer.is_some() => ClusterBy::Viewer,
            "session" if self.session.is_some() => ClusterBy::Session,
            "slate" if self.slate.is_some() => ClusterBy::Slate,
            "item" if self.item.is_some() => ClusterBy::Item,
            column => ClusterBy::column(column),
        })
    }
}

/// What a command looks at of a log, beside arms, topics, weights and strata.
pub(crate) struct Uses<'q> {
    attentions: Vec<&'q Attention>,
    units: Vec<&'q ClusterBy>,
    baseline: Option<&'q Baseline>,
    /// Columns by which rows are kept.
    keeps: Vec<&'q str>,
}

impl<'q> Uses<'q> {
    pub(crate) fn of_question(
        question: &'q Question,
        keeps: impl IntoIterator<Item = &'q str>,
    ) -> Self {
        Self {
            attentions: question.attention.iter().collect(),
            units: question.cluster.iter().chain(&question.second_cluster).collect(),
            baseline: question.baseline.as_ref(),
            keeps: keeps.into_iter().collect(),
        }
    }

    pub(crate) fn of_tally(spec: &'q TallySpec, keeps: impl IntoIterator<Item = &'q str>) -> Self {
        Self {
            attentions: spec.attentions.iter().collect(),
            units: vec![&spec.cluster],
            baseline: None,
            keeps: keeps.into_iter().collect(),
        }
    }

    /// Why a column of numbers changes nothing; `None` where it may change something.
    fn without(&self, role: Role) -> Option<&'static str> {
        let cascade = self.attentions.contains(&&Attention::Cascade);
        match (role, self.baseline) {
            (Role::Satisfaction, _) if !cascade => Some("it goes with --attention cascade"),
            (Role::Propensity, Some(Baseline::Propensity(_))) => None,
            (Role::Propensity, Some(_)) => Some("it goes with --baseline-propensity"),
            (Role::Engagement, Some(Baseline::EngagementWeighted(_))) => None,
            (Role::Engagement, Some(_)) => Some("it goes with --baseline-engagement"),
            (Role::Propensity | Role::Engagement, None) => Some("a tally does not hold it"),
            _ => None,
        }
    }

    /// Whether an id's column is a cluster or keeps rows.
    fn is_unit(&self, role: &ClusterBy, column: &str) -> bool {
        let is = |unit: &ClusterBy| of_hashed(unit) == role || column_of(unit) == Some(column);
        self.units.iter().any(|unit| is(unit)) || self.keeps.contains(&column)
    }
}

/// What is put into buckets, or the unit itself.
fn of_hashed(unit: &ClusterBy) -> &ClusterBy {
    match unit {
        ClusterBy::Hashed { of, .. } => of_hashed(of),
        other => other,
    }
}

impl RoleArgs {
    /// Says so where labels by hand were named and correct nothing.
    pub(crate) fn tell_uncorrected(&self, question: &Question) {
        if let (Some(human), None) = (&self.human, question.correct) {
            let human = printable(human);
            out::tell(&format!(
                "note: --human {human} changes no number here: it goes with --correct"
            ));
        }
    }

    /// Says on standard error which columns were named and change no number: somebody who names a
    /// column of propensities may believe that they weigh.
    pub(crate) fn tell_unused(&self, uses: &Uses<'_>) {
        let numbers = [
            (Role::Engagement, "--engagement", &self.engagement),
            (Role::Propensity, "--propensity", &self.propensity),
            (Role::Satisfaction, "--satisfaction", &self.satisfaction),
        ];
        for (role, flag, column) in numbers {
            if let (Some(column), Some(why)) = (column, uses.without(role)) {
                let column = printable(column);
                out::tell(&format!("note: {flag} {column} changes no number here: {why}"));
            }
        }
        // Baselines made of rows look at viewers, slates and items by their roles.
        let of_arms =
            matches!(uses.baseline, None | Some(Baseline::Arm(_) | Baseline::Reference(_)));
        if let (Some(column), true) = (&self.viewer, of_arms)
            && !uses.is_unit(&ClusterBy::Viewer, column)
        {
            let units: Vec<String> = uses.units.iter().map(|unit| unit.to_string()).collect();
            out::tell(&format!(
                "note: --viewer {} changes no number here: clusters are {}",
                printable(column),
                units.join(" and ")
            ));
        }
    }
}

/// The column that a unit is, if it is one by name.
pub(crate) fn column_of(unit: &ClusterBy) -> Option<&str> {
    match unit {
        ClusterBy::Column(name) => Some(name),
        ClusterBy::Hashed { of, .. } => column_of(of),
        _ => None,
    }
}
