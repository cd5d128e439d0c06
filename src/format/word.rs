//! Options as words, for command lines and wherever a line of text is all there is.

use serde::de::value::{MapDeserializer, StrDeserializer};
use serde::de::{self, DeserializeOwned, DeserializeSeed, Deserializer, IntoDeserializer, Visitor};
use serde::forward_to_deserialize_any;
use thiserror::Error;

/// A word that names no option, or parameters that are not the option's own.
///
/// Options have one word wherever they are said: in study files, in JSON and, through
/// [`FromStr`](std::str::FromStr), in text such as `--interval bootstrap:kind=bca`. Parameters follow a
/// colon, `NAME=VALUE` with commas between them; where an option has one parameter, its name may be left
/// out. What is not given has its default.
///
/// ```
/// use tiltmeter::inference::{Interval, Test};
/// use tiltmeter::{Attention, Unit};
/// assert_eq!("cluster_mean".parse(), Ok(Unit::ClusterMean));
/// assert_eq!("top_k:5".parse(), Ok(Attention::TopK { k: 5 }));
/// let interval: Interval = "bootstrap:kind=bca,replicates=999".parse()?;
/// assert_eq!(serde_json::to_value(interval).unwrap()["bootstrap"]["kind"], "bca");
/// assert_eq!(
///     "median".parse::<Unit>().unwrap_err().to_string(),
///     "there is no \"median\"; there are pooled, cluster_mean, reach, within"
/// );
/// assert!("equivalence:low=0.9,high=1.1".parse::<Test>().is_ok());
/// # Ok::<(), tiltmeter::UnknownWord>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct UnknownWord(pub(crate) String);

impl de::Error for UnknownWord {
    fn custom<T: std::fmt::Display>(message: T) -> Self {
        Self(message.to_string())
    }

    fn unknown_variant(word: &str, known: &'static [&'static str]) -> Self {
        Self(format!("there is no {word:?}; there are {}", known.join(", ")))
    }

    fn unknown_field(name: &str, known: &'static [&'static str]) -> Self {
        Self(format!("there is no parameter {name:?}; there are {}", known.join(", ")))
    }

    fn missing_field(name: &'static str) -> Self {
        Self(format!("{name} is missing; say it behind a colon, as {name}=VALUE"))
    }

    fn duplicate_field(name: &'static str) -> Self {
        Self(format!("{name} is there twice; say it once"))
    }
}

/// The option that a word says: the word of study files, with its parameters behind a colon.
pub(crate) fn option<T: DeserializeOwned>(text: &str) -> Result<T, UnknownWord> {
    T::deserialize(Word::of(text.trim()))
}

/// `FromStr` by the words of study files.
macro_rules! said_by_words {
    ($($option:ty),+ $(,)?) => {$(
        /// By the word of study files, with parameters behind a colon: see [`UnknownWord`](crate::UnknownWord).
        impl std::str::FromStr for $option {
            type Err = crate::UnknownWord;

            fn from_str(text: &str) -> Result<Self, crate::UnknownWord> {
                crate::format::word::option(text)
            }
        }
    )+};
}
pub(crate) use said_by_words;

/// `WORD` or `WORD:PARAMETERS`.
#[derive(Clone, Copy)]
struct Word<'a> {
    word: &'a str,
    parameters: Option<&'a str>,
}

impl<'a> Word<'a> {
    fn of(text: &'a str) -> Self {
        match text.split_once(':') {
            Some((word, parameters)) => Self { word, parameters: Some(parameters) },
            None => Self { word: text, parameters: None },
        }
    }
}

impl<'de> Deserializer<'de> for Word<'_> {
    type Error = UnknownWord;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, UnknownWord> {
        visitor.visit_enum(self)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit
        unit_struct newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

impl<'de> de::EnumAccess<'de> for Word<'_> {
    type Error = UnknownWord;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(
        self,
        seed: V,
    ) -> Result<(V::Value, Self), UnknownWord> {
        let word: StrDeserializer<'_, UnknownWord> = self.word.into_deserializer();
        Ok((seed.deserialize(word)?, self))
    }
}

impl<'de> de::VariantAccess<'de> for Word<'_> {
    type Error = UnknownWord;

    fn unit_variant(self) -> Result<(), UnknownWord> {
        match self.parameters {
            None => Ok(()),
            Some(_) => Err(UnknownWord(format!("{} has no parameters", self.word))),
        }
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(
        self,
        seed: T,
    ) -> Result<T::Value, UnknownWord> {
        seed.deserialize(Parameters(self))
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, _: V) -> Result<V::Value, UnknownWord> {
        Err(in_a_file(self.word))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, UnknownWord> {
        Parameters(self).deserialize_struct("", fields, visitor)
    }
}

fn in_a_file(what: &str) -> UnknownWord {
    UnknownWord(format!("a line has no room for what {what} needs; say it in a study file"))
}

/// What stands behind the colon: named parameters, or the one value that the option holds.
struct Parameters<'a>(Word<'a>);

