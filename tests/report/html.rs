//! The page of a study's findings: its parts against audits and plain loops, its bytes, and what is in them.
//! How it looks is for `tests/html/check.py`, to which the hard case made here is handed.
#![cfg(feature = "plot")]

use std::collections::BTreeMap;
use std::path::Path;

use tiltmeter::findings::{Findings, FindingsRecord, Part};
use tiltmeter::inference::{PerArm, Pilot, SampleSizePlan, ShareBounds, TopicQuestion};
use tiltmeter::log::{LogSchema, TimeFormat, TopicColumn};
use tiltmeter::report::{IntervalRecord, StateRecord};
use tiltmeter::source::SliceSource;
use tiltmeter::statistic::{AmplificationRatio, BaselineShare, TreatmentShare};
use tiltmeter::tally::{Tally, WindowBy};
use tiltmeter::{
    Attention, Audit, Baseline, Denominator, ExposureLog, Interval, NoInterval, Question,
    StudyFile, StudyInputs, StudyLog, Unit, Value,
};

use crate::random::wholes as numbers;

const DAY: i64 = 86_400;
const SCRIPT: &str = "<script>alert(\"1\")</script>";
const LONG: &str =
    "a topic with a name that goes on & on, longer than any figure has room for, <b>bold</b>";
const TREATMENT: &str = "ranked <i> & \"new\"";

/// A row: viewer, arm, rank, day, topics, clicked.
type Row = (usize, &'static str, i64, i64, String, i64);

/// 40 topics with hard names, two of which an arm never shows and one that neither does; a third arm; ranks
/// of which one is missing and some are below 20; a day without the baseline.
fn hard_rows() -> Vec<Row> {
    let mut draw = numbers(3);
    let mut rows = Vec::new();
    for slate in 0..600_usize {
        let viewer = slate % 90;
        let arm = [TREATMENT, "newest", "third"][viewer % 3];
        let day = (slate / 90) as i64;
        if arm == "newest" && day == 2 {
            continue;
        }
        for rank in (1..=23_i64).filter(|rank| *rank != 4) {
            let topic = match (draw(40), arm) {
                (0, _) => SCRIPT.to_owned(),
                (1, _) => LONG.to_owned(),
                (2, TREATMENT) => "only ranked".to_owned(),
                (3, "newest") => "only newest".to_owned(),
                (4, "third") => "neither".to_owned(),
                (5, _) => String::new(),
                (6, _) => format!("{SCRIPT}|topic 07"),
                (n, TREATMENT) if n > 30 => "topic 08".to_owned(),
                (n, _) => format!("topic {n:02}"),
            };
            let clicked = i64::from(draw(9) == 0);
            rows.push((viewer, arm, rank, 19_000 + day, topic, clicked));
        }
    }
    rows
}

fn log_of(rows: &[Row]) -> ExposureLog {
    let viewers: Vec<i64> = rows.iter().map(|row| row.0 as i64).collect();
    let arms: Vec<&str> = rows.iter().map(|row| row.1).collect();
    let ranks: Vec<i64> = rows.iter().map(|row| row.2).collect();
    let times: Vec<i64> = rows.iter().map(|row| row.3 * DAY + row.2).collect();
    let topics: Vec<&str> = rows.iter().map(|row| &*row.4).collect();
    let clicks: Vec<i64> = rows.iter().map(|row| row.5).collect();
    let source = SliceSource::new("hard <log>.csv")
        .integer("viewer", &viewers)
        .text("arm", &arms)
        .integer("rank", &ranks)
        .integer("time", &times)
        .text("topics", &topics)
        .integer("click", &clicks);
    let schema = LogSchema::new()
        .viewer("viewer")
        .arm("arm")
        .position("rank")
        .time("time", TimeFormat::EpochSeconds)
        .topics(TopicColumn::separated("topics", '|'))
        .engagement("click");
    ExposureLog::read(source, &schema).unwrap()
}

fn inputs(log: ExposureLog) -> StudyInputs {
    StudyInputs {
        log: StudyLog::Whole(Box::new(log)),
        origin: None,
        candidates: None,
        supply: None,
    }
}

fn hard_study() -> StudyFile {
    let study = serde_json::json!({
        "title": "A hard case </title><script>",
        "note": "Notes are escaped & too: <img/onerror=x>",
        "log": {"path": "hard.csv", "schema": {"viewer": "viewer", "arm": "arm"}},
        "question": {
            "treatment": TREATMENT,
            "baseline": {"arm": "newest"},
            "attention": "logarithmic",
            "statistics": ["amplification_ratio", "difference", "treatment_share"],
        },
        "inference": {"interval": {"delta": {"level": 0.9, "quantile": "student_t"}}},
    });
    serde_json::from_value(study).unwrap()
}

fn hard() -> (ExposureLog, StudyFile, Findings) {
    let (log, study) = (log_of(&hard_rows()), hard_study());
    let findings = Findings::of(&inputs(log.clone()), &study).unwrap();
    (log, study, findings)
}

/// A small log with nothing but who, which arm and what about.
fn bare() -> (StudyFile, Findings) {
    let folder = tempfile::tempdir().unwrap();
    let log = "who,feed,about\na,ranked,war\nb,ranked,war\nc,newest,war\nd,newest,sport\n";
    std::fs::write(folder.path().join("log.csv"), log).unwrap();
    let study = serde_json::json!({
        "log": {"path": "log.csv",
                "schema": {"viewer": "who", "arm": "feed", "topics": {"column": "about"}}},
        "question": {"treatment": "ranked", "baseline": {"arm": "newest"}},
    });
    let study: StudyFile = serde_json::from_value(study).unwrap();
    let findings = Findings::of(&study.read(folder.path()).unwrap(), &study).unwrap();
    (study, findings)
}

/// The names of the elements, in order, if each that begins ends where it should.
fn elements(text: &str) -> Vec<String> {
    const VOID: [&str; 3] = ["meta", "br", "img"];
    let (mut open, mut all): (Vec<String>, Vec<String>) = (Vec::new(), Vec::new());
    let mut rest = text.strip_prefix("<!DOCTYPE html>").unwrap_or(text);
    while let Some(at) = rest.find('<') {
        let words = &rest[..at];
        let is_style = open.last().is_some_and(|name| name == "style");
        assert!(is_style || !words.contains('>'), "a bare > in {words:?}");
        for (amp, _) in words.match_indices('&').filter(|_| !is_style) {
            let entity = words[amp..].split(';').next().unwrap();
            assert!(["&lt", "&gt", "&amp", "&quot", "&apos"].contains(&entity), "{entity:?}");
        }
        rest = &rest[at + 1..];
        let end = tag_end(rest);
        let (tag, after) = (&rest[..end], &rest[end + 1..]);
        rest = after;
        if let Some(name) = tag.strip_prefix('/') {
            let last = open.pop();
            assert_eq!(last.as_deref(), Some(name), "before {:?}", rest.get(..60));
            continue;
        }
        let name = tag.split([' ', '/', '\n']).next().unwrap().to_owned();
        let attributes = &tag[name.len()..];
        assert_eq!(attributes.matches('"').count() % 2, 0, "{tag}");
        assert!(name.chars().all(|c| c.is_ascii_alphanumeric()), "<{tag}>");
        if !tag.ends_with('/') && !VOID.contains(&&*name) {
            open.push(name.clone());
        }
        all.push(name);
    }
    assert!(open.is_empty(), "never closed: {open:?}");
    all
}

/// Where a tag ends: at the first > that is not in quotes.
fn tag_end(text: &str) -> usize {
    let mut quoted = false;
    for (at, c) in text.char_indices() {
        match c {
            '"' => quoted = !quoted,
            '>' if !quoted => return at,
            _ => {}
        }
    }
    panic!("a tag without an end: {:?}", text.get(..60));
}

/// The text of a piece of the page: names are elements of their own.
fn plain(text: &str) -> String {
    let text = text.replace("<bdi>", "").replace("</bdi>", "");
    text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&")
}

/// What stands between two texts.
fn between<'t>(text: &'t str, from: &str, to: &str) -> &'t str {
    let at = text.find(from).unwrap_or_else(|| panic!("no {from}")) + from.len();
    &text[at..at + text[at..].find(to).unwrap()]
}

