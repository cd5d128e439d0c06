//! Bundles as lists of files: unpacked from a zip, mutated, sealed again, packed or laid out.

use std::fmt::Write as _;
use std::io::{Cursor, Read, Write};
use std::path::Path;

use serde_json::{Value, json};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

use crate::chance::Chance;
use crate::{bytes, digests, json, odd};

const MANIFEST: &str = "manifest.json";
const SUMS: &str = "SHA256SUMS";
/// Whose every byte follows from the inputs and the release.
const RENDERED: [&str; 3] = ["report.json", "report.txt", "report.md"];

/// The files of a bundle, by name.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Files(Vec<(String, Vec<u8>)>);

impl Files {
    pub(crate) fn of_zip(bytes: &[u8]) -> Option<Self> {
        let mut zip = ZipArchive::new(Cursor::new(bytes)).ok()?;
        let mut files = Vec::new();
        for at in 0..zip.len() {
            let mut file = zip.by_index(at).ok()?;
            let mut bytes = Vec::new();
            file.by_ref().take(1 << 22).read_to_end(&mut bytes).ok()?;
            files.push((file.name().ok()?.into_owned(), bytes));
        }
        Some(Self(files))
    }

    pub(crate) fn zip(&self, chance: &mut Chance) -> Option<Vec<u8>> {
        let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
        for (name, bytes) in &self.0 {
            let methods = [CompressionMethod::Stored, CompressionMethod::Deflated];
            let options = SimpleFileOptions::default().compression_method(*chance.pick(&methods));
            zip.start_file(name.as_str(), options).ok()?;
            zip.write_all(bytes).ok()?;
        }
        Some(zip.finish().ok()?.into_inner())
    }

    /// As a folder; names that lead out of it are passed over.
    pub(crate) fn lay_out(&self, folder: &Path) -> std::io::Result<()> {
        std::fs::create_dir_all(folder)?;
        for (name, bytes) in &self.0 {
            let plain = |part: &str| !part.is_empty() && part != "." && part != "..";
            if name.len() < 200 && !name.contains('\0') && name.split('/').all(plain) {
                let path = folder.join(name);
                std::fs::create_dir_all(path.parent().unwrap_or(folder))?;
                // A file may stand where another needs a folder.
                let _ = std::fs::write(path, bytes);
            }
        }
        Ok(())
    }

    fn get(&self, name: &str) -> Option<&[u8]> {
        self.0.iter().find(|(its, _)| its == name).map(|(_, bytes)| &**bytes)
    }

    /// The release that a manifest says wrote it.
    fn release(&self) -> Option<String> {
        let manifest: Value = serde_json::from_slice(self.get(MANIFEST)?).ok()?;
        Some(manifest.get("tiltmeter")?.as_str()?.to_owned())
    }

    /// The rendered files that are not those of the other bundle of the same release, study and inputs. One
    /// that is not there says nothing that is wrong.
    pub(crate) fn forged<'n>(&self, sound: &Self) -> Vec<&'n str> {
        let same = |name: &str| self.get(name) == sound.get(name);
        let of_one =
            self.release() == sound.release() && same("study.json") && same("inputs/log.csv");
        let is_other = |name: &&str| self.get(name).is_some() && !same(name);
        RENDERED.into_iter().filter(|name| of_one && is_other(name)).collect()
    }

    pub(crate) fn mutate(&mut self, chance: &mut Chance) {
        let at = chance.below(self.0.len());
        let Some((name, bytes)) = self.0.get_mut(at) else { return };
        match chance.below(16) {
            0 => *name = odd::name(chance),
            1 => drop(self.0.remove(at)),
            2 => {
                let (name, bytes) = (odd::name(chance), bytes.clone());
                self.0.push((name, bytes));
            }
            _ => mutate_file(name, bytes, chance),
        }
    }

    /// Makes the manifest's sizes and digests those of the files, and `SHA256SUMS` those of the manifest.
    pub(crate) fn seal(&mut self) {
        let Some(mut manifest) =
            self.get(MANIFEST).and_then(|json| serde_json::from_slice::<Value>(json).ok())
        else {
            return;
        };
        for (group, below) in [("files", ""), ("inputs", "inputs/")] {
            let records = manifest.get_mut(group).and_then(Value::as_array_mut);
            for record in records.into_iter().flatten() {
                let name = record.get("name").and_then(Value::as_str).unwrap_or_default();
                if let (Some(bytes), Value::Object(fields)) =
                    (self.get(&format!("{below}{name}")), record)
                {
                    fields.insert("bytes".to_owned(), json!(bytes.len()));
                    fields.insert("sha256".to_owned(), digests::sha256(bytes).into());
                }
            }
        }
        let Ok(text) = serde_json::to_string_pretty(&manifest) else { return };
        let text = text.into_bytes();
        let listed = manifest.get("files").and_then(Value::as_array).cloned().unwrap_or_default();
        let sum = |record: &Value| {
            let field = |name| Some(record.get(name)?.as_str()?.to_owned());
            Some((field("name")?, field("sha256")?))
        };
        let mut sums: Vec<(String, String)> = listed.iter().filter_map(sum).collect();
        sums.push((MANIFEST.to_owned(), digests::sha256(&text)));
        sums.sort();
        let mut lines = String::new();
        for (name, sum) in sums {
            let _ = writeln!(lines, "{sum}  {name}");
        }
        for (name, new) in [(MANIFEST, text), (SUMS, lines.into_bytes())] {
            if let Some((_, bytes)) = self.0.iter_mut().find(|(its, _)| its == name) {
                *bytes = new;
            }
        }
    }
}

fn mutate_file(name: &str, content: &mut Vec<u8>, chance: &mut Chance) {
    let before = content.clone();
    let text = std::str::from_utf8(content).ok();
    if name == "tally" {
        bytes::hit(content, &before, chance);
        digests::tally(content);
    } else if let Some(text) = text.and_then(|text| json::text(text, chance)) {
        *content = text.into_bytes();
    } else if let (Some(text), false) = (text, chance.one_in(4)) {
        let mut text = text.to_owned();
        bytes::lines(&mut text, ",", chance);
        *content = text.into_bytes();
    } else {
        bytes::hit(content, &before, chance);
    }
}
