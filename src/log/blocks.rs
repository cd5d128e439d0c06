//! What a source hands over that leaves decoding to others: rows as they stand in a file.

use super::batch::Batch;
use crate::error::Error;

/// Rows that were taken from a source and are still to be decoded, on whatever thread.
pub struct Undecoded(Box<dyn FnOnce() -> Decoded + Send>);

/// What stands after the last row that can be read, told once it is known how many rows there are before.
pub(crate) type Stop = Box<dyn FnOnce(u64) -> Error + Send>;

/// Rows decoded, and why there are no more where there should be.
pub(crate) struct Decoded {
    /// `None` where there are no rows.
    pub(crate) batch: Option<Batch>,
    pub(crate) stop: Option<Stop>,
}

impl Undecoded {
    pub(crate) fn new(decode: impl FnOnce() -> Decoded + Send + 'static) -> Self {
        Self(Box::new(decode))
    }

    /// Nothing but the reason why there is nothing.
    pub(crate) fn stopped(stop: Stop) -> Self {
        Self::new(|| Decoded { batch: None, stop: Some(stop) })
    }

    pub(crate) fn decode(self) -> Decoded {
        (self.0)()
    }
}

impl std::fmt::Debug for Undecoded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Undecoded")
    }
}
