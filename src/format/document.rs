//! Documents of JSON: how all are written, and how those are read that say of which schema and version they are.

use serde::{Deserialize, Serialize};

use crate::base::printable::inert_json;
use crate::error::Error;

/// Something as JSON for people, [inert](inert_json).
pub(crate) fn write(what: &impl Serialize) -> Result<String, Error> {
    let text = serde_json::to_string_pretty(what).map(inert_json);
    text.map_err(|cause| Error::Report { detail: cause.to_string() })
}

/// Reads JSON that says which schema and version it is of.
pub(crate) fn read<T: serde::de::DeserializeOwned>(
    json: &str,
    its_schema: &str,
    its_version: u32,
) -> Result<T, Error> {
    let failed = |cause: serde_json::Error| Error::Report { detail: cause.to_string() };
    // The stamp first: a report of another version may not have this one's fields at all.
    let Stamp { schema, version } = serde_json::from_str(json).map_err(failed)?;
    if schema != its_schema || version != its_version {
        return Err(Error::Report {
            detail: format!(
                "schema {schema:?} version {version}, where this release reads {its_schema:?} version {its_version}"
            ),
        });
    }
    serde_json::from_str(json).map_err(failed)
}

/// What a report of any version says of itself.
#[derive(Deserialize)]
struct Stamp {
    schema: String,
    version: u32,
}
