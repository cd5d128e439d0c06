//! A statistic as a value: of the library, by its name and parameters, or of somebody's own.

use std::any::Any;
use std::collections::BTreeMap;
use std::fmt;
use std::ops::Deref;
use std::str::FromStr;
use std::sync::Arc;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::origin::{self, Origin};
use super::{
    ALL, AmplificationRatio, StandardPopulation, StandardisedDifference, StandardisedRatio,
    Statistic, StratumContrast, TopicContrast, contrast, standardised,
};
use crate::format::word::{self, UnknownWord};

/// Any statistic: one of the library, or one of your own. Whatever asks for a statistic takes it, and it is
/// how files and flags say which one they mean.
///
/// It is written as its name (`"odds_ratio"`); one with a declared population as its name with the strata's
/// parts, `{"standardised_ratio_declared": {"north": 3, "south": 1}}`; a contrast as its name with what it is
/// of, `{"topic_contrast": {"topic": "sport", "of": "difference"}}`, and in flags
/// `topic_contrast:topic=sport,of=difference`. One of your own has no form in files: to write it is an error.
///
/// ```
/// use tiltmeter::statistic::{AnyStatistic, OddsRatio, StandardPopulation, StandardisedRatio};
/// let by_name: AnyStatistic = "odds_ratio".parse()?;
/// assert_eq!(by_name, AnyStatistic::from(OddsRatio));
/// assert_eq!(by_name.name(), "odds_ratio");
/// let said = "oddity".parse::<AnyStatistic>().unwrap_err().to_string();
/// assert!(said.starts_with("there is no statistic \"oddity\"; there are amplification_ratio, "));
///
/// let population = StandardPopulation::declared([("north", 3.0), ("south", 1.0)]);
/// let of_voters = AnyStatistic::from(StandardisedRatio { population });
/// let written = serde_json::to_string(&of_voters)?;
/// assert_eq!(written, r#"{"standardised_ratio_declared":{"north":3.0,"south":1.0}}"#);
/// assert_eq!(serde_json::from_str::<AnyStatistic>(&written)?, of_voters);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct AnyStatistic(Held);

#[derive(Clone)]
enum Held {
    /// One of [`ALL`], or a static of somebody's own.
    Static(&'static dyn Statistic),
    /// One of the library's with parameters.
    With(Arc<dyn Statistic>, Box<Parameters>),
    Own(Arc<dyn Statistic>),
}

/// What a statistic of the library is given beside its name, as files have it.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
enum Parameters {
    Population(BTreeMap<String, f64>),
    Topic(TopicContrast),
    Strata(StratumContrast),
}

impl Parameters {
    /// Those of a statistic that has some.
    fn of(statistic: &dyn Any) -> Option<Self> {
        let ratio = statistic.downcast_ref::<StandardisedRatio>().map(|its| &its.population);
        let difference =
            statistic.downcast_ref::<StandardisedDifference>().map(|its| &its.population);
        if let Some(StandardPopulation::Declared(parts)) = ratio.or(difference) {
            return Some(Self::Population(parts.clone()));
        }
        let topic = || statistic.downcast_ref().cloned().map(Self::Topic);
        topic().or_else(|| statistic.downcast_ref().cloned().map(Self::Strata))
    }
}

impl AnyStatistic {
    /// The statistic of the library with this name.
    fn listed(name: &str) -> Option<Self> {
        ALL.iter().find(|its| its.name() == name).map(|its| Self(Held::Static(*its)))
    }

    /// The statistic of a declared population with this name.
    fn of_population(name: &str, parts: &BTreeMap<String, f64>) -> Option<Self> {
        let population = || StandardPopulation::Declared(parts.clone());
        let [ratio, difference] = standardised::DECLARED;
        let held: Arc<dyn Statistic> = match name {
            name if name == ratio.name() => {
                Arc::new(StandardisedRatio { population: population() })
            }
            name if name == difference.name() => {
                Arc::new(StandardisedDifference { population: population() })
            }
            _ => return None,
        };
        Some(Self(Held::With(held, Box::new(Parameters::Population(parts.clone())))))
    }

    /// Whether it is the library's, and so the same whoever asks for it.
    pub(crate) fn is_of_the_library(&self) -> bool {
        origin::of(&**self) == Origin::Library
    }
}

/// The amplification ratio.
impl Default for AnyStatistic {
    fn default() -> Self {
        Self(Held::Static(&AmplificationRatio))
    }
}

impl<S: Statistic + 'static> From<S> for AnyStatistic {
    fn from(statistic: S) -> Self {
        let it: &dyn Any = &statistic;
        if let Some(parameters) = Parameters::of(it) {
            return Self(Held::With(Arc::new(statistic), Box::new(parameters)));
        }
        let is_the_librarys = origin::of(&statistic) == Origin::Library;
        match Self::listed(statistic.name()).filter(|_| is_the_librarys) {
            Some(listed) => listed,
            None => Self(Held::Own(Arc::new(statistic))),
        }
    }
}

impl From<&'static dyn Statistic> for AnyStatistic {
    /// One of [`ALL`], or a static of your own.
    fn from(statistic: &'static dyn Statistic) -> Self {
        Self(Held::Static(statistic))
    }
}

impl Deref for AnyStatistic {
    type Target = dyn Statistic;

    fn deref(&self) -> &Self::Target {
        match &self.0 {
            Held::Static(of) => *of,
            Held::With(of, _) | Held::Own(of) => &**of,
        }
    }
}

impl fmt::Debug for AnyStatistic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

