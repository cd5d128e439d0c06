//! What the toss of coins could have done where few clusters are in both arms.

use super::tails::above;

/// Of so many clusters, as if of equal weight, and more, coins need not be asked.
const MANY: f64 = 12.0;

/// The smallest clusters that have no more than this part of the mass are strays.
const STRAYS: f64 = 0.05;

/// So many clusters are turned round in every way; of the others together, whose weight is small then, what a
/// normal variable would do.
const TURNED: usize = 12;

/// The topic and all of each cluster in one arm.
pub(super) type Arm<'c> = (&'c [f64], &'c [f64]);

/// A cluster by what part of either arm's topic and mass it has.
#[derive(Clone, Copy, Debug)]
struct Part {
    topic: [f64; 2],
    all: [f64; 2],
}

impl Part {
    /// Whether it is in both arms, and in neither by less than a tenth of its part of the other.
    fn is_in_both(&self) -> bool {
        let [a, b] = self.all;
        a.min(b) > 0.0 && a.min(b) >= 0.1 * a.max(b)
    }

    /// What part of both arms' mass it has, from 0 to 2.
    fn mass(&self) -> f64 {
        self.all[0] + self.all[1]
    }
}

/// The p-value that coins leave: [`ShareBounds`](super::ShareBounds) says which; 0 where no cluster is in both
/// arms, or many carry the difference.
pub(super) fn least_p(arms: [Arm<'_>; 2]) -> f64 {
    // Most designs are nested, or have many clusters: neither needs what comes after.
    if !any_in_both(arms) {
        return 0.0;
    }
    let every = every(arms);
    let seen = leanings(&every);
    if effective(&seen) >= MANY {
        return 0.0;
    }
    let (both, one): (Vec<Part>, Vec<Part>) = every.iter().partition(|its| its.is_in_both());
    let coins = p_of_coins(leanings(&without_strays(both)));
    coins.min(p_of_others(&one, seen.iter().sum::<f64>()))
}

/// The same of a contrast of two values: whether coins could have made what clusters add to the difference of both,
/// each lean times how fast its value moves with its share. What clusters in one arm say by themselves is not asked, so
/// that few of both arms beside few others are no finding.
pub(super) fn least_p_of_two(halves: [[Arm<'_>; 2]; 2], scales: [f64; 2]) -> f64 {
    let parts = halves.map(every);
    let leans = parts.each_ref().map(|parts| leanings(parts));
    let lean = |at: usize| scales[0] * leans[0][at] - scales[1] * leans[1][at];
    let all: Vec<f64> = (0..parts[0].len()).map(lean).collect();
    let is_in_both = |at: usize| parts.iter().any(|parts| parts[at].is_in_both());
    let both: Vec<usize> = (0..all.len()).filter(|&at| is_in_both(at)).collect();
    if both.is_empty() || effective(&all) >= MANY {
        return 0.0;
    }
    let mass = |at: usize| parts.iter().map(|parts| parts[at].mass()).sum::<f64>();
    let least = least_mass(both.iter().map(|&at| mass(at)).collect());
    p_of_coins(both.into_iter().filter(|&at| mass(at) >= least).map(|at| all[at]).collect())
}

/// Whether some cluster is in both arms.
fn any_in_both(arms: [Arm<'_>; 2]) -> bool {
    let mut both =
        arms[0].1.iter().zip(arms[1].1).filter(|(a, b)| **a > 0.0 && **b > 0.0).peekable();
    if both.peek().is_none() {
        return false;
    }
    let totals = arms.map(|(_, all)| all.iter().sum::<f64>());
    both.any(|(a, b)| {
        let all = [a / totals[0], b / totals[1]];
        Part { topic: [0.0; 2], all }.is_in_both()
    })
}

/// Each cluster's part of either arm.
fn every(arms: [Arm<'_>; 2]) -> Vec<Part> {
    let totals = arms.map(|(_, all)| all.iter().sum::<f64>());
    let part = |at: usize| {
        let of = |side: usize, of: &[f64]| of[at] / totals[side];
        Part {
            topic: [of(0, arms[0].0), of(1, arms[1].0)],
            all: [of(0, arms[0].1), of(1, arms[1].1)],
        }
    };
    (0..arms[0].1.len()).map(part).collect()
}

/// The largest of them, which together have all but a twentieth of the mass, and all as large as the last of
/// these: what strays happen to show makes nothing surer.
fn without_strays(mut parts: Vec<Part>) -> Vec<Part> {
    let least = least_mass(parts.iter().map(Part::mass).collect());
    parts.retain(|part| part.mass() >= least);
    parts
}

/// The mass from which on clusters are no strays.
fn least_mass(mut masses: Vec<f64>) -> f64 {
    masses.sort_by(|one, other| other.total_cmp(one));
    let enough = (1.0 - STRAYS) * masses.iter().sum::<f64>();
    let (mut so_far, mut least) = (0.0, 0.0);
    for mass in masses {
        if so_far >= enough {
            break;
        }
        so_far += mass;
        least = mass;
    }
    least
}

/// By how much each cluster makes the shares differ, were they one share, the mean of both; adds up to their
/// difference.
fn leanings(parts: &[Part]) -> Vec<f64> {
    let sum = |of: fn(&Part) -> [f64; 2]| {
        parts.iter().map(of).fold([0.0; 2], |[a, b], [more_a, more_b]| [a + more_a, b + more_b])
    };
    let (topic, all) = (sum(|its| its.topic), sum(|its| its.all));
    let share = f64::midpoint(topic[0] / all[0], topic[1] / all[1]);
    let of = |part: &Part, side: usize| (part.topic[side] - share * part.all[side]) / all[side];
    parts.iter().map(|part| of(part, 0) - of(part, 1)).collect()
}

/// How many of them carry it all, `(sum e^2)^2 / sum e^4`; none where there is nothing to carry.
fn effective(leanings: &[f64]) -> f64 {
    let (squares, fourths) = leanings
        .iter()
        .fold((0.0, 0.0), |(squares, fourths), e| (squares + e * e, fourths + e * e * e * e));
    if fourths > 0.0 { squares * squares / fourths } else { 0.0 }
}

/// How often the sum would be as far from 0 had each cluster's side been chosen by a coin.
fn p_of_coins(mut leanings: Vec<f64>) -> f64 {
    let seen = leanings.iter().sum::<f64>().abs() * (1.0 - 1e-9);
    leanings.sort_by(|one, other| other.abs().total_cmp(&one.abs()));
    let (turned, others) = leanings.split_at(leanings.len().min(TURNED));
    let spread = others.iter().map(|e| e * e).sum::<f64>().sqrt();
    let exceeds = |sum: f64| match spread > 0.0 {
        true => above((seen - sum) / spread, None) + above((seen + sum) / spread, None),
        false => f64::from(u8::from(sum.abs() >= seen)),
    };
    // Turning all round changes no distance, so the first stays.
    let ways = 1_u32 << (turned.len() - 1);
    let sum_of = |way: u32| {
        let signed = |(at, e): (usize, &f64)| if way << 1 >> at & 1 == 1 { -e } else { *e };
        turned.iter().enumerate().map(signed).sum::<f64>()
    };
    let exceeding = (0..ways).map(|way| exceeds(sum_of(way))).sum::<f64>();
    (exceeding / f64::from(ways)).min(1.0)
}

/// What clusters in one arm say by themselves, where they are more than strays and say the same: Welch's test of
/// their shares, and not less than with which chance two coins, of whatever bias, fall one way in one arm and the
/// other way in the other.
fn p_of_others(parts: &[Part], seen: f64) -> f64 {
    let arm = |side: usize| {
        let mine = parts.iter().filter(move |its| its.all[side] > its.all[1 - side]);
        let (mut topic, mut all, mut number) = (0.0, 0.0, 0.0);
        for part in mine.clone() {
            (topic, all, number) = (topic + part.topic[side], all + part.all[side], number + 1.0);
        }
        let share = topic / all;
        let squares: f64 =
            mine.map(|its| ((its.topic[side] - share * its.all[side]) / all).powi(2)).sum();
        (share, number, number / (number - 1.0) * squares)
    };
    let ((a, of_a, varies_a), (b, of_b, varies_b)) = (arm(0), arm(1));
    // Of both arms' masses, which are 1 each.
    let mass: f64 = parts.iter().map(|its| its.all[0] + its.all[1]).sum::<f64>() / 2.0;
    let is_otherwise = (a - b) * seen <= 0.0;
    if of_a < 2.0 || of_b < 2.0 || is_otherwise || mass <= STRAYS {
        return 1.0;
    }
    let (variance, either) = (varies_a + varies_b, of_a + of_b);
    let coins = 2.0 * (of_a / either).powf(of_a) * (of_b / either).powf(of_b);
    if variance <= 0.0 {
        return coins;
    }
    let lost = varies_a * varies_a / (of_a - 1.0) + varies_b * varies_b / (of_b - 1.0);
    (2.0 * above((a - b).abs() / variance.sqrt(), Some(variance * variance / lost))).max(coins)
}

#[cfg(test)]
mod tests {
    use super::least_p;

    /// All three lean one way: 2 of 8 ways; a cluster without mass has no coin.
    #[test]
    fn clusters_without_mass_are_no_coins() {
        let p = |topic: [&[f64]; 2], all: [&[f64]; 2]| {
            least_p([(topic[0], all[0]), (topic[1], all[1])])
        };
        let three = p([&[9.0; 3], &[1.0; 3]], [&[10.0; 3]; 2]);
        assert!((three - 0.25).abs() < 1e-12, "{three}");
        let (a, b) = ([9.0, 9.0, 9.0, 0.0], [1.0, 1.0, 1.0, 0.0]);
        let all = [10.0, 10.0, 10.0, 0.0];
        assert!((p([&a, &b], [&all; 2]) - 0.25).abs() < 1e-12);
        // Nobody is in both arms.
        let nested =
            p([&[9.0, 0.0, 0.0], &[0.0, 1.0, 0.0]], [&[10.0, 0.0, 0.0], &[0.0, 10.0, 0.0]]);
        assert!(nested <= 0.0, "{nested}");
    }
}
