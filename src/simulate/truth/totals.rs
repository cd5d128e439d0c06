//! The totals that truths are made of, of one simulation or as expected of it: numbers in one row, so
//! that replicates can be averaged, and a layout that says which is which.

use super::{Contrast, TopicDefinition};
use crate::error::Error;
use crate::error::range::out;
use crate::question::estimand::{Denominator, Reach, Unit};
use crate::simulate::rows::Rows;
use crate::simulate::world::DAY;
use crate::simulate::{Simulation, SimulationConfig};
use crate::statistic::{Cell, Over, Quantity, Side};
use crate::tally::MultiLabel;

/// Where each total stands.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Layout {
    /// The names of topics, sorted, as an audit has them.
    pub(super) topics: Vec<String>,
    /// The names of strata, sorted, as an audit has them.
    pub(super) strata: Vec<String>,
    /// By place in the configuration, the place of a stratum.
    stratum: Vec<usize>,
    pub(super) arms: usize,
    pub(super) days: usize,
    treatment: usize,
    baseline: usize,
}

/// Whose total it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// A stratum's, in the unit of the contrast.
    InUnit(usize),
    /// A stratum's, of impressions.
    Stratum(usize),
    /// A day's, of impressions.
    Day(usize),
}

impl Layout {
    pub(super) fn of(config: &SimulationConfig, contrast: &Contrast<'_>) -> Result<Self, Error> {
        let arm = |name: &str| {
            let place = config.arms.iter().position(|arm| arm.name == name);
            place.ok_or_else(|| Error::UnknownArm {
                arm: name.to_owned(),
                available: config.arms.iter().map(|arm| arm.name.clone()).collect(),
            })
        };
        let (treatment, baseline) = (arm(contrast.treatment)?, arm(contrast.baseline)?);
        if treatment == baseline {
            return Err(Error::SameArm { arm: contrast.baseline.to_owned() });
        }
        let mut topics: Vec<String> =
            config.world.topics.iter().map(|topic| topic.name.clone()).collect();
        topics.sort();
        let names = config.world.strata.iter().map(|stratum| &stratum.name);
        let mut strata: Vec<String> = names.clone().cloned().collect();
        strata.sort();
        let place = |name: &String| strata.iter().position(|other| other == name).unwrap_or(0);
        Ok(Self {
            stratum: names.map(place).collect(),
            topics,
            strata,
            arms: config.arms.len(),
            days: config.days as usize,
            treatment,
            baseline,
        })
    }

    /// The column of all topics together, after those of topics.
    pub(super) fn all(&self) -> usize {
        self.topics.len()
    }

    /// How many totals there are.
    pub(super) fn len(&self) -> usize {
        self.arms * (2 * self.strata.len() + self.days) * (self.topics.len() + 1)
    }

    /// Where a total stands.
    pub(super) fn at(&self, arm: usize, part: Part, column: usize) -> usize {
        let strata = self.strata.len();
        let place = match part {
            Part::InUnit(stratum) => stratum,
            Part::Stratum(stratum) => strata + stratum,
            Part::Day(day) => 2 * strata + day,
        };
        let parts = 2 * strata + self.days;
        (arm * parts + place) * (self.topics.len() + 1) + column
    }

    /// The place of a stratum by its place in the configuration.
    pub(super) fn stratum(&self, in_config: u16) -> usize {
        self.stratum[usize::from(in_config)]
    }

    /// The places of the totals that a statistic's cell adds up, for a topic; `others` are those that the
    /// statistic looks at beside it.
    pub(super) fn cell(&self, cell: &Cell, topic: usize, others: &[String]) -> Vec<usize> {
        let arm = match cell.side {
            Side::Treatment => self.treatment,
            Side::Baseline => self.baseline,
        };
        let column = match cell.quantity {
            Quantity::Topic => Some(topic),
            Quantity::OtherTopic(at) => {
                self.topics.iter().position(|topic| others.get(at) == Some(topic))
            }
            Quantity::All => Some(self.all()),
        };
        let Some(column) = column else { return Vec::new() };
        let strata = match cell.over {
            Over::AllStrata | Over::Named(_) => 0..self.strata.len(),
            Over::Stratum(stratum) => stratum..stratum + 1,
        };
        strata.map(|stratum| self.at(arm, Part::InUnit(stratum), column)).collect()
    }
}

/// What topics each item counts for.
pub(super) struct Counted {
    /// Columns of sets of topics; the last set is that of items without one.
    sets: Vec<Vec<usize>>,
    of_item: Vec<usize>,
}