/// Equal in name and parameters; of your own ones, in what they say of their parameters.
impl PartialEq for AnyStatistic {
    fn eq(&self, other: &Self) -> bool {
        self.name() == other.name()
            && self.is_of_the_library() == other.is_of_the_library()
            && match (&self.0, &other.0) {
                (Held::With(_, one), Held::With(_, other)) => one == other,
                _ => self.details() == other.details(),
            }
    }
}

impl FromStr for AnyStatistic {
    type Err = UnknownWord;

    fn from_str(name: &str) -> Result<Self, UnknownWord> {
        if let Some(listed) = Self::listed(name) {
            return Ok(listed);
        }
        if standardised::DECLARED.iter().any(|its| its.name() == name) {
            return Err(UnknownWord(format!(
                "{name} needs the parts of its strata; in a study file write {{ {name} = {{ north = 3, \
                 south = 1 }} }} with the strata's own names"
            )));
        }
        if contrast::NAMES.iter().any(|its| name == *its || name.starts_with(&format!("{its}:"))) {
            return word::option(name).map(|said| match said {
                Contrast::TopicContrast(its) => its.into(),
                Contrast::StratumContrast(its) => its.into(),
            });
        }
        let known: Vec<&str> =
            ALL.iter().map(|its| its.name()).chain(contrast::NAMES.iter().copied()).collect();
        let known = known.join(", ");
        Err(UnknownWord(format!("there is no statistic {name:?}; there are {known}")))
    }
}

impl Serialize for AnyStatistic {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match &self.0 {
            Held::Static(of) if self.is_of_the_library() && Self::listed(of.name()).is_some() => {
                to.serialize_str(of.name())
            }
            Held::With(of, parameters) => to.collect_map([(of.name(), parameters)]),
            Held::Static(_) | Held::Own(_) => Err(serde::ser::Error::custom(format!(
                "{:?} is a statistic of your own, which files cannot say",
                self.name()
            ))),
        }
    }
}

impl<'de> Deserialize<'de> for AnyStatistic {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(Said)
    }
}

/// Reads either form.
struct Said;

impl<'de> Visitor<'de> for Said {
    type Value = AnyStatistic;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a statistic, or a name with what it needs")
    }

    fn visit_str<E: serde::de::Error>(self, name: &str) -> Result<Self::Value, E> {
        name.parse().map_err(E::custom)
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Self::Value, M::Error> {
        use serde::de::Error;
        let Some(name) = map.next_key::<String>()? else {
            return Err(M::Error::custom("there is no name of a statistic"));
        };
        let statistic = match &*name {
            "topic_contrast" => map.next_value::<TopicContrast>()?.into(),
            "stratum_contrast" => map.next_value::<StratumContrast>()?.into(),
            _ => {
                let Parts(parts) = map.next_value()?;
                AnyStatistic::of_population(&name, &parts).ok_or_else(|| {
                    M::Error::custom(format!("there is no statistic {name:?} with parts of strata"))
                })?
            }
        };
        if let Some(other) = map.next_key::<String>()? {
            let fault = format!("{name:?} and {other:?} are two statistics; write each by itself");
            return Err(M::Error::custom(fault));
        }
        Ok(statistic)
    }
}

/// The names that there are, and what some of them need; in words by the statistics themselves.
#[cfg(feature = "json-schema")]
impl schemars::JsonSchema for AnyStatistic {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "AnyStatistic".into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        use serde_json::json;
        let by_name = |its: &&dyn Statistic| json!({"type": "string", "const": its.name(), "description": said(its.phrase())});
        let mut forms: Vec<_> = ALL.iter().map(by_name).collect();
        let mut with = |its: &dyn Statistic, parameters: schemars::Schema| {
            forms.push(json!({
                "type": "object",
                "description": said(its.phrase()),
                "properties": {its.name(): parameters},
                "required": [its.name()],
                "additionalProperties": false
            }));
        };
        let parts = generator.subschema_for::<BTreeMap<String, f64>>();
        standardised::DECLARED.iter().for_each(|its| with(*its, parts.clone()));
        let of_topics = generator.subschema_for::<TopicContrast>();
        with(&TopicContrast::against(""), of_topics);
        let of_strata = generator.subschema_for::<StratumContrast>();
        with(&StratumContrast::between("", ""), of_strata);
        schemars::json_schema!({
            "description": "A statistic by its name; some with what they need beside it.",
            "oneOf": forms
        })
    }
}

/// A phrase as a sentence of its own.
#[cfg(feature = "json-schema")]
fn said(phrase: &str) -> String {
    let mut letters = phrase.chars();
    let first = letters.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}.", letters.as_str())
}

/// One of them, as a line says it.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Contrast {
    TopicContrast(TopicContrast),
    StratumContrast(StratumContrast),
}

/// Parts by stratum, where one that is there twice is refused: one of its parts would be lost.
struct Parts(BTreeMap<String, f64>);

impl<'de> Deserialize<'de> for Parts {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct ByStratum;
        impl<'de> Visitor<'de> for ByStratum {
            type Value = Parts;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("strata with their parts")
            }

            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Parts, M::Error> {
                let mut parts = BTreeMap::new();
                while let Some((stratum, part)) = map.next_entry::<String, f64>()? {
                    if parts.insert(stratum.clone(), part).is_some() {
                        let fault = format!("the stratum {stratum:?} has two parts; give it one");
                        return Err(serde::de::Error::custom(fault));
                    }
                }
                Ok(Parts(parts))
            }
        }
        from.deserialize_map(ByStratum)
    }
}
