//! Small whole numbers as Parquet packs them (its "RLE/bit-packing hybrid"): runs of one number, and
//! groups of eight numbers side by side. Keys into dictionaries and levels of nulls come so.

/// Why pages could not be read.
pub(super) type Fault = Box<dyn std::error::Error>;

/// Numbers of a group.
const GROUP: usize = 8;

/// Where a reader of packed numbers stands in the bytes that hold them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Packed {
    /// Bits of a number.
    width: u32,
    /// Where the next run starts.
    next: usize,
    run: Run,
}

#[derive(Clone, Copy, Debug)]
enum Run {
    Same {
        number: u32,
        left: usize,
    },
    /// Groups that start at a byte, of which some numbers were read.
    Groups {
        start: usize,
        read: usize,
        numbers: usize,
    },
}

impl Packed {
    /// A reader of numbers of so many bits, at most 32, from a place in the bytes.
    pub(super) fn new(width: u32, start: usize) -> Result<Self, Fault> {
        if width > u32::BITS {
            return Err("numbers of more than 32 bits".into());
        }
        Ok(Self { width, next: start, run: Run::Same { number: 0, left: 0 } })
    }

    /// Adds the next numbers to others.
    pub(super) fn read(
        &mut self,
        bytes: &[u8],
        mut count: usize,
        numbers: &mut Vec<u32>,
    ) -> Result<(), Fault> {
        numbers.reserve(count);
        while count > 0 {
            let taken = match &mut self.run {
                Run::Same { left: 0, .. } => {
                    self.open(bytes)?;
                    continue;
                }
                Run::Groups { read, numbers, .. } if read == numbers => {
                    self.open(bytes)?;
                    continue;
                }
                Run::Same { number, left } => {
                    let taken = count.min(*left);
                    numbers.resize(numbers.len() + taken, *number);
                    *left -= taken;
                    taken
                }
                Run::Groups { start, read, numbers: all } => {
                    let taken = count.min(*all - *read);
                    let groups = bytes.get(*start..).unwrap_or_default();
                    unpack(self.width, groups, *read..*read + taken, numbers)?;
                    *read += taken;
                    taken
                }
            };
            count -= taken;
        }
        Ok(())
    }

    /// Opens the next run.
    fn open(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        let header = self.variable(bytes)?;
        let length = usize::try_from(header >> 1).map_err(|_| "a run too long")?;
        if length == 0 {
            return Err("a run of no numbers".into());
        }
        let width = self.width as usize;
        if header & 1 == 0 {
            let mut number = [0; 4];
            let size = width.div_ceil(8);
            let from = bytes.get(self.next..self.next + size).ok_or("a run cut off")?;
            number[..size].copy_from_slice(from);
            self.next += size;
            self.run = Run::Same { number: u32::from_le_bytes(number), left: length };
            return Ok(());
        }
        let size = length.checked_mul(width).ok_or("a run too long")?;
        let numbers = length.checked_mul(GROUP).ok_or("a run too long")?;
        self.run = Run::Groups { start: self.next, read: 0, numbers };
        // Of the last run some writers leave out the bytes that hold nothing.
        self.next = self.next.saturating_add(size);
        Ok(())
    }

