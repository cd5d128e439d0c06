//! A bundle put into a zip.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

use super::store::Store;
use crate::error::Error;
use crate::error::evidence::io;
use crate::place::replace;

/// From this size on, a file is written so that it may have more than 4 GiB.
const LARGE: u64 = 1 << 31;

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
            zip.start_file(name.as_str(), options).map_err(std::io::Error::other)?;
            std::io::copy(&mut File::open(folder.join(name))?, &mut zip)?;
        }
        zip.finish().map_err(std::io::Error::other)?.flush()
    };
    replace(to, write).map_err(io(to))
}
