//! Where in JSON the rows of a log are.

use super::schema::LogSchema;

/// What a schema says of JSON.
#[derive(Clone, Debug, Default)]
pub(crate) struct JsonForm<'s> {
    /// The path of the array of a document that has the rows.
    pub(crate) records: Option<&'s str>,
    /// The path of the list of an object whose elements are rows.
    pub(crate) each: Option<&'s str>,
    /// Columns that are asked for and may be paths.
    pub(crate) asked: Vec<&'s str>,
}

impl LogSchema {
    /// Where the rows of a JSON document (`.json`) are: the path of an array of objects, with dots between its steps,
    /// as `results` in `{"results": [{"feed": "ranked"}]}`. Without it the document is the array. Files of other
    /// formats are refused with it.
    #[must_use]
    pub fn records(mut self, path: impl Into<String>) -> Self {
        self.records = Some(path.into());
        self
    }

    /// Takes a list apart that each JSON object has: one row for each of its elements, where `path` is that of the
    /// list. The columns of the object stay as they are; a field of an element is a column called by the path of the
    /// list and its own, and the place in the list, from 1, is the column `#` behind that path. Elements that are no
    /// objects are the column called by the path of the list. An object whose list is empty, null or not there gives
    /// no row. Files of other formats are refused with it.
    ///
    /// ```
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let path = folder.path().join("posts.ndjson");
    /// # let line = r#"{"post": "p", "seen": [{"who": "a", "feed": "ranked"}, {"who": "b", "feed": "newest"}]}"#;
    /// # std::fs::write(&path, line).unwrap();
    /// use tiltmeter::{ExposureLog, log::LogSchema};
    /// // {"post": "p", "seen": [{"who": "a", "feed": "ranked"}, {"who": "b", "feed": "newest"}]}
    /// let schema = LogSchema::new().each("seen").item("post").viewer("seen.who").arm("seen.feed");
    /// let log = ExposureLog::open(&path, &schema.position("seen.#"))?;
    /// assert_eq!((log.rows(), log.positions()), (2, Some(&[1, 2][..])));
    /// # Ok::<(), tiltmeter::Error>(())
    /// ```
    #[must_use]
    pub fn each(mut self, path: impl Into<String>) -> Self {
        self.each = Some(path.into());
        self
    }

    /// What readers of JSON have to know.
    pub(crate) fn json_form(&self) -> JsonForm<'_> {
        let named = self.needs().into_iter().map(|(_, column)| column);
        let named = named.chain(self.keep.iter().map(|keep| keep.column.as_str()));
        let named = named.chain(self.tables.iter().map(|table| table.on()));
        JsonForm {
            records: self.records.as_deref(),
            each: self.each.as_deref(),
            asked: named.filter(|column| column.contains('.')).collect(),
        }
    }
}
