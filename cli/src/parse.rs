//! Words of the command line as the library's types.

use tiltmeter::inference::{Multiplicity, Quantile, RomanoWolf, TwoStage};
use tiltmeter::log::{JoinNames, TimeFormat, TopicFormat};
use tiltmeter::{
    Attention, Bias, Denominator, Keep, MultiLabel, Reach, Reference, ReferenceShare, Unit,
};

fn number<T: std::str::FromStr>(text: &str) -> Result<T, String> {
    text.trim().parse().map_err(|_| format!("{text:?} is no such number"))
}

/// `LOW,HIGH`.
pub(crate) fn pair(text: &str) -> Result<(f64, f64), String> {
    let (low, high) = text.split_once(',').ok_or("two numbers with a comma between them")?;
    Ok((number(low)?, number(high)?))
}

pub(crate) fn attention(text: &str) -> Result<Attention, String> {
    let model = match text.split_once(':') {
        None => match text {
            "uniform" => Attention::Uniform,
            "log2" => Attention::Logarithmic,
            "reciprocal" => Attention::Reciprocal,
            "cascade" => Attention::Cascade,
            _ => return Err(ATTENTIONS.to_owned()),
        },
        Some(("rbp", persistence)) => Attention::Rbp { persistence: number(persistence)? },
        Some(("geometric", ratio)) => Attention::Geometric { ratio: number(ratio)? },
        Some(("top", k)) => Attention::TopK { k: number(k)? },
        Some(_) => return Err(ATTENTIONS.to_owned()),
    };
    model.check().map_err(|error| error.to_string())?;
    Ok(model)
}

const ATTENTIONS: &str =
    "there are uniform, log2, reciprocal, rbp:P, geometric:R, top:K and cascade";

pub(crate) fn unit(text: &str) -> Result<Unit, String> {
    match text.split_once(':') {
        None if text == "pooled" => Ok(Unit::Pooled),
        None if text == "cluster-mean" => Ok(Unit::ClusterMean),
        None if text == "reach" => Ok(Unit::Reach(Reach::default())),
        Some(("reach", impressions)) => {
            Ok(Unit::Reach(Reach { impressions: number(impressions)?, mass: 0.0 }))
        }
        _ => Err("there are pooled, cluster-mean, reach and reach:IMPRESSIONS".to_owned()),
    }
}

pub(crate) fn denominator(text: &str) -> Result<Denominator, String> {
    match text {
        "all" => Ok(Denominator::AllImpressions),
        "tagged" => Ok(Denominator::TaggedImpressions),
        _ => Err("there are all and tagged".to_owned()),
    }
}

pub(crate) fn labels(text: &str) -> Result<MultiLabel, String> {
    match text {
        "full" => Ok(MultiLabel::Full),
        "fractional" => Ok(MultiLabel::Fractional),
        _ => Err("there are full and fractional".to_owned()),
    }
}

pub(crate) fn quantile(text: &str) -> Result<Quantile, String> {
    match text {
        "student-t" => Ok(Quantile::StudentT),
        "normal" => Ok(Quantile::Normal),
        _ => Err("there are student-t and normal".to_owned()),
    }
}

pub(crate) fn multiplicity(text: &str) -> Result<Multiplicity, String> {
    Ok(match text {
        "bonferroni" => Multiplicity::Bonferroni,
        "holm" => Multiplicity::Holm,
        "bh" => Multiplicity::BenjaminiHochberg,
        "by" => Multiplicity::BenjaminiYekutieli,
        "two-stage" => Multiplicity::TwoStage(TwoStage::default()),
        "romano-wolf" => Multiplicity::RomanoWolf(RomanoWolf::default()),
        _ => {
            return Err("there are bonferroni, holm, bh, by, two-stage and romano-wolf".to_owned());
        }
    })
}

