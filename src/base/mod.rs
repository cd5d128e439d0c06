//! What every other room stands on, and what knows of none: numbers as text, text that does no harm, digests, keys,
//! random numbers, files beside their places, locks.

pub(crate) mod cell;
pub(crate) mod cluster_key;
pub(crate) mod digits;
pub(crate) mod draws;
pub(crate) mod lock;
pub(crate) mod md5;
pub(crate) mod philox;
pub(crate) mod printable;
pub(crate) mod progress;
pub(crate) mod sha256;
pub(crate) mod temporary;
pub(crate) mod text;
pub(crate) mod time;
