//! Adjusted p-values against statsmodels, closed forms, properties and simulations under the null.

use crate::shared;
use crate::shared::random::Random;

use proptest::prelude::*;
use serde_json::Value as Json;
use tiltmeter::Error;
use tiltmeter::inference::Multiplicity::{BenjaminiHochberg, BenjaminiYekutieli, Bonferroni, Holm};
use tiltmeter::inference::{Multiplicity, TwoStage};

const ALL: [Multiplicity; 5] =
    [Bonferroni, Holm, BenjaminiHochberg, BenjaminiYekutieli, two_stage(0.05)];

const fn two_stage(level: f64) -> Multiplicity {
    Multiplicity::TwoStage(TwoStage { level })
}

fn numbers(json: &Json) -> Vec<f64> {
    json.as_array().unwrap().iter().map(|number| number.as_f64().unwrap()).collect()
}

fn flags(json: &Json) -> Vec<bool> {
    json.as_array().unwrap().iter().map(|flag| flag.as_bool().unwrap()).collect()
}

fn close(what: &str, ours: &[f64], golden: &[f64]) {
    assert_eq!(ours.len(), golden.len(), "{what}");
    for (at, (ours, golden)) in ours.iter().zip(golden).enumerate() {
        let equal = ours == golden || (ours - golden).abs() <= 1e-12 * golden.abs();
        assert!(equal, "{what}, test {at}: {ours} against {golden}");
    }
}

/// `golden/multiplicity.json` of the shared folder: statsmodels, to 1e-12 relative.
#[test]
fn shared_golden() {
    let Some(golden) = shared::golden("multiplicity") else { return };
    let cases = golden["cases"].as_array().unwrap();
    assert_eq!(cases.len(), 4);
    for (at, case) in cases.iter().enumerate() {
        let p = numbers(&case["p"]);
        let methods = [
            (Bonferroni, "bonferroni"),
            (Holm, "holm"),
            (BenjaminiHochberg, "fdr_bh"),
            (BenjaminiYekutieli, "fdr_by"),
        ];
        for (method, name) in methods {
            let adjusted = method.adjusted(&p).unwrap();
            close(&format!("case {at}, {name}"), &adjusted, &numbers(&case[name]));
        }
        let rejected = two_stage(0.05).rejected(&p, 0.05).unwrap();
        assert_eq!(rejected, flags(&case["fdr_tsbky_reject"]), "case {at}");
    }
}

/// `tests/golden/multiplicity.json` (statsmodels 0.15.0, by `make_multiplicity.py`): ties, 0 and 1,
/// one test, all rejected, none rejected; adjusted values to 1e-12 relative, at three levels.
#[test]
fn statsmodels() {
    let golden: Json = serde_json::from_str(include_str!("../golden/multiplicity.json")).unwrap();
    let cases = golden["cases"].as_array().unwrap();
    assert_eq!(cases.len(), 42);
    for case in cases {
        let (p, level) = (numbers(&case["p"]), case["level"].as_f64().unwrap());
        let methods = [
            (Bonferroni, "bonferroni"),
            (Holm, "holm"),
            (BenjaminiHochberg, "benjamini_hochberg"),
            (BenjaminiYekutieli, "benjamini_yekutieli"),
            (two_stage(level), "two_stage"),
        ];
        for (method, name) in methods {
            let what = format!("{}, {name} at {level}", case["name"]);
            close(&what, &method.adjusted(&p).unwrap(), &numbers(&case["adjusted"][name]));
            let rejected = method.rejected(&p, level).unwrap();
            assert_eq!(rejected, flags(&case["rejected"][name]), "{what}");
        }
    }
}

/// By hand: m = 4 at 0.05. The first stage at 0.05/1.05 = 0.0476 rejects three (their BH values are
/// at most 0.004, the fourth's is 0.048), so m0 = 1 and the second stage is at 4 times 0.0476.
#[test]
fn two_stages_by_hand() {
    let p = [0.001, 0.002, 0.003, 0.048];
    assert_eq!(two_stage(0.05).rejected(&p, 0.05).unwrap(), [true; 4]);
    let adjusted = two_stage(0.05).adjusted(&p).unwrap();
    close("adjusted", &adjusted, &[0.004, 0.004, 0.004, 0.048].map(|bh| bh * 1.05 / 4.0));
    // All rejected by the first stage: no number of true nulls to divide by.
    let adjusted = two_stage(0.05).adjusted(&[0.0, 0.001]).unwrap();
    close("all", &adjusted, &[0.0, 0.00105]);
    // None rejected by it: 0.049 would pass the plain procedure, but not at 0.05/1.05.
    assert_eq!(BenjaminiHochberg.rejected(&[0.049], 0.05).unwrap(), [true]);
    assert_eq!(two_stage(0.05).rejected(&[0.049], 0.05).unwrap(), [false]);
}

