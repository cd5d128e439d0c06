//! Random words as a pure function of a seed and a place, so that they are the same on any thread, in
//! any order and on any machine. What they are used for is others' concern.

/// Four words of random bits for a counter: Philox4x32 with 10 rounds (Salmon, Moraes, Dror and
/// Shaw 2011, doi 10.1145/2063384.2063405).
///
/// Words are kept in the low halves of 64 bits, where a product needs no widening; what stands in
/// the high halves is never looked at. There is no branch and no array, so that a loop over
/// counters is made to work on several side by side.
#[inline(always)]
pub(crate) fn philox(
    [mut a, mut b, mut c, mut d]: [u64; 4],
    [mut key, mut other]: [u32; 2],
) -> [u32; 4] {
    for _ in 0..10 {
        let first = (a & 0xFFFF_FFFF) * 0xD251_1F53;
        let second = (c & 0xFFFF_FFFF) * 0xCD9E_8D57;
        a = (second >> 32) ^ b ^ u64::from(key);
        b = second;
        c = (first >> 32) ^ d ^ u64::from(other);
        d = first;
        key = key.wrapping_add(0x9E37_79B9);
        other = other.wrapping_add(0xBB67_AE85);
    }
    [a as u32, b as u32, c as u32, d as u32]
}

/// A stream of random words of its own for each seed and place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stream {
    pub(crate) seed: u64,
    pub(crate) place: [u32; 3],
}

impl Stream {
    /// The four words at a place of the stream.
    #[inline(always)]
    pub(crate) fn words(self, at: u32) -> [u32; 4] {
        let [first, second, third] = self.place.map(u64::from);
        let key = [self.seed as u32, (self.seed >> 32) as u32];
        philox([u64::from(at), first, second, third], key)
    }

    /// The words at so many places from one on. In code that is compiled for a processor's vectors
    /// they are made side by side.
    #[inline(always)]
    pub(crate) fn many<const PLACES: usize>(self, from: u32) -> [[u32; 4]; PLACES] {
        let mut words = [[0; 4]; PLACES];
        for (words, at) in words.iter_mut().zip(from..) {
            *words = self.words(at);
        }
        words
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Known answers of the Random123 library (`kat_vectors`, philox4x32 with 10 rounds).
    #[test]
    fn philox_gives_the_known_answers() {
        let known: [([u32; 4], [u32; 2], [u32; 4]); 3] = [
            ([0; 4], [0; 2], [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]),
            ([!0; 4], [!0; 2], [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]),
            (
                [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344],
                [0xa409_3822, 0x299f_31d0],
                [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1],
            ),
        ];
        for (counter, key, expected) in known {
            assert_eq!(philox(counter.map(u64::from), key), expected);
        }
    }

    /// A stream's words are those of its counter, so that seeds promise them.
    #[test]
    fn a_stream_is_a_counter() {
        let stream =
            Stream { seed: 0x299f_31d0_a409_3822, place: [0x85a3_08d3, 0x1319_8a2e, 0x0370_7344] };
        let known = [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1];
        assert_eq!(stream.words(0x243f_6a88), known);
    }
}
