//! Columns of the log that are not in its files: what paths, folders and joined tables say.

use std::collections::BTreeSet;
use std::path::Path;

use tiltmeter::log::{KeyedTable, LogSchema};

use super::profile::{ColumnProfile, Profile};
use super::reading::Reading;
use crate::log::LogArgs;

/// Adds them to what is known of the log's own. What cannot be read is told with the guess, which cannot be either.
pub(crate) fn add(profile: &mut Profile, reading: &Reading, log: &LogArgs) {
    let said: BTreeSet<&str> =
        log.roles.columns_of_roles().into_iter().filter_map(|its| its.1.as_deref()).collect();
    let mut names = names(reading, log);
    names.retain(|name| {
        !said.contains(&**name) && !profile.columns.iter().any(|its| its.name == *name)
    });
    let read = |names: &mut dyn Iterator<Item = &String>| {
        let schema = names.fold(reading.input.schema.clone(), LogSchema::column);
        reading.input_with(schema).open("").ok()
    };
    // All at once where each row has all of them, so that what one lacks is not what another lacks.
    let together = read(&mut names.iter()).filter(|rows| rows.origin().set_aside.rows == 0);
    for name in &names {
        let alone = if together.is_none() { read(&mut std::iter::once(name)) } else { None };
        let Some(rows) = together.as_ref().or(alone.as_ref()) else { continue };
        let Ok(ids) = rows.column(name) else { continue };
        let mut counts = vec![0; ids.dictionary().len()];
        ids.codes().iter().for_each(|&code| counts[code as usize] += 1);
        let values = ids.dictionary().iter().map(str::to_owned).zip(counts);
        let missing = rows.origin().set_aside.rows;
        profile.columns.push(ColumnProfile::beside(name.clone(), values, missing));
    }
}

fn names(reading: &Reading, log: &LogArgs) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    if reading.input.sql.is_some() {
        return names;
    }
    let pattern = log.beside.path_pattern().unwrap_or_default();
    let named = pattern.split('{').skip(1).filter_map(|part| Some(part.split_once('}')?.0));
    names.extend(named.map(str::to_owned));
    for file in &reading.files {
        let folders = file.parent().into_iter().flat_map(Path::iter);
        let folders = folders.filter_map(|folder| folder.to_str()?.split_once('='));
        names.extend(folders.map(|(name, _)| name.to_owned()).filter(|name| !name.is_empty()));
    }
    for join in &reading.input.join {
        if let Ok(table) = KeyedTable::open(&join.path, &join.on) {
            names.extend(table.column_names().map(str::to_owned));
        }
    }
    names
}