/// The rows of a figure's table: in each cell the exact number, else the words.
fn table_of(html: &str, figure: &str) -> Vec<Vec<String>> {
    let figure = between(html, &format!("<figure id=\"figure-{figure}\""), "</figure>");
    let body = between(figure, "<tbody>\n", "</tbody>");
    let cell = |cell: &str| match cell.split_once("<data value=\"") {
        Some((_, rest)) => rest.split('"').next().unwrap().to_owned(),
        None => plain(between(cell, ">", "</t")),
    };
    let row = |row: &str| -> Vec<String> {
        row.split("<t").filter(|part| part.starts_with(['h', 'd'])).map(cell).collect()
    };
    body.split("<tr>").skip(1).map(row).collect()
}

#[test]
fn pages_are_well_formed_and_escape_what_comes_from_logs() {
    let (_, _, findings) = hard();
    let html = findings.to_html().unwrap();
    // For tests/html/check.py.
    let place = Path::new(env!("CARGO_TARGET_TMPDIR")).join("hard.html");
    std::fs::write(place, &html).unwrap();
    let names = elements(&html);
    for forbidden in ["script", "i", "b", "img", "link", "iframe", "object", "base"] {
        assert!(!names.iter().any(|name| name == forbidden), "<{forbidden}>");
    }
    assert!(html.contains("&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;"));
    // A long name is in a figure in full, in lines of 27 characters that break between words.
    for line in
        ["a topic with a name that", "goes on & on, longer than", "any figure has room for,"]
    {
        assert!(html.contains(&format!(">{}</text>", line.replace('&', "&amp;"))), "{line}");
    }
    elements(&bare().1.to_html().unwrap());
}

