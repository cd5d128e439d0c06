//! What would a random policy have earned and shown? Estimated from the log of a learning one in the
//! Open Bandit Dataset (`data/`), and checked against the random policy that ran beside it.
//!
//! Each campaign is asked by itself, since its items and topics are hashed anew. In one of them the log is
//! worth two impressions of the target, and the estimates are refused.
//!
//! ```text
//! cargo run -p tiltmeter-studies --bin open_bandit              # a page for each campaign
//! cargo run -p tiltmeter-studies --bin open_bandit -- --json    # the same numbers as JSON
//! ```

use std::process::ExitCode;

use clap::Parser;
use serde_json::{Map, Value as Json, json};
use tiltmeter::log::{LogSchema, TimeFormat, TopicColumn};
use tiltmeter::replay::off_policy::{
    Floor, Measure, OffPolicy, OffPolicyReport, RewardModel, Target,
};
use tiltmeter::{ClusterBy, Error, ExposureLog, Keep, Question};
use tiltmeter_studies::{shipped, told};

/// The campaigns, and how many items each chooses from.
const CAMPAIGNS: [(&str, u32); 3] = [("all", 80), ("men", 34), ("women", 46)];

/// What a random policy would have earned and shown, from the log of a learning one.
#[derive(Parser)]
struct Options {
    /// Prints the same numbers as JSON.
    #[arg(long)]
    json: bool,
}

fn main() -> ExitCode {
    let Options { json } = Options::parse();
    told(reports().and_then(|reports| if json { as_json(&reports) } else { Ok(as_text(&reports)) }))
}

/// The estimates of a campaign as they should be made, and with the floor overridden.
struct Campaign {
    name: &'static str,
    items: u32,
    kept: OffPolicyReport,
    overridden: OffPolicyReport,
}

fn reports() -> Result<Vec<Campaign>, Error> {
    let log = log()?;
    let of_campaign = |(name, items): (&'static str, u32)| {
        let log = log.keep(&Keep::new("campaign", [name]))?;
        // There is no viewer id. Both policies ran side by side every hour: hours are the clusters.
        let replay =
            OffPolicy::of(&log, &Question::of_arm("bts").cluster(ClusterBy::column("hour")))
                .target(Target::Uniform { items })
                .reward_model(RewardModel::default())
                .check("random");
        let kept = replay.clone().run()?;
        let overridden = replay.floor(Floor::overridden()).run()?;
        Ok(Campaign { name, items, kept, overridden })
    };
    CAMPAIGNS.into_iter().map(of_campaign).collect()
}

fn log() -> Result<ExposureLog, Error> {
    let schema = LogSchema::new()
        .arm("arm")
        .item("item")
        .position("position")
        .time("ts", TimeFormat::Iso)
        .topics(TopicColumn::single("topic"))
        .engagement("click")
        .propensity("propensity")
        .column("hour")
        .column("campaign");
    ExposureLog::open(shipped("open_bandit_small.csv.gz"), &schema)
}

/// A page for each campaign.
fn as_text(campaigns: &[Campaign]) -> String {
    let mut text = String::new();
    for campaign in campaigns {
        let Campaign { name, items, kept, .. } = campaign;
        text += &format!("Campaign {name:?}, {items} items\n\n{kept}");
        if kept.refusal().is_some() {
            text += &format!("\n{}\n", in_plain_words(campaign));
        }
        text += "\n";
    }
    text
}

/// Why there is no number.
fn in_plain_words(campaign: &Campaign) -> String {
    let Campaign { kept, overridden, .. } = campaign;
    let weights = &kept.weights;
    let part = weights.greatest / (weights.mean * weights.impressions as f64);
    format!(
        "In plain words: the learning policy hardly ever showed some of the items that a random one shows.\n\
         One impression of such an item counts for {:.0}, {:.0}% of all weight, so any estimate is about that\n\
         one, and the log is worth {:.1} impressions of a random policy. An estimate would be an anecdote.\n\
         Overriding the floor gives IPS {} and SNIPS {}; the random policy itself earned {}.",
        weights.greatest,
        100.0 * part,
        weights.effective_size,
        shown(overridden, Measure::Ips),
        shown(overridden, Measure::Snips),
        shown(overridden, Measure::OtherReward),
    )
}

fn shown(report: &OffPolicyReport, measure: Measure) -> String {
    number(report, measure).map_or("-".to_owned(), |value| format!("{value:.6}"))
}

fn number(report: &OffPolicyReport, measure: Measure) -> Option<f64> {
    report.estimate(measure).and_then(|estimate| estimate.number())
}

fn as_json(campaigns: &[Campaign]) -> Result<String, Error> {
    let of_campaign = |campaign: &Campaign| {
        let mut fields = numbers(&campaign.kept);
        fields.insert("items".to_owned(), json!(campaign.items));
        fields.insert("ess".to_owned(), json!(campaign.kept.weights.effective_size));
        fields.insert("max_weight".to_owned(), json!(campaign.kept.weights.greatest));
        let refusal = campaign.kept.refusal();
        fields.insert("refused".to_owned(), json!(refusal.map(|reason| reason.to_string())));
        if refusal.is_some() {
            let overridden = Json::Object(numbers(&campaign.overridden));
            fields.insert("overridden".to_owned(), overridden);
        }
        (campaign.name.to_owned(), Json::Object(fields))
    };
    let all = json!({ "campaigns": campaigns.iter().map(of_campaign).collect::<Map<_, _>>() });
    serde_json::to_string_pretty(&all).map_err(|cause| Error::Report { detail: cause.to_string() })
}

/// The numbers of a report, each null where there is none.
fn numbers(report: &OffPolicyReport) -> Map<String, Json> {
    let mut fields = Map::new();
    for (key, measure) in [
        ("ctr_bts", Measure::LoggedReward),
        ("ctr_random", Measure::OtherReward),
        ("ips", Measure::Ips),
        ("snips", Measure::Snips),
        ("dr", Measure::DoublyRobust),
        ("snips_less_random", Measure::RewardDifference),
    ] {
        fields.insert(key.to_owned(), json!(number(report, measure)));
        fields.insert(format!("{key}_interval"), json!(bounds(report, measure, None)));
    }
    let topic = |topic: &str| {
        let of = |measure| report.of_topic(measure, topic).and_then(|estimate| estimate.number());
        let value = json!({
            "snips": of(Measure::SnipsShare),
            "random": of(Measure::OtherShare),
            "bts": of(Measure::LoggedShare),
            "amplification": of(Measure::Amplification),
            "amplification_interval": bounds(report, Measure::Amplification, Some(topic)),
        });
        (topic.to_owned(), value)
    };
    let topics: Map<String, Json> = report.topics().into_iter().map(topic).collect();
    fields.insert("topic_shares".to_owned(), Json::Object(topics));
    fields
}

/// The bounds of an interval, null where there is none.
fn bounds(
    report: &OffPolicyReport,
    measure: Measure,
    topic: Option<&str>,
) -> Option<[Option<f64>; 2]> {
    let estimate = match topic {
        None => report.estimate(measure),
        Some(topic) => report.of_topic(measure, topic),
    };
    let interval = estimate?.answer.ok()?.interval.ok()?;
    Some([interval.low, interval.high])
}