/// `rejected` works at its own level, whatever that of the two-stage method.
#[test]
fn rejected_is_the_procedure_at_its_level() {
    let p = [0.001, 0.2, 0.04, 0.03, 0.02];
    for level in [0.01, 0.05, 0.1, 0.3] {
        let rejected = two_stage(0.05).rejected(&p, level).unwrap();
        assert_eq!(rejected, two_stage(level).rejected(&p, level).unwrap());
    }
}

#[test]
fn bad_input_is_a_typed_error() {
    for method in ALL {
        for bad in [-0.1, 1.0000001, f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            match method.adjusted(&[0.5, bad, 2.0]) {
                Err(Error::PValue { position: 1, value }) => {
                    assert!(value == bad || bad.is_nan() && value.is_nan());
                }
                other => panic!("{method}, {bad}: {other:?}"),
            }
        }
        for level in [0.0, 1.0, -1.0, f64::NAN] {
            assert!(matches!(method.rejected(&[0.5], level), Err(Error::Parameter { .. })));
        }
        assert_eq!(method.adjusted(&[]).unwrap(), [0.0; 0]);
        assert_eq!(method.rejected(&[], 0.05).unwrap(), [false; 0]);
    }
    for level in [0.0, 1.0, f64::NAN] {
        assert!(matches!(two_stage(level).adjusted(&[0.5]), Err(Error::Parameter { .. })));
        assert!(matches!(two_stage(level).rejected(&[0.5], 0.1), Err(Error::Parameter { .. })));
    }
    let message = Holm.adjusted(&[0.5, 1.5]).unwrap_err().to_string();
    assert_eq!(message, "p-value 1 (counted from 0) is 1.5; it must be between 0 and 1");
}

