//! Names that may be one name written in several ways, and names that may stand for none: pointed out,
//! and joined where a schema says so. What a name stands for is not known here.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};
use unicode_normalization::{UnicodeNormalization, is_nfc};

use super::writing::{
    DayForm, day_form, has_no_width, is_like_null, is_like_total, is_mark, is_rounded, is_whole,
    number_in, ways, whole_number,
};
use crate::base::printable::has_look;
use crate::error::role::Role;
use crate::format::word::said_by_words;

/// Differences in writing that a log may be read without
/// ([`LogSchema::join_names`](super::LogSchema::join_names)).
///
/// ```
/// use tiltmeter::log::{JoinNames, LogSchema};
/// use tiltmeter::{ExposureLog, source::SliceSource};
/// let rows = || SliceSource::new("rows").text("feed", &["ranked", "Ranked ", "newest"]);
/// let schema = LogSchema::new().arm("feed");
/// assert_eq!(ExposureLog::read(rows(), &schema)?.arms().unwrap().dictionary().len(), 3);
/// let schema = schema.join_names(JoinNames::Spaces).join_names(JoinNames::Case);
/// assert_eq!(ExposureLog::read(rows(), &schema)?.arms().unwrap().dictionary().len(), 2);
/// # Ok::<(), tiltmeter::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum JoinNames {
    /// White space around a name is left out, and what is between words becomes one space.
    Spaces,
    /// Letters become small ones.
    Case,
    /// Letters with marks become what Unicode calls composed (NFC), and characters without any width
    /// are left out.
    Unicode,
    /// `1.0` becomes `1`, as in a column of whole numbers that a program wrote with a point since some
    /// were missing. Only up to 15 digits, which such a program has exactly.
    WholeNumbers,
}

said_by_words!(JoinNames);

impl JoinNames {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Spaces, Self::Case, Self::Unicode, Self::WholeNumbers];

    fn apply(self, name: &str) -> Cow<'_, str> {
        match self {
            Self::Spaces => {
                let words: Vec<&str> = name.split_whitespace().collect();
                of(name, words.join(" "))
            }
            Self::Case => of(name, name.to_lowercase()),
            Self::Unicode if name.is_ascii() => Cow::Borrowed(name),
            Self::Unicode => {
                let visible: String = name.chars().filter(|c| !has_no_width(*c)).collect();
                of(name, if is_nfc(&visible) { visible } else { visible.nfc().collect() })
            }
            Self::WholeNumbers => Cow::Borrowed(whole_number(name).unwrap_or(name)),
        }
    }
}

fn of(name: &str, changed: String) -> Cow<'_, str> {
    if changed == name { Cow::Borrowed(name) } else { Cow::Owned(changed) }
}

/// A name without the differences that are not to count.
pub(super) fn joined<'n>(name: &'n str, rules: &[JoinNames]) -> Cow<'n, str> {
    // In one order, whatever order they were said in: what is left of invisible characters may be
    // white space, and only small letters are composed for good.
    const ORDER: [JoinNames; 4] =
        [JoinNames::Case, JoinNames::Unicode, JoinNames::Spaces, JoinNames::WholeNumbers];
    let mut name = Cow::Borrowed(name);
    for rule in ORDER.into_iter().filter(|rule| rules.contains(rule)) {
        if let Cow::Owned(changed) = rule.apply(&name) {
            name = Cow::Owned(changed);
        } else if rule == JoinNames::WholeNumbers
            && let Some(whole) = whole_number(&name).map(str::len)
        {
            name = match name {
                Cow::Borrowed(name) => Cow::Borrowed(&name[..whole]),
                Cow::Owned(name) => Cow::Owned(name[..whole].to_owned()),
            };
        }
    }
    name
}

/// The texts that mean no value, as they are written or as names are joined.
#[derive(Clone, Copy, Debug)]
pub(super) struct Nulls<'s> {
    texts: &'s [String],
    rules: &'s [JoinNames],
}

