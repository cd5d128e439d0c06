//! MD5 (RFC 1321) of several short texts side by side, one in each lane of a processor's vectors. Only
//! what keys need: the first eight bytes of a digest, of texts that fit into one block.

use pulp::{Arch, NullaryFnOnce};

/// Texts that are hashed together.
pub(crate) const LANES: usize = 16;

/// The longest text that fits into one block, with the bit that ends it and its length.
const LONGEST: usize = 55;

/// A word of every lane.
type Words = [u32; LANES];

/// `floor(2^32 |sin(step)|)` for steps 1, 2, ..., 64.
const SINES: [u32; 64] = [
    0xd76a_a478,
    0xe8c7_b756,
    0x2420_70db,
    0xc1bd_ceee,
    0xf57c_0faf,
    0x4787_c62a,
    0xa830_4613,
    0xfd46_9501,
    0x6980_98d8,
    0x8b44_f7af,
    0xffff_5bb1,
    0x895c_d7be,
    0x6b90_1122,
    0xfd98_7193,
    0xa679_438e,
    0x49b4_0821,
    0xf61e_2562,
    0xc040_b340,
    0x265e_5a51,
    0xe9b6_c7aa,
    0xd62f_105d,
    0x0244_1453,
    0xd8a1_e681,
    0xe7d3_fbc8,
    0x21e1_cde6,
    0xc337_07d6,
    0xf4d5_0d87,
    0x455a_14ed,
    0xa9e3_e905,
    0xfcef_a3f8,
    0x676f_02d9,
    0x8d2a_4c8a,
    0xfffa_3942,
    0x8771_f681,
    0x6d9d_6122,
    0xfde5_380c,
    0xa4be_ea44,
    0x4bde_cfa9,
    0xf6bb_4b60,
    0xbebf_bc70,
    0x289b_7ec6,
    0xeaa1_27fa,
    0xd4ef_3085,
    0x0488_1d05,
    0xd9d4_d039,
    0xe6db_99e5,
    0x1fa2_7cf8,
    0xc4ac_5665,
    0xf429_2244,
    0x432a_ff97,
    0xab94_23a7,
    0xfc93_a039,
    0x655b_59c3,
    0x8f0c_cc92,
    0xffef_f47d,
    0x8584_5dd1,
    0x6fa8_7e4f,
    0xfe2c_e6e0,
    0xa301_4314,
    0x4e08_11a1,
    0xf753_7e82,
    0xbd3a_f235,
    0x2ad7_d2bb,
    0xeb86_d391,
];

/// By round and step modulo 4, how far words are rotated.
const ROTATED: [[u32; 4]; 4] = [[7, 12, 17, 22], [5, 9, 14, 20], [4, 11, 16, 23], [6, 10, 15, 21]];

/// The state before the first block.
const START: [u32; 4] = [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476];

/// One block for each lane.
pub(crate) struct Lanes {
    /// By place in the block.
    words: [Words; 16],
}

impl Lanes {
    pub(crate) fn new() -> Self {
        Self { words: [[0; LANES]; 16] }
    }

    /// Gives a lane its text, unless that is too long.
    pub(crate) fn set(&mut self, lane: usize, text: &[u8]) -> bool {
        if text.len() > LONGEST {
            return false;
        }
        let mut block = [0; 64];
        block[..text.len()].copy_from_slice(text);
        block[text.len()] = 0x80;
        block[56..].copy_from_slice(&(8 * text.len() as u64).to_le_bytes());
        let words = block.as_chunks().0.iter();
        for (words, bytes) in self.words.iter_mut().zip(words) {
            words[lane] = u32::from_le_bytes(*bytes);
        }
        true
    }

    /// By lane, the first eight bytes of the digest, read big-endian.
    pub(crate) fn first_eight_bytes(&self, arch: Arch) -> [u64; LANES] {
        let [first, second] = arch.dispatch(Vectorised(self));
        let word = |word: u32| u64::from(word.swap_bytes());
        std::array::from_fn(|lane| word(first[lane]) << 32 | word(second[lane]))
    }
}

/// Lanes, for code that is compiled once for each kind of processor.
struct Vectorised<'l>(&'l Lanes);

impl NullaryFnOnce for Vectorised<'_> {
    type Output = [Words; 2];

    #[inline(always)]
    fn call(self) -> [Words; 2] {
        let [mut a, mut b, mut c, mut d] = START.map(|word| [word; LANES]);
        macro_rules! round {
            ($round:literal, $word:expr, $mix:expr) => {
                for step in 0..16 {
                    let words = &self.0.words[$word(step) % 16];
                    let sine = SINES[16 * $round + step];
                    let rotated = ROTATED[$round][step % 4];
                    let mut next = [0; LANES];
                    for lane in 0..LANES {
                        let mixed: u32 = $mix(b[lane], c[lane], d[lane]);
                        let sum = a[lane].wrapping_add(mixed).wrapping_add(words[lane]);
                        let sum = sum.wrapping_add(sine).rotate_left(rotated);
                        next[lane] = b[lane].wrapping_add(sum);
                    }
                    (a, b, c, d) = (d, next, b, c);
                }
            };
        }
        round!(0, |step: usize| step, |b: u32, c: u32, d: u32| b & c | !b & d);
        round!(1, |step: usize| 5 * step + 1, |b: u32, c: u32, d: u32| b & d | c & !d);
        round!(2, |step: usize| 3 * step + 5, |b: u32, c: u32, d: u32| b ^ c ^ d);
        round!(3, |step: usize| 7 * step, |b: u32, c: u32, d: u32| c ^ (b | !d));
        let added = |words: Words, start: u32| words.map(|word| word.wrapping_add(start));
        [added(a, START[0]), added(b, START[1])]
    }
}

#[cfg(test)]
mod tests {
    use ::md5::{Digest, Md5};

    use super::*;

    /// The `md-5` crate, for texts of every length, with the vectors of this processor and without.
    #[test]
    fn lanes_give_the_digests_of_their_texts() {
        let text = |length: usize| -> Vec<u8> {
            (0..length).map(|at| (at * 37 + length * 11) as u8).collect()
        };
        for first in (0..=LONGEST).step_by(LANES) {
            let mut lanes = Lanes::new();
            for lane in 0..LANES {
                assert_eq!(lanes.set(lane, &text(first + lane)), first + lane <= LONGEST);
            }
            for arch in [Arch::new(), Arch::Scalar] {
                let digests = lanes.first_eight_bytes(arch);
                let texts = (first..=LONGEST).zip(digests);
                for (length, digest) in texts {
                    let expected = Md5::digest(text(length));
                    assert_eq!(digest.to_be_bytes(), expected[..8], "{length} bytes");
                }
            }
        }
    }
}
