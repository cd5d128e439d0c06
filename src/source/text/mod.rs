//! Text of files as it comes: opened, unpacked, and cut into blocks that end where a row ends. What stands
//! in a row is the business of each format.

mod ahead;
mod batches;
mod blocks;
mod encoding;
mod pool;
#[cfg(test)]
mod tests;
pub(crate) mod unpack;

pub(super) use self::batches::Batches;
pub(super) use self::blocks::{Blocks, Taken};
pub(super) use self::encoding::decoded;
pub(super) use self::pool::Pool;

/// The path of what is given on standard input.
const STANDARD_INPUT: &str = "-";

/// Whether a path is that of what is given on standard input.
pub(crate) fn is_standard_input(path: &std::path::Path) -> bool {
    path.to_str() == Some(STANDARD_INPUT)
}

/// What a file is called in messages.
pub(super) fn named(path: &std::path::Path) -> String {
    match path.to_str() {
        Some(STANDARD_INPUT) => "standard input".to_owned(),
        _ => path.display().to_string(),
    }
}

/// The name of a file without the ending of its compression.
pub(crate) fn without_packing(name: &str) -> &str {
    let packed = name.strip_suffix(".gz");
    let packed = packed.or_else(|| name.strip_suffix(".zst").filter(|_| cfg!(feature = "zstd")));
    packed.unwrap_or(name)
}
