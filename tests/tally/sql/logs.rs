//! Logs that are as awkward as logs are, as rows and as CSV.

use tiltmeter::log::{LogSchema, TimeFormat, TopicColumn, Unlisted};
use tiltmeter::source::CsvSource;
use tiltmeter::tally::{StratifyBy, TallySpec, WindowBy};
use tiltmeter::{Attention, Beyond, ClusterBy, ExposureLog, MultiLabel};

/// A row of a generated log.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) viewer: u16,
    pub(crate) arm: u8,
    pub(crate) stratum: u8,
    pub(crate) position: u16,
    pub(crate) weight: f64,
    /// Seconds since the epoch.
    pub(crate) time: i64,
    /// One bit per topic.
    pub(crate) topics: u8,
}

/// Ids with what trips up SQL: quotes, backslashes, bars, letters of more than a byte.
const ARMS: [&str; 3] = ["ranked", "it's \"new\"", "ouïe\\n"];
const STRATA: [&str; 2] = ["GA|1", "N\\Y"];
/// With spaces around them, one of them not of ASCII; some are the same topic.
const TOPICS: [&str; 5] = ["war", " war", "the people's party\t", "\u{a0}sport\u{3000}", "a\\b"];

pub(crate) fn csv(rows: &[Row]) -> String {
    let mut text = String::from("who,\"the \"\"arm\"\"\",place,rank,dwell,at,day,about,first\n");
    for row in rows {
        let named = TOPICS.iter().enumerate().filter(|(bit, _)| row.topics >> bit & 1 == 1);
        let mut named: Vec<&str> = named.map(|(_, name)| *name).collect();
        let first = named.first().map_or("", |first| first.trim());
        if row.topics & 0x20 != 0 {
            named.push("");
            named.push(" ");
        }
        let arm = ARMS[usize::from(row.arm)].replace('"', "\"\"");
        let stratum = STRATA[usize::from(row.stratum)];
        let day = day(row.time);
        text.push_str(&format!(
            "v{},\"{arm}\",{stratum},{},{:?},{}.25,{day},\"{}\",\"{first}\"\n",
            row.viewer,
            row.position,
            row.weight,
            row.time,
            named.join("|"),
        ));
    }
    text
}

/// A moment as text that every engine reads.
fn day(seconds: i64) -> String {
    let at = jiff::Timestamp::from_second(seconds).unwrap();
    at.strftime("%Y-%m-%d %H:%M:%S.999999").to_string()
}

pub(crate) fn schema() -> LogSchema {
    LogSchema::new()
        .viewer("who")
        .arm("the \"arm\"")
        .stratum("place")
        .position("rank")
        .weight("dwell")
        .time("at", TimeFormat::EpochSeconds)
        .topics(TopicColumn::separated("about", '|'))
        .combined("unit", ["place", "who"])
}

pub(crate) fn log(csv: &str, schema: &LogSchema) -> ExposureLog {
    let bytes = std::io::Cursor::new(csv.as_bytes().to_vec());
    let source = CsvSource::from_reader("generated", bytes, b',').unwrap();
    ExposureLog::read(source, schema).unwrap()
}

/// Rows of a generator that is the same everywhere (Knuth's MMIX).
pub(crate) fn rows(count: usize, viewers: u64) -> Vec<Row> {
    let mut state = 20_241_105_u64;
    let mut next = move |below: u64| {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    };
    let weight = |kind: u64, number: u64| match kind {
        0 => 0.0,
        1 => 8_388_608.0,
        // Halfway between two units, and just below.
        2 => (2 * number + 1) as f64 * 2_f64.powi(-41),
        3 => (0.5 * 2_f64.powi(-40)).next_down(),
        4 => 8_388_608.0_f64.next_down(),
        5 => 4096.0 + (2 * number + 1) as f64 * 2_f64.powi(-40),
        _ => number as f64 / 1_000.0,
    };
    (0..count)
        .map(|_| Row {
            viewer: next(viewers) as u16,
            arm: next(3) as u8,
            stratum: next(2) as u8,
            position: 1 + next(60) as u16,
            weight: weight(next(12), next(100_000)),
            time: next(400 * 86_400) as i64 - 200 * 86_400,
            topics: next(64) as u8,
        })
        .collect()
}

fn specs() -> Vec<TallySpec> {
    let base = TallySpec::default();
    let deep = Attention::Table { values: vec![1.0, 0.3], beyond: Beyond::RepeatLast };
    vec![
        base.clone(),
        TallySpec { multi_label: MultiLabel::Fractional, ..base.clone() },
        TallySpec {
            cluster: ClusterBy::Viewer.hashed(7),
            attentions: vec![Attention::Logarithmic, Attention::Uniform, deep],
            multi_label: MultiLabel::Fractional,
            strata: StratifyBy::Stratum,
            windows: WindowBy::weeks(),
        },
        TallySpec {
            cluster: ClusterBy::column("unit"),
            attentions: vec![Attention::Rbp { persistence: 0.87 }],
            strata: StratifyBy::Column("place".into()),
            ..base.clone()
        },
        TallySpec {
            cluster: ClusterBy::Viewer.hashed(0),
            windows: WindowBy::Every { seconds: 100_000, origin: -7 },
            ..base.clone()
        },
        TallySpec { cluster: ClusterBy::Viewer.hashed(24), ..base },
    ]
}

/// Questions to ask of the log, each with the schema to ask it by.
pub(crate) fn cases() -> Vec<(LogSchema, TallySpec)> {
    let relabel = TopicColumn::separated("about", '|')
        .relabel([("war", "peace"), ("a\\b", "c'd"), ("sport", "")])
        .unlisted(Unlisted::Untag);
    let single = LogSchema::new()
        .viewer("who")
        .arm("place")
        .time("day", TimeFormat::Iso)
        .topics(TopicColumn::single("first"))
        .null("war");
    let daily = TallySpec { windows: WindowBy::days(1), ..TallySpec::default() };
    let untagged = LogSchema::new().viewer("who").arm("place");
    let mut cases: Vec<_> = specs().into_iter().map(|spec| (schema(), spec)).collect();
    cases.push((schema().topics(relabel), specs().swap_remove(2)));
    cases.push((single, daily));
    // Of a list of topics, what means no value is none of them.
    cases.push((schema().null("war"), TallySpec::default()));
    cases.push((untagged, TallySpec::default()));
    cases
}