    /// A number of as many bytes as it needs, seven bits in each.
    fn variable(&mut self, bytes: &[u8]) -> Result<u64, Fault> {
        let mut number = 0;
        for shift in (0..63).step_by(7) {
            let byte = *bytes.get(self.next).ok_or("a run without a beginning")?;
            self.next += 1;
            number |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err("a run too long".into())
    }
}

/// Adds a range of the numbers of some groups.
fn unpack(
    width: u32,
    groups: &[u8],
    range: std::ops::Range<usize>,
    numbers: &mut Vec<u32>,
) -> Result<(), Fault> {
    if groups.len() < (range.end * width as usize).div_ceil(8) {
        return Err("a run cut off".into());
    }
    let first = range.start / GROUP;
    let before = numbers.len();
    let count = range.end.div_ceil(GROUP) - first;
    let bytes = &groups[(first * width as usize).min(groups.len())..];
    numbers.resize(before + count * GROUP, 0);
    let into = numbers[before..].as_chunks_mut().0;
    macro_rules! by_width {
        ($($width:literal)*) => {
            match width {
                $($width => unpack_groups::<$width>(bytes, into),)*
                _ => {}
            }
        };
    }
    by_width!(1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31 32);
    let skipped = range.start % GROUP;
    numbers.truncate(before + skipped + range.len());
    numbers.drain(before..before + skipped);
    Ok(())
}

/// Unpacks groups of numbers of a width, which the compiler knows, so that it knows where in its
/// group each number stands. Bytes past the end count as zero.
fn unpack_groups<const WIDTH: usize>(mut bytes: &[u8], into: &mut [[u32; GROUP]]) {
    /// Each number is taken out of the eight bytes from its first on.
    const SPARE: usize = 8;
    let mask = u64::MAX >> (64 - WIDTH);
    let unpack = |bytes: &[u8], into: &mut [u32; GROUP]| {
        for (at, number) in into.iter_mut().enumerate() {
            let bit = at * WIDTH;
            let mut word = [0; 8];
            word.copy_from_slice(&bytes[bit / 8..][..8]);
            *number = (u64::from_le_bytes(word) >> (bit % 8) & mask) as u32;
        }
    };
    for into in into {
        if let Some(group) = bytes.get(..WIDTH + SPARE) {
            unpack(group, into);
        } else {
            let mut group = [0; u32::BITS as usize + SPARE];
            let rest = &bytes[..bytes.len().min(WIDTH)];
            group[..rest.len()].copy_from_slice(rest);
            unpack(&group, into);
        }
        bytes = bytes.get(WIDTH..).unwrap_or_default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Packs numbers by the letter of the format: bit by bit, the lowest first.
    fn pack(width: usize, numbers: &[u32]) -> Vec<u8> {
        let mut bytes = vec![0; (numbers.len() * width).div_ceil(8)];
        for (at, number) in numbers.iter().enumerate() {
            for bit in 0..width {
                let place = at * width + bit;
                bytes[place / 8] |= ((number >> bit & 1) as u8) << (place % 8);
            }
        }
        bytes
    }

    fn numbers(width: u32, count: usize) -> Vec<u32> {
        let mask = u32::MAX.checked_shr(32 - width).unwrap_or(0);
        (1..=count as u32).map(|at| at.wrapping_mul(2_654_435_761) & mask).collect()
    }

    /// Two runs of groups and one of a number between them, read in pieces of several lengths.
    #[test]
    fn every_width_in_pieces_of_any_length() {
        for width in 0..=32 {
            let (first, last) = (numbers(width, 40), numbers(width, 16));
            let same = first[3];
            let mut bytes = vec![7, 7, 5 << 1 | 1];
            bytes.extend(pack(width as usize, &first));
            bytes.extend([200 & 0x7f | 0x80, 1]);
            bytes.extend(&same.to_le_bytes()[..width.div_ceil(8) as usize]);
            bytes.push(2 << 1 | 1);
            bytes.extend(pack(width as usize, &last));
            let expected = [&first[..], &[same; 100], &last].concat();
            for piece in [1, 3, 8, 13, 47, 156] {
                let mut packed = Packed::new(width, 2).unwrap();
                let mut read = Vec::new();
                while read.len() < expected.len() {
                    let count = piece.min(expected.len() - read.len());
                    packed.read(&bytes, count, &mut read).unwrap();
                }
                assert_eq!(read, expected, "{width} bits, {piece} at a time");
                assert!(packed.read(&bytes, 1, &mut read).is_err());
            }
        }
    }

    #[test]
    fn what_is_cut_off_or_makes_no_sense_is_refused() {
        let read =
            |width, bytes: &[u8], count| Packed::new(width, 0)?.read(bytes, count, &mut Vec::new());
        assert!(Packed::new(33, 0).is_err());
        for bytes in [&[][..], &[0x80], &[0], &[1], &[2], &[3, 1], &[0xff; 20]] {
            assert!(read(9, bytes, 8).is_err(), "{bytes:?}");
        }
        // The bytes of numbers that are not asked for may be absent.
        assert!(read(8, &[3, 1, 2], 2).is_ok());
        assert!(read(8, &[3, 1, 2], 3).is_err());
    }
}
