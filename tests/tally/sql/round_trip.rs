//! What is exported is imported, to the last bit.

use proptest::collection::vec;
use proptest::prelude::*;
use tiltmeter::tally::{StratifyBy, Tally, TallySpec, WindowBy};
use tiltmeter::{Attention, Beyond, ClusterBy, Error, MultiLabel};

use crate::sql::logs::{Row, csv, log, rows, schema};

fn row() -> impl Strategy<Value = Row> {
    let weight = prop_oneof![0.0..1e3_f64, Just(0.0), Just(1.0), Just(8_388_608.0)];
    (0..40_u16, 0..3_u8, 0..2_u8, 1..90_u16, weight, -9_000_000..9_000_000_i64, 0..64_u8).prop_map(
        |(viewer, arm, stratum, position, weight, time, topics)| Row {
            viewer,
            arm,
            stratum,
            position,
            weight,
            time,
            topics,
        },
    )
}

fn spec() -> impl Strategy<Value = TallySpec> {
    let cluster = prop_oneof![
        Just(ClusterBy::Viewer),
        Just(ClusterBy::Viewer.hashed(0)),
        Just(ClusterBy::Viewer.hashed(3)),
        Just(ClusterBy::Viewer.hashed(24)),
        Just(ClusterBy::column("unit")),
        Just(ClusterBy::Impression),
    ];
    let attention = prop_oneof![
        Just(Attention::Uniform),
        Just(Attention::Logarithmic),
        Just(Attention::Rbp { persistence: 0.9 }),
        Just(Attention::TopK { k: 10 }),
        Just(Attention::Table { values: vec![1.0, 0.3], beyond: Beyond::RepeatLast }),
    ];
    let multi_label = prop_oneof![Just(MultiLabel::Full), Just(MultiLabel::Fractional)];
    let strata = prop_oneof![
        Just(StratifyBy::Nothing),
        Just(StratifyBy::Stratum),
        Just(StratifyBy::Column("unit".into())),
    ];
    let windows = prop_oneof![
        Just(WindowBy::Nothing),
        Just(WindowBy::weeks()),
        Just(WindowBy::Every { seconds: 100_000, origin: -7 }),
    ];
    (cluster, vec(attention, 1..4), multi_label, strata, windows).prop_map(
        |(cluster, attentions, multi_label, strata, windows)| TallySpec {
            cluster,
            attentions,
            multi_label,
            strata,
            windows,
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_table_reads_back_as_the_tally(rows in vec(row(), 1..150), spec in spec()) {
        let tally = Tally::of(&log(&csv(&rows), &schema()), &spec).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tally.parquet");
        tally.export(&path).unwrap();
        prop_assert_eq!(&Tally::import(&path).unwrap(), &tally);
        prop_assert_eq!(&Tally::import_as(&path, &spec).unwrap(), &tally);
    }
}

#[test]
fn many_blocks_and_wide_masses_read_back() {
    let log = log(&csv(&rows(30_000, 5_000)), &schema());
    let spec = TallySpec {
        attentions: vec![Attention::Uniform, Attention::Reciprocal],
        ..TallySpec::default()
    };
    let tally = Tally::of(&log, &spec).unwrap();
    assert!(tally.clusters() > 2 * 1_024);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tally.parquet");
    tally.export(&path).unwrap();
    assert_eq!(Tally::import(&path).unwrap(), tally);
    let other = TallySpec::default();
    assert!(matches!(Tally::import_as(&path, &other), Err(Error::TableSpec { .. })));
}

/// A merged tally has names that its totals show, and is a tally like any other.
#[test]
fn tables_merge_as_their_tallies_do() {
    let folder = tempfile::tempdir().unwrap();
    let rows = rows(2_000, 300);
    let spec = TallySpec { cluster: ClusterBy::Viewer.hashed(5), ..TallySpec::default() };
    let parts = rows.chunks(700).enumerate().map(|(number, rows)| {
        let path = folder.path().join(format!("{number}.parquet"));
        Tally::of(&log(&csv(rows), &schema()), &spec).unwrap().export(&path).unwrap();
        Tally::import(&path).unwrap()
    });
    let parts: Vec<Tally> = parts.collect();
    let whole = Tally::of(&log(&csv(&rows), &schema()), &spec).unwrap();
    assert_eq!(Tally::merge_all(&parts).unwrap(), whole);
}
