//! The topics of items, as sets that many items share.

/// The sets of topics that items have; an item holds the number of its set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TopicSets {
    pub(crate) topics: Vec<String>,
    pub(crate) sets: Vec<Vec<u16>>,
}

impl TopicSets {
    /// Topics by name, and sets of them as places in those names.
    ///
    /// # Errors
    /// [`Error::Parameter`](crate::Error::Parameter) for a place past the last name.
    pub fn new(topics: Vec<String>, sets: Vec<Vec<u16>>) -> Result<Self, crate::Error> {
        match sets.iter().flatten().find(|topic| usize::from(**topic) >= topics.len()) {
            Some(topic) => Err(crate::error::range::out(
                "a topic of TopicSets",
                topic,
                "a place in the list of topics",
            )),
            None => Ok(Self { topics, sets }),
        }
    }

    /// The topics' names.
    #[must_use]
    pub fn topics(&self) -> &[String] {
        &self.topics
    }

    /// How many sets there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.sets.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.sets.is_empty()
    }

    /// The topics of a set, as places in [`topics`](Self::topics).
    #[must_use]
    pub fn of(&self, set: u32) -> &[u16] {
        self.sets.get(set as usize).map_or(&[], Vec::as_slice)
    }

    /// The place of a topic, by name.
    #[must_use]
    pub fn topic(&self, name: &str) -> Option<u16> {
        self.topics.iter().position(|topic| topic == name).map(|place| place as u16)
    }
}
