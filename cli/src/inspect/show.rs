//! What was found, for people.

use std::fmt::Write;

use tiltmeter::log::Role;
use tiltmeter::report::{printable, printable_name};

use super::Inspected;
use super::facts::{ClusterFact, Counted, Ranks};
use super::guess::Guess;
use super::profile::{ColumnProfile, Holds};
use crate::spoken::in_flags;

/// A name from a log as it may be printed, and not too long.
pub(crate) fn shown(text: &str) -> String {
    let mut short: String = text.chars().take(40).collect();
    if short.len() < text.len() {
        short.push_str("...");
    }
    printable_name(&short)
}

/// An option's word.
pub(crate) fn word(option: &impl serde::Serialize) -> String {
    let value = serde_json::to_value(option).unwrap_or_default();
    value.as_str().unwrap_or_default().to_owned()
}

/// Columns of text with as much room as each needs.
fn aligned(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |at: usize| {
        rows.iter().filter_map(|row| row.get(at)).map(|cell| cell.chars().count()).max()
    };
    let widths: Vec<usize> = (0..columns).map(|at| width(at).unwrap_or(0)).collect();
    let mut text = String::new();
    for row in rows {
        let mut line = String::from(" ");
        for (cell, width) in row.iter().zip(&widths) {
            let pad = width - cell.chars().count();
            line.push_str(&format!(" {cell}{}", " ".repeat(pad + 1)));
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

const fn holds(holds: Holds) -> &'static str {
    match holds {
        Holds::Nothing => "nothing",
        Holds::WholeNumbers => "whole numbers",
        Holds::Numbers => "numbers",
        Holds::Booleans => "booleans",
        Holds::Times => "times",
        Holds::Lists => "lists",
        Holds::Text => "text",
        Holds::Unreadable => "what no role can use",
    }
}

pub(crate) fn text(its: &Inspected, top: usize) -> String {
    let mut text = format!("{}: {} rows", printable(&its.file), its.profile.rows);
    if its.files > 1 {
        let _ = write!(text, " (the first of {} files)", its.files);
    }
    if its.profile.unreadable > 0 {
        let _ = write!(text, ", {} of them unreadable", its.profile.unreadable);
    }
    text.push('\n');
    for found in &its.profile.found {
        let _ = writeln!(text, "  found: {}", in_flags(&found.to_string()));
    }
    for taken in &its.taken {
        let _ = writeln!(text, "  found: {}", printable(taken));
    }
    text.push_str("\nColumns\n");
    let mut rows =
        vec![["name", "holds", "distinct", "missing", "most frequent"].map(String::from).to_vec()];
    rows.extend(its.profile.columns.iter().map(column));
    text.push_str(&aligned(&rows));
    text.push_str("\nWhat they may be (a guess: read it before believing it)\n");
    text.push_str(&guess(&its.guess));
    text.push_str(&facts(its, top));
    text
}

fn column(column: &ColumnProfile) -> Vec<String> {
    let example = |value: &str| match value.parse() {
        Ok(microseconds) if column.stored_as == "timestamps" => moment(microseconds),
        _ => shown(value),
    };
    let examples: Vec<String> = column
        .most_frequent
        .iter()
        .map(|(value, rows)| format!("{} ({rows})", example(value)))
        .collect();
    vec![
        shown(&column.name),
        holds(column.holds).to_owned(),
        format!("{}{}", column.distinct, if column.more_distinct { "+" } else { "" }),
        column.missing.to_string(),
        examples.join(", "),
    ]
}

/// A role as its flag.
pub(crate) fn flag(role: Role) -> String {
    match role {
        Role::Topics => "topics".to_owned(),
        _ => role.to_string().trim_start_matches("the ").to_owned(),
    }
}

fn guess(guess: &Guess) -> String {
    let rows: Vec<Vec<String>> = guess
        .roles
        .iter()
        .map(|its| vec![flag(its.role), shown(&its.column), printable(&its.because)])
        .collect();
    let mut text = if rows.is_empty() { "  none was found\n".to_owned() } else { aligned(&rows) };
    for its in &guess.perhaps {
        let _ = writeln!(
            text,
            "  perhaps, and not taken for it: {} {} ({})",
            flag(its.role),
            shown(&its.column),
            printable(&its.because)
        );
    }
    if !guess.other_topics.is_empty() {
        let _ = writeln!(
            text,
            "  may hold topics too: {}",
            super::draft::one_line(&guess.other_topics)
        );
    }
    for remark in &guess.remarks {
        let _ = writeln!(text, "  but: {}", printable(remark));
    }
    text
}

fn list(counted: &[Counted]) -> String {
    let shown: Vec<String> =
        counted.iter().map(|its| format!("{} {}", shown(&its.name), its.rows)).collect();
    shown.join(", ")
}

fn facts(its: &Inspected, top: usize) -> String {
    let facts = &its.facts;
    let quality = &facts.quality;
    let of_files = match (its.files, its.files_counted) {
        (1, _) => String::new(),
        (_, 1) => ", of the first file".to_owned(),
        (files, _) => format!(", of all {files} files"),
    };
    let mut text = format!(
        "\nUnder that guess{of_files}\n  {} impressions, {} rows set aside, {} untagged\n",
        quality.impressions, quality.origin.set_aside.rows, quality.untagged
    );
    for its in &quality.origin.set_aside.reasons {
        let _ = writeln!(
            text,
            "  set aside: {} for {} in column {:?}, first row {} ({:?})",
            its.rows,
            its.reason,
            its.column,
            its.first_row,
            shown(&its.first_value)
        );
    }
    if !facts.arms.is_empty() {
        let _ =
            writeln!(text, "  arms, by rows: {}", list(&facts.arms[..facts.arms.len().min(top)]));
    }
    if facts.topic_count > 0 {
        let _ = writeln!(text, "  {} topics, by rows: {}", facts.topic_count, list(&facts.topics));
    }
    for remark in &facts.names {
        let _ = writeln!(text, "  look at {}", printable(&in_flags(&remark.to_string())));
    }
    if let Some((first, last)) = quality.time_range {
        let _ = writeln!(text, "  times: {} to {}", moment(first), moment(last));
    }
    if let Some(repeats) = quality.repeats {
        let _ = writeln!(
            text,
            "  repeats: {} impressions of an item shown before in its slate, in {} slates",
            repeats.impressions, repeats.slates
        );
    }
    if let Some(ranks) = &facts.ranks {
        text.push_str(&of_ranks(ranks));
    }
    if !facts.clusters.is_empty() {
        text.push_str("\nClusters, by what may have been assigned or sampled independently\n");
        let rows: Vec<Vec<String>> = facts.clusters.iter().map(cluster).collect();
        text.push_str(&aligned(&rows));
    }
    text
}

/// A moment in ISO 8601, as warnings of the library have it.
fn moment(microseconds: i64) -> String {
    let period = tiltmeter::Period { cut: microseconds, since: None, resume: None, until: None };
    let text = tiltmeter::Baseline::Period(period).to_string();
    text.rsplit(' ').next().unwrap_or_default().to_owned()
}

fn of_ranks(ranks: &Ranks) -> String {
    let mut text = format!("  ranks up to {}", ranks.greatest);
    if let Some(slates) = ranks.slates {
        let _ = write!(text, ", {slates} slates");
    }
    text.push('\n');
    for its in &ranks.histogram {
        let _ = write!(text, "    rank {}: {} rows", its.rank, its.rows);
        if let Some(without) = its.slates_without {
            let _ = write!(text, ", missing in {without} slates");
        }
        text.push('\n');
    }
    text
}

fn cluster(its: &ClusterFact) -> Vec<String> {
    let role = its.role.map_or_else(String::new, |role| format!(" ({})", flag(role)));
    let by_arm: Vec<String> = its.by_arm.iter().map(u64::to_string).collect();
    let how = match its.relation {
        Some(relation) => format!("{relation}, {} in more than one", its.shared),
        None => "no arms".to_owned(),
    };
    vec![
        format!("{}{role}", shown(&its.column)),
        format!("{} clusters", its.clusters),
        format!("by arm {}", by_arm.join(" / ")),
        how,
    ]
}
