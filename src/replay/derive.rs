//! Baselines that nobody was shown, as rows of an arm: what stands in the same places of the same
//! requests under another rule. Places keep their mass; what fills them changes.

use super::off_policy::{Floor, ImportanceWeights};
use super::pools::CandidateSets;
use super::requests::{Requests, rows_of_arm};
use crate::error::Error;
use crate::estimate::Warning;
use crate::log::{Coded, ExposureLog, MAX_WEIGHT, Role};
use crate::question::attention::Attention;
use crate::question::baseline::{Baseline, EngagementWeighted, Period, Propensity};
use crate::statistic::Undefined;
use crate::tally::{ClusterBy, masses};

/// Treatment and baseline as logs of one arm each.
#[derive(Clone, Debug)]
pub(crate) struct BaselineArms {
    /// The rows of the treatment that have a counterpart.
    pub(crate) treatment: ExposureLog,
    /// Which rows of the log those are.
    pub(crate) kept: Vec<u32>,
    /// The baseline's.
    pub(crate) baseline: ExposureLog,
    /// What became of requests.
    pub(crate) warnings: Vec<Warning>,
    /// Whether the baseline's rows are impressions.
    pub(crate) rows: BaselineRowKind,
    /// Why there is to be no answer.
    pub(crate) refused: Option<Undefined>,
}

/// What the rows of a baseline are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BaselineRowKind {
    /// What a viewer was or would have been shown.
    Impressions,
    /// What was shown, each impression with the weight that another policy gives it.
    Weighed,
    /// Parts of an expectation.
    Expected,
}

/// What a baseline is made of.
pub(crate) struct BaselineInputs<'m> {
    pub(crate) log: &'m ExposureLog,
    pub(crate) treatment: &'m str,
    /// The name of the baseline's arm.
    pub(crate) name: &'m str,
    pub(crate) attention: &'m Attention,
    pub(crate) pools: Option<&'m CandidateSets>,
}

/// Makes the arms of a baseline that is neither an arm nor known from elsewhere.
///
/// # Errors
/// [`Error::MissingRole`] and [`Error::BaselineLacks`] for what the input does not carry;
/// [`Error::Parameter`], [`Error::UnknownArm`], [`Error::EmptyLog`].
pub(crate) fn derive(
    baseline: &Baseline,
    making: &BaselineInputs<'_>,
) -> Result<BaselineArms, Error> {
    if !matches!(baseline, Baseline::Period(_)) {
        making.log.refuse_counts(making.name)?;
    }
    match baseline {
        Baseline::Period(period) => of_period(period, making),
        Baseline::Chronological => chronological(baseline, making),
        Baseline::Propensity(propensity) => of_propensity(propensity, making),
        Baseline::UniformPool => expected(baseline, making, |_, rows| Ok(vec![1.0; rows.len()])),
        Baseline::EngagementWeighted(by) => {
            by.check()?;
            expected(baseline, making, |pools, rows| by.weights(pools, rows))
        }
        other => Err(Error::BaselineLacks {
            baseline: other.to_string(),
            needs: "no rows of its own",
            mend: "this is a fault of the library",
        }),
    }
}

impl EngagementWeighted {
    fn check(&self) -> Result<(), Error> {
        if (0.0..f64::INFINITY).contains(&self.plus) {
            return Ok(());
        }
        Err(Error::Parameter {
            parameter: "EngagementWeighted::plus",
            value: self.plus.to_string(),
            expected: "a finite number, 0 or more",
        })
    }

    fn weights(&self, pools: &CandidateSets, rows: &[u32]) -> Result<Vec<f64>, Error> {
        let table = pools.candidates();
        let engagement = table.require_numbers(Role::Engagement, "a draw by engagement")?;
        let weight = |&row: &u32| {
            let engagement = engagement[row as usize];
            if engagement < 0.0 {
                return Err(Error::Parameter {
                    parameter: "the engagement of a candidate",
                    value: engagement.to_string(),
                    expected: "0 or more; count what was clicked, liked or watched",
                });
            }
            Ok(engagement + self.plus)
        };
        rows.iter().map(weight).collect()
    }
}

