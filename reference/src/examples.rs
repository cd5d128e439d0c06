//! The examples, by what they are of: a key of a table, or a word of an option with what it holds. The reference has
//! keys in this order. Words that hold nothing need none.

use toml::{Table, Value};

/// A study that says no more than it must.
const MINIMAL: &str = include_str!("minimal.toml");

pub(crate) fn minimal_text() -> &'static str {
    MINIMAL.trim_end()
}

/// The least that the parts have that a study may be without.
pub(crate) fn minimal_parts() -> Table {
    let parts = ["item_topics", "supply", "candidates"].into_iter();
    parts.filter_map(|part| Some((part.to_owned(), of(&format!("StudyFile.{part}"))?))).collect()
}

pub(crate) fn minimal() -> Table {
    MINIMAL.parse().expect("the minimal study is TOML")
}

/// Each id with a value in TOML.
const EXAMPLES: &[(&str, &str)] = &[
    ("StudyFile.$schema", r#""./study-file.schema.json""#),
    ("StudyFile.title", r#""Does the ranked feed favour politics?""#),
    ("StudyFile.authors", r#"["Ada Byron", "Mary Somerville"]"#),
    ("StudyFile.note", r#""Preregistered on 1 March 2026.""#),
    (
        "StudyFile.log",
        r#"{ path = "week-1.csv", schema = { arm = "feed", topics = { column = "about" } } }"#,
    ),
    ("LogInput.path", r#""logs/*.parquet""#),
    ("LogInput.more", r#"["more/week-9.csv"]"#),
    ("LogInput.skip", r#"["*_old.csv"]"#),
    ("LogInput.schema", r#"{ arm = "feed", viewer = "user_id", topics = { column = "about" } }"#),
    ("LogSchema.arm", r#""experiment_arm""#),
    ("LogSchema.viewer", r#""user_id""#),
    ("LogSchema.item", r#""post_id""#),
    ("LogSchema.topics", r#"{ column = "labels", format = "json_list" }"#),
    ("TopicColumn.column", r#""labels""#),
    ("TopicColumn.format", r#""json_list""#),
    ("TopicFormat.separated", r#""|""#),
    ("TopicColumn.relabel", r#"{ "Pro Democrat" = "Democrat", "Anti Republican" = "Democrat" }"#),
    ("TopicColumn.unlisted", r#""keep""#),
    ("TopicColumn.matches", r#"{ war = '\b(war|krieg)\b' }"#),
    ("LogSchema.position", r#""rank""#),
    ("LogSchema.time", r#"["shown_at", "iso"]"#),
    ("TimeFormat.pattern", r#""%d-%m-%Y""#),
    ("TimeFormat.zone", r#""Europe/Berlin""#),
    ("LogSchema.slate", r#""request_id""#),
    ("LogSchema.session", r#""session_id""#),
    ("LogSchema.stratum", r#""country""#),
    ("LogSchema.columns", r#"["device", "week"]"#),
    ("LogSchema.combined", r#"[{ name = "phone and week", of = ["device", "week"] }]"#),
    ("CombinedColumn.name", r#""phone and week""#),
    ("CombinedColumn.of", r#"["device", "week"]"#),
    ("LogSchema.weight", r#""dwell_seconds""#),
    ("LogSchema.count", r#""impressions""#),
    ("LogSchema.engagement", r#""likes""#),
    ("LogSchema.propensity", r#""probability""#),
    ("LogSchema.satisfaction", r#""stopped""#),
    ("LogSchema.human", r#"{ column = "human_topic" }"#),
    ("LogSchema.inclusion", r#""chance""#),
    ("LogSchema.nulls", r#"["NA", "null"]"#),
    ("LogSchema.join_names", r#"["spaces", "case"]"#),
    ("LogSchema.delimiter", "59"),
    ("LogSchema.encoding", r#""windows-1252""#),
    ("LogSchema.header", r#"["user_id", "feed", "about"]"#),
    ("LogSchema.preamble", "3"),
    ("LogSchema.format", r#""csv""#),
    ("LogSchema.numbers", r#""decimal_comma""#),
    ("LogSchema.first_rank", "0"),
    ("LogSchema.path_columns", r#""data/{country}/*-{feed}.csv""#),
    ("LogSchema.records", r#""results""#),
    ("LogSchema.each", r#""appears""#),
    ("LogSchema.keep", r#"[{ column = "kind", values = ["view"] }]"#),
    ("LogSchema.rows", r#""set_aside""#),
    ("LogInput.keep", r#"[{ column = "country", values = ["DE", "FR"] }]"#),
    ("Keep.column", r#""country""#),
    ("Keep.values", r#"["DE", "FR"]"#),
    ("Keep.is", r#""none_of""#),
    ("LogInput.split_at", r#""2026-03-09""#),
    ("LogInput.join", r#"[{ path = "accounts.csv", on = "user_id" }]"#),
    ("JoinInput.path", r#""accounts.csv""#),
    ("JoinInput.on", r#""user_id""#),
    ("LogInput.rank_by_order", r#""slate""#),
    ("LogInput.sql", r#""SELECT * FROM log JOIN accounts USING (user_id)""#),
    ("LogInput.tables", r#"[{ name = "accounts", path = "accounts.csv" }]"#),
    ("NamedTable.name", r#""accounts""#),
    ("NamedTable.path", r#""accounts.csv""#),
    (
        "StudyFile.item_topics",
        r#"{ path = "items.csv", schema = { item = "post_id", topics = { column = "about" } } }"#,
    ),
    ("ItemTopicsInput.path", r#""items.csv""#),
    ("ItemTopicsInput.schema", r#"{ item = "post_id", topics = { column = "about" } }"#),
    ("ItemTopicsSchema.item", r#""post_id""#),
    ("ItemTopicsSchema.topics", r#"{ column = "about" }"#),
    ("ItemTopicsSchema.repeats", r#""union""#),
    ("ItemTopicsSchema.nulls", r#"["NA"]"#),
    ("ItemTopicsSchema.join_names", r#"["spaces", "case"]"#),
    ("ItemTopicsSchema.rows", r#""set_aside""#),
    (
        "StudyFile.supply",
        r#"{ path = "catalogue.csv", schema = { item = "post_id", topics = { column = "about" } } }"#,
    ),
    ("TableInput.path", r#""catalogue.csv""#),
    ("TableInput.schema", r#"{ item = "post_id", topics = { column = "about" } }"#),
    (
        "StudyFile.candidates",
        r#"{ path = "candidates.csv", schema = { item = "post_id", slate = "request_id", time = ["published", "iso"] }, by = "slate" }"#,
    ),
    ("CandidatesInput.path", r#""candidates.csv""#),
    (
        "CandidatesInput.schema",
        r#"{ item = "post_id", slate = "request_id", time = ["published", "iso"] }"#,
    ),
    ("CandidatesInput.by", r#""slate""#),
    ("CandidateKey.viewer", "{ max_age = 604800000000 }"),
    ("CandidateKey.everyone", "{ max_age = 604800000000 }"),
    (
        "StudyFile.question",
        r#"{ treatment = "ranked", baseline = { arm = "random" }, topics = ["politics"] }"#,
    ),
    ("Question.treatment", r#""algorithmic""#),
    ("Question.baseline", r#"{ arm = "chronological" }"#),
    ("Baseline.arm", r#""chronological""#),
    ("Baseline.supply", r#"{ sampled = { cluster = "item" } }"#),
    ("Supply.sampled", r#"{ cluster = "item" }"#),
    (
        "Baseline.reference",
        r#"{ name = "posts of the week", shares = { politics = { counts = { topic = 200, all = 2000 } } }, bias = { low = 0.8, high = 1.25 } }"#,
    ),
    ("ReferenceShare.known", "0.1"),
    ("ReferenceShare.estimated", "{ share = 0.1, standard_error = 0.02 }"),
    ("ReferenceShare.counts", "{ topic = 200, all = 2000 }"),
    ("Baseline.engagement_weighted", "{ plus = 1.0 }"),
    (
        "Baseline.period",
        "{ cut = 1772323200000000, since = 1769904000000000, resume = 1772928000000000, until = 1775001600000000 }",
    ),
    (
        "Baseline.propensity",
        r#"{ target = { uniform = { items = 80 } }, logged = "random", clip = { at = 20.0 }, floor = { overridden = 50.0 } }"#,
    ),
    ("Target.uniform", "{ items = 80 }"),
    ("Target.table", "{ post_1 = 0.75, post_2 = 0.25 }"),
    ("Target.by_row", "[0.5, 0.25, 0.25]"),
    ("Clip.at", "20.0"),
    ("Floor.at", "50.0"),
    ("Floor.overridden", "50.0"),
    ("Question.topics", r#"["politics", "sport"]"#),
    ("Question.statistics", r#"["amplification_ratio", "difference"]"#),
    ("AnyStatistic.standardised_ratio_declared", "{ north = 3, south = 1 }"),
    ("AnyStatistic.standardised_difference_declared", "{ north = 3, south = 1 }"),
    ("AnyStatistic.topic_contrast", r#"{ topic = "sport", of = "difference" }"#),
    ("AnyStatistic.stratum_contrast", r#"{ stratum = "DE", against = "FR", of = "odds_ratio" }"#),
    ("Question.unit", r#""cluster_mean""#),
    ("Unit.reach", "{ impressions = 3, mass = 30.0 }"),
    ("Question.denominator", r#""tagged_impressions""#),
    ("Question.attention", r#""logarithmic""#),
    ("Attention.rbp", "{ persistence = 0.8 }"),
    ("Attention.geometric", "{ ratio = 0.9 }"),
    ("Attention.top_k", "{ k = 5 }"),
    ("Attention.table", r#"{ values = [1.0, 0.6, 0.3], beyond = "repeat_last" }"#),
    ("Question.multi_label", r#""fractional""#),
    ("Question.cluster", r#"{ column = "household" }"#),
    ("ClusterBy.column", r#""household""#),
    ("ClusterBy.hashed", r#"{ of = "viewer", bits = 10 }"#),
    ("ClusterBy.pair", r#"["viewer", { column = "week" }]"#),
    ("Question.second_cluster", r#"{ column = "week" }"#),
    ("Question.correct", r#""ppi""#),
    ("Question.strata", r#"{ column = "country" }"#),
    ("StratifyBy.column", r#""country""#),
    ("Question.groups", r#"{ columns = ["country"], windows = "week" }"#),
    ("GroupBy.columns", r#"["country", "device"]"#),
    ("GroupBy.windows", r#""week""#),
    ("WindowBy.every", "{ seconds = 3600, origin = 1800 }"),
    ("GroupBy.pairs", r#""all""#),
    (
        "StudyFile.inference",
        r#"{ interval = { jackknife = {} }, test = "share_bounds", multiplicity = "holm" }"#,
    ),
    ("Inference.interval", r#"{ bootstrap = { kind = "bca" } }"#),
    ("Interval.share_bounds", r#"{ level = 0.9, form = "plain" }"#),
    ("Interval.delta", r#"{ level = 0.9, quantile = "normal" }"#),
    (
        "Interval.bootstrap",
        r#"{ level = 0.9, replicates = 9999, seed = 7, kind = "bca", weights = "multinomial" }"#,
    ),
    ("Interval.jackknife", "{ level = 0.9 }"),
    (
        "Interval.wild_bootstrap",
        r#"{ level = 0.9, replicates = 9999, seed = 7, weights = "rademacher" }"#,
    ),
    ("Interval.simultaneous", r#"{ level = 0.9, replicates = 9999, seed = 7, errors = "each" }"#),
    ("Inference.test", "{ permutation = { seed = 7 } }"),
    ("Test.delta", r#"{ quantile = "normal" }"#),
    ("Test.wild_bootstrap", r#"{ replicates = 9999, seed = 7, weights = "rademacher" }"#),
    (
        "Test.permutation",
        r#"{ replicates = 99999, seed = 7, compare = "value", blocks = "strata" }"#,
    ),
    ("Test.cochran_mantel_haenszel", r#"{ errors = "independent", correction = "half" }"#),
    ("Test.equivalence", r#"{ low = 0.9, high = 1.1, quantile = "student_t" }"#),
    ("Inference.multiplicity", r#""holm""#),
    ("Multiplicity.two_stage", "{ level = 0.1 }"),
    ("Multiplicity.romano_wolf", r#"{ replicates = 9999, seed = 7, errors = "each" }"#),
];

/// The example of an id.
pub(crate) fn of(id: &str) -> Option<Value> {
    let (_, text) = EXAMPLES.iter().find(|(its, _)| *its == id)?;
    let table: Table = format!("example = {text}").parse().ok()?;
    table.get("example").cloned()
}

/// All ids that have an example here.
#[cfg(test)]
pub(crate) fn ids() -> impl Iterator<Item = &'static str> {
    EXAMPLES.iter().map(|(id, _)| *id)
}

/// Where an id stands among the examples.
pub(crate) fn place(id: &str) -> usize {
    EXAMPLES.iter().position(|(its, _)| *its == id).unwrap_or(usize::MAX)
}

/// Keys of a table in the order in which an example has all of them, the first of which says what it is.
pub(crate) fn in_order(keys: &mut [&str]) {
    let at = |text: &str, key: &str| {
        let starts = text.match_indices(key).map(|(at, _)| at);
        let is_key = |at: &usize| {
            text[..*at].ends_with([' ', '{']) && text[at + key.len()..].starts_with(" = ")
        };
        starts.into_iter().find(is_key)
    };
    let all_in = |text: &str| keys.iter().map(|key| at(text, key)).collect::<Option<Vec<_>>>();
    let Some(places) = EXAMPLES.iter().find_map(|(_, text)| all_in(text)) else { return };
    let mut placed: Vec<_> = places.into_iter().zip(keys.iter().copied()).collect();
    placed.sort_unstable();
    keys.iter_mut().zip(placed).for_each(|(key, (_, placed))| *key = placed);
}
