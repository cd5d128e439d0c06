//! The same part twice: files that would be counted twice, by whatever names.

use std::collections::HashMap;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

use md5::{Digest, Md5};

use crate::error::Error;
use crate::error::role::Role;
use crate::log::LogSchema;
use crate::source::open_source_as;
use crate::source::text::unpack::{is_packed, open};
use crate::source::text::{is_standard_input, without_packing};
use crate::tally::Tally;

/// So many bytes are looked at, unpacked, before whole files are compared.
const BEGINNING: u64 = 1 << 16;

/// Columns that the path of a file says, with their values.
type OfPath = Vec<(String, String)>;

/// Refuses files of which two are the same: by their paths, by links, or byte for byte, packed or not. Equal bytes under
/// paths that say different things (`of_path`) are different rows.
///
/// # Errors
/// [`Error::RepeatedFile`], [`Error::SamePart`]; [`Error::Io`].
pub(crate) fn refuse_repeats<P: AsRef<Path>>(
    paths: &[P],
    of_path: impl Fn(&Path) -> Result<OfPath, Error>,
) -> Result<(), Error> {
    let mut known: HashMap<PathBuf, &Path> = HashMap::new();
    let mut links = Links::default();
    let mut by_beginning: HashMap<[u8; 16], Vec<Begun<'_>>> = HashMap::new();
    for path in paths.iter().map(AsRef::as_ref) {
        if is_standard_input(path) {
            match known.insert(path.to_owned(), path) {
                Some(_) => return Err(Error::RepeatedFile { path: path.to_owned() }),
                None => continue,
            }
        }
        let io = |cause| Error::Io { path: path.to_owned(), cause };
        let about = std::fs::metadata(path).map_err(io)?;
        let place = std::fs::canonicalize(path).map_err(io)?;
        if known.insert(place.clone(), path).is_some() {
            return Err(Error::RepeatedFile { path: place });
        }
        if let Some(first) = links.known(&about, path) {
            return Err(same(&first, path, "one file by two names"));
        }
        // What a pipe holds can be read but once.
        if !about.is_file() {
            continue;
        }
        let said = of_path(path)?;
        let mut text = Vec::new();
        if open(path)?.take(BEGINNING).read_to_end(&mut text).is_err() {
            // Whoever reads it in earnest says what is wrong with it.
            continue;
        }
        if is_header_alone(path, &text) {
            continue;
        }
        let packed = is_packed(path).map_err(io)?;
        let others = by_beginning.entry(Md5::digest(&text).into()).or_default();
        for other in others.iter() {
            // How long a packed file is, is known once it is read.
            let may_be = packed || other.packed || other.size == about.len();
            if may_be && other.said == said && are_equal(other.path, path)? {
                let how = match packed || other.packed {
                    true => "equal once unpacked",
                    false => "equal byte for byte",
                };
                return Err(same(other.path, path, how));
            }
        }
        others.push(Begun { path, size: about.len(), packed, said });
    }
    Ok(())
}

/// Refuses files of which one lacks a column of topics that another has: its rows would count as rows without the topic.
///
/// # Errors
/// [`Error::MissingColumn`]; those of opening a file.
pub(crate) fn refuse_unlike<P: AsRef<Path>>(paths: &[P], schema: &LogSchema) -> Result<(), Error> {
    let mut known: Vec<String> = Vec::new();
    for (at, path) in paths.iter().map(AsRef::as_ref).enumerate() {
        let is_kept = path.metadata().is_ok_and(|about| about.is_file());
        if paths.len() < 2 || !schema.has_flags() || !is_kept {
            continue;
        }
        let available = open_source_as(path, schema)?.column_names().to_vec();
        let mut here = schema.flags_among(&available);
        here.sort_unstable();
        if at == 0 {
            known = here;
            continue;
        }
        let lacks =
            |of: &[String], others: &[String]| others.iter().find(|its| !of.contains(its)).cloned();
        let first = || paths[0].as_ref();
        let missing = lacks(&here, &known).map(|column| (path, column));
        if let Some((path, column)) =
            missing.or_else(|| lacks(&known, &here).map(|column| (first(), column)))
        {
            let (file, role) = (path.display().to_string(), Role::Topics);
            let available = open_source_as(path, schema)?.column_names().to_vec();
            return Err(Error::MissingColumn { file, column, role, available });
        }
    }
    Ok(())
}

/// A file of which the beginning is known.
struct Begun<'p> {
    path: &'p Path,
    /// Bytes, as it stands.
    size: u64,
    /// Whether it is compressed.
    packed: bool,
    said: OfPath,
}