impl<'s> Nulls<'s> {
    pub(super) fn of(texts: &'s [String], rules: &'s [JoinNames]) -> Self {
        Self { texts, rules }
    }

    /// A name as it is joined.
    pub(super) fn joined<'n>(&self, name: &'n str) -> Cow<'n, str> {
        joined(name, self.rules)
    }

    /// Whether any differences in writing do not count.
    pub(super) fn joins(self) -> bool {
        !self.rules.is_empty()
    }

    pub(super) fn has(self, text: &str) -> bool {
        let same = |null: &String| {
            null == text
                || (!self.rules.is_empty() && joined(null, self.rules) == joined(text, self.rules))
        };
        text.is_empty() || self.texts.iter().any(same)
    }
}

/// Examples of a kind that are kept.
const EXAMPLES: usize = 5;

/// Above so many names of one column, they are not compared with each other.
const COMPARED: usize = 20_000;

/// Something about the names in a column that a reader should look at.
///
/// ```
/// use tiltmeter::log::{LogSchema, NameRemark, OddNames};
/// use tiltmeter::{ExposureLog, source::SliceSource};
/// let rows = SliceSource::new("rows").text("feed", &["ranked", "Ranked", "nan"]);
/// let log = ExposureLog::read(rows, &LogSchema::new().arm("feed"))?;
/// let remarks = NameRemark::of_log(&log);
/// assert_eq!(remarks[0].names, OddNames::NullLike { names: vec!["nan".into()], more: 0 });
/// assert_eq!(
///     remarks[1].names,
///     OddNames::Alike { groups: vec![vec!["Ranked".into(), "ranked".into()]], more: 0 }
/// );
/// # Ok::<(), tiltmeter::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NameRemark {
    /// What the column is.
    pub role: Role,
    /// The column's name, where it has no role.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<String>,
    /// Which names, and what may be wrong with them.
    pub names: OddNames,
}

/// Names that are not what they seem.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum OddNames {
    /// Names that may stand for no value: `nan`, `NA`, `None`, white space alone.
    NullLike {
        /// Up to five of them.
        names: Vec<String>,
        /// How many there are beside.
        #[serde(default, skip_serializing_if = "is_zero")]
        more: u64,
    },
    /// Names that differ only in case, white space, invisible characters, or the form of letters with
    /// marks: what [`JoinNames`] joins.
    Alike {
        /// Up to five groups of names.
        groups: Vec<Vec<String>>,
        /// How many groups there are beside.
        more: u64,
    },
    /// Names that are one number or one moment, written in several ways (`1`, `001` and `+1`; a day with
    /// and without a time). [`JoinNames`] does not join them: what is the same number need not be the
    /// same id.
    Rewritten {
        /// Up to five groups of names.
        groups: Vec<Vec<String>>,
        /// How many groups there are beside.
        more: u64,
    },
    /// Whole numbers that are written with a point and zeros in some rows, and without in others. They
    /// are different ids.
    Decimals {
        /// An id without.
        whole: String,
        /// An id with.
        decimal: String,
    },
    /// Days that are written in more than one form (`2026-03-01`, `01.03.2026`, `2026-3-1`). One and the same
    /// day is two ids.
    Days {
        /// One of each form.
        examples: Vec<String>,
    },
    /// Long numbers that a program has rounded (`1.23457E+16`): ids that differ in later digits are one.
    Rounded {
        /// Up to five of them.
        names: Vec<String>,
        /// How many there are beside.
        #[serde(default, skip_serializing_if = "is_zero")]
        more: u64,
    },
    /// Words that stand before sums in tables, such as `Total`: a line of totals counts as a row.
    Totals {
        /// Up to five of them.
        names: Vec<String>,
    },
}

