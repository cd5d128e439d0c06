//! A biased feed hides from an audit that takes its own reverse-chronological feed as neutral: what
//! viewers follow came from the algorithm too.
//!
//! ```text
//! cargo run -p tiltmeter-studies --bin contaminated_baseline                  # a table and two sentences
//! cargo run -p tiltmeter-studies --bin contaminated_baseline -- --json        # the same as JSON
//! cargo run -p tiltmeter-studies --bin contaminated_baseline -- --svg FILE    # where the plot goes
//! ```

mod study;
#[cfg(test)]
mod tests;

use std::io::{self, Write};
use std::process::ExitCode;

use tiltmeter_studies::chart::{self, Axis, Frame, Intervals, Line, Scale};
use tiltmeter_studies::phenomenon::{self, Phenomenon};

use self::study::{AUDIT_DAYS, Against, CoverageStudy, FACTOR, HISTORIES, TOPIC};

fn main() -> ExitCode {
    phenomenon::run("contaminated_baseline", study::study)
}

const fn name(against: Against) -> &'static str {
    match against {
        Against::Newest => "newest of followed",
        Against::CleanNewest => "newest, clean world",
        Against::Uniform => "uniform over the pool",
        Against::CleanAlgorithm => "algorithm, clean world",
    }
}

impl Phenomenon for CoverageStudy {
    fn print(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(
            out,
            "Amplification of {TOPIC:?} by a feed that favours it {FACTOR}-fold, over {AUDIT_DAYS} days, \
             after so many\ndays of it; by what it is compared with. The clean world never had the bias.\n"
        )?;
        write!(out, "{:>4} {:>10}", "days", "followed")?;
        Against::ALL.iter().try_for_each(|against| write!(out, "  {:<23}", name(*against)))?;
        writeln!(out)?;
        for finding in &self.findings {
            write!(out, "{:>4} {:>9.1}%", finding.history, 100.0 * finding.inventory_share)?;
            for against in Against::ALL {
                write!(out, "  {:<23}", finding.against(against))?;
            }
            writeln!(out)?;
        }
        let Some(last) = self.findings.last() else { return Ok(()) };
        let percent = |against| 100.0 * (last.against(against).value - 1.0);
        writeln!(
            out,
            "\nAfter {} days an audit against the newest of followed creators finds the topic \
             amplified by {:.0}%,\nwhere the same feed never biased would show it was {:.0}%: the topic \
             has become {:.0}% of what followed creators\npublish, and was {:.0}%.",
            last.history,
            percent(Against::Newest),
            percent(Against::CleanAlgorithm),
            100.0 * last.inventory_share,
            100.0 * self.clean_inventory_share,
        )?;
        writeln!(
            out,
            "Against a uniform draw from the pool it is {:.0}%, and against the newest of followed \
             creators of the\nworld without that history {:.0}%.",
            percent(Against::Uniform),
            percent(Against::CleanNewest),
        )
    }

    fn chart(&self) -> String {
        let line = |against| {
            let points = self.findings.iter();
            let points = points.map(|f| (f64::from(f.history), f.against(against))).collect();
            Line { label: name(against).to_owned(), points, intervals: Intervals::Bars }
        };
        let days = HISTORIES.map(f64::from);
        let frame = Frame {
            title: "A biased feed contaminates its own reverse-chronological baseline",
            subtitle: "A topic favoured 4-fold; against the platform's own newest it seems to fade. \
                       Clean: never biased.",
            x: Axis {
                label: "days of biased feed before the audit",
                scale: Scale::Linear,
                ticks: &days,
                from: -1.0,
                to: 29.0,
            },
        };
        let y = Axis {
            label: "amplification ratio of the topic, by baseline, with 95% intervals",
            scale: Scale::Linear,
            ticks: &[1.0, 1.25, 1.5, 1.75, 2.0, 2.25, 2.5],
            from: 1.0,
            to: 2.6,
        };
        chart::lines(&frame, &y, &Against::ALL.map(line), &[])
    }
}
