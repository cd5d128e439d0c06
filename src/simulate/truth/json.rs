//! The truth as versioned JSON.

use serde::Serialize;

use super::Truth;
use crate::error::Error;
use crate::format::document;

/// The name of the schema that [`Truth::to_json`] writes.
pub const TRUTH_SCHEMA: &str = "tiltmeter.truth";

/// Its version.
pub const TRUTH_VERSION: u32 = 1;

#[derive(Serialize)]
struct Stamped<'t> {
    schema: &'static str,
    version: u32,
    tiltmeter: &'static str,
    #[serde(flatten)]
    truth: &'t Truth,
}

impl Truth {
    /// The truth as JSON, whose fields `docs/truth-json.md` explains.
    ///
    /// # Errors
    /// [`Error::Report`] where it cannot be written.
    pub fn to_json(&self) -> Result<String, Error> {
        let stamped = Stamped {
            schema: TRUTH_SCHEMA,
            version: TRUTH_VERSION,
            tiltmeter: env!("CARGO_PKG_VERSION"),
            truth: self,
        };
        document::write(&stamped)
    }

    /// Reads a truth's JSON.
    ///
    /// # Errors
    /// [`Error::Report`] for text that is not a truth of this version.
    pub fn from_json(json: &str) -> Result<Self, Error> {
        document::read(json, TRUTH_SCHEMA, TRUTH_VERSION)
    }
}