impl<'de> Deserializer<'de> for Parameters<'_> {
    type Error = UnknownWord;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, UnknownWord> {
        match self.0.parameters {
            Some(value) => Scalar { of: self.0.word, value }.deserialize_any(visitor),
            None => Err(UnknownWord(format!("{0} needs its value, as {0}:VALUE", self.0.word))),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, UnknownWord> {
        let mut named = Vec::new();
        let texts = self.0.parameters.into_iter().flat_map(|all| all.split(','));
        for text in texts {
            let (name, value) = match (text.split_once('='), fields) {
                (Some((name, value)), _) => (name.trim(), value),
                (None, [only]) => (*only, text),
                (None, _) => {
                    let names = fields.join(", ");
                    let fault = format!("{text:?} needs a name, as NAME={text}; there are {names}");
                    return Err(UnknownWord(fault));
                }
            };
            named.push((name, Scalar { of: name, value: value.trim() }));
        }
        visitor.visit_map(MapDeserializer::new(named.into_iter()))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit
        unit_struct newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

/// One value, read as what is wanted.
struct Scalar<'a> {
    /// The parameter, for messages.
    of: &'a str,
    value: &'a str,
}

impl Scalar<'_> {
    fn number<T: std::str::FromStr>(&self) -> Result<T, UnknownWord> {
        let Self { of, value } = self;
        value.parse().map_err(|_| UnknownWord(format!("{of}: {value:?} is no such number")))
    }
}

impl<'de> IntoDeserializer<'de, UnknownWord> for Scalar<'_> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

/// Numbers are read by their type.
macro_rules! numbers {
    ($($read:ident $visit:ident),+) => {$(
        fn $read<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, UnknownWord> {
            visitor.$visit(self.number()?)
        }
    )+};
}

impl<'de> Deserializer<'de> for Scalar<'_> {
    type Error = UnknownWord;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, UnknownWord> {
        visitor.visit_str(self.value)
    }

    numbers! {
        deserialize_u8 visit_u8, deserialize_u32 visit_u32, deserialize_u64 visit_u64,
        deserialize_i64 visit_i64, deserialize_f64 visit_f64, deserialize_bool visit_bool
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, UnknownWord> {
        visitor.visit_some(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        known: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, UnknownWord> {
        Word::of(self.value).deserialize_enum(name, known, visitor)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, _: V) -> Result<V::Value, UnknownWord> {
        Err(in_a_file(self.of))
    }

    fn deserialize_map<V: Visitor<'de>>(self, _: V) -> Result<V::Value, UnknownWord> {
        Err(in_a_file(self.of))
    }

    forward_to_deserialize_any! {
        i8 i16 i32 i128 u16 u128 f32 char str string bytes byte_buf unit unit_struct newtype_struct tuple
        tuple_struct struct identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Display;
    use std::str::FromStr;

    use crate::inference::{Bootstrap, BootstrapKind, Interval, Multiplicity, Test};
    use crate::log::TimeFormat;
    use crate::{Attention, Reach, Unit};

    fn fault<T: FromStr<Err: Display>>(text: &str) -> String {
        match text.parse::<T>() {
            Err(fault) => fault.to_string(),
            Ok(_) => panic!("{text} was read"),
        }
    }

    #[test]
    fn parameters_are_named_or_the_only_one() {
        let reach = Unit::Reach(Reach { impressions: 2, mass: 0.5 });
        assert_eq!("reach:impressions=2, mass=0.5".parse(), Ok(reach));
        assert_eq!("reach:mass=0.5,impressions=2".parse(), Ok(reach));
        assert_eq!("reach".parse(), Ok(Unit::Reach(Reach::default())));
        assert_eq!("rbp:0.8".parse(), Ok(Attention::Rbp { persistence: 0.8 }));
        let basic = Bootstrap { kind: BootstrapKind::Basic, ..Bootstrap::default() };
        assert_eq!("bootstrap:kind=basic".parse(), Ok(Interval::Bootstrap(basic)));
        let format = TimeFormat::Pattern("%d:%m, %Y".to_owned());
        assert_eq!("pattern:%d:%m, %Y".parse(), Ok(format));
    }

    #[test]
    fn faults_say_what_there_is() {
        assert_eq!(
            fault::<Unit>("mean"),
            "there is no \"mean\"; there are pooled, cluster_mean, reach, within"
        );
        assert_eq!(fault::<Unit>("pooled:3"), "pooled has no parameters");
        assert_eq!(
            fault::<Unit>("reach:impressions=two"),
            "impressions: \"two\" is no such number"
        );
        assert_eq!(
            fault::<Attention>("rbp"),
            "persistence is missing; say it behind a colon, as persistence=VALUE"
        );
        assert_eq!(
            fault::<Unit>("reach:2"),
            "\"2\" needs a name, as NAME=2; there are impressions, mass"
        );
        assert_eq!(fault::<Attention>("top_k:5,6"), "k is there twice; say it once");
        assert_eq!(
            fault::<Attention>("table:values=1"),
            "a line has no room for what values needs; say it in a study file"
        );
        assert!(fault::<Attention>("rbp:2").contains("persistence"));
        assert_eq!(fault::<TimeFormat>("pattern"), "pattern needs its value, as pattern:VALUE");
        assert_eq!(
            fault::<Multiplicity>("two_stage:q=0.1"),
            "there is no parameter \"q\"; there are level"
        );
        assert_eq!(fault::<Test>("equivalence:low=0.9,low=0.8"), "low is there twice; say it once");
        assert_eq!(
            fault::<Interval>("bootstrap:kind=double"),
            "there is no \"double\"; there are percentile, basic, bca, studentised"
        );
    }

    /// What there is to say has the word of its JSON.
    #[test]
    fn words_are_those_of_json() {
        for text in ["share_bounds", "delta", "jackknife", "wild_bootstrap", "simultaneous"] {
            let interval: Interval = text.parse().unwrap();
            let json = serde_json::to_value(interval).unwrap();
            assert!(json.get(text).is_some(), "{json}");
        }
    }
}
