//! What the treatment is compared with, as flags.

use std::path::{Path, PathBuf};

use clap::Args;
use tiltmeter::log::LogSchema;
use tiltmeter::replay::CandidateKey;
use tiltmeter::replay::off_policy::{Clip, Floor, Target};
use tiltmeter::{
    Baseline, Bias, CandidatesInput, EngagementWeighted, Period, Propensity, Reference, Supply,
    TableInput,
};

use crate::failure::Failure;
use crate::parse;
use crate::question::QuestionArgs;
use crate::roles::{RoleArgs, column_of};

/// One of these.
#[derive(Clone, Debug, Default, Args)]
#[group(multiple = false)]
#[command(next_help_heading = "Baseline (one of them)")]
pub(crate) struct KindArgs {
    /// Another arm.
    #[arg(long, value_name = "ARM")]
    baseline: Option<String>,
    /// What was available: a table of items, with the log's columns of items and topics.
    #[arg(long, value_name = "FILE")]
    baseline_supply: Option<PathBuf>,
    /// The newest candidates of each request.
    #[arg(long)]
    baseline_chronological: bool,
    /// Any of the candidates alike.
    #[arg(long)]
    baseline_uniform_pool: bool,
    /// Candidates by engagement, with so much added to each.
    #[arg(long, value_name = "PLUS", num_args = 0..=1, default_missing_value = "0", require_equals = true)]
    baseline_engagement: Option<f64>,
    /// The same arm before this date.
    #[arg(long, value_name = "DATE")]
    before: Option<String>,
    /// What a uniform policy over so many items (uniform:ITEMS) would have shown, by the column of
    /// --propensity; uniform_over_items for as many as the arm shows.
    #[arg(long, value_name = "POLICY")]
    baseline_propensity: Option<Target>,
    /// Shares measured elsewhere: a number, SHARE~ERROR or TOPIC/ALL each.
    #[arg(long, value_name = "NAME:TOPIC=SHARE,...", value_parser = parse::reference, requires = "bias")]
    reference: Option<Reference>,
}

/// The candidates of requests.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Candidates")]
pub(crate) struct CandidatesArgs {
    /// The candidates of requests: a table with the log's columns.
    #[arg(long, value_name = "FILE")]
    candidates: Option<PathBuf>,
    /// Whose candidates they are: slate (the default), viewer or everyone; viewer:DAYS and
    /// everyone:DAYS up to that age.
    #[arg(long, value_name = "WHO", requires = "candidates", value_parser = pool_by)]
    candidates_of: Option<CandidateKey>,
    /// When candidates were published, in their table; the column of --time by default.
    #[arg(long, value_name = "COLUMN", requires = "candidates")]
    candidates_time: Option<String>,
    /// What they were engaged with, in their table; the column of --engagement by default.
    #[arg(long, value_name = "COLUMN", requires = "candidates")]
    candidates_engagement: Option<String>,
}

/// What goes with them.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Baseline (what goes with it)")]
pub(crate) struct BaselineArgs {
    /// The supply is a sample, drawn by item or a column of its table; known in full by default.
    #[arg(long, value_name = "UNIT", requires = "baseline_supply")]
    supply_sampled: Option<String>,
    #[command(flatten)]
    candidates: CandidatesArgs,
    /// The arm whose impressions are weighed; the treatment by default.
    #[arg(long, value_name = "ARM", requires = "baseline_propensity")]
    propensities_of: Option<String>,
    /// Weights above this number count as this number, which biases the answer.
    #[arg(long, value_name = "WEIGHT", requires = "baseline_propensity")]
    clip: Option<f64>,
    /// The effective sample size below which there is no answer; 100 by default.
    #[arg(long, value_name = "SIZE", requires = "baseline_propensity")]
    floor: Option<f64>,
    /// The reference's shares times a factor between these are true; 1,1 if they are of the very thing.
    #[arg(long, value_name = "LOW,HIGH", requires = "reference", value_parser = parse::pair)]
    bias: Option<(f64, f64)>,
}

