//! Digests made again after a mutation, so that it reaches further than the check of the digest. Written
//! from the descriptions of the forms in `docs/`, since the library has no reason to make them for others.

use std::path::Path;

use md5::{Digest, Md5};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use tiltmeter::ExposureLog;
use tiltmeter::log::{Coded, LogSchema, Origin, Role};
use tiltmeter::source::ParquetSource;

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A saved tally ends with the MD5 of all before it.
pub(crate) fn tally(bytes: &mut [u8]) {
    if let Some((text, end)) = bytes.split_last_chunk_mut::<16>() {
        end.copy_from_slice(&Md5::digest(&*text));
    }
}

/// A monitor's last line is the MD5 of all before it.
pub(crate) fn monitor(bytes: &mut Vec<u8>) {
    bytes.truncate(bytes.len().saturating_sub(33));
    if bytes.last() != Some(&b'\n') {
        bytes.push(b'\n');
    }
    let line = hexadecimal(&Md5::digest(&*bytes)) + "\n";
    bytes.extend_from_slice(line.as_bytes());
}

/// The SHA-256 as bundles write it.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    hexadecimal(&Sha256::digest(bytes))
}

/// What a saved log says of itself.
#[derive(Serialize, Deserialize)]
struct Contents {
    schema: LogSchema,
    origin: Origin,
    aliases: Vec<(String, Role)>,
    named: Vec<String>,
    #[serde(default)]
    digest: String,
}

pub(crate) const CONTENTS: &str = "tiltmeter.log.contents";

/// The contents of a saved log in this file with the digest of its columns, if it can be read.
pub(crate) fn saved_log(path: &Path, contents: &str) -> Option<String> {
    let mut contents: Contents = serde_json::from_str(contents).ok()?;
    contents.digest.clear();
    let log = ExposureLog::read(ParquetSource::open(path).ok()?, &contents.schema).ok()?;
    let mut md5 = Md5::new();
    md5.update(serde_json::to_string(&contents).ok()?);
    md5.update((log.rows() as u64).to_le_bytes());
    columns(&log, &mut md5);
    contents.digest = hexadecimal(&md5.finalize());
    serde_json::to_string(&contents).ok()
}

fn columns(log: &ExposureLog, md5: &mut Md5) {
    use Role::{Arm, Count, Engagement, Item, Propensity, Satisfaction};
    use Role::{Session, Slate, Stratum, Viewer, Weight};
    let ids = [Viewer, Item, Arm, Stratum, Slate, Session];
    ids.iter().filter_map(|role| log.ids(*role)).for_each(|column| coded(column, md5));
    log.named().for_each(|(_, column)| coded(column, md5));
    for role in [Weight, Count, Engagement, Propensity, Satisfaction] {
        let values = log.numbers(role).unwrap_or_default();
        values.iter().for_each(|value| md5.update(value.to_le_bytes()));
    }
    log.positions().unwrap_or_default().iter().for_each(|its| md5.update(its.to_le_bytes()));
    log.times().unwrap_or_default().iter().for_each(|its| md5.update(its.to_le_bytes()));
    if let Some(topics) = log.topics() {
        topics.labels().iter().for_each(|label| md5.update(label));
        for set in (0..).take(topics.set_count()) {
            topics.set(set).iter().for_each(|label| md5.update(label.to_le_bytes()));
            md5.update([0xff]);
        }
        topics.set_of_row().iter().for_each(|set| md5.update(set.to_le_bytes()));
    }
}

fn coded(column: &Coded, md5: &mut Md5) {
    for id in column.dictionary().iter() {
        md5.update((id.len() as u64).to_le_bytes());
        md5.update(id);
    }
    column.codes().iter().for_each(|code| md5.update(code.to_le_bytes()));
}
