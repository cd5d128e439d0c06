//! Position models: how much of a viewer's attention a rank gets. Plain data and numbers; it
//! knows nothing of logs.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::format::word::{self, UnknownWord};

/// How much attention the 1-based rank `r` gets: the `v(r)` of an impression's mass
/// `m = weight * v(r)`. A number without unit, from 0 to 1.
///
/// | model | `v(r)` | source |
/// | --- | --- | --- |
/// | `Uniform` | 1 | |
/// | `Logarithmic` | `1 / log2(1 + r)` | the discount of DCG, Järvelin and Kekäläinen 2002 |
/// | `Reciprocal` | `1 / r` | |
/// | `Rbp` | `(1 - p) * p^(r-1)` | rank-biased precision, Moffat and Zobel 2008 |
/// | `Geometric` | `p^(r-1)` | |
/// | `TopK` | 1 up to rank `k`, then 0 | |
/// | `Table` | the `r`-th value; [`by_rank`](Attention::by_rank) makes it of a function | |
/// | `Cascade` | product over the ranks above in the slate of `1 - satisfaction` | Craswell et al. 2008 |
///
/// Beware of peers: LensKit discounts by `1 / log2(max(r, 2))`, which gives rank 2 the attention
/// of rank 1; here rank 2 gets 0.63.
///
/// ```
/// use tiltmeter::Attention;
/// assert_eq!(Attention::Logarithmic.at(3), Some(0.5));
/// assert_eq!(Attention::TopK { k: 5 }.at(6), Some(0.0));
/// assert_eq!(Attention::Cascade.at(1), None); // depends on the slate
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Attention {
    /// Every rank alike. Needs no positions.
    #[default]
    Uniform,
    /// `1 / log2(1 + r)`.
    Logarithmic,
    /// `1 / r`.
    Reciprocal,
    /// `(1 - persistence) * persistence^(r-1)`.
    Rbp {
        /// The probability of going on to the next rank, in (0, 1).
        persistence: f64,
    },
    /// `ratio^(r-1)`.
    Geometric {
        /// What each rank keeps of the attention of the one above, in (0, 1].
        ratio: f64,
    },
    /// 1 up to rank `k`, 0 below it.
    TopK {
        /// The last rank that counts, from 1.
        k: u32,
    },
    /// Measured or assumed values, one per rank.
    Table {
        /// The attention of ranks 1, 2, ...; each from 0 to 1.
        values: Vec<f64>,
        /// The attention of ranks past the last value.
        beyond: Beyond,
    },
    /// The product over the ranks above in the same slate of `1 - satisfaction`. Needs slates,
    /// positions and satisfactions.
    Cascade,
}

/// The attention of ranks past the end of [`Attention::Table`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Beyond {
    /// That of the last value.
    RepeatLast,
    /// None.
    Zero,
}

impl Attention {
    /// A model of your own: a function of the rank, from 1 to `last`; ranks past it have the attention of the last.
    ///
    /// ```
    /// use tiltmeter::Attention;
    /// let halved_each_ten = Attention::by_rank(100, |rank| 0.5_f64.powf(f64::from(rank - 1) / 10.0));
    /// assert_eq!(halved_each_ten.at(11), Some(0.5));
    /// assert_eq!(halved_each_ten.at(1_000), halved_each_ten.at(100));
    /// assert!(halved_each_ten.check().is_ok());
    /// ```
    #[must_use]
    pub fn by_rank(last: u32, of_rank: impl FnMut(u32) -> f64) -> Self {
        let values = (1..=last).map(of_rank).collect();
        Self::Table { values, beyond: Beyond::RepeatLast }
    }

    /// The attention of a 1-based rank; `None` for [`Attention::Cascade`], which depends on what
    /// stands above, and for rank 0, which does not exist.
    #[must_use]
    pub fn at(&self, rank: u32) -> Option<f64> {
        let above = f64::from(rank.checked_sub(1)?);
        Some(match self {
            Self::Uniform => 1.0,
            Self::Logarithmic => 1.0 / (above + 2.0).log2(),
            Self::Reciprocal => 1.0 / (above + 1.0),
            Self::Rbp { persistence } => (1.0 - persistence) * persistence.powf(above),
            Self::Geometric { ratio } => ratio.powf(above),
            Self::TopK { k } => f64::from(u8::from(rank <= *k)),
            Self::Table { values, beyond } => match (values.get(rank as usize - 1), beyond) {
                (Some(value), _) => *value,
                (None, Beyond::RepeatLast) => values.last().copied().unwrap_or(0.0),
                (None, Beyond::Zero) => 0.0,
            },
            Self::Cascade => return None,
        })
    }