/// Whether a text file has no rows, and so nothing that could be counted twice.
fn is_header_alone(path: &Path, beginning: &[u8]) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
    let name = without_packing(&name);
    let of_lines = [".csv", ".tsv"].iter().any(|ending| name.ends_with(ending));
    let short = (beginning.len() as u64) < BEGINNING;
    let lines = beginning.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty());
    of_lines && short && lines.count() <= 1
}

fn same(first: &Path, second: &Path, how: &'static str) -> Error {
    Error::SamePart { first: first.to_owned(), second: second.to_owned(), how }
}

fn are_equal(first: &Path, second: &Path) -> Result<bool, Error> {
    let bytes = |path| Ok::<_, Error>(BufReader::with_capacity(1 << 16, open(path)?).bytes());
    let (mut first, mut second) = (bytes(first)?, bytes(second)?);
    loop {
        match (first.next(), second.next()) {
            (None, None) => return Ok(true),
            (Some(Ok(a)), Some(Ok(b))) if a == b => {}
            // One that cannot be read to its end is equal to none, and whoever reads it says so.
            _ => return Ok(false),
        }
    }
}

/// Files by what the system calls them, where it says so.
#[derive(Default)]
struct Links {
    #[cfg(unix)]
    known: HashMap<(u64, u64), PathBuf>,
}

impl Links {
    #[cfg(unix)]
    fn known(&mut self, about: &std::fs::Metadata, path: &Path) -> Option<PathBuf> {
        use std::os::unix::fs::MetadataExt;
        self.known.insert((about.dev(), about.ino()), path.to_owned())
    }

    #[cfg(not(unix))]
    fn known(&mut self, _: &std::fs::Metadata, _: &Path) -> Option<PathBuf> {
        None
    }
}

/// The tally of all the logs whose tallies stand in these files: saved ones, and tables of tallies
/// (`.parquet`). The same part twice is refused, since it would be counted twice. A tally does not know of
/// which parts it is the sum: a week beside one of its days is not noticed.
///
/// ```
/// # let log = include!(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/example_log.in"));
/// # let folder = tempfile::tempdir().unwrap();
/// # let monday = folder.path().join("monday.tally");
/// use tiltmeter::Error;
/// use tiltmeter::job::merge_files;
/// use tiltmeter::tally::{Tally, TallySpec};
/// Tally::of(&log, &TallySpec::default())?.save(&monday)?;
/// assert_eq!(merge_files(&[&monday])?.impressions(), 20);
/// assert!(matches!(merge_files(&[&monday, &monday]), Err(Error::RepeatedFile { .. })));
/// # Ok::<(), tiltmeter::Error>(())
/// ```
///
/// # Errors
/// [`Error::RepeatedFile`] for a path that is there twice; [`Error::SamePart`] for one file by two names,
/// equal files, and files that hold equal tallies; those of [`Tally::open_saved`], [`Tally::import`] and
/// [`Tally::merge_all`].
pub fn merge_files<P: AsRef<Path>>(paths: &[P]) -> Result<Tally, Error> {
    refuse_repeats(paths, |_| Ok(Vec::new()))?;
    let mut tallies: Vec<Tally> = Vec::with_capacity(paths.len());
    for (at, path) in paths.iter().map(AsRef::as_ref).enumerate() {
        let tally = open_tally(path)?;
        if let Some(first) = tallies.iter().position(|its| *its == tally) {
            let first = paths[first].as_ref();
            return Err(same(first, paths[at].as_ref(), "equal tallies, cluster by cluster"));
        }
        tallies.push(tally);
    }
    Tally::merge_all(&tallies)
}

/// Saves a tally, or writes a table of it where the name ends in `.parquet`: what [`open_tally`] opens again.
///
/// # Errors
/// Those of [`Tally::save`] and [`Tally::export`].
pub fn save_tally(tally: &Tally, path: impl AsRef<Path>) -> Result<(), Error> {
    let path = path.as_ref();
    #[cfg(feature = "parquet")]
    if is_table(path) {
        return tally.export(path);
    }
    tally.save(path)
}

#[cfg(feature = "parquet")]
fn is_table(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("parquet"))
}

/// A saved tally, or a table of one (`.parquet`), which an SQL engine may have made.
///
/// # Errors
/// Those of [`Tally::open_saved`] and [`Tally::import`].
pub fn open_tally(path: impl AsRef<Path>) -> Result<Tally, Error> {
    let path = path.as_ref();
    #[cfg(feature = "parquet")]
    if is_table(path) {
        return Tally::import(path);
    }
    Tally::open_saved(path)
}
