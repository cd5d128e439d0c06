//! What may go wrong with a bundle, each with what to do about it.

use std::path::{Path, PathBuf};

use super::Error;
use crate::base::printable::{of_path, printable, quoted};
use crate::base::sha256::Sha256;

/// Why a bundle cannot be written or read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}: {why}", of_path(file))]
pub struct EvidenceFault {
    /// The file or folder.
    pub file: PathBuf,
    /// What is wrong with it, and what to do.
    pub why: EvidenceFaultKind,
}

/// The ways in which a bundle is at fault.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EvidenceFaultKind {
    /// There is something where the bundle is to be.
    #[error("there is something already, and evidence is not written over; name another place")]
    Exists,
    /// An input is not below the folder of the study.
    #[error(
        "this input is not in the folder of the study, or its name has a backslash or is not UTF-8; \
         put the study file in a folder above all that it reads, with paths that start there"
    )]
    InputOutside,
    /// An input is there by a link that leads out of the folder of the study.
    #[error(
        "this input is a link, or in a folder that is one, and leads out of the folder of the study; put \
         the file itself there"
    )]
    LinkedOutside,
    /// An input is not what it was when the audit began.
    #[error(
        "this input changed while it was audited (SHA-256 {before} before, {after} after); write the \
         bundle again when nobody writes to it"
    )]
    InputChanged {
        /// Its digest before the audit.
        before: Sha256,
        /// Its digest after.
        after: Sha256,
    },
    /// Inputs came or went during the audit.
    #[error(
        "the files that the study reads were {before} before the audit and others, {after}, after; \
         write the bundle again when nobody writes to them"
    )]
    InputsChanged {
        /// How many there were before.
        before: usize,
        /// How many there are after.
        after: usize,
    },
    /// A name in a bundle leads out of it.
    #[error(
        "the name {name} leads out of the bundle or is none that all systems have; nothing was \
         read; do not unpack it, and ask whoever made it",
        name = quoted(name)
    )]
    LeadsOut {
        /// The name.
        name: String,
    },
    /// Two files of a bundle have one name.
    #[error("{name} is there twice; nothing was read; ask whoever made it", name = quoted(name))]
    Repeated {
        /// The name.
        name: String,
    },
    /// There is no manifest.
    #[error(
        "there is no manifest.json at its top, so it is no bundle; name the folder or .zip that \
         Bundle::write made"
    )]
    NoManifest,
    /// The manifest cannot be read.
    #[error(
        "the manifest cannot be read: {detail}; fetch the bundle again",
        detail = printable(detail)
    )]
    Manifest {
        /// What is wrong.
        detail: String,
    },
    /// A document is larger than one is read.
    #[error(
        "it has {bytes} bytes, or says so, where at most {most} are read; fetch the bundle again"
    )]
    TooLarge {
        /// Its size in bytes.
        bytes: u64,
        /// The largest that is read.
        most: u64,
    },
    /// A zip is damaged, or is made to fill memory or disk.
    #[error("the zip cannot be read: {detail}; fetch the bundle again", detail = printable(detail))]
    Zip {
        /// What is wrong.
        detail: String,
    },
    /// Zips are not compiled in.
    #[error("this build cannot do zips; name a folder, or build with the feature `zip`")]
    NoZip,
}

impl EvidenceFaultKind {
    pub(crate) fn of(self, file: &Path) -> Error {
        Error::Evidence(Box::new(EvidenceFault { file: file.to_owned(), why: self }))
    }
}

pub(crate) fn io(path: &Path) -> impl Fn(std::io::Error) -> Error {
    let path = path.to_owned();
    move |cause| Error::Io { path: path.clone(), cause }
}
