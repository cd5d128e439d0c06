//! How the log is read: as flags say it, and what they do not say as its files look.

use std::io::Read;
use std::path::{Path, PathBuf};

use tiltmeter::log::{FileFormat, Found, LogSchema, RowPolicy};
use tiltmeter::report::printable;
use tiltmeter::source::open_source_as;
use tiltmeter::{Error, LogInput};

use super::guess::{is_of_arms, is_of_content, is_of_viewers};
use super::profile::{self, Profile};
use super::show::word;
use super::spool::Spool;
use crate::failure::Failure;
use crate::log::LogArgs;
use crate::roles::RoleArgs;

/// Bytes of a file that its format is told by.
const LOOKED_AT: u64 = 1 << 16;

/// Of files that are larger together, the first alone is counted.
const MOST_BYTES: u64 = 1 << 30;

/// The log as it is to be read.
pub(crate) struct Reading {
    /// Its schema is what flags say and what was found; no role is guessed in it.
    pub(crate) input: LogInput,
    /// All files that it stands for.
    pub(crate) files: Vec<PathBuf>,
    /// What nobody said, in words.
    pub(crate) taken: Vec<String>,
    /// The path as it was said, and where what comes from there is kept, if that is a pipe.
    pipe: Option<(PathBuf, Spool)>,
}

impl Reading {
    pub(crate) fn of(log: &LogArgs) -> Result<Self, Failure> {
        let schema = log.roles.schema([]).rows(RowPolicy::SetAside);
        let mut input = log.input(schema)?;
        let pipe = Spool::of(&input.path)?
            .map(|spool| (std::mem::replace(&mut input.path, spool.path()), spool));
        let files = input.files(Path::new(""))?;
        Ok(Self { input, files, taken: Vec::new(), pipe })
    }

    /// What the first file is called.
    pub(crate) fn called(&self) -> String {
        match &self.pipe {
            Some((said, _)) if said.to_str() == Some("-") => "standard input".to_owned(),
            Some((said, _)) => said.display().to_string(),
            None => self.files[0].display().to_string(),
        }
    }

    /// The files as they were said.
    pub(crate) fn as_said(&self) -> LogInput {
        let mut input = self.input.clone();
        if let Some((said, _)) = &self.pipe {
            input.path.clone_from(said);
        }
        input
    }

    /// How many of the files are counted.
    pub(crate) fn counted(&self) -> usize {
        let size = |path: &PathBuf| std::fs::metadata(path).map_or(0, |its| its.len());
        let bytes: u64 = self.files.iter().map(size).sum();
        if bytes <= MOST_BYTES || self.input.sql.is_some() { self.files.len() } else { 1 }
    }

    /// The files that are counted, with this schema.
    pub(crate) fn input_with(&self, schema: LogSchema) -> LogInput {
        let mut input = LogInput { schema, ..self.input.clone() };
        if self.counted() < self.files.len() {
            input.path.clone_from(&self.files[0]);
            input.more.clear();
        }
        input
    }

    fn take(&mut self, schema: LogSchema, why: String) {
        self.input.schema = schema;
        self.taken.push(why);
    }

    /// The columns of the first file, read as flags say it or else as it looks.
    pub(crate) fn profile(&mut self, roles: &RoleArgs) -> Result<Profile, Failure> {
        let profile = self.as_it_looks(roles)?;
        let profile = match lists_of_rows(&profile).filter(|_| roles.each.is_none()) {
            Some(list) => {
                let why = format!(
                    "each element of {list:?}, a list in each row, is taken for an impression (--each {list})"
                );
                self.take(self.input.schema.clone().each(&list), why);
                self.read(roles)?
            }
            None => profile,
        };
        // What one file looks like need not hold for others.
        if self.files.len() == 1 && self.input.sql.is_none() {
            let schema = self.input.schema.clone();
            self.input.schema = profile.found.iter().fold(schema, declared);
        }
        Ok(profile)
    }