impl fmt::Display for NameRemark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.column {
            Some(column) => write!(f, "the names in the column {column:?}")?,
            None => write!(f, "the names of {}", self.role)?,
        }
        match &self.names {
            OddNames::NullLike { names, more } => write!(
                f,
                ": {}{} may stand for no value, and {} counted as a name; LogSchema::null (--null) says that such a text is none",
                list(names),
                beside(*more, ","),
                if names.len() == 1 { "is" } else { "are each" },
            ),
            OddNames::Alike { groups, more } => write!(
                f,
                ": {}{} look alike and are counted apart; LogSchema::join_names (--join-names spaces,case,unicode,whole_numbers) joins them",
                each(groups),
                beside(*more, ";"),
            ),
            OddNames::Rewritten { groups, more } => write!(
                f,
                ": {}{} are the same number or moment, and are counted apart; if they are one, write them one way in the log",
                each(groups),
                beside(*more, ";"),
            ),
            OddNames::Decimals { whole, decimal } => write!(
                f,
                ": some are whole numbers such as {whole:?} and some are written with a point such as {decimal:?}, so that one and the same counts as two; LogSchema::join_names (--join-names whole_numbers) joins them"
            ),
            OddNames::Days { examples } => write!(
                f,
                ": days are written in several ways, such as {}, and one and the same would count as two; write them one way in the log, best as 2026-03-01",
                list(examples),
            ),
            OddNames::Rounded { names, more } => write!(
                f,
                ": {}{} are long numbers that a program rounded, so that ids that differ in later digits are one; have it write them as text",
                list(names),
                beside(*more, ","),
            ),
            OddNames::Totals { names } => write!(
                f,
                ": {} may be of a line of totals, which counts as a row; LogSchema::keep (--filter 'COLUMN!=NAME') leaves it out",
                list(names),
            ),
        }
    }
}

fn each(groups: &[Vec<String>]) -> String {
    groups.iter().map(|group| list(group)).collect::<Vec<_>>().join("; ")
}

fn beside(more: u64, mark: &str) -> String {
    if more == 0 { String::new() } else { format!("{mark} and {more} more") }
}

// The signature is serde's.
#[allow(clippy::trivially_copy_pass_by_ref)]
const fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// Names in quotes, so that white space is seen, and what is never seen by its number. A backslash
/// stays one, as it is to be written in `--null '\N'`.
fn list(names: &[String]) -> String {
    let shown = |name: &String| {
        let escaped = |c: char| match c {
            _ if has_no_width(c) || is_mark(c) => c.escape_unicode().collect::<String>(),
            '\\' | '\'' => c.to_string(),
            _ if !has_look(c) => c.escape_default().collect(),
            _ => c.escape_debug().collect(),
        };
        format!("\"{}\"", name.chars().map(escaped).collect::<String>())
    };
    names.iter().map(shown).collect::<Vec<_>>().join(", ")
}

/// What was found of the names in a column, in parts of it.
#[derive(Default)]
struct Found {
    null_like: BTreeSet<String>,
    more_null_like: u64,
    alike: Groups,
    rewritten: Groups,
    /// The first whole number, and the first that is written with a point.
    numbers: [String; 2],
    /// Of each form of days the first.
    days: BTreeMap<DayForm, String>,
    rounded: BTreeSet<String>,
    more_rounded: u64,
    totals: BTreeSet<String>,
}

/// Groups of names, as many as are shown.
#[derive(Default)]
struct Groups {
    shown: BTreeSet<Vec<String>>,
    more: u64,
}

impl Groups {
    fn add(&mut self, mut group: Vec<&str>) {
        group.sort_unstable();
        if self.shown.len() < EXAMPLES {
            self.shown.insert(group.into_iter().map(str::to_owned).collect());
        } else {
            self.more += 1;
        }
    }
}

