//! Feedback alone makes a feed unequal: items that are alike in everything, ranked by the clicks they had.
//!
//! ```text
//! cargo run -p tiltmeter-studies --bin popularity_feedback                  # a table and two sentences
//! cargo run -p tiltmeter-studies --bin popularity_feedback -- --json        # the same as JSON
//! cargo run -p tiltmeter-studies --bin popularity_feedback -- --svg FILE    # where the plot goes
//! ```

mod study;
#[cfg(test)]
mod tests;

use std::io::{self, Write};
use std::process::ExitCode;

use tiltmeter_studies::chart::{self, Axis, Frame, Intervals, Line, Reference, Scale};
use tiltmeter_studies::phenomenon::{self, Phenomenon};

use self::study::{CoverageStudy, DAYS, Ranking, WORLDS};

fn main() -> ExitCode {
    phenomenon::run("popularity_feedback", study::study)
}

impl Phenomenon for CoverageStudy {
    fn print(&self, out: &mut dyn Write) -> io::Result<()> {
        let items = self.items;
        writeln!(
            out,
            "{items} items alike in everything, {DAYS} days, {WORLDS} worlds: means over worlds, and \
             the least to the greatest.\n"
        )?;
        let columns =
            ["Gini, first day", "Gini, all days", "share of the most shown, %", "winners"];
        let [first, all, top, winners] = columns;
        writeln!(out, "{:<18}  {first:<21}  {all:<21}  {top:<26}  {winners}", "ranked by")?;
        for finding in &self.findings {
            let (Some(first), Some(last)) = (finding.gini.first(), finding.gini.last()) else {
                continue;
            };
            writeln!(
                out,
                "{:<18}  {:<21}  {:<21}  {:<26}  {}",
                finding.ranking.name(),
                first,
                last,
                finding.top_share.map(|share| 100.0 * share),
                finding.winners
            )?;
        }
        let last = |ranking| {
            let finding = self.findings.iter().find(|finding| finding.ranking == ranking);
            finding.and_then(|finding| finding.gini.last()).map_or(0.0, |gini| gini.value)
        };
        writeln!(
            out,
            "\nRanked by clicks the feed comes to a Gini coefficient of {:.2} (Pólya's urn: {:.2}, with \
             {:.1}% for the most shown);\nat random it is {:.2}, and goes to 0.",
            last(Ranking::Clicks),
            self.limit_gini,
            100.0 * self.limit_top_share,
            last(Ranking::Random),
        )?;
        let clicks = self.findings.iter().find(|finding| finding.ranking == Ranking::Clicks);
        writeln!(
            out,
            "Who wins is chance: in {WORLDS} worlds {} items came out on top by clicks. With exponent \
             0.5 shares become equal,\nwith 1.5 one item takes nearly all.",
            clicks.map_or(0, |clicks| clicks.winners)
        )
    }

    fn chart(&self) -> String {
        let line = |finding: &study::Finding| Line {
            label: finding.ranking.name().to_owned(),
            points: (1..).map(f64::from).zip(finding.gini.iter().copied()).collect(),
            intervals: Intervals::Band,
        };
        let lines: Vec<Line> = self.findings.iter().map(line).collect();
        let frame = Frame {
            title: "Feedback alone makes a feed unequal",
            subtitle: "Items alike in everything, ranked by the clicks they had: means over ten worlds, \
                       and their range",
            x: Axis {
                label: "days",
                scale: Scale::Linear,
                ticks: &[1.0, 5.0, 10.0, 15.0, 20.0],
                from: 1.0,
                to: 20.0,
            },
        };
        let y = Axis {
            label: "Gini coefficient of items' impressions so far",
            scale: Scale::Linear,
            ticks: &[0.0, 0.2, 0.4, 0.6, 0.8, 1.0],
            from: 0.0,
            to: 1.0,
        };
        let limits = [Reference { label: "limit of Pólya's urn", value: self.limit_gini }];
        chart::lines(&frame, &y, &lines, &limits)
    }
}
