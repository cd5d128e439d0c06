//! Two reports as JSON, compared value by value.

use std::collections::{BTreeSet, HashMap, VecDeque};

use serde_json::{Map, Value as Json};

use super::verification::{Difference, FieldsCompared};

/// How the fields of another release are looked at: it may not have known those that came later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Release {
    Same,
    Other,
}

/// Fields that reports of this version did not have from the beginning: those of another release may be without
/// them, and without no other.
const LATER: [&str; 8] = [
    "finding",
    "finding_adjusted_by",
    "finding_among_all",
    "kept",
    "margin_high",
    "margin_low",
    "strata",
    "weights",
];

/// Two reports, compared.
#[derive(Default)]
pub(super) struct Compared {
    pub(super) differences: Vec<Difference>,
    pub(super) fields: FieldsCompared,
}

/// Whose value differs.
#[derive(Clone, Copy, Default)]
struct Of<'e> {
    topic: Option<&'e str>,
    statistic: Option<&'e str>,
}

/// The values of a report in which the recomputed one differs, and how many there are.
pub(super) fn reports(recorded: &Json, recomputed: &Json, release: Release) -> Compared {
    let mut compared = Compared::default();
    let nothing = Map::new();
    let [old, new] = [recorded, recomputed].map(|report| report.as_object().unwrap_or(&nothing));
    let mut walk = Walk { release, into: &mut compared };
    for name in old.keys().chain(new.keys()).collect::<BTreeSet<_>>() {
        if name == "estimates" {
            walk.estimates(list(old.get(name)), list(new.get(name)));
        } else {
            walk.value(Of::default(), name, old.get(name), new.get(name));
        }
    }
    compared
}

/// A difference of what is of no one estimate, if it is one.
pub(super) fn field(name: &str, recorded: Json, recomputed: Json) -> Option<Difference> {
    (recorded != recomputed).then(|| Difference {
        topic: None,
        statistic: None,
        field: name.to_owned(),
        relative: None,
        recorded,
        recomputed,
    })
}

/// The first line in which two texts differ.
pub(super) fn texts(file: &str, recorded: &str, recomputed: &str) -> Option<Difference> {
    if recorded == recomputed {
        return None;
    }
    let (mut old, mut new) = (recorded.split('\n'), recomputed.split('\n'));
    let line = |line: Option<&str>| line.map_or(Json::Null, Json::from);
    loop {
        match (old.next(), new.next()) {
            (old, new) if old != new => return field(file, line(old), line(new)),
            (None, None) => return None,
            _ => {}
        }
    }
}

fn list(json: Option<&Json>) -> &[Json] {
    json.and_then(Json::as_array).map_or(&[], Vec::as_slice)
}

struct Walk<'d> {
    release: Release,
    into: &'d mut Compared,
}

impl Walk<'_> {
    /// Estimates are matched by what they are of, so that one which was taken out is told as that.
    fn estimates(&mut self, old: &[Json], new: &[Json]) {
        let mut places: HashMap<_, VecDeque<usize>> = HashMap::new();
        for (at, other) in new.iter().enumerate() {
            places.entry(name_of(other)).or_default().push_back(at);
        }
        let mut is_left = vec![true; new.len()];
        for recorded in old {
            match places.get_mut(&name_of(recorded)).and_then(VecDeque::pop_front) {
                Some(at) => {
                    is_left[at] = false;
                    self.value(of(recorded), "", Some(recorded), Some(&new[at]));
                }
                None => self.whole(recorded, None),
            }
        }
        let left = new.iter().zip(is_left).filter(|(_, is_left)| *is_left);
        left.for_each(|(other, _)| self.whole(other, Some(other)));
    }

    /// An estimate that is in one of the reports only.
    fn whole(&mut self, estimate: &Json, new: Option<&Json>) {
        let value = |json: &Json| json.get("value").cloned().unwrap_or_default();
        self.into.fields.of += new.map_or(0, leaves);
        let (recorded, recomputed) = match new {
            None => (value(estimate), Json::Null),
            Some(new) => (Json::Null, value(new)),
        };
        self.push(of(estimate), "the whole estimate", recorded, recomputed);
    }

    fn value(&mut self, of: Of<'_>, path: &str, old: Option<&Json>, new: Option<&Json>) {
        match (old, new) {
            (Some(Json::Object(old)), Some(Json::Object(new))) => {
                for name in old.keys().chain(new.keys()).collect::<BTreeSet<_>>() {
                    let below =
                        if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                    self.value(of, &below, old.get(name), new.get(name));
                }
            }
            (Some(Json::Array(old)), Some(Json::Array(new))) => {
                for at in 0..old.len().max(new.len()) {
                    self.value(of, &format!("{path}[{at}]"), old.get(at), new.get(at));
                }
            }
            // A field that the other release may not have known.
            (None, Some(new)) if self.release == Release::Other && is_later(path) => {
                self.into.fields.of += leaves(new);
                self.into.fields.absent.insert(path.to_owned());
            }
            _ if are_same(old, new) => {
                let many = new.map_or(0, leaves);
                self.into.fields.of += many;
                self.into.fields.compared += many;
            }
            _ => {
                let many = new.map_or(0, leaves);
                self.into.fields.of += many;
                self.into.fields.compared += if old.is_some() { many } else { 0 };
                let json = |json: Option<&Json>| json.cloned().unwrap_or_default();
                self.push(of, path, json(old), json(new));
            }
        }
    }

    fn push(&mut self, of: Of<'_>, field: &str, recorded: Json, recomputed: Json) {
        let relative = recorded.as_f64().zip(recomputed.as_f64()).map(|(old, new)| {
            let largest = old.abs().max(new.abs());
            if old == new { 0.0 } else { (old - new).abs() / largest }
        });
        self.into.differences.push(Difference {
            topic: of.topic.map(str::to_owned),
            statistic: of.statistic.map(str::to_owned),
            field: field.to_owned(),
            recorded,
            recomputed,
            relative: relative.filter(|relative| relative.is_finite()),
        });
    }
}

