//! Evidence: a folder or one `.zip` with all that an audit rests on, so that a court, a regulator or a
//! referee can check it, with the log or without.
//!
//! A bundle holds the study, the report, the tally from which the report came and a manifest with the
//! SHA-256 of each file, and of each file that the study read. The logs themselves may stay where they
//! are. The SHA-256 of the manifest is the bundle's **fingerprint**: put in a letter or a
//! pre-registration, it holds every byte fast. `docs/evidence.md` describes the format.
//!
//! # What it shows, and what not
//!
//! That a report follows from a tally, or from files with these digests. Not that the files are a true
//! record of what was shown, nor who made them: a fingerprint is worth as much as the way by which it
//! came, so it should come by another than the bundle. Whoever changes a bundle can make all digests
//! anew; only a fingerprint from elsewhere ([`Bundle::expecting`]) tells.

mod compare;
mod files;
mod folder;
mod make;
mod manifest;
#[cfg(feature = "zip")]
mod pack;
mod store;
mod verification;
mod verify;
mod write;
#[cfg(feature = "zip")]
mod zipped;

use std::borrow::Cow;
use std::collections::HashSet;
use std::path::{Path, PathBuf};

pub use self::manifest::{
    BaselineRows, Contents, EVIDENCE_SCHEMA, EVIDENCE_VERSION, FileRecord, Manifest, Part,
    Platform, RowCounts, TallyKept,
};
use self::store::Store;
pub use self::verification::{
    Difference, FieldsCompared, Finding, Obstacle, RecomputedFrom, Verdict, Verification,
};
use self::verify::Place;
pub use crate::base::sha256::{FileState, NoSha256, Sha256};
use crate::error::Error;
pub use crate::error::evidence::{EvidenceFault, EvidenceFaultKind};
use crate::study_file::StudyFile;

/// A bundle of evidence, with its manifest read.
///
/// ```
/// use tiltmeter::StudyFile;
/// use tiltmeter::evidence::{Bundle, Contents, Inputs, Verdict};
/// # let folder = tempfile::tempdir().unwrap();
/// # let folder = folder.path();
/// # let write = |name: &str, text: &str| std::fs::write(folder.join(name), text).unwrap();
/// # write("log.csv", "who,feed,about\na,ranked,war\nb,ranked,war\nc,newest,war\nd,newest,sport\n");
/// # write("study.json", r#"{
/// #     "log": {"path": "log.csv",
/// #             "schema": {"viewer": "who", "arm": "feed", "topics": {"column": "about"}}},
/// #     "question": {"treatment": "ranked", "baseline": {"arm": "newest"}, "topics": ["war"]}
/// # }"#);
/// let study = StudyFile::open(folder.join("study.json"))?;
/// let written = Bundle::write(&study, folder, &folder.join("evidence"), Contents::WithoutInputs)?;
/// let fingerprint = written.fingerprint(); // for the letter
///
/// // Elsewhere, without the log, and then with it:
/// let bundle = Bundle::open(folder.join("evidence"))?.expecting(fingerprint);
/// assert_eq!(bundle.verify(&Inputs::AsStudied)?.verdict, Verdict::SameFromTally);
/// assert_eq!(bundle.verify(&Inputs::In(folder.into()))?.verdict, Verdict::Same);
/// # Ok::<(), tiltmeter::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Bundle {
    path: PathBuf,
    store: Store,
    manifest: Manifest,
    fingerprint: Sha256,
    /// Of the process that wrote it alone: a bundle says nothing of where things were.
    studied_in: Option<PathBuf>,
    expected: Option<Sha256>,
}

/// Where the inputs are, for a check.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Inputs {
    /// In the bundle, if it was written [`WithInputs`](Contents::WithInputs); else, for a bundle that was
    /// just [written](Bundle::write), in the study's folder; else nowhere.
    #[default]
    AsStudied,
    /// In this folder, as they were in that of the study. Those that are not there are told.
    In(PathBuf),
}

impl Bundle {
    /// Runs a study on the inputs in its folder and writes a bundle: a folder, or a zip where the name
    /// ends in `.zip` (with the feature `zip`). It is made beside its place and renamed, so nobody ever
    /// sees half of one. Equal inputs give equal bytes on the same platform with the same release.
    ///
    /// The inputs are hashed before and after the audit, and as they are copied.
    ///
    /// # Errors
    /// Those of [`StudyFile::run`]; [`Error::Evidence`] where something is at the place already, an input
    /// is not below the folder or changes meanwhile; [`Error::Io`].
    pub fn write(
        study: &StudyFile,
        folder: impl AsRef<Path>,
        to: impl AsRef<Path>,
        contents: Contents,
    ) -> Result<Self, Error> {
        Self::write_noted(study, folder.as_ref(), to.as_ref(), contents, None)
    }