#[test]
fn sections_are_there_or_say_why_not() {
    let (_, _, findings) = hard();
    let html = findings.to_html().unwrap();
    let sections = [
        "finding",
        "topics",
        "naive",
        "over-time",
        "positions",
        "sensitivity",
        "waterfall",
        "power",
        "quality",
        "methods",
        "study",
    ];
    for id in sections {
        assert!(html.contains(&format!("<section id=\"{id}\"")), "{id}");
        assert!(html.contains(&format!("<a href=\"#{id}\">")), "{id}");
    }
    assert!(!html.contains("class=\"missing\""), "{:?}", findings.waterfall().reason());
    assert!(!html.contains("(not here)"));

    let (study, findings) = bare();
    let html = findings.to_html().unwrap();
    let reasons = [
        ("over-time", findings.over_time().reason(), "no times"),
        ("positions", findings.positions().reason(), "no positions"),
        ("waterfall", findings.waterfall().reason(), "engagement"),
    ];
    for (id, reason, word) in reasons {
        let reason = reason.unwrap();
        assert!(reason.contains(word), "{reason}");
        let section = between(&html, &format!("<section id=\"{id}\""), "</section>");
        assert!(plain(section).contains(&format!("Not here: {reason}.")), "{section}");
        let link = between(&html, &format!("<a href=\"#{id}\">"), "</li>");
        assert!(link.ends_with("</a> (not here)"), "{link}");
    }
    assert!(findings.sensitivity().there().is_some() && findings.quality().there().is_some());
    // The study is there to the letter.
    assert_eq!(plain(between(&html, "<pre tabindex=\"0\">", "</pre>")), study.to_json().unwrap());
}

/// Values that are no ordinary numbers are said in words, and warnings too.
#[test]
fn limits_are_said_in_words() {
    let (_, _, findings) = hard();
    let html = plain(&findings.to_html().unwrap());
    let words = [
        "Amplification ratio: the baseline showed nothing of it and the treatment did, so the value is infinite; the \
         end of its interval is in the table (\"only ranked\", \"topic 03\").",
        "Amplification ratio: the treatment showed nothing of it, and the value is zero",
        "No stage has ",
        "Amplification ratio: there is no value: ",
        "The baseline is arm \"newest\".",
        "is taken to be the viewer: 30 in the treatment, 30 in the baseline, nested in the arms",
        "The topic's share in the baseline is zero (",
        "showed nothing at rank 4.",
        " impressions below rank 20, which are not shown here.",
    ];
    for words in words {
        assert!(html.contains(words), "{words}");
    }
    // Of more topics than five the names are folded.
    let folded =
        html.split("<details>\n<summary>").skip(1).map(|part| part.split("</summary>").next());
    let folded: Vec<&str> = folded.flatten().filter(|its| its.ends_with(" topics).")).collect();
    let zero = "The topic's share in the treatment is zero (12 topics).";
    assert!(folded.contains(&zero), "{folded:?}");
    for (warning, _) in findings.report().warnings() {
        assert!(html.contains(&warning.to_string()[1..]), "{warning}");
    }
}

#[test]
fn tables_show_the_numbers_of_the_json() {
    let (_, _, findings) = hard();
    let html = findings.to_html().unwrap();
    let record = FindingsRecord::from_json(&findings.to_json().unwrap()).unwrap();
    let number = |cell: &str| cell.parse::<f64>().ok();
    for statistic in ["amplification_ratio", "difference", "treatment_share"] {
        let rows = table_of(&html, &format!("forest-{statistic}"));
        let its: Vec<_> =
            record.report.estimates.iter().filter(|its| its.statistic == statistic).collect();
        assert_eq!((rows.len(), its.len()), (41, 41));
        // The greatest value first: as the scale has it, and what is no number at the end.
        let values: Vec<f64> = rows.iter().filter_map(|row| number(&row[1])).collect();
        assert!(values.is_sorted_by(|a, b| a >= b), "{values:?}");
        for row in &rows {
            let its = its.iter().find(|its| its.topic == row[0]).unwrap();
            assert_eq!(number(&row[1]), its.value, "{row:?}");
            assert_eq!((number(&row[2]), number(&row[3])), (its.low, its.high), "{row:?}");
            assert_eq!(
                (number(&row[4]), number(&row[5])),
                (its.share_treatment, its.share_baseline)
            );
            assert_eq!(row[6], its.clusters_treatment.to_string());
            assert_eq!(row[7], its.clusters_baseline.to_string());
            assert_eq!(
                row[1].starts_with("undefined: "),
                its.state == Some(StateRecord::Undefined)
            );
            assert_eq!(row[1] == "infinite", its.state == Some(StateRecord::Infinite));
            assert_eq!(row[2].starts_with("no interval: "), its.interval == IntervalRecord::None);
        }
    }
    let ratios =
        record.report.estimates.iter().filter(|its| its.statistic == "amplification_ratio");
    let ratios: Vec<_> = ratios.collect();
    for row in &table_of(&html, "naive") {
        let its = ratios.iter().find(|its| its.topic == row[0]).unwrap();
        assert_eq!((number(&row[4]), number(&row[5])), (its.naive_low, its.naive_high));
        assert_eq!(number(&row[6]), its.design_effect);
    }
    let power = record.power.there().unwrap();
    for row in &table_of(&html, "power") {
        let its = power.topics.iter().find(|its| its.topic == row[0]).unwrap();
        assert_eq!((&row[0], number(&row[2]), number(&row[3])), (&its.topic, its.above, its.below));
    }
}

