//! What labels with errors do to a ratio, and what correcting them by hand mends: how often intervals hold the truth,
//! and how often a ratio is found where there is one and where there is none.
//!
//! ```text
//! cargo run --release -p tiltmeter-studies --bin labels              # the table of the guide, in Markdown
//! cargo run --release -p tiltmeter-studies --bin labels -- --quick   # a small part of it, in some seconds
//! ```
//!
//! Feeds are made up from closed forms, and the truth does not depend on the library. The intervals are the default's,
//! at 95%; numbers are the same on any machine and number of threads.

mod feed;

use std::process::ExitCode;

use clap::Parser;
use rayon::prelude::*;
use tiltmeter::statistic::LogRatio;
use tiltmeter::{Audit, Correction, Error, Estimate, Question};
use tiltmeter_studies::told;

use self::feed::{Feed, feeds};

/// The true ratio where there is one.
const RATIO: f64 = 1.5;

/// Simulated label errors, and what correcting them mends.
#[derive(Parser)]
struct Options {
    /// A few studies of the first feeds.
    #[arg(long)]
    quick: bool,
}

/// What a ratio is made from; nothing corrects the first.
const WAYS: [(&str, Option<Correction>); 5] = [
    ("as predicted", None),
    ("hand_alone", Some(Correction::HandAlone)),
    ("rogan_gladen", Some(Correction::RoganGladen)),
    ("dsl", Some(Correction::Dsl)),
    ("ppi", Some(Correction::Ppi)),
];

/// What came of one way in all studies of a feed.
#[derive(Clone, Copy, Debug, Default)]
struct Came {
    studies: u32,
    /// With two ends.
    intervals: u32,
    /// Of those with an end at least.
    bounded: u32,
    covers: u32,
    rejects: u32,
    sum: f64,
    values: u32,
    length: f64,
}

impl Came {
    fn of(estimate: &Estimate, truth: f64) -> Self {
        let mut came = Self { studies: 1, ..Self::default() };
        if let Some(value) = estimate.value.number() {
            (came.sum, came.values) = (value, 1);
        }
        let Ok(interval) = &estimate.interval else { return came };
        if let (Some(low), Some(high)) = (interval.low, interval.high) {
            (came.intervals, came.length) = (1, high - low);
        }
        if interval.low.is_some() || interval.high.is_some() {
            let holds = |value: f64| {
                interval.low.is_none_or(|low| low <= value)
                    && interval.high.is_none_or(|high| value <= high)
            };
            came.bounded = 1;
            came.covers = holds(truth).into();
            came.rejects = (!holds(0.0)).into();
        }
        came
    }

    fn add(self, more: Self) -> Self {
        Self {
            studies: self.studies + more.studies,
            intervals: self.intervals + more.intervals,
            bounded: self.bounded + more.bounded,
            covers: self.covers + more.covers,
            rejects: self.rejects + more.rejects,
            sum: self.sum + more.sum,
            values: self.values + more.values,
            length: self.length + more.length,
        }
    }

    /// A part of another number, in percent; none of none is none.
    fn percent(part: u32, of: u32) -> String {
        if of == 0 {
            "-".to_owned()
        } else {
            format!("{:.1}", 100.0 * f64::from(part) / f64::from(of))
        }
    }
}

/// What every way makes of studies of a feed with this ratio.
fn came(feed: &Feed, ratio: f64, studies: u32) -> Result<Vec<Came>, Error> {
    let nothing = || vec![Came::default(); WAYS.len()];
    let study = |number: u32| {
        let log = feed.log(ratio, number)?;
        let question =
            Question::between("ranked", "newest").topics(["politics"]).statistic(LogRatio);
        let of = |&(_, way): &(&str, Option<Correction>)| {
            let mut question = question.clone();
            question.correct = way;
            let report = Audit::of(&log, &question).run()?;
            Ok(Came::of(&report.estimates()[0], ratio.ln()))
        };
        WAYS.iter().map(of).collect::<Result<Vec<_>, Error>>()
    };
    // In the order of the studies, so that sums do not depend on threads.
    let all: Vec<Vec<Came>> = (0..studies).into_par_iter().map(study).collect::<Result<_, _>>()?;
    Ok(all.into_iter().fold(nothing(), |sum, more| {
        sum.into_iter().zip(more).map(|(sum, more)| sum.add(more)).collect()
    }))
}

fn table(options: &Options) -> Result<String, Error> {
    let (feeds, studies) = if options.quick { (&feeds()[..2], 40) } else { (&feeds()[..], 1000) };
    let mut text = String::from(
        "| feed | labels | found where there is none | covers | found where it is 1.5 | mean | length |\n\
         | --- | --- | ---: | ---: | ---: | ---: | ---: |\n",
    );
    for feed in feeds {
        let (none, some) = (came(feed, 1.0, studies)?, came(feed, RATIO, studies)?);
        for (((name, _), none), some) in WAYS.iter().zip(none).zip(some) {
            let both = none.add(some);
            text.push_str(&format!(
                "| {} | {name} | {} | {} | {} | {:.2} | {:.2} |\n",
                feed.name,
                Came::percent(none.rejects, none.studies),
                Came::percent(both.covers, both.bounded),
                Came::percent(some.rejects, some.studies),
                (some.sum / f64::from(some.values)).exp(),
                some.length / f64::from(some.intervals),
            ));
        }
    }
    Ok(text)
}

fn main() -> ExitCode {
    told(table(&Options::parse()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Errors that differ by arm: the ratio as predicted is far from the truth and sure of it, and corrected ones hold
    /// the truth as often as they should, within what chance leaves of so few studies.
    #[test]
    fn corrections_mend_what_errors_do() {
        let studies = 60;
        let none = came(&feeds()[1], 1.0, studies).unwrap();
        assert!(none[0].rejects > studies / 2, "{:?}", none[0]);
        for (way, came) in WAYS.iter().zip(&none).skip(1) {
            // A size of 5% gives more than 8 of 60 in fewer than one of 200.
            assert!(came.rejects <= 8, "{way:?}: {came:?}");
        }
    }
}
