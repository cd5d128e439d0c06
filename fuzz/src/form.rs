//! The forms that the library reads, and how an input of each is mutated. What is done with an input is
//! in `run`.

use std::io::{Read, Write};
use std::path::Path;

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;

use crate::bundle::Files;
use crate::chance::Chance;
use crate::columns::Table;
use crate::{bytes, digests, json};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Form {
    Csv,
    CsvGz,
    Tsv,
    Ndjson,
    NdjsonGz,
    Parquet,
    SavedLog,
    Tally,
    Monitor,
    Table,
    StudyJson,
    StudyToml,
    Report,
    BundleZip,
    BundleFolder,
}

use Form::{BundleFolder, BundleZip, Csv, CsvGz, Monitor, Ndjson, NdjsonGz, Parquet};
use Form::{Report, SavedLog, StudyJson, StudyToml, Table as TallyTable, Tally, Tsv};

impl Form {
    pub(crate) const ALL: [Self; 15] = [
        Csv,
        CsvGz,
        Tsv,
        Ndjson,
        NdjsonGz,
        Parquet,
        SavedLog,
        Tally,
        Monitor,
        TallyTable,
        StudyJson,
        StudyToml,
        Report,
        BundleZip,
        BundleFolder,
    ];

    /// Its name: of its folder of seeds, and the beginning of the names of its files.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Csv => "csv",
            CsvGz => "csv-gz",
            Tsv => "tsv",
            Ndjson => "ndjson",
            NdjsonGz => "ndjson-gz",
            Parquet => "parquet",
            SavedLog => "saved-log",
            Tally => "tally",
            Monitor => "monitor",
            TallyTable => "table",
            StudyJson => "study-json",
            StudyToml => "study-toml",
            Report => "report",
            BundleZip => "bundle-zip",
            BundleFolder => "bundle-folder",
        }
    }

    /// The ending by which the library tells the format of a file.
    pub(crate) const fn ending(self) -> &'static str {
        match self {
            Csv => "csv",
            CsvGz => "csv.gz",
            Tsv => "tsv",
            Ndjson => "ndjson",
            NdjsonGz => "ndjson.gz",
            Parquet | SavedLog | TallyTable => "parquet",
            Tally => "tally",
            Monitor => "monitor",
            StudyJson | Report => "json",
            StudyToml => "toml",
            BundleZip | BundleFolder => "zip",
        }
    }

    pub(crate) fn by_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|form| form.name() == name)
    }

    /// Of a file, by the folder of seeds that it is in or by the beginning of its name.
    pub(crate) fn of_file(path: &Path) -> Option<Self> {
        let text = |part: Option<&std::ffi::OsStr>| Some(part?.to_str()?.to_owned());
        let folder = path.parent().and_then(|folder| text(folder.file_name()));
        let name = text(path.file_name())?;
        folder
            .and_then(|folder| Self::by_name(&folder))
            .or_else(|| Self::by_name(name.split("--").next()?))
    }

    /// A new input made of one of these, whose digests are mostly right.
    pub(crate) fn mutated(self, seeds: &[Vec<u8>], chance: &mut Chance) -> Vec<u8> {
        let mut input = chance.pick(seeds).clone();
        let other = chance.pick(seeds);
        if !chance.one_in(4) {
            for _ in 0..=chance.below(4) {
                if let Some(changed) = self.changed(&input, chance) {
                    input = changed;
                }
            }
        }
        if chance.one_in(3) {
            (0..=chance.below(3)).for_each(|_| bytes::hit(&mut input, other, chance));
        }
        match self {
            Tally if !chance.one_in(16) => digests::tally(&mut input),
            Monitor if !chance.one_in(16) => digests::monitor(&mut input),
            _ => {}
        }
        input
    }

    /// One change that knows the form; none where the input is no longer of it.
    fn changed(self, input: &[u8], chance: &mut Chance) -> Option<Vec<u8>> {
        match self {
            Csv => lines(input, ",", chance),
            Tsv => lines(input, "\t", chance),
            Ndjson => objects(input, chance),
            CsvGz => packed(&lines(&unpacked(input)?, ",", chance)?),
            NdjsonGz => packed(&objects(&unpacked(input)?, chance)?),
            Parquet | TallyTable => {
                let mut table = Table::of(input)?;
                (0..=chance.below(3)).for_each(|_| table.mutate(chance));
                table.file(chance)
            }
            SavedLog => saved_log(input, chance),
            StudyJson | Report => {
                Some(json::text(std::str::from_utf8(input).ok()?, chance)?.into())
            }
            StudyToml => toml(input, chance),
            Tally => after_line(input, 2, chance),
            Monitor => after_line(input, 2, chance),
            BundleZip | BundleFolder => {
                let mut files = Files::of_zip(input)?;
                (0..=chance.below(2)).for_each(|_| files.mutate(chance));
                if !chance.one_in(8) {
                    files.seal();
                }
                files.zip(chance)
            }
        }
    }
}