/// Tables of shares have those of the JSON for the topics that are drawn, a row for both arms.
#[test]
fn tables_of_shares_show_the_shares_of_the_json() {
    let (_, _, findings) = hard();
    let html = findings.to_html().unwrap();
    let record = FindingsRecord::from_json(&findings.to_json().unwrap()).unwrap();
    let number = |cell: &str| cell.parse::<f64>().ok();
    let over = record.over_time.there().unwrap();
    let rows = table_of(&html, "over-time");
    // Of 16 of 41 topics there are panels, and so their numbers, a row for both arms.
    assert_eq!(rows.len() * 41 * 2, over.shares.len() * 16);
    for row in &rows {
        let start = over.shares.iter().find(|its| date_of(its.start) == row[1]).unwrap().start;
        for (arm, at) in over.arms.iter().zip([2, 5]) {
            let is_it = |its: &&tiltmeter::findings::ShareInWindow| {
                its.start == start && its.arm == *arm && its.topic == row[0]
            };
            let its = over.shares.iter().find(is_it).unwrap();
            assert_eq!([0, 1, 2].map(|end| number(&row[at + end])), [its.share, its.low, its.high]);
        }
    }
    let profile = record.positions.there().unwrap();
    let rows = table_of(&html, "positions");
    assert_eq!(rows.len(), (16 + 1) * 20);
    for row in &rows[..16 * 20] {
        for (arm, at) in profile.arms.iter().zip([2, 5]) {
            let here = |its: &&tiltmeter::findings::AtRank| {
                its.arm == *arm && format!("rank {}", its.rank) == row[1]
            };
            let here = profile.ranks.iter().find(here).unwrap();
            let its = here.topics.iter().find(|its| its.topic == row[0]).unwrap();
            assert_eq!([0, 1, 2].map(|end| number(&row[at + end])), [its.share, its.low, its.high]);
        }
    }
}

/// The day of a moment in the first days of the log: 19,000 days after 1970-01-01 it was 2022-01-08.
fn date_of(microseconds: i64) -> String {
    format!("2022-01-{:02}", microseconds / (DAY * 1_000_000) - 19_000 + 8)
}

/// The same rows in another order are the same log, and give the same bytes; the JSON reads back.
#[test]
fn bytes_are_a_function_of_the_study_and_its_log() {
    let (_, study, findings) = hard();
    let mut rows = hard_rows();
    rows.reverse();
    let again = Findings::of(&inputs(log_of(&rows)), &study).unwrap();
    assert!(findings.to_html().unwrap() == again.to_html().unwrap());
    let json = findings.to_json().unwrap();
    assert!(json == again.to_json().unwrap());
    let record = FindingsRecord::from_json(&json).unwrap();
    assert_eq!(record, FindingsRecord::from(&findings));
    assert_eq!(record.study, study);
    assert!(FindingsRecord::from_json(&json.replace("tiltmeter.findings", "other")).is_err());
}

#[test]
fn figures_stand_alone_and_have_names() {
    let (_, _, findings) = hard();
    let figures = findings.figures().unwrap();
    let names: Vec<&str> = figures.iter().map(|figure| &*figure.name).collect();
    let mut once = names.clone();
    once.sort_unstable();
    once.dedup();
    assert_eq!(once.len(), names.len());
    let forest = ["forest-amplification_ratio", "forest-difference", "forest-treatment_share"];
    for name in forest.into_iter().chain(["naive", "over-time", "positions", "power"]) {
        assert!(names.contains(&name), "{name}");
    }
    // Six topics have a curve and a waterfall, and the page says of how many.
    assert_eq!(names.len(), 7 + 6 + 6);
    let html = findings.to_html().unwrap();
    assert!(html.contains(
        "A specification curve is drawn of 6 of 41 topics, of which the audit says most."
    ));
    // One of each is open, and the study's own row is marked on it.
    assert_eq!(html.matches("<details class=\"more\">").count(), 5 + 5);
    let first = figures.iter().find(|figure| figure.name == "specification-1").unwrap();
    assert!(first.svg.contains("As it was asked it is row "), "{}", first.svg);
    for figure in &figures {
        assert_eq!(elements(&figure.svg)[..3], ["svg", "title", "desc"].map(str::to_owned));
        let opening = &figure.svg[..tag_end(&figure.svg)];
        assert!(opening.contains("role=\"img\" aria-label=\"") && opening.contains("xmlns="));
        assert!(!figure.svg.contains("var(") && figure.svg.contains("fill=\"#FFFFFF\""));
        assert!(!figure.title.is_empty() && !figure.description.is_empty());
        // Alternative text has numbers, and all numbers are in the table.
        assert!(figure.description.contains(|c: char| c.is_ascii_digit()), "{}", figure.name);
        assert!(figure.description.len() < 1500, "{}", figure.description);
        assert!(!figure.numbers.rows.is_empty(), "{}", figure.name);
        let good = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_".contains(c);
        assert!(figure.name.chars().all(good), "{}", figure.name);
        assert!(html.contains(&figure.svg), "{}", figure.name);
    }
    // A colour that the page does not know would not follow dark mode.
    let style = between(&html, "<style>", "</style>");
    for (at, _) in html.match_indices("=\"#") {
        let colour = &html[at + 2..at + 9];
        let is_colour = html[..at].ends_with("fill") || html[..at].ends_with("stroke");
        assert!(!is_colour || style.contains(colour), "{colour}");
    }
}

