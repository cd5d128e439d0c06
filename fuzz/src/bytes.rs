//! Mutations of bytes, whatever they mean, and of lines of cells.

use crate::chance::Chance;
use crate::odd;

/// Flips, inserts, deletes, repeats, cuts off, or goes on with another input from somewhere.
pub(crate) fn hit(bytes: &mut Vec<u8>, other: &[u8], chance: &mut Chance) {
    let at = chance.below(bytes.len());
    let most = if chance.one_in(8) { 256 } else { 8 };
    let span = 1 + chance.below(most);
    let end = bytes.len().min(at + span);
    match chance.below(8) {
        0 | 1 if !bytes.is_empty() => bytes[at] ^= 1 << chance.below(8),
        2 if !bytes.is_empty() => bytes[at] = *chance.pick(&[0, 1, 0x7f, 0x80, 0xff]),
        3 => drop(bytes.splice(at..at, (0..span).map(|_| chance.next() as u8))),
        4 => drop(bytes.drain(at..end)),
        5 => {
            let again = bytes[at..end].to_vec();
            bytes.splice(at..at, again);
        }
        6 => bytes.truncate(at),
        _ => {
            bytes.truncate(at);
            bytes.extend_from_slice(&other[chance.below(other.len())..]);
        }
    }
}

/// Swaps, repeats and drops lines, or changes their cells, which `between` divides.
pub(crate) fn lines(text: &mut String, between: &str, chance: &mut Chance) {
    let mut lines: Vec<String> = text.split('\n').map(str::to_owned).collect();
    let (one, other) = (chance.below(lines.len()), chance.below(lines.len()));
    match chance.below(8) {
        0 => lines.swap(one, other),
        1 => drop(lines.remove(one)),
        2 => {
            let (line, times) = (lines[one].clone(), 1 + chance.below(40));
            lines.splice(other..other, std::iter::repeat_n(line, times));
        }
        _ => lines[one] = cells(&lines[one], between, chance),
    }
    *text = lines.join("\n");
}

fn cells(line: &str, between: &str, chance: &mut Chance) -> String {
    let mut cells: Vec<String> = line.split(between).map(str::to_owned).collect();
    let (one, other) = (chance.below(cells.len()), chance.below(cells.len()));
    match chance.below(10) {
        0 => cells.swap(one, other),
        1 => drop(cells.remove(one)),
        2 => cells.insert(one, odd::cell(chance)),
        3 => cells[one] = cells[other].clone(),
        4 => cells[one] = format!("\"{}\"", odd::cell(chance).replace('"', "\"\"")),
        5..8 => cells[one] = odd::number(chance).to_owned(),
        _ => cells[one] = odd::name(chance),
    }
    cells.join(between)
}
