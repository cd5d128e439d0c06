//! Where the files of a bundle are: in a folder, or in a zip.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

use crate::error::Error;
use crate::error::evidence::{EvidenceFaultKind, io};

/// The largest document that is read into memory: manifest, study, report.
const MOST: u64 = 256 << 20;

/// The files of a bundle.
#[derive(Clone, Debug)]
pub(super) enum Store {
    Folder(PathBuf),
    #[cfg(feature = "zip")]
    Zip(super::zipped::Zipped),
}

/// Whether a path is to be a zip, by its name.
pub(super) fn is_zip(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("zip"))
}

impl Store {
    pub(super) fn open(path: &Path) -> Result<Self, Error> {
        let at = fs::metadata(path).map_err(io(path))?;
        if at.is_dir() {
            return Ok(Self::Folder(path.to_owned()));
        }
        if !at.is_file() {
            // From a pipe nothing can be read twice, if it ever comes.
            let what = "it is neither a folder nor a file, so it is no bundle";
            return Err(io(path)(std::io::Error::other(what)));
        }
        #[cfg(feature = "zip")]
        return Ok(Self::Zip(super::zipped::Zipped::open(path)?));
        #[cfg(not(feature = "zip"))]
        Err(EvidenceFaultKind::NoZip.of(path))
    }

    /// What is there, by name, with the size that each file has or says it has; nothing for what is
    /// no plain file, which is never followed.
    pub(super) fn names(&self) -> Result<BTreeMap<String, Option<u64>>, Error> {
        match self {
            Self::Folder(folder) => {
                let mut names = BTreeMap::new();
                walk(folder, "", &mut names)?;
                Ok(names)
            }
            #[cfg(feature = "zip")]
            Self::Zip(zipped) => Ok(zipped.sizes().clone()),
        }
    }

    /// Reads a file.
    pub(super) fn read<T>(
        &self,
        name: &str,
        read: impl FnOnce(&mut dyn Read) -> Result<T, Error>,
    ) -> Result<T, Error> {
        match self {
            Self::Folder(folder) => {
                let path = folder.join(name);
                // A pipe would be waited for without an end.
                if !fs::symlink_metadata(&path).map_err(io(&path))?.is_file() {
                    return Err(io(&path)(std::io::Error::other("it is no plain file")));
                }
                read(&mut BufReader::new(File::open(&path).map_err(io(&path))?))
            }
            #[cfg(feature = "zip")]
            Self::Zip(zipped) => zipped.read(name, read),
        }
    }

    /// Where a file is, for messages.
    pub(super) fn place(&self, name: &str) -> PathBuf {
        match self {
            Self::Folder(folder) => folder.join(name),
            #[cfg(feature = "zip")]
            Self::Zip(zipped) => zipped.path().join(name),
        }
    }

    /// A whole document, no longer than it says it is.
    pub(super) fn document(&self, name: &str, bytes: u64) -> Result<Vec<u8>, Error> {
        let place = self.place(name);
        if bytes > MOST {
            return Err(EvidenceFaultKind::TooLarge { bytes, most: MOST }.of(&place));
        }
        #[cfg(feature = "zip")]
        if let Self::Zip(zipped) = self {
            zipped.check_packed(name, bytes)?;
        }
        self.read(name, |from| {
            let mut document = Vec::new();
            from.take(bytes + 1).read_to_end(&mut document).map_err(io(&place))?;
            if document.len() as u64 > bytes {
                return Err(
                    EvidenceFaultKind::TooLarge { bytes: bytes + 1, most: bytes }.of(&place)
                );
            }
            Ok(document)
        })
    }
}

fn walk(
    folder: &Path,
    before: &str,
    names: &mut BTreeMap<String, Option<u64>>,
) -> Result<(), Error> {
    for entry in fs::read_dir(folder).map_err(io(folder))? {
        let entry = entry.map_err(io(folder))?;
        let name = format!("{before}{}", entry.file_name().to_string_lossy());
        // Of the entry itself: links are not followed.
        let metadata = entry.metadata().map_err(io(&entry.path()))?;
        if metadata.is_dir() {
            walk(&entry.path(), &format!("{name}/"), names)?;
        } else {
            names.insert(name, metadata.is_file().then_some(metadata.len()));
        }
    }
    Ok(())
}
