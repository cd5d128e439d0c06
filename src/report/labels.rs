//! What labels by hand said, beside the estimates that they correct.

use super::table::{Cell, Column, Table, Yields, field};
use crate::estimate::json::EstimateRecord;
use crate::estimate::{ArmLabels, Estimate, Labels};

/// A row for each topic, and group if there are several, of the first statistic; `None` where nothing was corrected.
pub(super) fn table(estimates: &[Estimate]) -> Option<Table> {
    let first = estimates.first()?;
    let of_first = |its: &&Estimate| {
        its.labels.is_some()
            && its.estimand.statistic == first.estimand.statistic
            && its.estimand.phrase == first.estimand.phrase
    };
    let corrected: Vec<&Estimate> = estimates.iter().filter(of_first).collect();
    if corrected.is_empty() {
        return None;
    }
    let group = |heading: &str| Column::name(heading).yielding(Yields::Wrapping { floor: 8 });
    let mut columns: Vec<Column> =
        first.estimand.group.iter().map(|its| group(&its.column)).collect();
    let later = |heading: &str, order| Column::number(heading).yielding(Yields::Later(order));
    columns.extend([
        Column::name("topic"),
        Column::number("by hand A"),
        Column::number("by hand B"),
        Column::number("with it A"),
        Column::number("with it B"),
        Column::number("predicted A"),
        Column::number("predicted B"),
        later("lambda A", 2),
        later("lambda B", 3),
        later("kappa A", 0),
        later("kappa B", 1),
    ]);
    Some(Table {
        caption: "Labels by hand; the estimates have corrected shares".to_owned(),
        columns,
        rows: corrected.into_iter().map(row).collect(),
    })
}

fn row(its: &Estimate) -> Vec<Cell> {
    let labels = its.labels.unwrap_or(Labels { treatment: None, baseline: None });
    let arms = [labels.treatment, labels.baseline];
    let each =
        |shows: fn(&ArmLabels) -> Cell| arms.map(|arm| arm.as_ref().map_or(Cell::Nothing, shows));
    let mut cells: Vec<Cell> =
        its.estimand.group.iter().map(|its| Cell::name(&its.value)).collect();
    cells.push(Cell::name(&its.estimand.topic));
    cells.extend(each(|arm| Cell::Count(arm.rows)));
    cells.extend(each(|arm| Cell::Count(arm.with_topic)));
    cells.extend(each(|arm| Cell::percent(arm.predicted)));
    cells.extend(each(|arm| Cell::number(arm.lambda)));
    cells.extend(each(|arm| Cell::number(arm.kappa)));
    cells
}

/// A field of what labels said of an arm.
fn of_arm<T: serde::Serialize>(
    its: &EstimateRecord,
    arm: fn(&Labels) -> Option<ArmLabels>,
    of: fn(&ArmLabels) -> T,
) -> Cell {
    let arm = its.labels.as_ref().and_then(arm);
    field(&arm.as_ref().map(of))
}

macro_rules! fields_of_arms {
    ($($arm:ident: $($name:literal $of:ident),+;)+) => {
        /// What JSON has of labels, in cells of their own.
        pub(super) const FIELDS: super::table::Fields<EstimateRecord> = &[
            $($(($name, |its| of_arm(its, |labels| labels.$arm, |arm| arm.$of)),)+)+
        ];
    };
}

fields_of_arms! {
    treatment: "labels_treatment_rows" rows, "labels_treatment_with_topic" with_topic,
        "labels_treatment_stands_for" stands_for, "labels_treatment_predicted" predicted,
        "labels_treatment_sensitivity" sensitivity, "labels_treatment_specificity" specificity,
        "labels_treatment_kappa" kappa, "labels_treatment_alpha" alpha, "labels_treatment_lambda" lambda;
    baseline: "labels_baseline_rows" rows, "labels_baseline_with_topic" with_topic,
        "labels_baseline_stands_for" stands_for, "labels_baseline_predicted" predicted,
        "labels_baseline_sensitivity" sensitivity, "labels_baseline_specificity" specificity,
        "labels_baseline_kappa" kappa, "labels_baseline_alpha" alpha, "labels_baseline_lambda" lambda;
}