/// How a pool could not serve its request.
#[derive(Clone, Copy, Debug, Default)]
struct Account {
    requests: u64,
    without_candidates: u64,
    without_weight: u64,
    short: u64,
    /// Requests in which the order of candidates of one moment matters.
    tied: u64,
    /// Impressions of items that are not among the candidates.
    outside: u64,
}

impl Account {
    fn warnings(self) -> Vec<Warning> {
        let of = self.requests;
        [
            (
                self.without_candidates,
                Warning::RequestsWithoutCandidates { requests: self.without_candidates, of },
            ),
            (
                self.without_weight,
                Warning::RequestsWithoutEngagement { requests: self.without_weight, of },
            ),
            (self.short, Warning::ShortPools { requests: self.short, of }),
            (self.tied, Warning::TiedCandidates { requests: self.tied, of }),
            (self.outside, Warning::ShownOutsidePool { impressions: self.outside }),
        ]
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(_, warning)| warning)
        .collect()
    }
}

/// Requests with the candidates that each had.
struct Served<'m> {
    making: &'m BaselineInputs<'m>,
    pools: &'m CandidateSets,
    requests: Requests<'m>,
    keys: Option<&'m Coded>,
}

impl<'m> Served<'m> {
    fn of(baseline: &Baseline, making: &'m BaselineInputs<'m>) -> Result<Self, Error> {
        let name = baseline.to_string();
        let lacks = |needs, mend| Error::BaselineLacks { baseline: name.clone(), needs, mend };
        let pools = making.pools.ok_or_else(|| {
            lacks("the candidates of each request", "give a table of them to Audit::candidates")
        })?;
        if pools.candidates().topics().is_none() {
            return Err(lacks(
                "the topics of candidates",
                "declare their column in the table's LogSchema, or join a table with \
                 ExposureLog::with_item_topics",
            ));
        }
        if *making.attention == Attention::Cascade {
            return Err(lacks(
                "a position model by rank",
                "take another than the cascade: nobody knows where viewers would have stopped in \
                 slates that they were not shown",
            ));
        }
        let requests = Requests::of(making.log, making.treatment, &name)?;
        let keys = pools.keys_of(making.log)?;
        if pools.go_by_time() {
            making.log.require_times(&name)?;
        }
        Ok(Self { making, pools, requests, keys })
    }

    /// The candidates of a request.
    fn candidates(&self, rows: &[u32]) -> &'m [u32] {
        let key = rows.first().and_then(|&row| self.keys?.id(row as usize));
        self.pools.of_request(key, self.requests.time(rows))
    }

    /// How many of a request's impressions are of items that are not among its candidates.
    fn outside(&self, rows: &[u32], candidates: &[u32]) -> u64 {
        let table = self.pools.candidates().ids(Role::Item);
        let (Some(theirs), Some(ours)) = (table, self.making.log.ids(Role::Item)) else {
            return 0;
        };
        let codes: std::collections::HashSet<u32> =
            candidates.iter().map(|&row| theirs.codes()[row as usize]).collect();
        let is_outside = |row: &&u32| {
            let id = ours.id(**row as usize).unwrap_or_default();
            theirs.dictionary().code(id).is_none_or(|code| !codes.contains(&code))
        };
        rows.iter().filter(is_outside).count() as u64
    }

    fn finish(
        &self,
        (kept, of, shown): (Vec<u32>, Vec<u32>, Vec<u32>),
        account: Account,
        rows: BaselineRowKind,
    ) -> Result<BaselineArms, Error> {
        let BaselineInputs { log, treatment, name, .. } = *self.making;
        if kept.is_empty() {
            return Err(Error::EmptyLog {
                file: self.pools.candidates().origin().source.clone(),
                set_aside: account.requests,
            });
        }
        Ok(BaselineArms {
            treatment: log.again(&kept)?.in_arm(treatment),
            kept,
            baseline: log.again(&of)?.showing(self.pools.candidates(), &shown)?.in_arm(name),
            warnings: account.warnings(),
            rows,
            refused: None,
        })
    }
}