#[test]
fn written_and_read_as_json() {
    for method in ALL {
        let text = serde_json::to_string(&method).unwrap();
        assert_eq!(serde_json::from_str::<Multiplicity>(&text).unwrap(), method);
    }
    assert_eq!(serde_json::to_string(&two_stage(0.1)).unwrap(), r#"{"two_stage":{"level":0.1}}"#);
    assert_eq!(serde_json::to_string(&BenjaminiHochberg).unwrap(), r#""benjamini_hochberg""#);
}

/// p-values with ties, zeros, ones and small ones.
fn p_values() -> impl Strategy<Value = Vec<f64>> {
    let one = prop_oneof![
        4 => 0.0..=1.0_f64,
        2 => (0.0..=1.0_f64).prop_map(|u| u.powi(6)),
        2 => (0_u32..=20).prop_map(|k| f64::from(k) / 20.0),
        1 => (0_u32..=10).prop_map(|k| f64::from(k) / 1000.0),
    ];
    prop::collection::vec(one, 0..40)
}

proptest! {
    #[test]
    fn order_does_not_matter(p in p_values(), shift in 0_usize..40, reverse in any::<bool>()) {
        let mut places: Vec<usize> = (0..p.len()).collect();
        if !p.is_empty() {
            places.rotate_left(shift % p.len());
        }
        if reverse {
            places.reverse();
        }
        let moved: Vec<f64> = places.iter().map(|&at| p[at]).collect();
        for method in ALL {
            let adjusted = method.adjusted(&p).unwrap();
            let expected: Vec<f64> = places.iter().map(|&at| adjusted[at]).collect();
            prop_assert_eq!(method.adjusted(&moved).unwrap(), expected);
        }
    }

    #[test]
    fn larger_p_values_have_larger_answers(p in p_values()) {
        for method in ALL {
            let adjusted = method.adjusted(&p).unwrap();
            for (a, p_a) in adjusted.iter().zip(&p) {
                prop_assert!((0.0..=1.0).contains(a));
                for (b, p_b) in adjusted.iter().zip(&p) {
                    prop_assert!(p_a > p_b || a <= b, "{} {} {} {} {}", method, p_a, p_b, a, b);
                }
            }
        }
    }

    #[test]
    fn methods_are_ordered(p in p_values()) {
        let [bonferroni, holm, bh, by, _] = ALL.map(|method| method.adjusted(&p).unwrap());
        for at in 0..p.len() {
            prop_assert!(bonferroni[at] >= holm[at]);
            prop_assert!(holm[at] >= bh[at]);
            prop_assert!(by[at] >= bh[at]);
            prop_assert!(bh[at] >= p[at]);
        }
    }

    /// Definition 6, written out from ranks and thresholds: the largest k with p_(k) <= k q/m.
    #[test]
    fn two_stages_are_as_defined(p in p_values(), level in 0.001..0.999_f64) {
        let single = |level: f64| {
            let mut sorted = p.clone();
            sorted.sort_by(f64::total_cmp);
            let fits = |k: &usize| sorted[k - 1] <= *k as f64 * level / p.len() as f64;
            (1..=p.len()).rev().find(fits).unwrap_or(0)
        };
        let stage = level / (1.0 + level);
        let first = single(stage);
        let last = match p.len() - first {
            _ if first == 0 => 0,
            0 => p.len(),
            nulls => single(stage * p.len() as f64 / nulls as f64),
        };
        let rejected = two_stage(0.5).rejected(&p, level).unwrap();
        prop_assert_eq!(rejected.iter().filter(|is| **is).count(), last);
        // And by comparing adjusted values with their own level.
        let adjusted = two_stage(level).adjusted(&p).unwrap();
        let compared: Vec<bool> = adjusted.iter().map(|adjusted| *adjusted <= level).collect();
        prop_assert_eq!(compared, rejected);
    }
}

/// With independent nulls only, the probability of any rejection is known: Bonferroni and Holm
/// `1 - (1 - a/m)^m`; Benjamini and Hochberg `a` (Simes 1986), with penalty c `a/c`, two-stage
/// `a/(1 + a)`, since its second stage begins where the first rejects.
#[test]
fn any_false_rejection_under_the_null() {
    const STUDIES: u32 = 20_000;
    const TESTS: usize = 15;
    let level = 0.1_f64;
    let mut uniform = Random(15);
    let mut any = [0_u32; 5];
    for _ in 0..STUDIES {
        let p: Vec<f64> = (0..TESTS).map(|_| uniform.next()).collect();
        for (any, method) in any.iter_mut().zip(ALL) {
            *any += u32::from(method.rejected(&p, level).unwrap().contains(&true));
        }
    }
    let fwer = 1.0 - (1.0 - level / TESTS as f64).powi(TESTS as i32);
    let harmonic: f64 = (1..=TESTS).map(|k| 1.0 / k as f64).sum();
    let expected = [fwer, fwer, level, level / harmonic, level / (1.0 + level)];
    for ((any, expected), method) in any.into_iter().zip(expected).zip(ALL) {
        let rate = f64::from(any) / f64::from(STUDIES);
        let tolerance = 4.0 * (expected * (1.0 - expected) / f64::from(STUDIES)).sqrt();
        assert!((rate - expected).abs() < tolerance, "{method}: {rate}, not {expected}");
    }
}

/// 12 of 20 independent nulls are false, with p = u^8. The false discovery rate of Benjamini and
/// Hochberg is then exactly `a m0/m` (Benjamini and Yekutieli 2001, theorem 5.1); the two-stage one
/// is below `a` and rejects more; the family-wise methods make a false rejection in at most `a` of
/// studies.
#[test]
fn errors_where_some_nulls_are_false() {
    const STUDIES: usize = 8_000;
    let level = 0.1_f64;
    let mut uniform = Random(20);
    let (mut discovery, mut squares) = ([0.0_f64; 5], [0.0_f64; 5]);
    let (mut any, mut found) = ([0.0_f64; 5], [0.0_f64; 5]);
    for _ in 0..STUDIES {
        let draw = |at: usize| if at < 12 { uniform.next().powi(8) } else { uniform.next() };
        let p: Vec<f64> = (0..20).map(draw).collect();
        for (at, method) in ALL.into_iter().enumerate() {
            let rejected = method.rejected(&p, level).unwrap();
            let count = |flags: &[bool]| flags.iter().filter(|is| **is).count() as f64;
            let wrong = count(&rejected[12..]);
            let share = wrong / count(&rejected).max(1.0);
            discovery[at] += share / STUDIES as f64;
            squares[at] += share * share / STUDIES as f64;
            any[at] += f64::from(u8::from(wrong > 0.0)) / STUDIES as f64;
            found[at] += count(&rejected[..12]) / STUDIES as f64;
        }
    }
    let error = |at: usize| ((squares[at] - discovery[at].powi(2)) / STUDIES as f64).sqrt();
    let exact = level * 8.0 / 20.0;
    assert!((discovery[2] - exact).abs() < 4.0 * error(2), "{discovery:?}, not {exact}");
    assert!(discovery[3] <= exact + 4.0 * error(3), "{discovery:?}");
    assert!(discovery[4] <= level + 4.0 * error(4), "{discovery:?}");
    let tolerance = 4.0 * (level * (1.0 - level) / STUDIES as f64).sqrt();
    assert!(any[0] <= level + tolerance && any[1] <= level + tolerance, "{any:?}");
    // More powerful in this order, and none of them blind.
    let [bonferroni, holm, bh, by, two_stage] = found;
    assert!(two_stage > bh && bh > holm && holm > bonferroni && bh > by, "{found:?}");
    assert!(bonferroni > 3.0, "{found:?}");
}
