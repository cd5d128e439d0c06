//! What is asked wrongly is refused, with the reason.

use tiltmeter::inference::Simultaneous;
use tiltmeter::log::{LogSchema, Role};
use tiltmeter::replay::off_policy::{
    Clip, Floor, ImportanceWeights, ItemMeans, MeansOf, OffPolicy, RewardModel, Target,
};
use tiltmeter::source::SliceSource;
use tiltmeter::{ClusterBy, Error, ExposureLog, Interval, Question};

use crate::off_policy::logs::{Shown, log_of};

fn small() -> ExposureLog {
    let one = |who: u32, arm: &'static str, item: u32| Shown {
        who,
        arm,
        item,
        position: 1,
        reward: f64::from(item),
        propensity: 0.5,
    };
    log_of(&[one(1, "a", 0), one(1, "a", 1), one(2, "a", 0), one(2, "b", 4)])
}

fn refused(estimation: OffPolicy<'_>) -> Error {
    estimation.floor(Floor::At(0.0)).run().unwrap_err()
}

#[test]
fn what_is_unsaid_or_unknown() {
    let log = small();
    let target = Target::Uniform { items: 5 };
    let of = |question: Question| OffPolicy::of(&log, &question).target(target.clone());
    let all = of(Question::of_arm("a"));
    assert!(all.clone().floor(Floor::At(0.0)).run().is_ok());
    let error = refused(OffPolicy::of(&log, &Question::of_arm("a")));
    assert!(matches!(error, Error::Unstated { call: "OffPolicy::target", .. }), "{error}");
    for error in [refused(of(Question::of_arm("c"))), refused(all.clone().check("c"))] {
        assert_eq!(error.to_string(), "no impressions in arm \"c\"; the arms are \"a\", \"b\"");
    }
    let error = refused(all.clone().check("a"));
    assert!(matches!(error, Error::SameArm { .. }), "{error}");
    let error = refused(of(Question::of_arm("a").topics(["music"])));
    assert!(matches!(error, Error::UnknownTopic { .. }), "{error}");
    let error = refused(of(Question::of_arm("a").cluster(ClusterBy::column("hour"))));
    assert!(matches!(error, Error::UnknownColumn { .. }), "{error}");
}

#[test]
fn columns_that_the_log_lacks() {
    let source = || {
        SliceSource::new("bare")
            .text("arm", &["a", "a"])
            .text("item", &["x", "y"])
            .integer("click", &[0, 1])
            .float("chance", &[0.5, 0.5])
    };
    let cluster = ClusterBy::Impression;
    let run = |schema: LogSchema, target: Target| {
        let log = ExposureLog::read(source(), &schema).unwrap();
        OffPolicy::of(&log, &Question::of_arm("a").cluster(cluster.clone()))
            .target(target)
            .run()
            .map(|_| ())
    };
    let lacks = |schema: LogSchema, target: Target| match run(schema, target) {
        Err(Error::MissingRole { role, .. }) => role,
        other => panic!("{other:?}"),
    };
    let uniform = Target::Uniform { items: 2 };
    let bare = LogSchema::new().arm("arm").engagement("click");
    assert_eq!(lacks(bare.clone().item("item"), uniform.clone()), Role::Propensity);
    let bare = bare.propensity("chance");
    assert_eq!(lacks(bare.clone(), Target::UniformOverItems), Role::Item);
    assert_eq!(lacks(bare.clone(), Target::Table([("x".to_owned(), 1.0)].into())), Role::Item);
    // A declared number of items needs no items, nor do probabilities by row.
    run(bare.clone(), uniform.clone()).unwrap();
    run(bare, Target::ByRow(vec![0.5, 0.5])).unwrap();
    let idle = LogSchema::new().arm("arm").propensity("chance");
    assert_eq!(lacks(idle, uniform.clone()), Role::Engagement);
    let armless = LogSchema::new().propensity("chance").engagement("click");
    assert_eq!(lacks(armless, uniform), Role::Arm);
}

/// Propensities of 0 never reach an estimate: the log refuses them.
#[test]
fn a_propensity_of_zero_is_no_propensity() {
    let source = SliceSource::new("bad").text("arm", &["a"]).float("chance", &[0.0]);
    let error =
        ExposureLog::read(source, &LogSchema::new().arm("arm").propensity("chance")).unwrap_err();
    assert!(error.to_string().contains("above 0 and at most 1"), "{error}");
    // One so small that dividing by it says nothing is refused when it is used.
    let source = SliceSource::new("tiny").text("arm", &["a"]).float("chance", &[1e-300]);
    let schema = LogSchema::new().arm("arm").propensity("chance");
    let log = ExposureLog::read(source, &schema).unwrap();
    let error = ImportanceWeights::of(&log, "a", &Target::Uniform { items: 1 }, Clip::None);
    assert!(matches!(error, Err(Error::GivenRow { row: 1, .. })), "{error:?}");
}