fn pool_by(text: &str) -> Result<CandidateKey, String> {
    /// In microseconds.
    const DAY: f64 = 86_400e6;
    let (who, days) = text.split_once(':').map_or((text, None), |(who, days)| (who, Some(days)));
    let max_age = match days.map(str::parse::<f64>) {
        None => None,
        Some(Ok(days)) if days > 0.0 && days < 1e6 => Some((days * DAY).round() as i64),
        Some(_) => return Err("an age in days, above 0".to_owned()),
    };
    match (who, max_age) {
        ("slate", None) => Ok(CandidateKey::Slate),
        ("viewer", max_age) => Ok(CandidateKey::Viewer { max_age }),
        ("everyone", max_age) => Ok(CandidateKey::Everyone { max_age }),
        _ => Err("there are slate, viewer, viewer:DAYS, everyone and everyone:DAYS".to_owned()),
    }
}

/// A baseline and the tables that it needs.
pub(crate) struct Against {
    pub(crate) baseline: Baseline,
    pub(crate) supply: Option<TableInput>,
    pub(crate) candidates: Option<CandidatesInput>,
}

impl KindArgs {
    /// The baseline, where it needs no table.
    pub(crate) fn alone(&self, more: &BaselineArgs) -> Result<Option<Baseline>, Failure> {
        Ok(if let Some(arm) = &self.baseline {
            Some(Baseline::arm(arm))
        } else if self.baseline_chronological {
            Some(Baseline::Chronological)
        } else if self.baseline_uniform_pool {
            Some(Baseline::UniformPool)
        } else if let Some(plus) = self.baseline_engagement {
            Some(Baseline::EngagementWeighted(EngagementWeighted { plus }))
        } else if let Some(target) = &self.baseline_propensity {
            Some(Baseline::Propensity(more.propensity(target)))
        } else if let Some(moment) = &self.before {
            Some(Baseline::Period(Period::before(moment)?))
        } else if let (Some(reference), Some((low, high))) = (&self.reference, more.bias) {
            let reference = Reference { bias: Bias { low, high }, ..reference.clone() };
            reference.check()?;
            Some(Baseline::Reference(reference))
        } else {
            None
        })
    }

    /// The baseline with its tables.
    pub(crate) fn against(
        &self,
        more: &BaselineArgs,
        roles: &RoleArgs,
        question: &QuestionArgs,
    ) -> Result<Against, Failure> {
        let supply = self.baseline_supply.as_ref();
        let baseline = match (self.alone(more)?, supply) {
            (Some(baseline), _) => baseline,
            (None, Some(_)) => Baseline::Supply(sampled(&more.supply_sampled, roles)?),
            (None, None) if question.is_of_one_arm() => Baseline::Nothing,
            (None, None) => {
                return Err(Failure::Usage(
                    "compared with what? --baseline ARM, --baseline-supply FILE, \
                     --baseline-chronological, --baseline-uniform-pool, --baseline-engagement, \
                     --baseline-propensity POLICY, --before DATE or --reference; or with nothing, for \
                     --statistic treatment_share"
                        .to_owned(),
                ));
            }
        };
        more.refuse_unused(&baseline)?;
        let supply = supply
            .map(|path| {
                let kind = match &baseline {
                    Baseline::Supply(kind) => kind.clone(),
                    _ => Supply::Known,
                };
                supply_input(path, &kind, roles)
            })
            .transpose()?;
        Ok(Against { baseline, supply, candidates: more.candidates.input(roles) })
    }
}