/// The newest first; of those of one moment, the one whose id comes first.
fn newest(times: &[i64], items: &Coded, rows: &[u32]) -> Vec<u32> {
    let mut rows = rows.to_vec();
    rows.sort_by_key(|&row| {
        (std::cmp::Reverse(times[row as usize]), items.id(row as usize).unwrap_or_default())
    });
    rows
}

/// Slates of the newest candidates, in the places of those that were shown. Which of the candidates of
/// one moment would have come first nobody knows, so where that matters each of them gets its part of
/// their places: what is expected over all their orders.
fn chronological(baseline: &Baseline, making: &BaselineInputs<'_>) -> Result<BaselineArms, Error> {
    let served = Served::of(baseline, making)?;
    let table = served.pools.candidates();
    let times = table.require_times("the newest candidates (when each was published)")?;
    let items = table.require_ids(Role::Item, "the newest candidates")?;
    let of_place = masses(making.log, making.attention)?;
    let (rank, attention) = first_rank(making.attention);
    let mut account = Account { requests: served.requests.len() as u64, ..Account::default() };
    let (mut kept, mut filled) = (Vec::new(), Vec::new());
    for rows in served.requests.iter() {
        let candidates = served.candidates(rows);
        if candidates.is_empty() {
            account.without_candidates += 1;
            continue;
        }
        account.outside += served.outside(rows, candidates);
        let ordered = newest(times, items, candidates);
        account.short += u64::from(ordered.len() < rows.len());
        kept.extend(rows);
        let before = filled.len();
        fill(rows, &ordered, (times, &of_place), &mut filled);
        account.tied += u64::from(filled[before..].iter().any(|its| its.tied));
    }
    let of = filled.iter().map(|its| its.place).collect();
    let shown = filled.iter().map(|its| its.candidate).collect();
    if account.tied == 0 {
        return served.finish((kept, of, shown), account, BaselineRowKind::Impressions);
    }
    let derived = served.finish((kept, of, shown), account, BaselineRowKind::Expected)?;
    let weights: Vec<f64> = filled.iter().map(|its| its.mass / attention).collect();
    let positions = vec![rank; weights.len()];
    let baseline = derived.baseline.weighing(weights).at_positions(positions);
    Ok(BaselineArms { baseline, ..derived })
}

/// A candidate in a place, or its part of some places.
struct Filled {
    place: u32,
    candidate: u32,
    mass: f64,
    tied: bool,
}

/// Fills the places of a request with candidates, the newest first.
fn fill(rows: &[u32], ordered: &[u32], (times, of_place): (&[i64], &[f64]), to: &mut Vec<Filled>) {
    let mut left = rows;
    for tie in ordered.chunk_by(|a, b| times[*a as usize] == times[*b as usize]) {
        if left.is_empty() {
            return;
        }
        let places;
        (places, left) = left.split_at(tie.len().min(left.len()));
        let masses = places.iter().map(|&row| of_place[row as usize]);
        let alike =
            masses.clone().all(|mass| mass.to_bits() == of_place[places[0] as usize].to_bits());
        if alike && places.len() == tie.len() {
            let each = places.iter().zip(tie).zip(masses);
            to.extend(each.map(|((&place, &candidate), mass)| Filled {
                place,
                candidate,
                mass,
                tied: false,
            }));
            continue;
        }
        let mass = masses.sum::<f64>() / tie.len() as f64;
        to.extend(tie.iter().map(|&candidate| Filled {
            place: places[0],
            candidate,
            mass,
            tied: true,
        }));
    }
}