impl Found {
    fn of<'n>(names: impl ExactSizeIterator<Item = &'n str> + Clone) -> Self {
        let mut found = Self::default();
        let mut alike: BTreeMap<String, Vec<&str>> = BTreeMap::new();
        let mut numbers: BTreeMap<String, Vec<&str>> = BTreeMap::new();
        let compared = names.len() <= COMPARED;
        for name in names.clone() {
            // Most ids are whole numbers, and alike to nothing but one with a point.
            if is_whole(name) {
                if found.numbers[0].is_empty() {
                    name.clone_into(&mut found.numbers[0]);
                }
                continue;
            }
            if is_like_null(name) {
                match found.null_like.len() < EXAMPLES {
                    true => _ = found.null_like.insert(name.to_owned()),
                    false => found.more_null_like += 1,
                }
            }
            if is_like_total(name) {
                found.totals.insert(name.to_owned());
            }
            if let Some(form) = day_form(name) {
                found.days.entry(form).or_insert_with(|| name.to_owned());
            }
            if is_rounded(name) {
                match found.rounded.len() < EXAMPLES {
                    true => _ = found.rounded.insert(name.to_owned()),
                    false => found.more_rounded += 1,
                }
            }
            if found.numbers[1].is_empty() && whole_number(name).is_some() {
                name.clone_into(&mut found.numbers[1]);
            }
            if compared && let Some(number) = number_in(name) {
                numbers.entry(number).or_default().push(name);
            } else if compared {
                alike.entry(folded(name)).or_default().push(name);
            }
        }
        if !numbers.is_empty() {
            for name in names.filter(|name| is_whole(name)) {
                if let Some(same) = number_in(name).and_then(|its| numbers.get_mut(&its)) {
                    same.push(name);
                }
            }
        }
        // A point and zeros alone are told for all numbers at once.
        let is_plain = |name: &&str| is_whole(name) || whole_number(name).is_some();
        numbers.retain(|_, group| !group.iter().all(is_plain));
        let groups = alike.into_values().chain(numbers.into_values());
        for group in groups.filter(|group| group.len() > 1) {
            let plain = joined(group[0], &JoinNames::ALL);
            let joins = group.iter().all(|name| joined(name, &JoinNames::ALL) == plain);
            if joins { found.alike.add(group) } else { found.rewritten.add(group) }
        }
        found
    }

    fn remarks(self, role: Role, column: Option<&str>) -> Vec<NameRemark> {
        let [whole, decimal] = self.numbers;
        let names = [
            (!self.null_like.is_empty()).then(|| OddNames::NullLike {
                names: self.null_like.into_iter().collect(),
                more: self.more_null_like,
            }),
            (!self.alike.shown.is_empty()).then(|| OddNames::Alike {
                groups: self.alike.shown.into_iter().collect(),
                more: self.alike.more,
            }),
            (!self.rewritten.shown.is_empty()).then(|| OddNames::Rewritten {
                groups: self.rewritten.shown.into_iter().collect(),
                more: self.rewritten.more,
            }),
            (!whole.is_empty() || !decimal.is_empty())
                .then_some(OddNames::Decimals { whole, decimal }),
            (!self.days.is_empty())
                .then(|| OddNames::Days { examples: self.days.into_values().collect() }),
            (!self.rounded.is_empty()).then(|| OddNames::Rounded {
                names: self.rounded.into_iter().collect(),
                more: self.more_rounded,
            }),
            // A topic or a stratum may well be called so.
            (!self.totals.is_empty() && !matches!(role, Role::Topics | Role::Stratum)).then(|| {
                OddNames::Totals { names: self.totals.into_iter().take(EXAMPLES).collect() }
            }),
        ];
        let column = column.map(str::to_owned);
        let remark = |names| NameRemark { role, column: column.clone(), names };
        names.into_iter().flatten().map(remark).collect()
    }
}

/// A name without all that may differ between two ways of writing it.
fn folded(name: &str) -> String {
    let bytes = name.as_bytes();
    let is_moment = bytes.len() >= 16 && bytes[4] == b'-' && bytes[7] == b'-';
    match crate::base::time::iso(name).filter(|_| is_moment) {
        Some(moment) => super::parse::moment_id(moment),
        None => joined(name, &JoinNames::ALL).into_owned(),
    }
}

