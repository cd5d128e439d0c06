//! Which columns are of a topic each, by names and patterns.

/// Names and patterns, one by one.
pub(super) fn parts(pattern: &str) -> impl Iterator<Item = &str> {
    pattern.split(',').map(str::trim)
}

/// For each name or pattern between commas, the topic of a column by that name, if it is of one.
pub(super) fn flags_of(pattern: &str) -> impl Iterator<Item = impl Fn(&str) -> Option<String>> {
    parts(pattern).map(|part| {
        let (before, after) = part.split_once('*').unwrap_or((part, ""));
        move |name: &str| {
            if !part.contains('*') {
                return (name == part).then(|| name.to_owned());
            }
            let topic = name.strip_prefix(before)?.strip_suffix(after)?;
            (!topic.is_empty()).then(|| topic.to_owned())
        }
    })
}
