//! A bundle in a zip: the same bytes for the same files, and read without trust in what it says.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use zip::ZipArchive;

use super::folder::Folder;
use super::manifest::{FileRecord, INPUTS, check_name};
use crate::error::Error;
use crate::error::evidence::{EvidenceFaultKind, io};

/// The most bytes of a document that may come out of one: text and JSON come to a tenth of this.
const MOST_OF_ONE: u64 = 256;

/// The size of what ends a zip, without a comment.
const END_OF_DIRECTORY: u64 = 22;

/// What a mode of Unix says of the kind of a file, and what it says of a plain one.
const KIND: u32 = 0o170_000;
const PLAIN: u32 = 0o100_000;

/// Documents up to this size may come out of less.
const SMALL: u64 = 1 << 20;

/// A zip whose names were checked.
#[derive(Clone, Debug)]
pub(super) struct Zipped {
    path: PathBuf,
    /// By name, the size that it says each file has; nothing for what is no plain file.
    sizes: BTreeMap<String, Option<u64>>,
    /// Its directory, which is read once.
    archive: ZipArchive<Reopened>,
}

/// A file that each copy opens anew when it is first read, so that several threads read each at a place
/// of its own.
#[derive(Debug)]
struct Reopened {
    path: PathBuf,
    file: Option<BufReader<File>>,
}

impl Reopened {
    fn file(&mut self) -> io::Result<&mut BufReader<File>> {
        let file = match self.file.take() {
            Some(file) => file,
            None => BufReader::new(File::open(&self.path)?),
        };
        Ok(self.file.insert(file))
    }
}

impl Clone for Reopened {
    fn clone(&self) -> Self {
        Self { path: self.path.clone(), file: None }
    }
}

impl Read for Reopened {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.file()?.read(into)
    }
}

impl Seek for Reopened {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.file()?.seek(to)
    }
}

impl Zipped {
    /// Looks at all names, and refuses the zip for one that leads out of it.
    pub(super) fn open(path: &Path) -> Result<Self, Error> {
        let mut archive = archive(path)?;
        let fault = |kind: EvidenceFaultKind| kind.of(path);
        if archive.offset() > 0 || !ends_with_directory(path).map_err(io(path))? {
            let detail = "it has bytes before its files or after its directory".to_owned();
            return Err(fault(EvidenceFaultKind::Zip { detail }));
        }
        if archive.has_overlapping_files().map_err(damaged(path))? {
            let detail = "files in it share bytes, as in one made to fill a disk".to_owned();
            return Err(fault(EvidenceFaultKind::Zip { detail }));
        }
        if archive.has_duplicate_names() {
            let name = "a file".to_owned();
            return Err(fault(EvidenceFaultKind::Repeated { name }));
        }
        if !is_of_its_files(&mut archive, path)? {
            let detail =
                "it holds more than the files of its directory, or calls them otherwise".to_owned();
            return Err(fault(EvidenceFaultKind::Zip { detail }));
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
            let is_plain = raw.unix_mode().is_none_or(|mode| matches!(mode & KIND, 0 | PLAIN));
            let size = (raw.is_file() && is_plain && !raw.encrypted()).then_some(raw.size());
            if sizes.insert(name.to_owned(), size).is_some() {
                let name = name.to_owned();
                return Err(fault(EvidenceFaultKind::Repeated { name }));
            }
        }
        Ok(Self { path: path.to_owned(), sizes, archive })
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
        let mut archive = self.archive.clone();
        let mut file = archive.by_name(name).map_err(damaged(&self.path))?;
        read(&mut file)
    }
}