#[test]
fn targets_that_are_none() {
    let log = small();
    let weights = |target: Target| match ImportanceWeights::of(&log, "a", &target, Clip::None) {
        Err(error) => error.to_string(),
        Ok(_) => String::new(),
    };
    let table = |of: &[(&str, f64)]| {
        Target::Table(of.iter().map(|(item, p)| ((*item).to_owned(), *p)).collect())
    };
    assert_eq!(
        weights(table(&[("0", 0.75), ("1", 0.5)])),
        "the sum of Target::Table is 1.25; it must be at most 1, since one item is shown at a time"
    );
    assert_eq!(
        weights(table(&[("0", -0.5)])),
        "a probability of Target::Table is -0.5 for item \"0\"; it must be from 0 to 1"
    );
    assert!(weights(table(&[("0", f64::NAN)])).contains("NaN"));
    assert_eq!(weights(table(&[("0", 0.5), ("1", 0.5 + 1e-10)])), "", "rounding is forgiven");
    assert!(weights(Target::Uniform { items: 1 }).contains("shows 2 distinct items"));
    assert!(weights(Target::Uniform { items: 0 }).contains("1 or more"));
    assert_eq!(
        weights(Target::ByRow(vec![0.5; 3])),
        "made up: column \"the target's probabilities\" has 3 rows where the others have 4; pass columns of one length"
    );
    assert_eq!(
        weights(Target::ByRow(vec![0.5, 1.5, 0.5, 0.5])),
        "the target's probability in row 2 of the log (counted from 1) is 1.5; it must be from 0 to 1"
    );
    // What stands in rows of other arms is not looked at.
    assert_eq!(weights(Target::ByRow(vec![0.5, 0.5, 0.5, f64::NAN])), "");
    let clip = ImportanceWeights::of(&log, "a", &Target::UniformOverItems, Clip::At(0.0));
    assert!(matches!(clip, Err(Error::Parameter { .. })), "{clip:?}");
}

#[test]
fn numbers_out_of_their_range() {
    let log = small();
    let all = OffPolicy::of(&log, &Question::of_arm("a")).target(Target::Uniform { items: 5 });
    let means = |means: ItemMeans| RewardModel::ItemMeans(means);
    let given = |logged: usize, target: f64| RewardModel::Given {
        logged: vec![0.5; logged],
        target: vec![target; 4],
    };
    let parameter = |error: Error| matches!(error, Error::Parameter { .. });
    assert!(parameter(all.clone().floor(Floor::At(-1.0)).run().unwrap_err()));
    assert!(parameter(all.clone().floor(Floor::At(f64::NAN)).run().unwrap_err()));
    let bands = Interval::Simultaneous(Simultaneous::default());
    assert!(parameter(refused(all.clone().interval(bands))));
    let folds = ItemMeans { folds: 1, ..ItemMeans::default() };
    assert!(parameter(refused(all.clone().reward_model(means(folds)))));
    let prior = ItemMeans { prior: 0.0, ..ItemMeans::default() };
    assert!(parameter(refused(all.clone().reward_model(means(prior)))));
    let by_row = all.clone().target(Target::ByRow(vec![0.5; 4]));
    assert!(parameter(refused(by_row.reward_model(RewardModel::default()))));
    let error = refused(all.clone().reward_model(given(3, 0.5)));
    assert!(matches!(error, Error::ColumnLength { found: 3, expected: 4, .. }), "{error}");
    let error = refused(all.clone().reward_model(given(4, f64::NAN)));
    assert!(matches!(error, Error::GivenRow { row: 1, .. }), "{error}");
    // So small that squares of weights would be none.
    let tiny = all.clone().target(Target::ByRow(vec![1e-80; 4]));
    let error = refused(tiny);
    assert!(error.to_string().contains("at least 1e-70"), "{error}");
    assert!(matches!(error, Error::GivenRow { row: 1, .. }), "{error}");
    assert!(parameter(all.clone().clip(Clip::At(5e-324)).run().unwrap_err()));
    assert!(all.clone().clip(Clip::At(1e-70)).floor(Floor::At(0.0)).run().is_ok());
    let by_place = ItemMeans { of: MeansOf::ItemAndPosition, ..ItemMeans::default() };
    assert!(all.reward_model(means(by_place)).floor(Floor::At(0.0)).run().is_ok());
}
