//! The report as a polars frame: one row per estimate.

use polars::prelude::{Column, DataFrame, NamedFrom, Series};

use super::estimates::group_names;
use crate::audit::report::AuditReport;
use crate::error::Error;
use crate::estimate::json::EstimateRecord;

impl AuditReport {
    /// The estimates as a polars frame, one row each: a column for each that groups are by, and the fields
    /// of [`EstimateRecord`] that fit a column. Values that are not finite are null, `state` says what they are; warnings
    /// are joined with semicolons.
    ///
    /// # Errors
    /// [`Error::Report`] if polars refuses the columns, which it has no reason to.
    pub fn to_frame(&self) -> Result<DataFrame, Error> {
        let records: Vec<EstimateRecord> = self.estimates.iter().map(Into::into).collect();
        let states: Vec<&str> = self.estimates.iter().map(|e| e.value.state()).collect();
        let fields = fields(&records, states);
        let names: Vec<&str> = fields.iter().map(|field| field.name().as_str()).collect();
        let groups = group_names(&self.estimates, &names);
        let of_group = |(at, name): (usize, &String)| {
            text(&records, name, &|r| {
                r.estimand.group.get(at).map(|its| its.value.clone()).unwrap_or_default()
            })
        };
        let mut columns: Vec<Column> = groups.iter().enumerate().map(of_group).collect();
        columns.extend(fields);
        DataFrame::new(records.len(), columns)
            .map_err(|cause| Error::Report { detail: cause.to_string() })
    }
}

/// A column of texts.
fn text(records: &[EstimateRecord], name: &str, of: &dyn Fn(&EstimateRecord) -> String) -> Column {
    let values: Vec<String> = records.iter().map(of).collect();
    Column::from(Series::new(name.into(), values))
}

/// The fields of estimates that fit a column.
fn fields(records: &[EstimateRecord], states: Vec<&str>) -> Vec<Column> {
    let text = |name: &str, of: &dyn Fn(&EstimateRecord) -> String| text(records, name, of);
    let number = |name: &str, of: fn(&EstimateRecord) -> Option<f64>| {
        let values: Vec<Option<f64>> = records.iter().map(of).collect();
        Column::from(Series::new(name.into(), values))
    };
    let count = |name: &str, of: fn(&EstimateRecord) -> u64| {
        let values: Vec<u64> = records.iter().map(of).collect();
        Column::from(Series::new(name.into(), values))
    };
    let warnings = |record: &EstimateRecord| {
        let messages = record.warnings.iter().map(|w| &*w.message);
        messages.collect::<Vec<_>>().join("; ")
    };
    let method = |record: &EstimateRecord| {
        record.method.map(|method| method.to_string()).unwrap_or_default()
    };
    let test =
        |record: &EstimateRecord| record.test.map(|test| test.to_string()).unwrap_or_default();
    vec![
        text("topic", &|r| r.topic.clone()),
        text("statistic", &|r| r.statistic.clone()),
        number("value", |r| r.value),
        Column::from(Series::new("state".into(), states)),
        number("value_low", |r| r.value_low),
        number("value_high", |r| r.value_high),
        number("low", |r| r.low),
        number("high", |r| r.high),
        number("level", |r| r.level),
        text("method", &method),
        number("standard_error", |r| r.standard_error),
        number("degrees_of_freedom", |r| r.degrees_of_freedom),
        number("p_value", |r| r.p_value),
        number("p_adjusted", |r| r.p_adjusted),
        text("test", &test),
        number("naive_standard_error", |r| r.naive_standard_error),
        number("naive_low", |r| r.naive_low),
        number("naive_high", |r| r.naive_high),
        number("design_effect", |r| r.design_effect),
        number("share_treatment", |r| r.share_treatment),
        number("share_baseline", |r| r.share_baseline),
        count("impressions_treatment", |r| r.impressions_treatment),
        count("impressions_baseline", |r| r.impressions_baseline),
        count("clusters_treatment", |r| r.clusters_treatment),
        count("clusters_baseline", |r| r.clusters_baseline),
        text("warnings", &warnings),
        text("treatment", &|r| r.estimand.treatment.clone()),
        text("baseline", &|r| r.estimand.baseline.called()),
        text("estimand", &|r| r.estimand.to_string()),
    ]
}
