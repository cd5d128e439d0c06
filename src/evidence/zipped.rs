//! A bundle in a zip: the same bytes for the same files, and read without trust in what it says.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipArchive, ZipWriter};

use super::fault::{EvidenceFaultKind, io};
use super::manifest::{FileRecord, INPUTS, check_name};
use super::store::Store;
use super::write::Folder;
use crate::error::Error;
use crate::place::replace;

/// From this size on, a file is written so that it may have more than 4 GiB.
const LARGE: u64 = 1 << 31;

/// A zip whose names were checked.
#[derive(Clone, Debug)]
pub(super) struct Zipped {
    path: PathBuf,
    /// By name, the size that it says each file has; nothing for what is no plain file.
    sizes: BTreeMap<String, Option<u64>>,
}

impl Zipped {
    /// Looks at all names, and refuses the zip for one that leads out of it.
    pub(super) fn open(path: &Path) -> Result<Self, Error> {
        let mut archive = archive(path)?;
        let fault = |kind: EvidenceFaultKind| kind.of(path);
        if archive.has_overlapping_files().map_err(damaged(path))? {
            let detail = "files in it share bytes, as in one made to fill a disk".to_owned();
            return Err(fault(EvidenceFaultKind::Zip { detail }));
        }
        if archive.has_duplicate_names() {
            let name = "a file".to_owned();
            return Err(fault(EvidenceFaultKind::Repeated { name }));
        }
        let mut sizes = BTreeMap::new();
        for at in 0..archive.len() {
            let raw = archive.by_index_raw(at).map_err(damaged(path))?;
            let name = std::str::from_utf8(raw.name_raw()).map_err(|_| {
                let name = String::from_utf8_lossy(raw.name_raw()).into_owned();
                fault(EvidenceFaultKind::LeadsOut { name })
            })?;
            check_name(path, name.strip_suffix('/').unwrap_or(name))?;
            if raw.is_dir() {
                continue;
            }
            let size = (raw.is_file() && !raw.encrypted()).then_some(raw.size());
            if sizes.insert(name.to_owned(), size).is_some() {
                let name = name.to_owned();
                return Err(fault(EvidenceFaultKind::Repeated { name }));
            }
        }
        Ok(Self { path: path.to_owned(), sizes })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn sizes(&self) -> &BTreeMap<String, Option<u64>> {
        &self.sizes
    }

    pub(super) fn read<T>(
        &self,
        name: &str,
        read: impl FnOnce(&mut dyn Read) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let mut archive = archive(&self.path)?;
        let mut file = archive.by_name(name).map_err(damaged(&self.path))?;
        read(&mut file)
    }
}

impl Zipped {
    /// Copies of the inputs, each no longer than the manifest says, in a folder that is gone with
    /// what is returned.
    pub(super) fn unpack(&self, inputs: &[FileRecord]) -> Result<Folder, Error> {
        let folder = Folder::temporary()?;
        for FileRecord { name, state } in inputs {
            let to = folder.path().join(name);
            if let Some(parent) = to.parent() {
                fs::create_dir_all(parent).map_err(io(parent))?;
            }
            let mut copy = File::create(&to).map_err(io(&to))?;
            self.read(&format!("{INPUTS}/{name}"), |from| {
                io::copy(&mut from.take(state.bytes), &mut copy).map_err(io(&to))
            })?;
        }
        Ok(folder)
    }
}

fn archive(path: &Path) -> Result<ZipArchive<BufReader<File>>, Error> {
    let file = BufReader::new(File::open(path).map_err(io(path))?);
    ZipArchive::new(file).map_err(damaged(path))
}

fn damaged(path: &Path) -> impl Fn(zip::result::ZipError) -> Error {
    let path = path.to_owned();
    move |cause| EvidenceFaultKind::Zip { detail: cause.to_string() }.of(&path)
}

/// Puts all files of a folder into a zip, by name, with the first time that a zip can say.
pub(super) fn pack(folder: &Path, to: &Path) -> Result<(), Error> {
    let sizes = Store::Folder(folder.to_owned()).names()?;
    let write = |file: &File| {
        let mut zip = ZipWriter::new(BufWriter::new(file));
        for (name, size) in &sizes {
            let options = SimpleFileOptions::default()
                .compression_method(CompressionMethod::Deflated)
                .compression_level(Some(6))
                .last_modified_time(DateTime::default())
                .unix_permissions(0o644)
                .large_file(size.is_some_and(|bytes| bytes >= LARGE));
            zip.start_file(name.as_str(), options).map_err(io::Error::other)?;
            io::copy(&mut File::open(folder.join(name))?, &mut zip)?;
        }
        zip.finish().map_err(io::Error::other)?.flush()
    };
    replace(to, write).map_err(io(to))
}