/// Nothing is fetched; links lead to sections and to sources, and a source is one that the documentation
/// of the library names.
#[test]
fn nothing_is_fetched_and_sources_are_those_of_the_documentation() {
    let html = hard().2.to_html().unwrap();
    for word in [" src=", "url(", "@import", "<link", "javascript:"] {
        assert!(!html.contains(word), "{word}");
    }
    let documented = documented();
    let mut sources = 0;
    for part in html.split("href=\"").skip(1) {
        let link = part.split('"').next().unwrap();
        if link.starts_with('#') {
            continue;
        }
        let (doi, arxiv) = (link.strip_prefix("https://doi.org/"), "https://arxiv.org/abs/");
        let place = doi.or(link.strip_prefix(arxiv)).unwrap_or_else(|| panic!("{link}"));
        assert!(documented.contains(place), "{place}");
        sources += 1;
    }
    assert!(sources >= 3, "{sources}");
    // The others, which this study does not use.
    let methods = std::fs::read_to_string("src/report/html/methods.rs").unwrap();
    let mut named = 0;
    for part in methods.split("\"10.").skip(1) {
        let doi = format!("10.{}", part.split('"').next().unwrap());
        assert!(documented.contains(&doi), "{doi}");
        named += 1;
    }
    assert!(named > 10);
}

/// All text of the library and its documents but the page's own.
fn documented() -> String {
    let mut folders = vec!["src".into(), "docs".into()];
    let mut text = String::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir::<std::path::PathBuf>(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() && !path.ends_with("report/html") {
                folders.push(path);
            } else if path.extension().is_some_and(|its| its == "rs" || its == "md") {
                text.push_str(&std::fs::read_to_string(path).unwrap());
            }
        }
    }
    text
}

/// A share in a window is what an audit of that day's impressions alone says, to the last bit.
#[test]
fn shares_over_time_are_audits_of_each_day() {
    let (log, study, findings) = hard();
    let over = findings.over_time().there().unwrap();
    assert_eq!((over.windows, over.level), (WindowBy::days(1), 0.9));
    let times = log.times().unwrap().to_vec();
    let mut days: Vec<i64> = times.iter().map(|time| time / (DAY * 1_000_000)).collect();
    days.sort_unstable();
    days.dedup();
    let (mut shares, mut nobody) = (over.shares.iter(), 0);
    let interval = Interval::ShareBounds(ShareBounds { level: 0.9, ..ShareBounds::default() });
    for day in days {
        let day_only =
            log.filter("some rows", |row| times[row] / (DAY * 1_000_000) == day).unwrap();
        // On a day without the baseline any other arm is there to be compared with.
        let without = day == 19_002;
        let shown: Vec<String> =
            day_only.topics().unwrap().labels().iter().map(str::to_owned).collect();
        let report = Audit::of(
            &day_only,
            &Question::between(TREATMENT, Baseline::arm(if without { "third" } else { "newest" }))
                .attention(study.question.attention.clone().unwrap_or_default())
                .topics(&shown)
                .statistic(TreatmentShare)
                .statistic(BaselineShare),
        )
        .interval(interval)
        .run()
        .unwrap();
        for (side, arm) in [TREATMENT, "newest"].into_iter().enumerate() {
            for at in 0..41 {
                let its = shares.next().unwrap();
                assert_eq!((its.start, &*its.arm), (day * DAY * 1_000_000, arm));
                assert_eq!(its.topic, findings.topics()[at]);
                if without && side == 1 {
                    assert_eq!((its.share, its.impressions, its.clusters), (None, 0, 0));
                    assert_eq!(its.no_interval, Some(NoInterval::UndefinedValue));
                    continue;
                }
                // A topic that nobody was shown that day cannot be asked for; its share is zero.
                let Some(place) = shown.iter().position(|topic| *topic == its.topic) else {
                    assert_eq!((its.share, its.topic_impressions), (Some(0.0), 0));
                    // Zero has an upper bound, as the clusters that were there have it.
                    assert!(
                        its.low.is_none() && its.high.is_some_and(|high| high > 0.0 && high < 1.0)
                    );
                    assert_eq!(its.no_interval, None);
                    nobody += 1;
                    continue;
                };
                let estimate = &report.estimates()[shown.len() * side + place];
                assert_eq!(its.share, estimate.value.number());
                let interval = estimate.interval.ok();
                assert_eq!(its.low, interval.and_then(|its| its.low));
                assert_eq!(its.high, interval.and_then(|its| its.high));
                assert_eq!(its.no_interval, estimate.interval.err());
                let (totals, clusters) = match side {
                    0 => (estimate.treatment, estimate.clusters.treatment),
                    _ => (estimate.baseline, estimate.clusters.baseline),
                };
                assert_eq!((its.impressions, its.clusters), (totals.impressions, clusters));
            }
        }
    }
    assert!(shares.next().is_none() && nobody > 0);
}

/// Windows are as short as leaves each arm 20 clusters in each, by a count over the rows.
#[test]
fn windows_are_as_long_as_clusters_are_rare() {
    // On each day so many viewers of each arm, others every day.
    let days_of = |days: i64, a_day: usize| -> Vec<Row> {
        let row = |(day, viewer): (i64, usize)| {
            let arm = [TREATMENT, "newest"][viewer % 2];
            (day as usize * 100 + viewer, arm, 1, 19_000 + day, "war".to_owned(), 0)
        };
        let all = (0..days).flat_map(|day| (0..2 * a_day).map(move |viewer| (day, viewer)));
        all.map(row).collect()
    };
    let every = |days: u32| WindowBy::Every { seconds: days * 86_400, origin: 19_000 * DAY };
    let cases = [
        // Days with enough of them; weeks where there are too many days, or too few viewers on each.
        (31, 20, WindowBy::days(1), 20),
        // The last window has four days.
        (32, 20, every(7), 4 * 20),
        (30, 19, every(7), 2 * 19),
        // Seven days have 14, and so have the last of three weeks.
        (28, 2, every(14), 2 * 14),
        // Never enough, where there are two windows or more: those with the most, and one day by itself.
        (28, 1, every(14), 14),
        (1, 3, WindowBy::days(1), 3),
    ];
    for (days, a_day, expected, fewest) in cases {
        let rows = days_of(days, a_day);
        let findings = Findings::of(&inputs(log_of(&rows)), &hard_study()).unwrap();
        let over = findings.over_time().there().unwrap();
        assert_eq!((over.windows, over.fewest_clusters), (expected, fewest), "{days} {a_day}");
        elements(&findings.to_html().unwrap());
    }
}