/// What is expected of a draw of one candidate for each place, with these chances: each candidate gets
/// its part of the mass of the whole slate.
fn expected(
    baseline: &Baseline,
    making: &BaselineInputs<'_>,
    chances: impl Fn(&CandidateSets, &[u32]) -> Result<Vec<f64>, Error>,
) -> Result<BaselineArms, Error> {
    let served = Served::of(baseline, making)?;
    let of_place = masses(making.log, making.attention)?;
    let (rank, attention) = first_rank(making.attention);
    let mut account = Account { requests: served.requests.len() as u64, ..Account::default() };
    let (mut kept, mut of, mut shown) = (Vec::new(), Vec::new(), Vec::new());
    let mut weights = Vec::new();
    for rows in served.requests.iter() {
        let candidates = served.candidates(rows);
        if candidates.is_empty() {
            account.without_candidates += 1;
            continue;
        }
        let chances = chances(served.pools, candidates)?;
        let sum: f64 = chances.iter().sum();
        if sum <= 0.0 {
            account.without_weight += 1;
            continue;
        }
        account.outside += served.outside(rows, candidates);
        kept.extend(rows);
        let mass: f64 = rows.iter().map(|&row| of_place[row as usize]).sum();
        for (&candidate, chance) in candidates.iter().zip(&chances).filter(|(_, c)| **c > 0.0) {
            of.push(rows[0]);
            shown.push(candidate);
            weights.push(mass * (chance / sum) / attention);
        }
    }
    let derived = served.finish((kept, of, shown), account, BaselineRowKind::Expected)?;
    let positions = vec![rank; weights.len()];
    let baseline = derived.baseline.weighing(weights).at_positions(positions);
    Ok(BaselineArms { baseline, ..derived })
}

/// The first rank that has any attention, and how much: what has no rank of its own stands there.
fn first_rank(attention: &Attention) -> (u32, f64) {
    let ranks = (1..).take(1 << 16).map(|rank| (rank, attention.at(rank).unwrap_or(1.0)));
    ranks.into_iter().find(|(_, attention)| *attention > 0.0).unwrap_or((1, 1.0))
}

/// An arm's impressions, weighed by another policy.
fn of_propensity(by: &Propensity, making: &BaselineInputs<'_>) -> Result<BaselineArms, Error> {
    let BaselineInputs { log, treatment, name, .. } = *making;
    let floor = by.floor.effective_size();
    if !(0.0..f64::INFINITY).contains(&floor) {
        return Err(Error::Parameter {
            parameter: "the floor of the effective sample size",
            value: floor.to_string(),
            expected: "a finite number, 0 or more",
        });
    }
    let logged = by.logged.as_deref().unwrap_or(treatment);
    let weights = ImportanceWeights::of(log, logged, &by.target, by.clip)?;
    let of_place = masses(log, making.attention)?;
    let rows: Vec<u32> = weights.rows().iter().map(|&row| row as u32).collect();
    let (mut sum, mut squares) = (0.0, 0.0);
    for (&row, weight) in rows.iter().zip(weights.weights()) {
        let mass = weight * of_place[row as usize];
        sum += mass;
        squares += mass * mass;
    }
    let own = log.numbers(Role::Weight);
    let weighed = rows.iter().zip(weights.weights());
    let weighed: Vec<f64> =
        weighed.map(|(&row, weight)| weight * own.map_or(1.0, |own| own[row as usize])).collect();
    if let Some(greatest) = weighed.iter().find(|weight| **weight > MAX_WEIGHT) {
        return Err(Error::Parameter {
            parameter: "a weight of the target over the logging policy",
            value: greatest.to_string(),
            expected: "at most 8,388,608; clip the weights (Clip::At)",
        });
    }
    let diagnostics = weights.diagnostics();
    let effective_size = if squares > 0.0 { sum * sum / squares } else { 0.0 };
    let below = effective_size < floor && matches!(by.floor, Floor::At(_));
    let kept = rows_of_arm(log, treatment, name)?;
    Ok(BaselineArms {
        treatment: log.again(&kept)?.in_arm(treatment),
        kept,
        baseline: log.again(&rows)?.weighing(weighed).in_arm(name),
        warnings: vec![Warning::EffectiveSize {
            effective_size,
            floor,
            impressions: diagnostics.impressions,
            greatest: diagnostics.greatest,
            clipped: diagnostics.clipped,
            uncovered: diagnostics.uncovered,
        }],
        rows: BaselineRowKind::Weighed,
        refused: below.then_some(Undefined::EffectiveSizeBelowFloor),
    })
}

