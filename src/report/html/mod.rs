//! Findings as one page of HTML, and their figures alone. What is shown was computed elsewhere.

mod facts;
mod figures;
mod headline;
mod methods;
mod order;
mod page;
mod sections;
mod tables;
mod words;

use self::page::Page;
use crate::error::Error;
use crate::findings::Findings;
use crate::report::table::Table;
use crate::statistic::{AmplificationRatio, Statistic};

/// A figure of [`Findings`], by itself: SVG in plain colours on white, with its alternative text, and its numbers as
/// a table.
///
/// ```
/// use tiltmeter::report::Figure;
/// # let folder = tempfile::tempdir().unwrap();
/// # let log = "who,feed,about\na,ranked,war\nb,ranked,war\nc,newest,war\nd,newest,sport\n";
/// # std::fs::write(folder.path().join("log.csv"), log).unwrap();
/// # let study: tiltmeter::StudyFile = serde_json::from_str(r#"{
/// #     "log": {"path": "log.csv",
/// #             "schema": {"viewer": "who", "arm": "feed", "topics": {"column": "about"}}},
/// #     "question": {"treatment": "ranked", "baseline": {"arm": "newest"}}
/// # }"#).unwrap();
/// # let findings = tiltmeter::findings::Findings::of(&study.read(folder.path())?, &study)?;
/// for Figure { name, svg, numbers, .. } in findings.figures()? {
///     std::fs::write(folder.path().join(format!("{name}.svg")), svg).unwrap();
///     std::fs::write(folder.path().join(format!("{name}.csv")), numbers.to_csv()).unwrap();
/// }
/// # Ok::<(), tiltmeter::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Figure {
    /// A name for files and links: small letters, digits, `-` and `_`. No other figure has it.
    pub name: String,
    /// What it shows.
    pub title: String,
    /// The alternative text, for those who do not see it: a sentence or two, with the numbers that matter most.
    pub description: String,
    /// The picture. Title and description are in it too.
    pub svg: String,
    /// All its numbers.
    pub numbers: Table,
}

#[cfg(feature = "png")]
impl Figure {
    /// The picture as PNG, with its title and alternative text in the file.
    ///
    /// ```
    /// # use tiltmeter::{StudyFile, findings::Findings};
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let log = "who,feed,about\na,ranked,war\nb,ranked,war\nc,newest,war\nd,newest,sport\n";
    /// # std::fs::write(folder.path().join("log.csv"), log).unwrap();
    /// # let study: StudyFile = serde_json::from_str(r#"{
    /// #     "log": {"path": "log.csv",
    /// #             "schema": {"viewer": "who", "arm": "feed", "topics": {"column": "about"}}},
    /// #     "question": {"treatment": "ranked", "baseline": {"arm": "newest"}}
    /// # }"#).unwrap();
    /// # let findings = Findings::of(&study.read(folder.path())?, &study)?;
    /// use tiltmeter::report::Png;
    /// let png = findings.figures()?[0].to_png(&Png { dots_per_inch: 96, ..Png::default() })?;
    /// assert!(png.starts_with(b"\x89PNG"));
    /// # Ok::<(), tiltmeter::Error>(())
    /// ```
    ///
    /// # Errors
    /// Those of [`Png::of_svg`](crate::report::Png::of_svg).
    pub fn to_png(&self, png: &crate::report::Png) -> Result<Vec<u8>, Error> {
        png.of_svg(&self.svg)
    }
}

impl Findings {
    /// The findings as one HTML file that needs nothing else: styles and figures are in it, there is no
    /// script, and nothing is fetched. It follows the reader's light or dark colours, fits a phone, and
    /// prints. Every figure has a name and a description for screen readers, and its numbers below it as
    /// a table, each to the last digit in a `<data>` element. The study that made it is at its end.
    ///
    /// The same findings give the same bytes: there is no date in it. Texts from the log are escaped.
    ///
    /// ```
    /// # use tiltmeter::{StudyFile, findings::Findings};
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let log = "who,feed,about\na,ranked,war\nb,ranked,<b>\nc,newest,war\nd,newest,sport\n";
    /// # std::fs::write(folder.path().join("log.csv"), log).unwrap();
    /// # let study: StudyFile = serde_json::from_str(r#"{
    /// #     "log": {"path": "log.csv",
    /// #             "schema": {"viewer": "who", "arm": "feed", "topics": {"column": "about"}}},
    /// #     "question": {"treatment": "ranked", "baseline": {"arm": "newest"}}
    /// # }"#).unwrap();
    /// let findings = Findings::of(&study.read(folder.path())?, &study)?;
    /// let html = findings.to_html()?;
    /// assert!(html.starts_with("<!DOCTYPE html>") && html.contains("&lt;b&gt;"));
    /// # Ok::<(), tiltmeter::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Report`] if drawing or serialising fails, which they have no reason to.
    pub fn to_html(&self) -> Result<String, Error> {
        let title = self.study().title.clone().unwrap_or_else(|| {
            let question = &self.study().question;
            let what = if question.is_of_one_arm() { "Shares" } else { "Amplification" };
            format!("{what} in {}", question.arms_in_words())
        });
        let mut page = Page::new(&title);
        for (id, heading, write) in sections::ALL {
            page.section(id, heading);
            write(self, &mut page)?;
        }
        Ok(page.finish(&sections::missing(self)))
    }

    /// All figures of the report, in its order. Topics stand by size of effect. A specification curve and a waterfall
    /// there are of the six topics of which the audit says most, and panels over time and by rank of 16; the others'
    /// curves and waterfalls are [`SensitivityTable::to_svg`](crate::sensitivity::SensitivityTable)
    /// and [`WaterfallReport::to_svg`](crate::decompose::WaterfallReport).
    ///
    /// # Errors
    /// [`Error::Report`] if drawing fails, which it has no reason to.
    pub fn figures(&self) -> Result<Vec<Figure>, Error> {
        let mut drawn = self.forests();
        drawn.extend(self.naive_against_robust());
        drawn.extend(self.shares_over_time());
        drawn.extend(self.profile_of_ranks());
        drawn.extend(self.specification_curves()?);
        drawn.extend(self.waterfalls()?);
        drawn.extend(self.detectable());
        Ok(drawn)
    }

    /// The statistics of the study, each once.
    fn statistics(&self) -> Vec<&dyn Statistic> {
        let asked = &self.study().question.statistics;
        if asked.is_empty() {
            return vec![&AmplificationRatio];
        }
        let mut statistics: Vec<&dyn Statistic> = Vec::new();
        for its in asked {
            if !statistics.iter().any(|other| other.name() == its.name()) {
                statistics.push(&**its);
            }
        }
        statistics
    }
}
