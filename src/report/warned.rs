//! Warnings of many topics in few lines.

use std::collections::{HashMap, HashSet};
use std::mem::Discriminant;

use super::AuditReport;
use crate::estimate::Warning;

/// A warning in words, and the topics that it is about; `None` where these are all.
type Said<'r> = (String, Option<Vec<&'r str>>);

impl AuditReport {
    /// The warnings, those that differ in nothing but their numbers as one that says from which to which.
    pub(crate) fn warnings_in_words(&self) -> Vec<Said<'_>> {
        self.warned().into_iter().map(|(_, said)| said).collect()
    }

    /// The same, those of one kind together, in the order of the first of each.
    #[cfg(feature = "plot")]
    pub(crate) fn warnings_by_kind(&self) -> Vec<Vec<Said<'_>>> {
        let mut kinds: Vec<(Discriminant<Warning>, Vec<Said<'_>>)> = Vec::new();
        for (kind, said) in self.warned() {
            match kinds.iter_mut().find(|(its, _)| *its == kind) {
                Some((_, of)) => of.push(said),
                None => kinds.push((kind, vec![said])),
            }
        }
        kinds.into_iter().map(|(_, said)| said).collect()
    }

    fn warned(&self) -> Vec<(Discriminant<Warning>, Said<'_>)> {
        let mut said: Vec<Gathered<'_>> = Vec::new();
        // Of warnings that are about some topics, where each frame stands, and which topics are there.
        let mut places: HashMap<Vec<String>, usize> = HashMap::new();
        let mut met: HashSet<(usize, &str)> = HashSet::new();
        for (warning, topics) in self.warnings() {
            let kind = std::mem::discriminant(warning);
            let text = Ranged::of(&warning.to_string());
            let Some(topics) = topics else {
                said.push((kind, text, None));
                continue;
            };
            let at = match places.get(&text.frame) {
                Some(&at) => {
                    said[at].1.widen(&text);
                    at
                }
                None => {
                    places.insert(text.frame.clone(), said.len());
                    said.push((kind, text, Some(Vec::new())));
                    said.len() - 1
                }
            };
            if let Some(of) = &mut said[at].2 {
                of.extend(topics.into_iter().filter(|topic| met.insert((at, topic))));
            }
        }
        let all = self.distinct_topics();
        let some = |of: &Vec<&str>| of.len() != all;
        let said = said.into_iter();
        said.map(|(kind, text, of)| (kind, (text.to_string(), of.filter(some)))).collect()
    }
}

/// Warnings of one frame: of which kind, what they say, and of which topics; `None` where these are all.
type Gathered<'r> = (Discriminant<Warning>, Ranged, Option<Vec<&'r str>>);

/// A text with its numbers taken out, each from its least to its greatest.
struct Ranged {
    /// What stands before the first number, between each and the next, and after the last.
    frame: Vec<String>,
    numbers: Vec<[(f64, String); 2]>,
}

impl Ranged {
    /// Numbers are words of their own, outside quotes: those in names are not numbers.
    fn of(text: &str) -> Self {
        let mut ranged = Self { frame: vec![String::new()], numbers: Vec::new() };
        let mut quoted = false;
        for word in text.split_inclusive(' ') {
            let bare = word.trim_start_matches('(');
            let number = bare.trim_end_matches([' ', ',', ';', ':', ')']);
            let after = &bare[number.len()..];
            let value = number.parse::<f64>().ok().filter(|value| !quoted && value.is_finite());
            let frame = ranged.frame.last_mut().expect("there is always one");
            match value {
                Some(value) => {
                    frame.push_str(&word[..word.len() - bare.len()]);
                    ranged.numbers.push([(value, number.to_owned()), (value, number.to_owned())]);
                    ranged.frame.push(after.to_owned());
                }
                None => {
                    quoted ^= word.matches('"').count() % 2 == 1;
                    frame.push_str(word);
                }
            }
        }
        ranged
    }

    fn widen(&mut self, other: &Self) {
        for ([low, high], [other_low, other_high]) in self.numbers.iter_mut().zip(&other.numbers) {
            if other_low.0 < low.0 {
                low.clone_from(other_low);
            }
            if other_high.0 > high.0 {
                high.clone_from(other_high);
            }
        }
    }
}

impl std::fmt::Display for Ranged {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut frame = self.frame.iter();
        frame.next().map_or(Ok(()), |text| f.write_str(text))?;
        for ([(_, low), (_, high)], text) in self.numbers.iter().zip(frame) {
            match low == high {
                true => write!(f, "{low}{text}")?,
                false => write!(f, "{low} to {high}{text}")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::Ranged;

    fn together(texts: &[&str]) -> String {
        let mut first = Ranged::of(texts[0]);
        for text in &texts[1..] {
            let other = Ranged::of(text);
            assert!(first.frame == other.frame, "{text}");
            first.widen(&other);
        }
        first.to_string()
    }

    #[test]
    fn numbers_are_ranges_and_names_are_not() {
        let few =
            |number: &str| format!("it comes from few clusters, as if from {number} of equal size");
        let texts = [few("3.4"), few("1.2"), few("10.0")];
        assert_eq!(together(&[&texts[0], &texts[1], &texts[2]]), few("1.2 to 10.0"));
        assert_eq!(
            together(&[
                "of 999 replicates, 3 are (3) infinite",
                "of 999 replicates, 12 are (1) infinite"
            ]),
            "of 999 replicates, 3 to 12 are (1 to 3) infinite"
        );
        let frame = |text: &str| Ranged::of(text).frame;
        assert_ne!(frame("stratum \"a 2024 b\" has none"), frame("stratum \"a 2025 b\" has none"));
        assert_ne!(frame("1 cluster has"), frame("2 clusters have"));
        for text in ["", "2^-40 of \"1", "(1", "1 2 3"] {
            assert_eq!(Ranged::of(text).to_string(), text);
        }
    }
}
