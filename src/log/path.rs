//! What the path of a file says of its rows.

use std::collections::HashMap;

use regex::Regex;

use crate::error::Error;

/// A pattern of paths in which some parts have names, such as `data/{country}/*-{arm}.csv`.
#[derive(Debug)]
pub(super) struct PathPattern {
    said: String,
    regex: Regex,
}

impl PathPattern {
    /// Reads a pattern: `{name}` stands for what is to be a column, `*` for anything, both within one folder's or
    /// file's name. What stands before it in a path does not matter.
    pub(super) fn of(said: &str) -> Result<Self, Error> {
        let refused = |why: &str| Error::Parameter {
            parameter: "the pattern of paths",
            value: format!("{said:?}, {why}"),
            expected: "a path in which {NAME} stands for a column and * for anything: \
                       data/{country}/*-{arm}.csv",
        };
        let (mut text, mut rest, mut names) = (String::from("(?:^|/)"), said, Vec::new());
        while let Some(at) = rest.find(['{', '*']) {
            text.push_str(&regex::escape(&rest[..at]));
            if let Some(after) = rest[at..].strip_prefix('*') {
                text.push_str("[^/]*");
                rest = after;
                continue;
            }
            let (name, after) = rest[at + 1..]
                .split_once('}')
                .ok_or_else(|| refused("in which a { is not closed"))?;
            if name.is_empty() || names.contains(&name) {
                return Err(refused("in which a column has no name, or the name of another"));
            }
            text.push_str(&format!("(?P<c{}>[^/]+?)", names.len()));
            names.push(name);
            rest = after;
        }
        text.push_str(&regex::escape(rest));
        text.push('$');
        if names.is_empty() {
            return Err(refused("in which there is no {NAME}"));
        }
        let regex = Regex::new(&text).map_err(|_| refused("which is too long"))?;
        Ok(Self { said: said.to_owned(), regex })
    }

    /// The names of its columns.
    fn names(&self) -> impl Iterator<Item = &str> {
        self.said.split('{').skip(1).filter_map(|part| Some(part.split_once('}')?.0))
    }

    /// The values of its columns in a path.
    pub(super) fn values(&self, path: &str) -> Result<HashMap<String, String>, Error> {
        let plain = path.replace('\\', "/");
        let found = self.regex.captures(&plain).ok_or_else(|| Error::Parameter {
            parameter: "the path of a file",
            value: path.to_owned(),
            expected: "one that fits the pattern of columns from paths: end it as the files are called, with \
                       {NAME} for columns and * for the rest",
        })?;
        let value =
            |at: usize| found.name(&format!("c{at}")).map_or("", |its| its.as_str()).to_owned();
        Ok(self.names().enumerate().map(|(at, name)| (name.to_owned(), value(at))).collect())
    }
}

/// The value of a column that a folder's name says: `feed=ranked/part-0.parquet`.
pub(super) fn of_folder(path: &str, column: &str) -> Option<String> {
    let plain = path.replace('\\', "/");
    let (folders, _) = plain.rsplit_once('/')?;
    let values = folders
        .split('/')
        .rev()
        .filter_map(|folder| folder.strip_prefix(column)?.strip_prefix('='));
    let value = values.map(unescaped).next()?;
    // As engines write a folder of rows without a value.
    Some(if value == "__HIVE_DEFAULT_PARTITION__" { String::new() } else { value })
}

/// All columns that folders' names say.
pub(super) fn of_folders(path: &str) -> Vec<(String, String)> {
    let plain = path.replace('\\', "/");
    let mut columns: Vec<(String, String)> = Vec::new();
    for folder in plain.rsplit_once('/').map_or("", |(folders, _)| folders).split('/') {
        let Some((name, _)) = folder.split_once('=').filter(|(name, _)| !name.is_empty()) else {
            continue;
        };
        if let Some(value) =
            of_folder(path, name).filter(|_| columns.iter().all(|(its, _)| its != name))
        {
            columns.push((name.to_owned(), value));
        }
    }
    columns
}

/// `%20` and the like as the characters that they stand for.
fn unescaped(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let digits = after.get(..2).filter(|_| first == b'%');
        let code = digits.and_then(|digits| std::str::from_utf8(digits).ok());
        match code.and_then(|code| u8::from_str_radix(code, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &after[2..];
            }
            None => {
                bytes.push(first);
                rest = after;
            }
        }
    }
    String::from_utf8(bytes).unwrap_or_else(|_| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_has_columns() {
        let pattern = PathPattern::of("data/{scenario}/*-{arm}/{run}.csv").unwrap();
        let values = pattern.values("/home/me/data/left wing/2024-ranked/7.csv").unwrap();
        let mut values: Vec<(String, String)> = values.into_iter().collect();
        values.sort();
        let told = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(
            values,
            [told("arm", "ranked"), told("run", "7"), told("scenario", "left wing")]
        );
        assert!(pattern.values("data/left/7.csv").is_err());
        for wrong in ["data/*.csv", "{a}/{a}.csv", "{}.csv", "{a.csv"] {
            assert!(PathPattern::of(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_folder_names_a_value() {
        let path = "logs/feed=left%20wing/day=2024-01-01/part-0.parquet";
        assert_eq!(of_folder(path, "feed").as_deref(), Some("left wing"));
        assert_eq!(of_folder(path, "day").as_deref(), Some("2024-01-01"));
        assert_eq!(of_folder(path, "fee"), None);
        assert_eq!(of_folder("feed=x", "feed"), None);
    }
}
