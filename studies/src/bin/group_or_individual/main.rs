//! Amplification of a group and of its members need not agree: a few members may carry the group, and
//! all members may be shown more to viewers whom the group reached anyhow.
//!
//! ```text
//! cargo run -p tiltmeter-studies --bin group_or_individual                  # a table and two sentences
//! cargo run -p tiltmeter-studies --bin group_or_individual -- --json        # the same as JSON
//! cargo run -p tiltmeter-studies --bin group_or_individual -- --svg FILE    # where the plot goes
//! ```

#[cfg_attr(not(test), allow(dead_code, reason = "the tests have a control without a mechanism"))]
mod study;
#[cfg(test)]
mod tests;

use std::io::{self, Write};
use std::process::ExitCode;

use tiltmeter_studies::chart::{self, Axis, Frame, Marks, Row, Scale};
use tiltmeter_studies::phenomenon::{self, Phenomenon};

use self::study::{CoverageStudy, Finding, MEMBERS, Mechanism};

fn main() -> ExitCode {
    phenomenon::run("group_or_individual", study::study)
}

const fn name(mechanism: Mechanism) -> &'static str {
    match mechanism {
        Mechanism::Nothing => "Nothing is boosted",
        Mechanism::FewMembers => "Two members of the right party are boosted, for everybody",
        Mechanism::SameViewers => {
            "The whole left party is boosted, for viewers whom it reaches anyhow"
        }
    }
}

fn print_finding(finding: &Finding, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "{}", name(finding.mechanism))?;
    writeln!(
        out,
        "  {:<12} {:>8}  {:<20} {:>14} {:>14}",
        "", "reach", "group ratio (95%)", "typical member", "members' range"
    )?;
    for group in &finding.groups {
        let mut members = group.members.clone();
        members.sort_by(f64::total_cmp);
        let range = match (members.first(), members.last()) {
            (Some(low), Some(high)) => format!("{low:.2} to {high:.2}"),
            _ => "-".to_owned(),
        };
        writeln!(
            out,
            "  {:<12} {:>7.1}%  {:<20} {:>14.2} {:>14}",
            group.name,
            100.0 * group.reach,
            group.ratio.to_string(),
            group.median_member(),
            range
        )?;
    }
    writeln!(out, "  members' amplification by party, permutation test: p = {:.4}\n", finding.p)
}

impl Phenomenon for CoverageStudy {
    fn print(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(
            out,
            "Reach of two parties of {MEMBERS} members each: treatment over baseline, smoothed, with \
             viewers as clusters.\nThe typical member is the median one.\n"
        )?;
        self.findings.iter().try_for_each(|finding| print_finding(finding, out))?;
        let [few, same] = &self.findings;
        writeln!(
            out,
            "A few carry the group: the right party's reach is amplified by {:.0}%, its median member \
             by {:.0}%, and a test\nover members sees no difference between the parties (p = {:.2}).",
            100.0 * (few.groups[1].ratio.value - 1.0),
            100.0 * (few.groups[1].median_member() - 1.0),
            few.p,
        )?;
        writeln!(
            out,
            "The same viewers see more of it: the left party's median member is amplified by {:.0}%, \
             and the test sees it\n(p = {:.4}); the party's reach is {:.2} times what it was, since it \
             reached those viewers before.",
            100.0 * (same.groups[0].median_member() - 1.0),
            same.p,
            same.groups[0].ratio.value,
        )
    }

    fn chart(&self) -> String {
        let mut rows = Vec::new();
        for finding in &self.findings {
            let heading =
                format!("{}; test over members: p = {:.4}", name(finding.mechanism), finding.p);
            rows.push(Row { label: heading, colour: 0, marks: Marks::Heading });
            for (colour, group) in finding.groups.iter().enumerate() {
                let party = group.name.replace('_', " ");
                let row = |label, marks| Row { label, colour, marks };
                rows.push(row(format!("{party}, as a group"), Marks::One(group.ratio)));
                let members = Marks::Many(group.members.clone());
                rows.push(row(format!("{party}, {MEMBERS} members"), members));
            }
        }
        let frame = Frame {
            title: "Groups and their members need not be amplified alike",
            subtitle: "Reach under treatment over reach under baseline; 95% intervals of groups, a dot \
                       for every member",
            x: Axis {
                label: "amplification ratio of reach (logarithmic)",
                scale: Scale::Logarithmic,
                ticks: &[0.75, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0],
                from: 0.75,
                to: 6.0,
            },
        };
        chart::forest(&frame, &rows, 1.0)
    }
}