impl NameRemark {
    /// What should be looked at of the names in a log: its ids, arms, strata and topics. Ids of a
    /// column that has more than 20,000 of them are not compared with each other.
    #[must_use]
    pub fn of_log(log: &super::ExposureLog) -> Vec<Self> {
        let mut remarks = Vec::new();
        for role in [Role::Arm, Role::Stratum] {
            if let Some(ids) = log.ids(role) {
                remarks.extend(Self::of_names(role, ids.dictionary().iter()));
            }
        }
        if let Some(topics) = log.topics() {
            remarks.extend(Self::of_names(Role::Topics, topics.labels().iter()));
        }
        let mut of_ids = Self::of_ids(log);
        settle(&mut of_ids);
        remarks.extend(of_ids);
        remarks
    }

    /// What should be looked at of these names, which are all that there are.
    pub(crate) fn of_names<'n>(
        role: Role,
        names: impl ExactSizeIterator<Item = &'n str> + Clone,
    ) -> Vec<Self> {
        let mut remarks = Found::of(names).remarks(role, None);
        settle(&mut remarks);
        remarks
    }

    /// What is seen of the ids in some rows; to be settled once all rows were seen.
    pub(super) fn of_ids(log: &super::ExposureLog) -> Vec<Self> {
        let mut remarks = Vec::new();
        for role in [Role::Viewer, Role::Item, Role::Slate, Role::Session] {
            if let Some(ids) = log.ids(role) {
                remarks.extend(Found::of(ids.dictionary().iter()).remarks(role, None));
            }
        }
        for (column, ids) in &log.named {
            let found = Found::of(ids.dictionary().iter());
            remarks.extend(found.remarks(Role::Named, Some(column)));
        }
        remarks
    }
}

/// As many examples as are kept; how many more there are.
fn put_together(names: &mut Vec<String>, others: Vec<String>) -> u64 {
    names.extend(others);
    names.sort_unstable();
    names.dedup();
    let more = names.len().saturating_sub(EXAMPLES) as u64;
    names.truncate(EXAMPLES);
    more
}

/// Adds what is seen of further rows.
pub(super) fn absorb(remarks: &mut Vec<NameRemark>, more: Vec<NameRemark>) {
    for remark in more {
        let same = |its: &&mut NameRemark| {
            its.role == remark.role
                && its.column == remark.column
                && std::mem::discriminant(&its.names) == std::mem::discriminant(&remark.names)
        };
        let Some(known) = remarks.iter_mut().find(same) else {
            remarks.push(remark);
            continue;
        };
        match (&mut known.names, remark.names) {
            (
                OddNames::NullLike { names, more },
                OddNames::NullLike { names: others, more: beside },
            )
            | (
                OddNames::Rounded { names, more },
                OddNames::Rounded { names: others, more: beside },
            ) => {
                *more += beside + put_together(names, others);
            }
            (
                OddNames::Alike { groups, more },
                OddNames::Alike { groups: others, more: beside },
            )
            | (
                OddNames::Rewritten { groups, more },
                OddNames::Rewritten { groups: others, more: beside },
            ) => {
                *more += beside;
                for group in others {
                    if groups.contains(&group) {
                        continue;
                    }
                    if groups.len() < EXAMPLES { groups.push(group) } else { *more += 1 }
                }
            }
            (
                OddNames::Decimals { whole, decimal },
                OddNames::Decimals { whole: other_whole, decimal: other_decimal },
            ) => {
                for (mine, other) in [(whole, other_whole), (decimal, other_decimal)] {
                    if mine.is_empty() {
                        *mine = other;
                    }
                }
            }
            (OddNames::Days { examples }, OddNames::Days { examples: others }) => {
                let mut forms: BTreeSet<_> = examples.iter().map(|its| day_form(its)).collect();
                examples.extend(others.into_iter().filter(|its| forms.insert(day_form(its))));
            }
            (OddNames::Totals { names }, OddNames::Totals { names: others }) => {
                put_together(names, others);
            }
            _ => unreachable!("they are of one kind"),
        }
    }
}