impl Counted {
    pub(super) fn of(simulation: &Simulation, layout: &Layout, about: TopicDefinition) -> Self {
        let column = |name: &str| layout.topics.iter().position(|topic| topic == name);
        let (catalogue, labels) = (&simulation.catalogue, &simulation.labels);
        let mut sets: Vec<Vec<usize>> = match about {
            TopicDefinition::TrueTopics => {
                let sets = catalogue.topic_sets();
                let names = |set| sets.of(set).iter().map(|at| &*sets.topics()[usize::from(*at)]);
                (0..sets.len() as u32).map(|set| names(set).filter_map(column).collect()).collect()
            }
            TopicDefinition::Labels => labels
                .texts
                .iter()
                .map(|text| text.split('|').filter_map(column).collect())
                .collect(),
        };
        let none = sets.len();
        sets.push(Vec::new());
        let numbers = match about {
            TopicDefinition::TrueTopics => catalogue.topics(),
            TopicDefinition::Labels => &labels.of_item,
        };
        let of_item = numbers.iter().map(|set| (*set as usize).min(none)).collect();
        Self { sets, of_item }
    }

    /// The columns that an item counts for.
    pub(super) fn columns(&self, item: u32) -> &[usize] {
        &self.sets[self.of_item[item as usize]]
    }

    /// Adds an item's mass to the columns that it counts for; `add` is given column and mass.
    pub(super) fn spread(
        &self,
        item: u32,
        mass: f64,
        contrast: &Contrast<'_>,
        all: usize,
        mut add: impl FnMut(usize, f64),
    ) {
        let columns = self.columns(item);
        if !columns.is_empty() || contrast.denominator == Denominator::AllImpressions {
            add(all, mass);
        }
        let each = match contrast.multi_label {
            MultiLabel::Full => mass,
            MultiLabel::Fractional => mass / columns.len() as f64,
        };
        columns.iter().for_each(|column| add(*column, each));
    }
}

/// By rank, how much attention it gets.
pub(super) fn attention(contrast: &Contrast<'_>, slate: u32) -> Result<Vec<f64>, Error> {
    contrast.attention.check()?;
    contrast.attention.table(slate).ok_or_else(|| {
        out("Question::attention", &contrast.attention, "a model that does not depend on the slate")
    })
}

/// The totals of one simulation, being counted.
pub(super) struct Counting<'a> {
    simulation: &'a Simulation,
    contrast: &'a Contrast<'a>,
    layout: &'a Layout,
    counted: Counted,
    attention: Vec<f64>,
    totals: Vec<f64>,
    /// By viewer, arm and column, mass and impressions; empty where clusters are pooled.
    masses: Vec<f64>,
    impressions: Vec<u32>,
}

impl<'a> Counting<'a> {
    pub(super) fn new(
        simulation: &'a Simulation,
        contrast: &'a Contrast<'a>,
        layout: &'a Layout,
        about: TopicDefinition,
    ) -> Result<Self, Error> {
        let viewers = match contrast.unit {
            // Truths within clusters are refused.
            Unit::Pooled | Unit::Within => 0,
            Unit::ClusterMean | Unit::Reach(_) => simulation.viewers.len(),
        };
        let each = viewers * layout.arms * (layout.topics.len() + 1);
        Ok(Self {
            counted: Counted::of(simulation, layout, about),
            attention: attention(contrast, simulation.config.slate)?,
            totals: vec![0.0; layout.len()],
            masses: vec![0.0; each],
            impressions: vec![0; each],
            simulation,
            contrast,
            layout,
        })
    }

    pub(super) fn add(&mut self, rows: &Rows) {
        let Self { simulation, contrast, layout, counted, attention, .. } = self;
        let columns = layout.topics.len() + 1;
        for row in 0..rows.len() {
            let (viewer, arm) = (rows.viewers[row] as usize, usize::from(rows.arms[row]));
            let stratum = layout.stratum(simulation.viewers.strata()[viewer]);
            let day = ((rows.times[row] - simulation.start) / DAY) as usize;
            let mass = attention[usize::from(rows.positions[row]) - 1];
            counted.spread(rows.items[row], mass, contrast, layout.all(), |column, mass| {
                self.totals[layout.at(arm, Part::Stratum(stratum), column)] += mass;
                self.totals[layout.at(arm, Part::Day(day), column)] += mass;
                if !self.masses.is_empty() {
                    let at = (viewer * layout.arms + arm) * columns + column;
                    self.masses[at] += mass;
                    self.impressions[at] += 1;
                }
            });
        }
    }