impl Zipped {
    /// Refuses a document that comes out of much less than itself: it is held in memory.
    pub(super) fn check_packed(&self, name: &str, bytes: u64) -> Result<(), Error> {
        let mut archive = self.archive.clone();
        let at = archive.index_for_name(name);
        let Some(at) = at.filter(|_| bytes > SMALL) else { return Ok(()) };
        let packed = archive.by_index_raw(at).map_err(damaged(&self.path))?.compressed_size();
        if bytes / packed.max(1) <= MOST_OF_ONE {
            return Ok(());
        }
        let detail = format!(
            "the {bytes} bytes of {name:?} come out of {packed}, where one gives {MOST_OF_ONE} at most, as \
             in one made to fill memory"
        );
        Err(EvidenceFaultKind::Zip { detail }.of(&self.path))
    }

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

fn archive(path: &Path) -> Result<ZipArchive<Reopened>, Error> {
    let file = Some(BufReader::new(File::open(path).map_err(io(path))?));
    ZipArchive::new(Reopened { path: path.to_owned(), file }).map_err(damaged(path))
}

/// Whether the files of a zip stand one after the other from its beginning to its directory, each under the name
/// that it has there: a program that reads the one must find what a program that reads the other does.
fn is_of_its_files(archive: &mut ZipArchive<Reopened>, path: &Path) -> Result<bool, Error> {
    let mut file = File::open(path).map_err(io(path))?;
    let (mut spans, mut directory) = (Vec::new(), u64::MAX);
    for at in 0..archive.len() {
        let raw = archive.by_index_raw(at).map_err(damaged(path))?;
        let (begin, data) = (raw.header_start(), raw.data_start().unwrap_or(0));
        directory = directory.min(raw.central_header_start());
        let mut its = vec![0; LOCAL + raw.name_raw().len()];
        read_at(&mut file, begin, &mut its).map_err(io(path))?;
        let length = usize::from(u16::from_le_bytes([its[26], its[27]]));
        if (length, &its[LOCAL..]) != (raw.name_raw().len(), raw.name_raw())
            || !raw.comment().is_empty()
        {
            return Ok(false);
        }
        let sum = (its[6] & SUM_FOLLOWS > 0).then_some(raw.crc32());
        spans.push((begin, data + raw.compressed_size(), sum));
    }
    spans.sort_unstable();
    let mut at = 0;
    for (begin, end, sum) in spans {
        if begin != at {
            return Ok(false);
        }
        let after = sum.map(|sum| sums_at(&mut file, end, sum).map_err(io(path))).transpose()?;
        at = end + after.unwrap_or(0);
    }
    Ok(at == directory || archive.is_empty())
}

/// What begins a file in a zip, before its name; where it has its flags and the length of the name is the form's.
const LOCAL: usize = 30;

/// The flag that a check sum and sizes, unknown when a file began, follow it.
const SUM_FOLLOWS: u8 = 8;

/// How many bytes a check sum and sizes take that follow a file: with or without a mark before them, and with sizes
/// of four or eight bytes, which whatever comes next tells apart.
fn sums_at(file: &mut File, end: u64, sum: u32) -> io::Result<u64> {
    let mut its = [0; 28];
    let have = file.metadata()?.len().saturating_sub(end).min(28) as usize;
    read_at(file, end, &mut its[..have])?;
    let mark = if its.starts_with(b"PK\x07\x08") { 4 } else { 0 };
    if its[mark..mark + 4] != sum.to_le_bytes() {
        return Ok(0);
    }
    let next =
        |at: usize| its[at..].starts_with(b"PK\x03\x04") || its[at..].starts_with(b"PK\x01\x02");
    Ok([mark + 12, mark + 20].into_iter().find(|&at| next(at)).unwrap_or(0) as u64)
}

fn read_at(file: &mut File, at: u64, into: &mut [u8]) -> io::Result<()> {
    file.seek(SeekFrom::Start(at))?;
    file.read_exact(into)
}

/// Whether the directory of a zip ends the file, without as much as a comment: whatever else is there is not
/// of the bundle.
fn ends_with_directory(path: &Path) -> io::Result<bool> {
    let mut file = File::open(path)?;
    let Some(at) = file.metadata()?.len().checked_sub(END_OF_DIRECTORY) else { return Ok(false) };
    file.seek(SeekFrom::Start(at))?;
    let mut end = [0; END_OF_DIRECTORY as usize];
    file.read_exact(&mut end)?;
    let number =
        |from: usize| u64::from(u32::from_le_bytes([0, 1, 2, 3].map(|byte| end[from + byte])));
    // Where it is said in a form for larger files, it is checked as that.
    let (size, begin) = (number(12), number(16));
    let is_before = begin == u64::from(u32::MAX) || begin + size == at;
    Ok(end.starts_with(b"PK\x05\x06") && is_before)
}

fn damaged(path: &Path) -> impl Fn(zip::result::ZipError) -> Error {
    let path = path.to_owned();
    move |cause| EvidenceFaultKind::Zip { detail: cause.to_string() }.of(&path)
}

#[cfg(test)]
mod tests {
    use std::io::{BufWriter, Write};

    use zip::ZipWriter;
    use zip::write::SimpleFileOptions;

    use super::*;
    use crate::evidence::store::Store;

    fn zip(files: impl Iterator<Item = (String, Vec<u8>)>) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bundle.zip");
        let mut zip = ZipWriter::new(BufWriter::new(File::create(&path).unwrap()));
        for (name, bytes) in files {
            zip.start_file(name, SimpleFileOptions::default()).unwrap();
            zip.write_all(&bytes).unwrap();
        }
        zip.finish().unwrap();
        (folder, path)
    }

    /// Ten thousand files: with the directory read for each of them, minutes.
    #[test]
    fn many_files_are_read_by_one_directory() {
        let name = |at: usize| format!("inputs/{at:05}.csv");
        let (_folder, path) = zip((0..10_000).map(|at| (name(at), name(at).into_bytes())));
        let zipped = Zipped::open(&path).unwrap();
        for at in 0..10_000 {
            let mut text = String::new();
            let read = |from: &mut dyn Read| from.read_to_string(&mut text).map_err(io(&path));
            zipped.read(&name(at), read).unwrap();
            assert_eq!(text, name(at));
        }
    }

    #[test]
    fn a_document_that_comes_out_of_nothing_is_refused() {
        let files = [("small", vec![b' '; 1 << 20]), ("large", vec![b' '; 8 << 20])];
        let (_folder, path) = zip(files.into_iter().map(|(name, bytes)| (name.to_owned(), bytes)));
        let store = Store::open(&path).unwrap();
        assert_eq!(store.document("small", 1 << 20).unwrap().len(), 1 << 20);
        let error = store.document("large", 8 << 20).unwrap_err().to_string();
        assert!(error.contains("one gives 256 at most"), "{error}");
    }
}