/// The same arm before a moment.
fn of_period(period: &Period, making: &BaselineInputs<'_>) -> Result<BaselineArms, Error> {
    let BaselineInputs { log, treatment, name, .. } = *making;
    let needed_by = format!("the baseline {}", Baseline::Period(*period));
    let times = log.require_times(&needed_by)?;
    let rows = rows_of_arm(log, treatment, &needed_by)?;
    let Period { cut, since, resume, until } = *period;
    let ordered = since.is_none_or(|since| since < cut)
        && resume.is_none_or(|resume| cut <= resume)
        && until.is_none_or(|until| resume.unwrap_or(cut) < until);
    if !ordered {
        return Err(Error::Parameter {
            parameter: "the moments of a Period",
            value: format!("{period:?}"),
            expected: "in the order since, cut, resume, until",
        });
    }
    let within = |from: Option<i64>, to: Option<i64>| -> Vec<u32> {
        let holds = |row: &&u32| {
            let at = times[**row as usize];
            from.is_none_or(|from| from <= at) && to.is_none_or(|to| at < to)
        };
        rows.iter().filter(holds).copied().collect()
    };
    let (before, after) = (within(since, Some(cut)), within(Some(resume.unwrap_or(cut)), until));
    for (rows, when) in [(&before, "before"), (&after, "after")] {
        if rows.is_empty() {
            return Err(Error::Parameter {
                parameter: "the cut of a Period",
                value: crate::log::iso_text(cut),
                expected: if when == "before" {
                    "a moment with impressions of the arm before it"
                } else {
                    "a moment with impressions of the arm after it"
                },
            });
        }
    }
    Ok(BaselineArms {
        treatment: log.again(&after)?.in_arm(treatment),
        kept: after,
        baseline: log.again(&before)?.in_arm(name),
        warnings: Vec::new(),
        rows: BaselineRowKind::Impressions,
        refused: None,
    })
}

/// A sampled supply as an arm, whose clusters are what was drawn.
///
/// # Errors
/// [`Error::MissingRole`], [`Error::UnknownColumn`] for what was drawn; [`Error::Parameter`] for clusters
/// of the log that a table cannot have.
pub(crate) fn supply_arm(
    supply: &ExposureLog,
    drawn: &ClusterBy,
    (name, attention): (&str, &Attention),
    cluster: &ClusterBy,
) -> Result<ExposureLog, Error> {
    let drawn = match drawn {
        ClusterBy::Item => supply.require_ids(Role::Item, "a sampled supply (what was drawn)")?,
        ClusterBy::Column(column) => supply.column(column)?,
        other => {
            return Err(Error::Parameter {
                parameter: "what was drawn of a sampled supply",
                value: other.to_string(),
                expected: "ClusterBy::Item or a column of the table",
            });
        }
    };
    // Not the ids alone: a viewer may be called as an item is.
    let ids: Coded = (0..supply.rows())
        .map(|row| format!("supply|{}", drawn.id(row).unwrap_or_default()))
        .collect();
    let (rank, _) = first_rank(attention);
    let rows: Vec<u32> = (0..supply.rows() as u32).collect();
    let arm = supply.again(&rows)?.in_arm(name).at_positions(vec![rank; rows.len()]);
    let mut unit = cluster;
    while let ClusterBy::Hashed { of, .. } = unit {
        unit = of;
    }
    Ok(match unit {
        ClusterBy::Viewer => arm.with_ids(Role::Viewer, ids),
        ClusterBy::Session => arm.with_ids(Role::Session, ids),
        ClusterBy::Slate => arm.with_ids(Role::Slate, ids),
        ClusterBy::Item => arm.with_ids(Role::Item, ids),
        ClusterBy::Column(column) => arm.with_column(column, ids),
        other => {
            return Err(Error::Parameter {
                parameter: "the cluster, beside a sampled supply,",
                value: other.to_string(),
                expected: "one unit that has an id: viewer, session, slate, item or a column",
            });
        }
    })
}