/// Keeps what is still to be said once all rows were seen: whole numbers alone are what they should be.
pub(super) fn settle(remarks: &mut Vec<NameRemark>) {
    remarks.retain(|remark| match &remark.names {
        OddNames::Decimals { whole, decimal } => !whole.is_empty() && !decimal.is_empty(),
        OddNames::Days { examples } => {
            ways(&examples.iter().filter_map(|its| day_form(its)).collect()) > 1
        }
        _ => true,
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_joined() {
        let all = |name: &str| joined(name, &JoinNames::ALL).into_owned();
        for (name, expected) in [
            ("war", "war"),
            (" War\u{a0} and\tpeace ", "war and peace"),
            ("e\u{301}te\u{301}", "\u{e9}t\u{e9}"),
            ("wa\u{200b}r\u{feff}", "war"),
            ("17.0", "17"),
            (" 17.000 ", "17"),
            ("-3.0", "-3"),
            ("1.5", "1.5"),
            ("1.", "1."),
            ("01.0", "01.0"),
            ("1.0.0", "1.0.0"),
            ("1234567890123456.0", "1234567890123456.0"),
            ("", ""),
        ] {
            assert_eq!(all(name), expected, "{name:?}");
        }
        assert_eq!(joined("War ", &[JoinNames::Case]), "war ");
        assert_eq!(joined("War ", &[JoinNames::Spaces]), "War");
        assert_eq!(joined("War 1.0", &[]), "War 1.0");
    }

    #[test]
    fn names_like_none() {
        for name in
            ["nan", "NaN", "NA", "n/a", "None", "NULL", "", "  ", " na ", "<NA>", "NaT", "?", "\\N"]
        {
            assert!(is_like_null(name), "{name:?}");
        }
        for name in ["war", "Nana", "nancy", "0", "---", "nonetheless", "annul"] {
            assert!(!is_like_null(name), "{name:?}");
        }
    }

    /// Numbers with a point in one part and without in another are told once both were seen.
    #[test]
    fn numbers_of_two_parts() {
        let part = |names: &[&str]| Found::of(names.iter().copied()).remarks(Role::Viewer, None);
        let mut remarks = part(&["1", "2", "x", "nan"]);
        let mut alone = remarks.clone();
        settle(&mut alone);
        assert_eq!(alone.len(), 1, "nan");
        absorb(&mut remarks, part(&["1.0", "NA", "X", "x "]));
        settle(&mut remarks);
        let found: Vec<String> = remarks.iter().map(NameRemark::to_string).collect();
        assert_eq!(found.len(), 3, "{found:?}");
        assert!(found[0].contains("\"NA\", \"nan\" may stand"), "{found:?}");
        assert!(found[1].contains("such as \"1\"") && found[1].contains("\"1.0\""), "{found:?}");
        assert!(found[2].contains("\"X\", \"x \""), "{found:?}");
    }

    #[test]
    fn moments_are_alike_however_they_are_written() {
        let found =
            Found::of(["2024-07-01", "2024-07-01 00:00:00", "2024-07-01T00:00:00Z"].into_iter());
        assert!(found.alike.shown.is_empty(), "no rule joins them");
        assert_eq!(found.rewritten.shown.iter().map(Vec::len).collect::<Vec<_>>(), [3]);
    }

    /// By hand: forms of days, which are told where there are several, in whatever parts of a log they are.
    #[test]
    fn days_in_several_forms() {
        let part =
            |names: &[&str]| Found::of(names.iter().copied()).remarks(Role::Named, Some("day"));
        let told = |parts: &[&[&str]]| {
            let mut remarks = part(parts[0]);
            parts[1..].iter().for_each(|names| absorb(&mut remarks, part(names)));
            settle(&mut remarks);
            remarks.iter().map(NameRemark::to_string).collect::<Vec<_>>()
        };
        for names in [
            &["2026-03-01", "2026-12-31", "2026-10-10 12:00:00"][..],
            &["2026-3-1", "2026-12-31"],
            &["01.03.2026", "31.12.2026"],
            &["1.2.3", "10.0.0.1", "2026-99-99", "555-1234-12", "v1"],
        ] {
            assert_eq!(told(&[names]), [""; 0], "{names:?}");
        }
        for (parts, examples) in [
            (&[&["2026-03-01", "01.03.2026"][..]][..], r#""2026-03-01", "01.03.2026""#),
            (&[&["2026-03-01"], &["2026/03/02"]], r#""2026-03-01", "2026/03/02""#),
            (&[&["2026-03-01", "2026-3-2"]], r#""2026-3-2", "2026-03-01""#),
            (&[&["2026-10-11"], &["10/11/2026"]], r#""2026-10-11", "10/11/2026""#),
        ] {
            let told = told(parts);
            assert!(told.len() == 1 && told[0].contains(examples), "{told:?}");
        }
        let rounded = part(&["1.23457E+16", "1.2345678901234568e+18", "1e9", "7e12", "1.5"]);
        assert_eq!(rounded.len(), 1, "{rounded:?}");
        assert!(
            rounded[0].to_string().contains(r#""1.2345678901234568e+18", "1.23457E+16" are long"#)
        );
    }

    /// By hand: exact, past what a floating-point number holds.
    #[test]
    fn numbers_are_what_they_say() {
        let same = |a: &str, b: &str| number_in(a).is_some() && number_in(a) == number_in(b);
        for (a, b) in [
            ("1", "1.0"),
            ("1", "01"),
            ("1", "+1e0"),
            ("1000", "1e3"),
            ("0.5", ".5"),
            ("-0", "0.00"),
            ("12345678901234567890", "12345678901234567890.0"),
            ("1.50", "15e-1"),
        ] {
            assert!(same(a, b), "{a} and {b}");
        }
        for (a, b) in [
            ("0", "1e-400"),
            ("1e400", "2e400"),
            ("12345678901234567890", "12345678901234567891"),
            ("1", "-1"),
        ] {
            assert!(!same(a, b), "{a} and {b}");
        }
        for no in ["", "e", "1e", "1e99999999999", "0x10", "1 000", "inf", "nan", ".", "1.2.3"] {
            assert_eq!(number_in(no), None, "{no}");
        }
        let shown = |names: &[&str]| {
            let remarks = Found::of(names.iter().copied()).remarks(Role::Viewer, None);
            remarks.iter().map(NameRemark::to_string).collect::<Vec<_>>()
        };
        let long = shown(&["1234567890123456", "1234567890123456.0"]);
        assert!(long.len() == 1 && long[0].contains("the same number"), "{long:?}");
        let mixed = shown(&["1.0", "01", "1e0"]);
        assert!(
            mixed.iter().any(|it| it.contains(r#""01", "1.0", "1e0" are the same"#)),
            "{mixed:?}"
        );
        let backslash = shown(&[r"\N"]);
        assert!(backslash[0].contains(r#": "\N" may"#), "{backslash:?}");
    }

    /// `1` is found beside `001` wherever it stands; what rules join is told apart from what none does.
    #[test]
    fn numbers_are_alike_however_they_are_written() {
        let names =
            ["001", "1", "+1", "1e3", "1000", "1.5", "1.50", "7", "a1", "A1", "-0.5", "inf"];
        let found = Found::of(names.into_iter());
        let shown: Vec<Vec<&str>> =
            found.rewritten.shown.iter().map(|its| its.iter().map(|n| &**n).collect()).collect();
        assert_eq!(shown, [vec!["+1", "001", "1"], vec!["1.5", "1.50"], vec!["1000", "1e3"]]);
        assert_eq!(found.alike.shown.len(), 1);
        let nulls = ["NA", "na", "nan", "None", "null", "?", "-"];
        let remarks = Found::of(nulls.into_iter()).remarks(Role::Arm, None);
        assert!(remarks[0].to_string().contains(", and 2 more may stand"), "{}", remarks[0]);
    }
}