    /// Whether the parameters lie in their ranges.
    ///
    /// # Errors
    /// [`Error::Parameter`] naming the one that does not.
    pub fn check(&self) -> Result<(), Error> {
        let refuse = |parameter, value: &dyn fmt::Display, expected| {
            Err(Error::Parameter { parameter, value: value.to_string(), expected })
        };
        match self {
            Self::Rbp { persistence } if !(*persistence > 0.0 && *persistence < 1.0) => {
                refuse("persistence", persistence, "above 0 and below 1")
            }
            Self::Geometric { ratio } if !(*ratio > 0.0 && *ratio <= 1.0) => {
                refuse("ratio", ratio, "above 0 and at most 1")
            }
            Self::TopK { k: 0 } => refuse("k", &0, "1 or more"),
            Self::Table { values, .. } if values.is_empty() => {
                refuse("attention table", &"empty", "at least one value")
            }
            Self::Table { values, .. } => match values.iter().find(|v| !(0.0..=1.0).contains(*v)) {
                Some(value) => refuse("attention table", value, "from 0 to 1 at every rank"),
                None => Ok(()),
            },
            _ => Ok(()),
        }
    }

    /// The model as a lookup table for ranks 1 to `last`; `None` for [`Attention::Cascade`].
    #[must_use]
    pub fn table(&self, last: u32) -> Option<Vec<f64>> {
        (1..=last).map(|rank| self.at(rank)).collect()
    }
}

/// By the word of study files, with parameters behind a colon: see [`UnknownWord`].
impl FromStr for Attention {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        let model: Self = word::option(text)?;
        model.check().map_err(|error| UnknownWord(error.to_string()))?;
        Ok(model)
    }
}

impl fmt::Display for Attention {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Uniform => f.write_str("uniform"),
            Self::Logarithmic => f.write_str("logarithmic, 1/log2(1+rank)"),
            Self::Reciprocal => f.write_str("reciprocal, 1/rank"),
            Self::Rbp { persistence } => write!(f, "rank-biased, persistence {persistence}"),
            Self::Geometric { ratio } => write!(f, "geometric, ratio {ratio}"),
            Self::TopK { k } => write!(f, "top {k}"),
            Self::Table { values, beyond } => write!(
                f,
                "table of {} ranks, {} beyond",
                values.len(),
                match beyond {
                    Beyond::RepeatLast => "the last",
                    Beyond::Zero => "zero",
                }
            ),
            Self::Cascade => f.write_str("cascade"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Closed forms, by hand.
    #[test]
    fn values_by_rank() {
        let close = |model: Attention, expected: &[f64]| {
            for (rank, expected) in (1..).zip(expected) {
                let value = model.at(rank).unwrap();
                assert!((value - expected).abs() < 1e-15, "{model} at {rank}: {value}");
            }
        };
        close(Attention::Uniform, &[1.0, 1.0]);
        close(Attention::Logarithmic, &[1.0, 2_f64.ln() / 3_f64.ln(), 0.5]);
        close(Attention::Reciprocal, &[1.0, 0.5, 1.0 / 3.0]);
        close(Attention::Rbp { persistence: 0.5 }, &[0.5, 0.25, 0.125]);
        close(Attention::Geometric { ratio: 0.5 }, &[1.0, 0.5, 0.25]);
        close(Attention::TopK { k: 2 }, &[1.0, 1.0, 0.0]);
        let values = vec![0.9, 0.3];
        let repeat = Attention::Table { values: values.clone(), beyond: Beyond::RepeatLast };
        close(repeat, &[0.9, 0.3, 0.3, 0.3]);
        close(Attention::Table { values, beyond: Beyond::Zero }, &[0.9, 0.3, 0.0]);
        assert_eq!(Attention::Uniform.at(0), None);
    }

    #[test]
    fn parameters_out_of_range_are_refused() {
        for model in [
            Attention::Rbp { persistence: 1.0 },
            Attention::Rbp { persistence: f64::NAN },
            Attention::Geometric { ratio: 0.0 },
            Attention::TopK { k: 0 },
            Attention::Table { values: vec![], beyond: Beyond::Zero },
            Attention::Table { values: vec![0.5, f64::NAN], beyond: Beyond::Zero },
        ] {
            assert!(model.check().is_err(), "{model:?}");
        }
    }
}
