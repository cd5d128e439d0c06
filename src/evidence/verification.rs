//! What checking a bundle found, as data and in words.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::manifest::{Part, Platform};
use crate::base::sha256::{FileState, Sha256};
use crate::report::{printable, printable_name};

/// How a bundle stands, all in all.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// All files are as the manifest says, and the report follows from the inputs, bit by bit.
    Same,
    /// All files are as the manifest says, and the report follows from the tally, bit by bit. Whether
    /// the tally follows from the inputs was not seen, since they were not there.
    SameFromTally,
    /// Another release wrote the bundle. All files are as the manifest says, and what both releases compute is
    /// the same, bit by bit; but not everything may be computed or written alike, so it is not "same".
    OtherRelease {
        /// How many values of the report were compared.
        compared: usize,
        /// How many this release computes.
        of: usize,
    },
    /// A file of the bundle or an input is not as the manifest says; no number was found to differ.
    Changed,
    /// What was computed again differs from what the bundle says.
    Different,
    /// All files are as the manifest says, but nothing could be computed again.
    CannotRecompute {
        /// Why not.
        why: Obstacle,
    },
}

/// Why nothing could be computed again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Obstacle {
    /// The inputs are not there, and the bundle has no tally.
    NoInputsAndNoTally,
    /// Files that it would be computed from are not as the manifest says.
    FilesChanged,
    /// The audit failed: the error's message.
    Failed {
        /// The message.
        message: String,
    },
}

/// What the report was computed again from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RecomputedFrom {
    /// From the files that the study read.
    Inputs,
    /// From the tally in the bundle.
    Tally,
}

/// A file that is not as the manifest says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Finding {
    /// A file of the bundle is not there.
    Missing {
        /// The file.
        file: String,
    },
    /// A file of the bundle has other bytes.
    Changed {
        /// The file.
        file: String,
        /// Its size and digest by the manifest, or by `SHA256SUMS` for the manifest itself.
        expected: FileState,
        /// Its size in bytes.
        found_bytes: u64,
        /// Its digest; none for a file of a zip that says it has another size, which is not unpacked.
        found_sha256: Option<Sha256>,
    },
    /// `SHA256SUMS` does not say what the manifest says, or not of this manifest.
    OtherSums {
        /// The digest of the manifest by `SHA256SUMS`; none where it says none.
        of_manifest: Option<Sha256>,
    },
    /// A file is in the bundle and not in the manifest.
    NotListed {
        /// The file.
        file: String,
    },
    /// A file of the bundle is a link or something else that is not read.
    NoFile {
        /// What should be a file.
        file: String,
    },
    /// A file of the bundle could not be read.
    Unreadable {
        /// The file.
        file: String,
        /// What the operating system or the decoder said.
        detail: String,
    },
    /// The manifest is not the one that was expected.
    OtherFingerprint {
        /// What was expected.
        expected: Sha256,
    },
    /// An input has other bytes.
    InputChanged {
        /// The input.
        file: String,
        /// Its size and digest by the manifest.
        expected: FileState,
        /// Its size and digest now.
        found: FileState,
    },
    /// The study would read a file that it did not read.
    InputNotListed {
        /// The file.
        file: String,
    },
    /// A report has other text around the same numbers.
    Rewritten {
        /// The file.
        file: String,
    },
}

/// A value that differs when it is computed again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Difference {
    /// The topic of the estimate; none for what is of no one estimate.
    pub topic: Option<String>,
    /// The statistic of the estimate.
    pub statistic: Option<String>,
    /// The field, by its path in the estimate or the report (`clusters.both`, `warnings[0].kind`);
    /// `manifest: ` and a field's name for one of the manifest, and a file's name for text or a tally.
    pub field: String,
    /// The value in the bundle; null where the field is not there.
    pub recorded: Json,
    /// The value now.
    pub recomputed: Json,
    /// The distance of two numbers over the larger of their magnitudes; none for what is no number.
    pub relative: Option<f64>,
}

