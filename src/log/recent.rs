//! What was made of short texts that came lately: few arms and topics come again and again, and need
//! neither a hash of many bytes nor a look at a dictionary.

/// Places, of which a text has one.
const PLACES: usize = 1 << 10;

/// The longest text that is remembered.
const LONGEST: usize = 16;

/// A short text as a number; texts of one length are equal if their numbers are.
pub(super) type Short = (u128, u8);

/// The numbers that were made of short texts; the last of those that have the same place.
#[derive(Debug)]
pub(super) struct Recent {
    of_place: Vec<(Short, u32)>,
}

impl Default for Recent {
    fn default() -> Self {
        // No text is longer than itself, so nothing is found there.
        Self { of_place: vec![((0, u8::MAX), 0); PLACES] }
    }
}

impl Recent {
    /// A text as a number; `None` for a long one.
    #[inline]
    pub(super) fn short(text: &[u8]) -> Option<Short> {
        let length = text.len();
        let number = match length {
            8..=LONGEST => {
                // The two may overlap.
                let first = u64::from_le_bytes(*text.first_chunk()?);
                let last = u64::from_le_bytes(*text.last_chunk()?);
                u128::from(first) | u128::from(last) << 64
            }
            4..8 => {
                let first = u32::from_le_bytes(*text.first_chunk()?);
                let last = u32::from_le_bytes(*text.last_chunk()?);
                u128::from(first) | u128::from(last) << 32
            }
            1..4 => {
                let [first, middle, last] = [text[0], text[length / 2], text[length - 1]];
                u128::from(first) | u128::from(middle) << 8 | u128::from(last) << 16
            }
            0 => 0,
            _ => return None,
        };
        Some((number, length as u8))
    }

    /// What was made of a text, if it came lately.
    #[inline]
    pub(super) fn get(&self, short: Short) -> Option<u32> {
        let (its, made) = self.of_place[place(short)];
        (its == short).then_some(made)
    }

    /// Remembers what was made of a text.
    pub(super) fn insert(&mut self, short: Short, made: u32) {
        self.of_place[place(short)] = (short, made);
    }

    /// Bytes of memory held.
    pub(super) fn bytes(&self) -> usize {
        size_of_val(&*self.of_place)
    }
}

#[inline]
fn place((number, length): Short) -> usize {
    // Two odd multipliers, as of SplitMix64; the high bits are those that depend on all others.
    let mixed = (number as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15)
        ^ ((number >> 64) as u64 ^ u64::from(length)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    (mixed.wrapping_mul(0x94D0_49BB_1331_11EB) >> 54) as usize % PLACES
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    #[test]
    fn short_texts_that_differ_have_numbers_that_differ() {
        let mut texts: Vec<Vec<u8>> = vec![Vec::new()];
        for length in 1..=LONGEST {
            for place in 0..length {
                let mut text = vec![b'a'; length];
                text[place] = b'b';
                texts.push(text);
            }
            texts.push(vec![0; length]);
            texts.push(vec![b'a'; length]);
        }
        let mut met = HashMap::new();
        for text in &texts {
            let short = Recent::short(text).unwrap();
            assert_eq!(*met.entry(short).or_insert(text), text);
        }
        assert_eq!(Recent::short(&[b'a'; LONGEST + 1]), None);
        let mut recent = Recent::default();
        assert_eq!(recent.get((0, 0)), None);
        recent.insert((0, 0), 7);
        assert_eq!(recent.get((0, 0)), Some(7));
    }
}