/// Above all stands what was found, by decisions that take all topics into account, and of whom.
#[test]
fn the_headline_says_what_was_found() {
    // Each viewer has 10 impressions. Of "war" the treatment shows 6 or 4, the baseline 3 or 1: 5 to 2.
    let mut rows: Vec<Row> = Vec::new();
    for viewer in 0..80_usize {
        let (arm, war) = match viewer % 4 {
            0 => (TREATMENT, 6),
            2 => (TREATMENT, 4),
            1 => ("newest", 3),
            _ => ("newest", 1),
        };
        for rank in 1..=10_i64 {
            let topic = if rank <= war { "war" } else { "sport" };
            rows.push((viewer, arm, rank, 19_000 + rank, topic.to_owned(), 0));
        }
    }
    let mut study = hard_study();
    study.title = None;
    study.question.attention = None;
    study.question.statistics.clear();
    study.inference = serde_json::from_value(serde_json::json!({})).unwrap();
    let findings = Findings::of(&inputs(log_of(&rows)), &study).unwrap();
    let html = findings.to_html().unwrap();
    let war = findings.report().get("war").unwrap();
    assert_eq!(war.value(), Some(2.5));
    let lead = plain(between(&html, "<p class=\"lead\">", "</p>"));
    let ends = [war.low(), war.high()].map(|end| format!("{:.2}", end.unwrap()));
    let arm = format!("{TREATMENT:?}");
    let told = format!(
        "Arm {arm} showed \"war\" 2.5 times as often as arm \"newest\" did, 95% CI {} to {}. It showed \"sport\" \
         0.625 times as often as arm \"newest\" did, 95% CI ",
        ends[0], ends[1]
    );
    assert!(lead.starts_with(&told), "{lead}");
    let facts = plain(between(&html, "<dl class=\"facts\">", "</dl>"));
    for fact in [
        "<dt>Independent clusters</dt><dd>viewer: 40 in the treatment, 40 in the baseline, nested in the arms</dd>",
        "<dt>Impressions compared</dt><dd>400 with 400</dd>",
        // Days 19,001 to 19,010 after 1970-01-01.
        "<dt>Days</dt><dd>2022-01-09 to 2022-01-18 (UTC)</dd>",
        "<dt>Weight of an impression</dt><dd>1, attention uniform, pooled over clusters</dd>",
        "<dt>Rows</dt><dd>all, without a filter</dd>",
        "<dt>Strata</dt><dd>none</dd>",
    ] {
        assert!(facts.contains(fact), "{fact} in {facts}");
    }
}

/// A topic that by itself would be found, and not among all, is in no headline.
#[test]
fn what_is_not_decided_among_all_is_no_headline() {
    let (_, study, findings) = hard();
    let html = findings.to_html().unwrap();
    let lead = plain(between(&html, "<p class=\"lead\">", "</p>"));
    let estimates = findings.report().estimates();
    let ratios = estimates.iter().filter(|its| its.estimand.statistic == "amplification_ratio");
    let (mut told, mut alone) = (0, 0);
    for its in ratios {
        let finding = its.finding.unwrap();
        let is_told = lead.contains(&format!("{:?}", its.estimand.topic));
        assert!(!is_told || finding.among_all.is_clear(), "{lead}");
        told += usize::from(is_told);
        alone += usize::from(finding.alone.is_clear() && !finding.among_all.is_clear());
    }
    assert!(told > 0 && alone > 0, "{told} {alone} {lead}");
    assert!(lead.starts_with(&format!("Arm {:?} ", study.question.treatment)));
}

/// No sentence stands twice where readers see it.
#[test]
fn nothing_is_said_twice() {
    let (_, _, findings) = hard();
    let html = findings.to_html().unwrap();
    // A picture has what it takes to stand alone, as often as there are pictures of a kind; the study is data.
    let mut seen = html[html.find("<main>").unwrap()..].to_owned();
    for (from, to) in [("<svg", "</svg>"), ("<pre", "</pre>"), ("<table", "</table>")] {
        while let Some(at) = seen.find(from) {
            let end = at + seen[at..].find(to).unwrap() + to.len();
            seen.replace_range(at..end, "");
        }
    }
    let mut sentences: BTreeMap<String, usize> = BTreeMap::new();
    for tag in ["<p>", "<p class=\"lead\">", "<li>", "<summary>", "<figcaption", "<dd>"] {
        for part in seen.split(tag).skip(1) {
            let text =
                plain(&part[..part.find("</p>").or(part.find("</li>")).unwrap_or(part.len())]);
            let text = text.split("</").next().unwrap_or("");
            for sentence in text.split_inclusive(". ").map(str::trim).filter(|its| its.len() > 25) {
                *sentences.entry(sentence.to_owned()).or_default() += 1;
            }
        }
    }
    let twice: Vec<_> = sentences.iter().filter(|(_, times)| **times > 1).collect();
    assert!(twice.is_empty(), "{twice:#?}");
    assert!(sentences.len() > 40, "{}", sentences.len());
    // Nor does a caption say what is drawn in its picture.
    for figure in findings.figures().unwrap() {
        let caption = between(&html, &format!("id=\"caption-{}\">", figure.name), "</figcaption>");
        assert!(caption.starts_with("Figure ") && caption.len() < 12, "{caption}");
    }
}