impl BaselineArgs {
    /// The first flag that is of the rows of a log.
    pub(crate) fn needs_a_log(&self) -> Option<&'static str> {
        let given = [
            (self.candidates.is_any(), "--candidates"),
            (self.supply_sampled.is_some(), "--supply-sampled"),
            (self.propensities_of.is_some(), "--propensities-of"),
        ];
        given.into_iter().find(|(given, _)| *given).map(|(_, flag)| flag)
    }

    /// What goes with another baseline would change nothing. Said here, since one flag of a group of which
    /// there may be one does not require another.
    pub(crate) fn refuse_unused(&self, baseline: &Baseline) -> Result<(), Failure> {
        let is_supply = matches!(baseline, Baseline::Supply(_));
        let is_propensity = matches!(baseline, Baseline::Propensity(_));
        let is_reference = matches!(baseline, Baseline::Reference(_));
        for (given, fits, flag, goes_with) in [
            (self.supply_sampled.is_some(), is_supply, "--supply-sampled", "--baseline-supply"),
            (
                self.propensities_of.is_some(),
                is_propensity,
                "--propensities-of",
                "--baseline-propensity",
            ),
            (self.clip.is_some(), is_propensity, "--clip", "--baseline-propensity"),
            (self.floor.is_some(), is_propensity, "--floor", "--baseline-propensity"),
            (self.bias.is_some(), is_reference, "--bias", "--reference"),
        ] {
            if given && !fits {
                return Err(Failure::Usage(format!(
                    "{flag} changes nothing here: the baseline is {baseline}; it goes with {goes_with}"
                )));
            }
        }
        let made_of_them = matches!(
            baseline,
            Baseline::Chronological | Baseline::UniformPool | Baseline::EngagementWeighted(_)
        );
        if self.candidates.is_any() && !made_of_them {
            return Err(Failure::Usage(format!(
                "--candidates changes nothing here: the baseline is {baseline}; it goes with \
                 --baseline-chronological, --baseline-uniform-pool and --baseline-engagement"
            )));
        }
        Ok(())
    }

    fn propensity(&self, target: &Target) -> Propensity {
        Propensity {
            logged: self.propensities_of.clone(),
            clip: self.clip.map_or(Clip::None, Clip::At),
            floor: self.floor.map_or_else(Floor::default, Floor::At),
            ..Propensity::of(target.clone())
        }
    }
}

impl CandidatesArgs {
    fn is_any(&self) -> bool {
        self.candidates.is_some()
    }

    /// The table, if there is one.
    pub(crate) fn input(&self, roles: &RoleArgs) -> Option<CandidatesInput> {
        let by = self.candidates_of.unwrap_or(CandidateKey::Slate);
        let path = self.candidates.clone()?;
        Some(CandidatesInput { path, schema: self.schema(roles, by), by })
    }

    fn schema(&self, roles: &RoleArgs, by: CandidateKey) -> LogSchema {
        let mut schema = with(LogSchema::item, &roles.item, LogSchema::new());
        schema = match by {
            CandidateKey::Slate => with(LogSchema::slate, &roles.slate, schema),
            CandidateKey::Viewer { .. } => with(LogSchema::viewer, &roles.viewer, schema),
            _ => schema,
        };
        let engagement = self.candidates_engagement.as_ref().or(roles.engagement.as_ref());
        schema = with(LogSchema::engagement, &engagement.cloned(), schema);
        if let Some(time) = self.candidates_time.as_ref().or(roles.time.as_ref()) {
            schema = schema.time(time, roles.time_format.clone().unwrap_or_default());
        }
        roles.tagged(roles.reading(schema))
    }
}

/// Whether the items are all that there was, or a sample by this unit.
pub(crate) fn sampled(unit: &Option<String>, roles: &RoleArgs) -> Result<Supply, Failure> {
    Ok(match unit {
        None => Supply::Known,
        Some(unit) => Supply::Sampled { cluster: roles.unit(unit).map_err(Failure::Usage)? },
    })
}

/// The table of the items that were available.
pub(crate) fn supply_input(
    path: &Path,
    kind: &Supply,
    roles: &RoleArgs,
) -> Result<TableInput, Failure> {
    let mut schema = with(LogSchema::item, &roles.item, LogSchema::new());
    if let Supply::Sampled { cluster } = kind
        && let Some(column) = column_of(cluster)
        && roles.item.as_deref() != Some(column)
    {
        schema = schema.column(column);
    }
    let schema = roles.weighed(roles.tagged(roles.reading(schema)), path)?;
    Ok(TableInput { path: path.to_owned(), schema })
}

fn with(
    declare: fn(LogSchema, String) -> LogSchema,
    column: &Option<String>,
    schema: LogSchema,
) -> LogSchema {
    match column {
        Some(column) => declare(schema, column.clone()),
        None => schema,
    }
}