    /// The same, with a note in the manifest: a case number, a date, a name.
    ///
    /// # Errors
    /// Those of [`write`](Self::write).
    pub fn write_with_note(
        study: &StudyFile,
        folder: impl AsRef<Path>,
        to: impl AsRef<Path>,
        contents: Contents,
        note: &str,
    ) -> Result<Self, Error> {
        Self::write_noted(study, folder.as_ref(), to.as_ref(), contents, Some(note))
    }

    fn write_noted(
        study: &StudyFile,
        folder: &Path,
        to: &Path,
        contents: Contents,
        note: Option<&str>,
    ) -> Result<Self, Error> {
        write::write(study, folder, to, contents, note)?;
        Ok(Self { studied_in: Some(folder.to_owned()), ..Self::open(to)? })
    }

    /// Opens a bundle, folder or zip, and reads its manifest; nothing is checked yet.
    ///
    /// # Errors
    /// [`Error::Evidence`] where there is no manifest or it cannot be read, a name leads out of the
    /// bundle, a zip is damaged or the build is without zips; [`Error::Version`] for a manifest of
    /// another version; [`Error::Io`].
    pub fn open(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        let store = Store::open(path)?;
        let size = store.names()?.get(manifest::MANIFEST).copied().flatten();
        let size = size.ok_or_else(|| EvidenceFaultKind::NoManifest.of(path))?;
        let json = store.document(manifest::MANIFEST, size)?;
        let manifest = Manifest::from_json(&store.place(manifest::MANIFEST), &json)?;
        let fingerprint = Sha256::of(&json);
        let path = path.to_owned();
        Ok(Self { path, store, manifest, fingerprint, studied_in: None, expected: None })
    }

    /// With the fingerprint that it should have: another is a finding of the check.
    #[must_use]
    pub fn expecting(mut self, fingerprint: Sha256) -> Self {
        self.expected = Some(fingerprint);
        self
    }

    /// Checks every file and every input that is there, and computes the report again: from the inputs
    /// if all are there and as they were, else from the tally. What is not as it should be is told, not
    /// an error.
    ///
    /// A report from the tally takes the counts of rows (`quality`) as they are recorded. A report of
    /// another release is never the same: what this release computes is compared, texts too, and the verdict
    /// says how much that was ([`Verdict::OtherRelease`]); a field that every release writes must be there.
    /// A study whose paths lead out of the folder of its inputs is not run.
    ///
    /// # Errors
    /// [`Error::Io`] where the bundle or the inputs cannot be looked at at all.
    pub fn verify(&self, inputs: &Inputs) -> Result<Verification, Error> {
        verify::verify(self, inputs)
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What it says of itself.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The SHA-256 of the manifest's bytes, which holds all other digests.
    #[must_use]
    pub fn fingerprint(&self) -> Sha256 {
        self.fingerprint
    }

    /// Where the inputs are to be looked for, if anywhere. Copies that are not as they should be are
    /// not looked at again.
    fn inputs_at<'p>(
        &'p self,
        inputs: &'p Inputs,
        findings: &[Finding],
    ) -> Result<Option<Place<'p>>, Error> {
        match inputs {
            Inputs::In(folder) => return Ok(Some(Place::In(Cow::Borrowed(folder)))),
            Inputs::AsStudied if !self.manifest.has_inputs() => {
                return Ok(self.studied_in.as_deref().map(|at| Place::In(Cow::Borrowed(at))));
            }
            Inputs::AsStudied => {}
        }
        // Nor are they where something lies beside them, such as a link into other folders.
        let beside = findings.iter().filter_map(Finding::file).any(|file| {
            file.strip_prefix(manifest::INPUTS).is_some_and(|rest| rest.starts_with('/'))
        });
        let faulty: HashSet<&str> = findings.iter().filter_map(Finding::file).collect();
        let listed: HashSet<&str> = self.manifest.files.iter().map(|file| &*file.name).collect();
        let mut inputs = self.manifest.inputs.iter();
        let is_faulty = inputs.any(|input| {
            let copy = format!("{}/{}", manifest::INPUTS, input.name);
            faulty.contains(&*copy) || !listed.contains(&*copy)
        });
        if beside || is_faulty {
            return Ok(None);
        }
        match &self.store {
            Store::Folder(folder) => Ok(Some(Place::In(Cow::Owned(folder.join(manifest::INPUTS))))),
            #[cfg(feature = "zip")]
            Store::Zip(zipped) => Ok(Some(Place::Unpacked(zipped.unpack(&self.manifest.inputs)?))),
        }
    }
}