pub(crate) fn time_format(text: &str) -> Result<TimeFormat, String> {
    Ok(match text {
        "iso" => TimeFormat::Iso,
        "seconds" => TimeFormat::EpochSeconds,
        "milliseconds" => TimeFormat::EpochMilliseconds,
        "microseconds" => TimeFormat::EpochMicroseconds,
        pattern if pattern.contains('%') => TimeFormat::Pattern(pattern.to_owned()),
        _ => {
            return Err("there are iso, seconds, milliseconds, microseconds and patterns with %, \
                        such as %d-%m-%Y"
                .to_owned());
        }
    })
}

pub(crate) fn separator(text: &str) -> Result<TopicFormat, String> {
    let mut chars = text.chars();
    match (text, chars.next(), chars.next()) {
        ("python", ..) => Ok(TopicFormat::PythonList),
        ("json", ..) => Ok(TopicFormat::JsonList),
        (_, Some(one), None) => Ok(TopicFormat::Separated(one)),
        _ => Err("one character, or python or json for lists as these write them".to_owned()),
    }
}

/// A difference between names.
pub(crate) fn join_names(text: &str) -> Result<JoinNames, String> {
    match text {
        "spaces" => Ok(JoinNames::Spaces),
        "case" => Ok(JoinNames::Case),
        "unicode" => Ok(JoinNames::Unicode),
        "numbers" => Ok(JoinNames::WholeNumbers),
        _ => Err("there are spaces, case, unicode and numbers".to_owned()),
    }
}

pub(crate) fn delimiter(text: &str) -> Result<u8, String> {
    match text.as_bytes() {
        b"tab" | b"\\t" => Ok(b'\t'),
        [one] => Ok(*one),
        _ => Err("one character, or tab".to_owned()),
    }
}

/// `COLUMN=VALUE`.
pub(crate) fn filter(text: &str) -> Result<(String, String), String> {
    let (column, value) = text.split_once('=').ok_or("COLUMN=VALUE")?;
    Ok((column.to_owned(), value.to_owned()))
}

/// Filters by column: one of its values must be there.
pub(crate) fn keep(filters: &[(String, String)]) -> Vec<Keep> {
    let mut keep: Vec<Keep> = Vec::new();
    for (column, value) in filters {
        match keep.iter_mut().find(|its| its.column == *column) {
            Some(its) => its.values.push(value.clone()),
            None => keep.push(Keep { column: column.clone(), values: vec![value.clone()] }),
        }
    }
    keep
}

/// `NAME=a,b`.
pub(crate) fn combined(text: &str) -> Result<(String, Vec<String>), String> {
    let (name, of) = text.split_once('=').ok_or("NAME=COLUMN,COLUMN")?;
    Ok((name.to_owned(), of.split(',').map(str::to_owned).collect()))
}

/// `NAME:TOPIC=SHARE,...`; a share is a number, `SHARE~ERROR` or `TOPIC/ALL`. Its bias is said apart.
pub(crate) fn reference(text: &str) -> Result<Reference, String> {
    let (name, shares) = text.split_once(':').ok_or("NAME:TOPIC=SHARE,...")?;
    let mut reference = Reference::new(name, Bias::NONE);
    for part in shares.split(',') {
        let (topic, share) =
            part.rsplit_once('=').ok_or_else(|| format!("{part:?} is no TOPIC=SHARE"))?;
        let share = if let Some((topic, all)) = share.split_once('/') {
            ReferenceShare::Counts { topic: number(topic)?, all: number(all)? }
        } else if let Some((share, error)) = share.split_once('~') {
            ReferenceShare::Estimated { share: number(share)?, standard_error: number(error)? }
        } else {
            ReferenceShare::Known(number(share)?)
        };
        if reference.shares.contains_key(topic) {
            return Err(format!("{topic:?} has two shares; give it one"));
        }
        reference = reference.share(topic, share);
    }
    reference.check().map_err(|error| error.to_string())?;
    Ok(reference)
}
