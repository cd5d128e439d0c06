//! Groups and their members, as text, Markdown and CSV.

use std::fmt;

use super::estimates::MEASURED;
use super::table::{
    Cell, Column, Fields, STANDARD_WIDTH, Table, Yields, cells, field, fields, names, nothing,
    of_level, record,
};
use crate::base::printable::{printable, printable_name};
use crate::base::text::wrap;
use crate::decompose::{
    Direction, GroupFinding, GroupReport, LabelTest, LabelTestRecord, MemberCounts, MemberFinding,
    Surely,
};
use crate::estimate::Measured;
use crate::estimate::json::MeasuredRecord;
use crate::question::estimand::{OfRows, Weighing};

impl GroupFinding {
    fn write(&self, f: &mut impl fmt::Write, width: usize) -> fmt::Result {
        writeln!(f, "{}", levels(self).to_text(width))?;
        let MemberCounts { both, treatment_only, baseline_only, neither, not_in_tally } =
            self.counts;
        let counts = format!(
            "{} members count; {both} in both arms, {treatment_only} in the treatment only, {baseline_only} in the \
             baseline only, {} in neither.",
            self.counted,
            neither + not_in_tally
        );
        let Surely { more, less } = self.surely;
        let surely = format!("By intervals of their own {more} are shown more and {less} less.");
        let differ = match Direction::of(&self.gap, 0.0) {
            None => "whether the group and its mean member differ is not known",
            Some(None) => "the group and its mean member differ by no more than chance does",
            Some(Some(_)) => "the group and its mean member differ beyond chance",
        };
        for sentence in [counts, surely, format!("In short: {}; {differ}.", self.verdict)] {
            writeln!(f, "{}", wrap(&printable(&sentence), width))?;
        }
        self.warnings.iter().try_for_each(|warning| {
            writeln!(f, "{}", wrap(&printable(&format!("note: {warning}")), width))
        })
    }
}

/// Its levels and parts as a table, and what is to be said of it.
impl fmt::Display for GroupFinding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(f, STANDARD_WIDTH)
    }
}

impl GroupReport {
    fn write(&self, f: &mut impl fmt::Write, width: usize) -> fmt::Result {
        let weighing = Weighing {
            weights: &self.weights,
            attention: &self.attention,
            denominator: self.denominator,
            multi_label: self.multi_label,
        };
        let asked = format!(
            "Groups and their members, arm {:?} against {}: ratios of shares, {}{weighing}{}; clusters: {}. {}; {}.",
            self.treatment,
            self.baseline,
            self.unit,
            OfRows(&self.kept),
            self.cluster,
            self.zeros,
            self.others
        );
        writeln!(f, "{}", wrap(&printable(&asked), width))?;
        if let Some(membership) = &self.membership {
            writeln!(f, "{membership}.")?;
        }
        for group in &self.groups {
            writeln!(f, "\n{}", printable_name(&group.name))?;
            group.write(f, width)?;
        }
        Ok(())
    }
}

super::rendered::printed!(GroupReport);

impl GroupReport {
    /// Two tables for each group: of its levels and parts, and of its members.
    pub fn tables(&self) -> Vec<Table> {
        self.groups.iter().flat_map(|its| [levels(its), members(its)]).collect()
    }

    /// All that stands in [`tables`](Self::tables) as CSV: a row for each level, part, test and member of each group,
    /// which `what` tells apart, with the fields of the JSON that a cell can hold. [`Table::to_csv`] says how.
    #[must_use]
    pub fn to_csv(&self) -> String {
        let all = [names(MEASURED).collect(), names(TEST).collect(), MEMBER.to_vec()];
        let mut table = record(["group", "what", "name"].into_iter().chain(all.concat()));
        table.rows = self.groups.iter().flat_map(rows).collect();
        table.to_csv()
    }
}

/// What a group has figures of, beside its parts, and what the field is called.
fn figures(group: &GroupFinding) -> [(&'static str, &'static str, &Measured); 4] {
    [
        ("group", "the group", &group.group),
        ("mean_member", "its mean member", &group.mean_member),
        ("weighted_mean_member", "weighted by the baseline", &group.weighted_mean_member),
        ("gap", "logarithm of the group's ratio less that of its mean member's", &group.gap),
    ]
}

fn tests(group: &GroupFinding) -> [(&'static str, &'static str, &LabelTest); 2] {
    [
        ("label_test", "label, by members", &group.label_test),
        ("union_test", "label, by unions", &group.union_test),
    ]
}

