//! Where some bytes stand among others, 64 at a time, as the bits of a word.

/// Bytes that are looked at together.
pub(super) const WIDTH: usize = 64;

/// The bytes for which `is` is true, the first in the lowest bit.
#[inline(always)]
pub(super) fn mask(bytes: &[u8; WIDTH], is: impl Fn(u8) -> bool) -> u64 {
    // Compared many at a time by what the compiler makes of it.
    let mut flags = [0_u8; WIDTH];
    for (flag, &byte) in flags.iter_mut().zip(bytes) {
        *flag = u8::from(is(byte));
    }
    let (eights, _) = flags.as_chunks::<8>();
    // The product has the lowest bit of the k-th byte in the k-th bit of its highest byte.
    let gathered = eights
        .iter()
        .map(|eight| u64::from_le_bytes(*eight).wrapping_mul(0x0102_0408_1020_4080) >> 56);
    gathered.enumerate().fold(0, |mask, (at, bits)| mask | bits << (8 * at))
}

/// Of the bits of a word, whether as many ones stand up to each, itself among them, as make it odd.
#[inline(always)]
pub(super) fn parity(mut bits: u64) -> u64 {
    for shift in [1, 2, 4, 8, 16, 32] {
        bits ^= bits << shift;
    }
    bits
}

/// The places of the bits that are set.
pub(super) fn places(mut mask: u64) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let place = (mask != 0).then(|| mask.trailing_zeros() as usize)?;
        mask &= mask - 1;
        Some(place)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_byte_has_its_bit() {
        for place in 0..WIDTH {
            let mut bytes = [0; WIDTH];
            bytes[place] = 7;
            assert_eq!(mask(&bytes, |byte| byte == 7), 1 << place);
            assert_eq!(mask(&bytes, |byte| byte != 7), !(1 << place));
            assert_eq!(parity(1 << place), u64::MAX << place);
        }
        assert_eq!(places(0b1001_0010).collect::<Vec<_>>(), [1, 4, 7]);
        assert_eq!(parity(0b1001_0010), u64::MAX << 7 | 0b1110);
    }
}