/// How much of a report was compared.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldsCompared {
    /// How many values were compared.
    pub compared: usize,
    /// How many this release computes.
    pub of: usize,
    /// Fields that the bundle does not have, by their paths.
    pub absent: BTreeSet<String>,
}

/// What checking a bundle found. `Display` says it in words.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Verification {
    /// How the bundle stands, all in all.
    pub verdict: Verdict,
    /// The SHA-256 of the manifest that was found.
    pub fingerprint: Sha256,
    /// The release of the library that wrote the bundle.
    pub written_by: String,
    /// The release that checked it.
    pub checked_by: String,
    /// Where it was written.
    pub written_on: Platform,
    /// Where it was checked.
    pub checked_on: Platform,
    /// How many files of the bundle were checked.
    pub files: usize,
    /// How many inputs were checked.
    pub inputs: usize,
    /// Inputs that are not there.
    pub inputs_absent: Vec<String>,
    /// Files that are not as the manifest says.
    pub findings: Vec<Finding>,
    /// What the report was computed again from; none where it was not.
    pub recomputed_from: Option<RecomputedFrom>,
    /// Why nothing was computed again, or not all.
    pub obstacle: Option<Obstacle>,
    /// The values that differ.
    pub differences: Vec<Difference>,
    /// The largest relative difference of two numbers.
    pub largest_relative_difference: Option<f64>,
    /// What was not checked, since only the inputs can show it.
    pub unchecked: Vec<Part>,
    /// How much of the report was compared; nothing where it was not computed again.
    pub fields: FieldsCompared,
    /// Lines of the texts that another release wrote and this one writes otherwise: the first of each file. Read
    /// both, since a text may say what its numbers do not.
    pub other_texts: Vec<Difference>,
}

impl Finding {
    /// The file of the bundle that it is about, if it is about one.
    pub(super) fn file(&self) -> Option<&str> {
        match self {
            Self::Missing { file }
            | Self::Changed { file, .. }
            | Self::NotListed { file }
            | Self::NoFile { file }
            | Self::Unreadable { file, .. }
            | Self::Rewritten { file } => Some(file),
            Self::OtherSums { .. }
            | Self::OtherFingerprint { .. }
            | Self::InputChanged { .. }
            | Self::InputNotListed { .. } => None,
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Same => f.write_str("Same: the report follows from the inputs, bit by bit"),
            Self::SameFromTally => f.write_str(
                "Same from the tally: the report follows from the tally, bit by bit; the inputs were \
                 not there, so the tally itself was not checked against them",
            ),
            Self::OtherRelease { compared, of } => write!(
                f,
                "Other release: {compared} of {of} values that this release computes were compared, and are the \
                 same bit by bit"
            ),
            Self::Changed => f.write_str("Changed: files are not as the manifest says"),
            Self::Different => {
                f.write_str("Different: what was computed again is not what the bundle says")
            }
            Self::CannotRecompute { why } => write!(f, "Cannot recompute: {why}"),
        }
    }
}

impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoInputsAndNoTally => f.write_str(
                "the inputs are not there and the bundle has no tally; ask for the inputs, and give \
                 their folder",
            ),
            Self::FilesChanged => {
                f.write_str("what it would be computed from is not as the manifest says")
            }
            Self::Failed { message } => f.write_str(&printable(message)),
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let named = |f: &mut fmt::Formatter<'_>, file: &str, what: fmt::Arguments<'_>| {
            write!(f, "{}: {what}", printable(file))
        };
        match self {
            Self::Missing { file } => named(f, file, format_args!("missing")),
            Self::Changed { file, expected, found_bytes, found_sha256 } => {
                let found = found_sha256.map_or("not read".to_owned(), |sum| sum.to_string());
                let FileState { bytes, sha256 } = expected;
                let what = format_args!(
                    "changed: expected {sha256} ({bytes} bytes), found {found} ({found_bytes} bytes)"
                );
                named(f, file, what)
            }
            Self::OtherSums { of_manifest: Some(sum) } => {
                write!(f, "SHA256SUMS: not what follows from the manifest; it says {sum} of it")
            }
            Self::OtherSums { of_manifest: None } => {
                f.write_str("SHA256SUMS: says nothing of manifest.json")
            }
            Self::NotListed { file } => named(f, file, format_args!("not in the manifest")),
            Self::NoFile { file } => named(f, file, format_args!("no plain file; not read")),
            Self::Unreadable { file, detail } => {
                named(f, file, format_args!("cannot be read: {}", printable(detail)))
            }
            Self::OtherFingerprint { expected } => {
                write!(f, "manifest.json: its fingerprint was to be {expected}")
            }
            Self::InputChanged { file, expected, found } => {
                let what = format_args!(
                    "input changed: expected {} ({} bytes), found {} ({} bytes)",
                    expected.sha256, expected.bytes, found.sha256, found.bytes
                );
                named(f, file, what)
            }
            Self::InputNotListed { file } => {
                named(f, file, format_args!("an input that is not in the manifest"))
            }
            Self::Rewritten { file } => {
                named(f, file, format_args!("the same numbers, written otherwise"))
            }
        }
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let (Some(topic), Some(statistic)) = (&self.topic, &self.statistic) {
            write!(f, "{} of {}, ", printable(statistic), printable_name(topic))?;
        }
        let Self { field, recorded, recomputed, relative, .. } = self;
        let [recorded, recomputed] = [recorded, recomputed].map(|its| printable(&its.to_string()));
        write!(f, "{}: recorded {recorded}, recomputed {recomputed}", printable(field))?;
        relative.map_or(Ok(()), |relative| write!(f, " (relative difference {relative:.3e})"))
    }
}

/// Differences that are printed; the rest are counted.
const SHOWN: usize = 20;

impl fmt::Display for Verification {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}.", self.verdict)?;
        writeln!(f, "Fingerprint (SHA-256 of the manifest): {}", self.fingerprint)?;
        let absent = match self.inputs_absent.len() {
            0 => String::new(),
            many => format!(", {many} not there"),
        };
        writeln!(f, "{} files checked; {} inputs checked{absent}.", self.files, self.inputs)?;
        if self.written_by != self.checked_by {
            writeln!(
                f,
                "Written by tiltmeter {}, checked by {}: a difference may be one of the releases.",
                printable(&self.written_by),
                self.checked_by
            )?;
        }
        if self.written_on != self.checked_on {
            let [written, checked] = [&self.written_on, &self.checked_on]
                .map(|platform| printable(&format!("{} {}", platform.os, platform.arch)));
            writeln!(f, "Written on {written}, checked on {checked}: last digits may differ.")?;
        }
        self.findings.iter().try_for_each(|finding| writeln!(f, "  {finding}"))?;
        for difference in self.differences.iter().take(SHOWN) {
            writeln!(f, "  {difference}")?;
        }
        if self.differences.len() > SHOWN {
            writeln!(f, "  and {} more differences", self.differences.len() - SHOWN)?;
        }
        if let Some(largest) = self.largest_relative_difference {
            writeln!(f, "Largest relative difference: {largest:.3e}.")?;
        }
        match (&self.obstacle, &self.verdict) {
            (None, _) | (_, Verdict::CannotRecompute { .. }) => {}
            (Some(why), _) => writeln!(f, "Nothing was computed again: {why}.")?,
        }
        if !self.fields.absent.is_empty() {
            let absent: Vec<&str> = self.fields.absent.iter().map(String::as_str).collect();
            writeln!(f, "Not in the bundle: {}.", printable(&absent.join(", ")))?;
        }
        for text in &self.other_texts {
            writeln!(f, "Written otherwise by this release: {text}")?;
        }
        Ok(())
    }
}