/// A share alone is against nothing, and its page does not speak of it as if that were a baseline.
#[test]
fn a_share_alone_has_no_baseline() {
    let study = serde_json::json!({
        "log": {"path": "hard.csv", "schema": {"viewer": "viewer", "arm": "arm"}},
        "question": {"treatment": TREATMENT, "baseline": "nothing", "statistics": ["treatment_share"]},
    });
    let study: StudyFile = serde_json::from_value(study).unwrap();
    let findings = Findings::of(&inputs(log_of(&hard_rows())), &study).unwrap();
    let text = plain(&findings.to_html().unwrap());
    for riddle in ["against nothing", "with nothing", "baseline is nothing", "Amplification was"] {
        assert!(!text.contains(riddle), "{riddle}");
    }
    assert!(text.contains("Shares of one arm say nothing of amplification"));
}

/// A page grows by a row for each topic, and has no more pictures: 26 topics with all parts are below a megabyte.
#[test]
fn pages_are_small() {
    let page = |topics: usize| {
        let mut draw = numbers(11);
        let mut rows = Vec::new();
        for viewer in 0..400_usize {
            let arm = [TREATMENT, "newest"][viewer % 2];
            for rank in 1..=20_i64 {
                let day = 19_000 + (viewer as i64 * 7 + rank) % 120;
                let topic = format!("{LONG} {}", draw(topics));
                rows.push((viewer, arm, rank, day, topic, i64::from(draw(9) == 0)));
            }
        }
        let mut study = hard_study();
        study.question.statistics.clear();
        Findings::of(&inputs(log_of(&rows)), &study).unwrap().to_html().unwrap().len()
    };
    let (few, many) = (page(26), page(104));
    assert!(few < 1_000_000, "{few}");
    // Ten kilobytes for a topic with so long a name, of which it is shown half a dozen times.
    assert!(many - few < 78 * 10_000, "{few} {many}");
}

/// Ranks against a loop over the rows, and against audits of each rank's rows.
#[test]
fn the_profile_of_ranks_is_audits_of_each_rank() {
    let rows = hard_rows();
    let (_, _, findings) = hard();
    let profile = findings.positions().there().unwrap();
    let mut counts: BTreeMap<(&str, i64, &str), u64> = BTreeMap::new();
    let mut all: BTreeMap<(&str, i64), u64> = BTreeMap::new();
    let mut beyond: BTreeMap<&str, u64> = BTreeMap::new();
    for (_, arm, rank, _, topics, _) in &rows {
        *all.entry((arm, *rank)).or_default() += 1;
        *beyond.entry(arm).or_default() += u64::from(*rank > 20);
        for topic in topics.split('|') {
            *counts.entry((arm, *rank, topic)).or_default() += 1;
        }
    }
    assert_eq!(profile.ranks.len(), 2 * 20);
    for at in &profile.ranks {
        let rank = i64::from(at.rank);
        let impressions = all.get(&(&at.arm, rank)).copied().unwrap_or(0);
        assert_eq!(at.impressions, impressions);
        assert_eq!(at.topics.len(), 41);
        for its in &at.topics {
            let expected = counts.get(&(&*at.arm, rank, &*its.topic)).copied().unwrap_or(0);
            assert_eq!(its.impressions, expected, "{its:?}");
            // On the way there is a logarithm of odds.
            let share = (impressions > 0).then(|| expected as f64 / impressions as f64);
            let apart = its.share.zip(share).map_or(0.0, |(its, share)| (its - share).abs());
            assert!(its.share.is_some() == share.is_some() && apart < 1e-12, "{its:?}");
        }
    }
    let (log, study, _) = hard();
    let positions = log.positions().unwrap().to_vec();
    for rank in [1, 7, 20] {
        let rank_only = log.filter("a rank", |row| positions[row] == rank).unwrap();
        let question = Question::between(TREATMENT, "newest").statistic(TreatmentShare);
        let level = study.inference.interval.level();
        let interval = Interval::ShareBounds(ShareBounds { level, ..ShareBounds::default() });
        let report = Audit::of(&rank_only, &question).interval(interval).run().unwrap();
        let at = profile.ranks.iter().find(|at| at.arm == TREATMENT && at.rank == rank).unwrap();
        for its in report.estimates() {
            let here = at.topics.iter().find(|at| at.topic == its.estimand.topic).unwrap();
            assert_eq!((here.share, here.low), (its.value.number(), its.low()));
            assert_eq!((here.high, at.clusters), (its.high(), its.clusters.treatment));
        }
    }
    let missing: Vec<(&str, u32)> =
        profile.missing.iter().map(|its| (&*its.arm, its.rank)).collect();
    assert_eq!(missing, [(TREATMENT, 4), ("newest", 4)]);
    for its in &profile.beyond {
        assert_eq!(its.impressions, beyond[&*its.arm]);
    }
}