/// The levels of a group and the parts of its logarithm.
fn levels(group: &GroupFinding) -> Table {
    let all = figures(group);
    let parts = group.parts.iter().map(|its| &its.figure);
    let figures = all.iter().map(|(_, _, its)| *its).chain(parts);
    let level = of_level(figures.map(|its| its.interval.as_ref().ok()));
    let row = |what: String, its: &Measured| {
        vec![Cell::Words(what), Cell::value(its.value), Cell::interval_or_why(&its.interval)]
    };
    let mut rows: Vec<_> = all.iter().map(|(_, what, its)| row((*what).to_owned(), its)).collect();
    let part = |its: &crate::decompose::Part| row(format!("part: {}", its.kind), &its.figure);
    rows.extend(group.parts.iter().map(part));
    if let Some(spread) = group.quantiles {
        let of = [
            ("least member", spread.least),
            ("lower quartile of members", spread.lower_quartile),
            ("median member", spread.median),
            ("upper quartile of members", spread.upper_quartile),
            ("greatest member", spread.greatest),
        ];
        let row = |(what, its)| vec![Cell::words(what), Cell::number(its), Cell::Nothing];
        rows.extend(of.map(row));
    }
    let test = |(_, what, its): (_, &str, &LabelTest)| {
        vec![Cell::words(what), Cell::Words(its.to_string()), Cell::Nothing]
    };
    rows.extend(tests(group).map(test));
    let columns = vec![Column::words("what"), Column::number("estimate"), Column::number(level)];
    Table { caption: format!("Group {:?} and its mean member", group.name), columns, rows }
}

/// The members of a group.
fn members(group: &GroupFinding) -> Table {
    let estimates = group.members.iter().map(|its| its.estimate.interval.as_ref().ok());
    let level = of_level(estimates);
    let row = |its: &MemberFinding| {
        vec![
            Cell::name(&its.name),
            Cell::value(its.estimate.value),
            Cell::interval_or_why(&its.estimate.interval),
            Cell::number(its.log_ratio),
            Cell::number(its.contribution.map(|its| its.weight)),
            Cell::number(its.contribution.map(|its| its.contribution)),
        ]
    };
    let later = |heading: &str, order| Column::number(heading).yielding(Yields::Later(order));
    Table {
        caption: format!("Members of group {:?}", group.name),
        columns: vec![
            Column::name("member"),
            Column::number("ratio"),
            Column::number(level),
            later("log ratio", 0),
            later("weight", 1),
            later("contribution", 2),
        ],
        rows: group.members.iter().map(row).collect(),
    }
}

const TEST: Fields<LabelTestRecord> = fields!(LabelTestRecord: p_value, no_test, difference);

const MEMBER: &[&str] = &["presence", "log_ratio", "weight", "contribution"];

/// A group as rows for programs.
fn rows(group: &GroupFinding) -> Vec<Vec<Cell>> {
    let row = |what: &str, name: Cell, its: Of<'_>| {
        let mut cells = vec![Cell::name(&group.name), Cell::words(what), name];
        match its {
            Of::Figure(its) => cells.extend(self::cells(MEASURED, &MeasuredRecord::from(*its))),
            Of::Member(its) => {
                let record = MeasuredRecord::from(its.estimate.measured);
                cells.extend(self::cells(MEASURED, &record));
            }
            Of::Test(_) => cells.extend(nothing(MEASURED)),
        }
        match its {
            Of::Test(its) => cells.extend(self::cells(TEST, &LabelTestRecord::from(its))),
            _ => cells.extend(nothing(TEST)),
        }
        match its {
            Of::Member(its) => cells.extend([
                field(&its.presence),
                Cell::number(its.log_ratio),
                Cell::number(its.contribution.map(|its| its.weight)),
                Cell::number(its.contribution.map(|its| its.contribution)),
            ]),
            _ => cells.extend(MEMBER.iter().map(|_| Cell::Nothing)),
        }
        cells
    };
    let mut rows: Vec<_> =
        figures(group).map(|(what, _, its)| row(what, Cell::Nothing, Of::Figure(its))).into();
    rows.extend(
        group.parts.iter().map(|its| row("part", field(&its.kind), Of::Figure(&its.figure))),
    );
    rows.extend(tests(group).map(|(what, _, its)| row(what, Cell::Nothing, Of::Test(its))));
    let member = |its: &MemberFinding| row("member", Cell::name(&its.name), Of::Member(its));
    rows.extend(group.members.iter().map(member));
    rows
}

/// What a row is of.
#[derive(Clone, Copy)]
enum Of<'g> {
    Figure(&'g Measured),
    Test(&'g LabelTest),
    Member(&'g MemberFinding),
}

super::rendered::tabular!(GroupReport);