    /// The same, with its format and the place of its rows.
    fn as_it_looks(&mut self, roles: &RoleArgs) -> Result<Profile, Failure> {
        let schema = self.input.schema.clone();
        match self.read(roles) {
            Err(Error::UnknownFormat { known, .. }) if roles.format.is_none() => {
                let file = self.files[0].clone();
                let Some(format) = format_of(&file) else {
                    let path = PathBuf::from(self.called());
                    return Err(Error::UnknownFormat { path, known }.into());
                };
                let its = word(&format);
                let why = format!(
                    "{} looks like {its}, which its name does not say (--format {its})",
                    printable(&self.called())
                );
                self.take(schema.format(format), why);
                self.as_it_looks(roles)
            }
            Err(Error::NoRecords { available, .. })
                if roles.records.is_none() && roles.each.is_none() && available.len() == 1 =>
            {
                let why = format!(
                    "the rows are in {:?}, the only list of objects in the document (--records {})",
                    available[0], available[0]
                );
                self.take(schema.records(&available[0]), why);
                Ok(self.read(roles)?)
            }
            read => Ok(read?),
        }
    }

    fn read(&self, roles: &RoleArgs) -> Result<Profile, Error> {
        match self.input.query_rows("")? {
            Some(rows) => profile::of(rows, roles),
            None => profile::of(open_source_as(&self.files[0], &self.input.schema)?, roles),
        }
    }
}

/// A schema that says what was found.
fn declared(schema: LogSchema, found: &Found) -> LogSchema {
    match found {
        Found::Encoding(name) => schema.encoding(name),
        Found::Delimiter(character) => match u8::try_from(*character) {
            Ok(byte) => schema.delimiter(byte),
            Err(_) => schema,
        },
        Found::Preamble(lines) => schema.preamble(*lines),
        _ => schema,
    }
}

/// The format that a file looks to be in.
fn format_of(path: &Path) -> Option<FileFormat> {
    let mut bytes = Vec::new();
    std::fs::File::open(path).ok()?.take(LOOKED_AT).read_to_end(&mut bytes).ok()?;
    if bytes.starts_with(b"PAR1") {
        return Some(FileFormat::Parquet);
    }
    if bytes.starts_with(b"PK\x03\x04") {
        return Some(FileFormat::Xlsx);
    }
    let text = String::from_utf8_lossy(&bytes);
    let text = text.trim_start_matches('\u{feff}').trim_start();
    let line = text.lines().next()?;
    if text.starts_with('[') {
        return Some(FileFormat::Json);
    }
    if text.starts_with('{') {
        let is_whole = serde_json::from_str::<serde_json::Value>(line).is_ok();
        return Some(if is_whole { FileFormat::Ndjson } else { FileFormat::Json });
    }
    // What no text has, unless each of its characters has two bytes.
    let is_binary = bytes.contains(&0)
        && !bytes.starts_with(&[0xff, 0xfe])
        && !bytes.starts_with(&[0xfe, 0xff]);
    (!is_binary && line.contains([',', ';', '\t', '|'])).then_some(FileFormat::Csv)
}

/// The list and the field of a column of one of its elements: `seen.0.feed`.
fn of_element(name: &str) -> Option<(&str, &str)> {
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let mut dots = name.match_indices('.').map(|(at, _)| at);
    dots.find_map(|at| {
        let (number, field) = name[at + 1..].split_once('.')?;
        is_number(number).then_some((&name[..at], field))
    })
}

/// A list of objects in each row that holds what was shown: the only one whose elements have arms or viewers where the
/// rows have none themselves, or items or topics where the rows have none but are of a viewer or an arm.
fn lists_of_rows(profile: &Profile) -> Option<String> {
    let names = || profile.columns.iter().map(|its| its.name.as_str());
    let is_shown = |name: &str| is_of_arms(name) || is_of_viewers(name);
    let outside = |is: fn(&str) -> bool| names().any(|name| of_element(name).is_none() && is(name));
    let is_feed = outside(is_of_arms) || outside(is_of_viewers);
    let mut lists: Vec<&str> = Vec::new();
    for (list, field) in names().filter_map(of_element) {
        let holds_rows = match is_feed {
            true => is_of_content(field) && !outside(is_of_content),
            false => is_shown(field),
        };
        if holds_rows && !lists.contains(&list) {
            lists.push(list);
        }
    }
    match lists[..] {
        [list] => Some(list.to_owned()),
        _ => None,
    }
}