/// What could have been seen is what a pilot of the same tally says of as many clusters.
#[test]
fn power_is_that_of_the_pilot() {
    let (log, study, findings) = hard();
    let power = findings.power().there().unwrap();
    assert_eq!((power.level, power.power), (0.9, 0.8));
    let tally = Tally::of(&log, &study.tally_spec()).unwrap();
    let baseline = Baseline::arm("newest");
    for its in &power.topics {
        let question = TopicQuestion {
            topic: &its.topic,
            treatment: TREATMENT,
            baseline: &baseline,
            unit: Unit::Pooled,
            denominator: Denominator::AllImpressions,
            attention: study.question.attention.as_ref().unwrap_or(&Attention::Uniform),
            correction: None,
        };
        let Ok(pilot) = Pilot::of(&tally, &question, &AmplificationRatio) else {
            assert!(its.above.is_none() && its.reason.is_some());
            // An arm shows nothing of it.
            let estimate = findings.report().estimate(&AmplificationRatio, &its.topic).unwrap();
            assert!(!matches!(estimate.value, Value::Estimated(_)), "{its:?}");
            continue;
        };
        let design = SampleSizePlan { level: 0.9, ..SampleSizePlan::of(PerArm::equal(30)) };
        let smallest = pilot.minimum_detectable(&design).unwrap();
        assert_eq!((its.above, its.below), (Some(smallest.above), Some(smallest.below)));
        assert_eq!((its.clusters, its.reason.as_deref()), (Some([30, 30]), None));
        // As many clusters as the log has: the audit's own standard error.
        let estimate = findings.report().estimate(&AmplificationRatio, &its.topic).unwrap();
        let own = estimate.standard_error.unwrap();
        assert!((its.standard_error.unwrap() / own - 1.0).abs() < 1e-12);
    }
}

/// Of several files only sums are kept: the audit and its power are there, the rest says why not.
#[test]
fn several_files_have_an_audit_and_reasons() {
    let folder = tempfile::tempdir().unwrap();
    for (name, arm) in [("a.csv", "ranked"), ("b.csv", "newest")] {
        let mut text = "who,feed,about\n".to_owned();
        for row in 0..40 {
            let about = if (row * 7 + arm.len()) % 3 == 0 { "war" } else { "sport" };
            text.push_str(&format!("{arm}{},{arm},{about}\n", row % 12));
        }
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    let study = serde_json::json!({
        "log": {"path": "*.csv",
                "schema": {"viewer": "who", "arm": "feed", "topics": {"column": "about"}}},
        "question": {"treatment": "ranked", "baseline": {"arm": "newest"}},
    });
    let study: StudyFile = serde_json::from_value(study).unwrap();
    let findings = Findings::of(&study.read(folder.path()).unwrap(), &study).unwrap();
    assert_eq!(findings.report().estimates().len(), 2);
    assert!(findings.power().there().is_some());
    let reasons = [findings.over_time().reason(), findings.positions().reason()];
    assert!(reasons.iter().all(|reason| reason.unwrap().contains("several files")));
    assert_eq!(findings.quality().there().unwrap().impressions, 80);
    elements(&findings.to_html().unwrap());
}

/// Baselines that are no arms: the treatment stands alone, and power says why it is not known.
#[test]
fn a_baseline_from_elsewhere_has_a_page_too() {
    let mut study = hard_study();
    let baseline = serde_json::json!({"reference": {
        "name": "posts of <the> week",
        "shares": {"topic 08": {"known": 0.1}},
        "bias": {"low": 0.8, "high": 1.25},
    }});
    study.question.baseline = serde_json::from_value(baseline).unwrap();
    study.question.topics = vec!["topic 08".to_owned()].into();
    study.question.statistics.clear();
    let findings = Findings::of(&inputs(log_of(&hard_rows())), &study).unwrap();
    assert!(matches!(findings.power(), Part::Missing { reason } if reason.contains("posts of")));
    assert_eq!(findings.over_time().there().unwrap().arms, [TREATMENT]);
    let html = findings.to_html().unwrap();
    elements(&html);
    assert!(html.contains("the value lies between ") && html.contains("10.1111/j.1468-0262.2004"));
    assert!(html.contains("no error as if impressions were independent is given"));
}

/// The document names every field of the JSON.
#[test]
fn the_document_names_every_field() {
    let document = std::fs::read_to_string("docs/findings-json.md").unwrap();
    let json: serde_json::Value = serde_json::from_str(&hard().2.to_json().unwrap()).unwrap();
    let own = ["over_time", "positions", "power"];
    let mut names: Vec<String> = json.as_object().unwrap().keys().cloned().collect();
    for part in own {
        fields(&json[part]["there"], &mut names);
    }
    for name in names {
        assert!(document.contains(&format!("`{name}`")), "{name}");
    }
}

fn fields(json: &serde_json::Value, names: &mut Vec<String>) {
    match json {
        serde_json::Value::Object(object) => {
            for (name, value) in object {
                names.push(name.clone());
                fields(value, names);
            }
        }
        serde_json::Value::Array(values) => values.iter().for_each(|value| fields(value, names)),
        _ => {}
    }
}