fn lines(input: &[u8], between: &str, chance: &mut Chance) -> Option<Vec<u8>> {
    let mut text = String::from_utf8(input.to_vec()).ok()?;
    bytes::lines(&mut text, between, chance);
    Some(text.into_bytes())
}

/// A line of JSON that is changed, or lines as text.
fn objects(input: &[u8], chance: &mut Chance) -> Option<Vec<u8>> {
    if chance.one_in(4) {
        return lines(input, ",", chance);
    }
    let text = std::str::from_utf8(input).ok()?;
    let mut lines: Vec<String> = text.split('\n').map(str::to_owned).collect();
    let at = chance.below(lines.len());
    lines[at] = json::text(&lines[at], chance)?;
    Some(lines.join("\n").into_bytes())
}

fn toml(input: &[u8], chance: &mut Chance) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(input).ok()?;
    if chance.one_in(3) {
        return lines(input, " = ", chance);
    }
    let value: toml::Table = toml::from_str(text).ok()?;
    let json = json::text(&serde_json::to_string(&value).ok()?, chance)?;
    let value: serde_json::Value = serde_json::from_str(&json).ok()?;
    Some(toml::to_string(&value).ok()?.into_bytes())
}

/// The line of JSON after so many others, or what comes behind it.
fn after_line(input: &[u8], before: usize, chance: &mut Chance) -> Option<Vec<u8>> {
    let ends: Vec<usize> = (0..input.len()).filter(|&at| input[at] == b'\n').collect();
    let (start, end) = (ends.get(before - 1)? + 1, *ends.get(before)?);
    let mut changed = input[..start].to_vec();
    let mut rest = input[end..].to_vec();
    let line = &input[start..end];
    if chance.one_in(3) {
        changed.extend_from_slice(line);
        let other = rest.clone();
        bytes::hit(&mut rest, &other, chance);
    } else {
        changed.extend(json::text(std::str::from_utf8(line).ok()?, chance)?.into_bytes());
    }
    changed.extend(rest);
    Some(changed)
}

/// A saved log with other cells or contents, and mostly with the digest that they have.
fn saved_log(input: &[u8], chance: &mut Chance) -> Option<Vec<u8>> {
    let mut table = Table::of(input)?;
    (0..=chance.below(3)).for_each(|_| table.mutate(chance));
    let bytes = table.file(chance)?;
    if chance.one_in(8) {
        return Some(bytes);
    }
    let file = tempfile::Builder::new().suffix(".parquet").tempfile().ok()?;
    std::fs::write(file.path(), &bytes).ok()?;
    let said = table.metadata.iter_mut().find(|(key, _)| key == digests::CONTENTS);
    let sealed = said.and_then(|(_, contents)| {
        *contents = digests::saved_log(file.path(), contents)?;
        Some(())
    });
    if sealed.is_none() { Some(bytes) } else { table.file(chance) }
}

pub(crate) fn packed(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut out = GzEncoder::new(Vec::new(), Compression::fast());
    out.write_all(bytes).ok()?;
    out.finish().ok()
}

fn unpacked(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    GzDecoder::new(bytes).take(1 << 22).read_to_end(&mut out).ok()?;
    Some(out)
}