    /// The totals, once all rows were added.
    pub(super) fn finish(mut self) -> Vec<f64> {
        let layout = self.layout;
        let columns = layout.topics.len() + 1;
        if self.contrast.unit == Unit::Pooled {
            copy_to_unit(layout, &mut self.totals);
            return self.totals;
        }
        let of_arms = self.masses.chunks_exact(columns).zip(self.impressions.chunks_exact(columns));
        for (at, (masses, impressions)) in of_arms.enumerate() {
            let (viewer, arm) = (at / layout.arms, at % layout.arms);
            let stratum = layout.stratum(self.simulation.viewers.strata()[viewer]);
            for column in 0..columns {
                let value = contribution(self.contrast.unit, masses, impressions, column);
                self.totals[layout.at(arm, Part::InUnit(stratum), column)] += value;
            }
        }
        self.totals
    }
}

/// In pooled units a stratum's totals are those of its impressions.
pub(super) fn copy_to_unit(layout: &Layout, totals: &mut [f64]) {
    for arm in 0..layout.arms {
        for stratum in 0..layout.strata.len() {
            for column in 0..=layout.all() {
                totals[layout.at(arm, Part::InUnit(stratum), column)] =
                    totals[layout.at(arm, Part::Stratum(stratum), column)];
            }
        }
    }
}

/// What a viewer adds to a total of an arm, in the unit: as `inference::Contributions` has it.
fn contribution(unit: Unit, masses: &[f64], impressions: &[u32], column: usize) -> f64 {
    let flag = |holds: bool| f64::from(u8::from(holds));
    let all = masses.len() - 1;
    match unit {
        Unit::Pooled | Unit::Within => masses[column],
        Unit::ClusterMean if masses[all] <= 0.0 => 0.0,
        Unit::ClusterMean => masses[column] / masses[all],
        Unit::Reach(_) if column == all => flag(impressions[all] > 0),
        Unit::Reach(Reach { impressions: least, mass }) => {
            let seen = u64::from(impressions[column]);
            flag(seen >= least && seen > 0 && masses[column] >= mass)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inference::{Contributions, TopicQuestion};
    use crate::question::attention::Attention;
    use crate::question::whole::Question;
    use crate::simulate::feed::Feed;
    use crate::simulate::{LabelErrors, Preset};
    use crate::statistic::AmplificationRatio;
    use crate::tally::{Tally, TallySpec};

    fn world() -> SimulationConfig {
        let mut config = SimulationConfig::preset(Preset::Election);
        config.world.viewers = 80;
        config.world.second_topic = 0.3;
        config.days = 2;
        config.labels =
            LabelErrors { sensitivity: 0.7, specificity: 0.9, ..LabelErrors::default() };
        config
    }

    /// What is counted of a feed's labels is what inference adds up over the clusters of its log: in
    /// every unit, under two attention models, both denominators and both rules for labels.
    #[test]
    fn as_inference_counts() {
        let simulation = Simulation::new(&world()).unwrap();
        let log = simulation.log().unwrap();
        let reach = Unit::Reach(Reach { impressions: 3, mass: 2.2 });
        for unit in [Unit::Pooled, Unit::ClusterMean, reach] {
            for attention in [Attention::Logarithmic, Attention::TopK { k: 2 }] {
                for denominator in [Denominator::AllImpressions, Denominator::TaggedImpressions] {
                    for multi_label in [MultiLabel::Full, MultiLabel::Fractional] {
                        let question = Question::between("treatment", "baseline")
                            .unit(unit)
                            .attention(attention.clone())
                            .denominator(denominator)
                            .multi_label(multi_label);
                        compare(&simulation, &log, &question);
                    }
                }
            }
        }
    }

    fn compare(simulation: &Simulation, log: &crate::ExposureLog, question: &Question) {
        let contrast = &Contrast::of(question).unwrap();
        let layout = Layout::of(simulation.config(), contrast).unwrap();
        let mut counting =
            Counting::new(simulation, contrast, &layout, TopicDefinition::Labels).unwrap();
        let mut feed = Feed::new(simulation).unwrap();
        while let Some(rows) = feed.next_round().unwrap() {
            counting.add(&rows);
        }
        let totals = counting.finish();
        let spec = TallySpec {
            attentions: vec![contrast.attention.clone()],
            multi_label: contrast.multi_label,
            ..TallySpec::default()
        };
        let tally = Tally::of(log, &spec).unwrap();
        for (topic, name) in layout.topics.iter().enumerate() {
            let question = TopicQuestion::of(question, name).unwrap();
            let theirs = Contributions::of(&tally, &question, &AmplificationRatio).unwrap();
            for (cell, &expected) in Cell::TWO_ARMS.iter().zip(theirs.totals()) {
                let ours: f64 = layout.cell(cell, topic, &[]).iter().map(|at| totals[*at]).sum();
                // Masses of a tally are rounded to 2^-40.
                let tolerance = 1e-9 * expected.max(1.0);
                assert!((ours - expected).abs() < tolerance, "{cell:?}: {ours} {expected}");
            }
        }
    }
}