/// Whether a field of this path came later than its schema.
fn is_later(path: &str) -> bool {
    let name = path.rsplit('.').next().unwrap_or(path);
    LATER.contains(&name)
}

/// How many values there are below, itself if none is.
fn leaves(json: &Json) -> usize {
    match json {
        Json::Object(fields) if !fields.is_empty() => fields.values().map(leaves).sum(),
        Json::Array(values) if !values.is_empty() => values.iter().map(leaves).sum(),
        _ => 1,
    }
}

/// Numbers are the same where their shortest text is, which tells all bits apart.
fn are_same(old: Option<&Json>, new: Option<&Json>) -> bool {
    match (old, new) {
        (Some(Json::Number(old)), Some(Json::Number(new))) => old.to_string() == new.to_string(),
        _ => old == new,
    }
}

fn of(estimate: &Json) -> Of<'_> {
    let text = |name: &str| estimate.get(name).and_then(Json::as_str);
    Of { topic: text("topic"), statistic: text("statistic") }
}

fn name_of(estimate: &Json) -> [Option<&str>; 3] {
    let Of { topic, statistic } = of(estimate);
    [topic, statistic, estimate.pointer("/estimand/phrase").and_then(Json::as_str)]
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_differs_is_named() {
        let estimate = |topic: &str, value: f64| {
            json!({"topic": topic, "statistic": "share", "value": value,
            "clusters": {"both": 2}, "warnings": [{"kind": "few"}]})
        };
        let old = json!({"sentence": "s", "estimates": [estimate("a", 2.0), estimate("b", 0.0)]});
        let mut new =
            json!({"sentence": "s", "estimates": [estimate("a", 4.0), estimate("c", 1.0)]});
        new["estimates"][0]["clusters"]["both"] = json!(3);
        new["estimates"][0]["warnings"] = json!([{"kind": "few"}, {"kind": "more"}]);
        let found = reports(&old, &new, Release::Same).differences;
        let told: Vec<_> = found
            .iter()
            .map(|d| (d.topic.as_deref().unwrap_or(""), d.field.as_str(), d.relative))
            .collect();
        let expected = [
            ("a", "clusters.both", Some(1.0 / 3.0)),
            ("a", "value", Some(0.5)),
            ("a", "warnings[1]", None),
            ("b", "the whole estimate", None),
            ("c", "the whole estimate", None),
        ];
        assert_eq!(told, expected);
        assert_eq!(found[1].recorded, json!(2.0));
        let same = reports(&old, &old, Release::Same);
        assert!(same.differences.is_empty());
        // A sentence, and five values of each estimate.
        assert_eq!((same.fields.compared, same.fields.of), (11, 11));
    }

    #[test]
    fn bits_and_fields_of_releases() {
        let of = |old: &Json, new: &Json, release| reports(old, new, release).differences.len();
        let zero = |zero: f64| json!({"estimates": [], "zero": zero});
        assert_eq!(of(&zero(0.0), &zero(-0.0), Release::Same), 1);
        let (old, new) = (json!({"a": 1}), json!({"a": 1, "weights": null}));
        assert_eq!(of(&old, &new, Release::Other), 0);
        let fields = reports(&old, &new, Release::Other).fields;
        assert_eq!((fields.compared, fields.of), (1, 2));
        assert!(fields.absent.iter().eq(["weights"]));
        assert_eq!(of(&old, &new, Release::Same), 1);
        assert_eq!(of(&new, &old, Release::Other), 1); // null is not nothing
        // What every release writes is never missing.
        assert_eq!(of(&old, &json!({"a": 1, "value": 2}), Release::Other), 1);
        assert_eq!(of(&json!({"a": 1, "b": 2}), &old, Release::Other), 1);
    }

    /// Looked for one in all the others, these would take minutes.
    #[test]
    fn many_estimates_are_matched_at_once() {
        let estimate =
            |at: usize| json!({"topic": format!("topic {at}"), "statistic": "share", "value": at});
        let all: Vec<Json> = (0..40_000).map(estimate).collect();
        let turned: Vec<Json> = all.iter().skip(1).rev().cloned().collect();
        let report = |estimates: Vec<Json>| json!({"estimates": estimates});
        let found = reports(&report(all), &report(turned), Release::Same).differences;
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].topic.as_deref(), Some("topic 0"));
    }

    #[test]
    fn the_first_line_that_differs() {
        let found = texts("report.txt", "a\nb\nc", "a\nx\nc").unwrap();
        assert_eq!((found.recorded, found.recomputed), (json!("b"), json!("x")));
        assert_eq!(texts("report.txt", "a", "a"), None);
        assert!(texts("report.txt", "a", "a\n").is_some());
    }
}
