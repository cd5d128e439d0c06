//! The text of queries: each engine's own words, and what no query can do.

use tiltmeter::log::{LogSchema, Role, RowPolicy, TimeFormat, TopicColumn, TopicFormat};
use tiltmeter::tally::{Dialect, SqlLog, StratifyBy, TallySpec, WindowBy};
use tiltmeter::{Attention, ClusterBy, Error, MultiLabel};

use crate::sql::logs::{log, schema};

fn everything() -> TallySpec {
    TallySpec {
        cluster: ClusterBy::Viewer.hashed(10),
        attentions: vec![Attention::Uniform, Attention::Logarithmic],
        multi_label: MultiLabel::Fractional,
        strata: StratifyBy::Column("unit".into()),
        windows: WindowBy::days(7),
    }
}

fn text(dialect: Dialect, spec: &TallySpec, schema: &LogSchema) -> Result<String, Error> {
    spec.sql(dialect, &SqlLog::table(["a feed"], schema).deepest_rank(60))
}

#[test]
fn each_dialect_has_its_own_words() {
    let words: [(Dialect, &[&str]); 6] = [
        (Dialect::DuckDb, &["HUGEINT", "LIST_DISTINCT", "//", "\"the \"\"arm\"\"\"", "'\\|'"]),
        (Dialect::Spark, &["LATERAL VIEW EXPLODE", "`the \"arm\"`", r"'\\x{7c}'", r"'\\|'"]),
        (Dialect::BigQuery, &["TO_HEX(MD5(", "BIGNUMERIC", "ARRAY<STRUCT<", "AS STRING)"]),
        (Dialect::Snowflake, &["LATERAL FLATTEN", "CAST(part AS VARCHAR)", "NUMERIC(38, 0)"]),
        (Dialect::Trino, &["LOWER(TO_HEX(MD5(TO_UTF8(", "U&'\\0009", "CROSS JOIN UNNEST"]),
        (Dialect::Postgres, &["STRING_TO_ARRAY", "DOUBLE PRECISION", "BTRIM(part, E'\\u0009"]),
    ];
    for (dialect, words) in words {
        let query = text(dialect, &everything(), &schema()).unwrap();
        for word in words.iter().chain(&["GROUP BY GROUPING SETS", "TRANSLATE(", "COUNT(*)"]) {
            assert!(query.contains(word), "{dialect} lacks {word}:\n{query}");
        }
        // 1/log2(3), written so that no digit is lost.
        assert!(query.contains("(2, '6.3092975357145753e-1')"), "{query}");
    }
}

/// A name or text can never end its quotes.
#[test]
fn names_and_texts_are_quoted() {
    let schema = LogSchema::new().viewer("a\"`'\\").arm("arm").null("it's\\");
    for (dialect, name, null) in [
        (Dialect::DuckDb, r#""a""`'\""#, r"'it''s\'"),
        (Dialect::Trino, r#""a""`'\""#, r"'it''s\'"),
        (Dialect::Postgres, r#""a""`'\""#, r"'it''s\'"),
        (Dialect::Snowflake, r#""a""`'\""#, r"'it\'s\\'"),
        (Dialect::Spark, r#"`a"``'\`"#, r"'it\'s\\'"),
        (Dialect::BigQuery, r#"`a"\`'\\`"#, r"'it\'s\\'"),
    ] {
        let query = text(dialect, &TallySpec::default(), &schema).unwrap();
        assert!(query.contains(&format!("source.{name}")), "{dialect}:\n{query}");
        assert!(query.contains(&format!(", {null})")), "{dialect}:\n{query}");
    }
}

#[test]
fn what_no_query_can_do_is_said() {
    let base = TallySpec::default();
    let timed = TallySpec { windows: WindowBy::weeks(), ..base.clone() };
    let pattern = TimeFormat::Pattern("%d-%m-%Y".into());
    let lists = TopicColumn::new("about", TopicFormat::PythonList);
    let relabelled = TopicColumn::single("about").relabel([("a", "b")]);
    let cases = [
        (TallySpec { cluster: ClusterBy::Impression, ..base.clone() }, schema(), "impressions"),
        (TallySpec { attentions: vec![Attention::Cascade], ..base.clone() }, schema(), "cascade"),
        (timed, schema().time("at", pattern), "pattern"),
        (base.clone(), schema().topics(lists), "Python"),
        (base.clone(), schema().topics(relabelled), "relabelling"),
        (base, schema().rows(RowPolicy::SetAside), "set aside"),
    ];
    for dialect in Dialect::ALL {
        for (spec, schema, word) in &cases {
            match text(dialect, spec, schema) {
                Err(error @ Error::NotInSql { .. }) => {
                    let message = error.to_string();
                    assert!(message.contains(word), "{message}");
                    assert!(message.contains(&dialect.to_string()), "{message}");
                }
                other => panic!("{word}: {other:?}"),
            }
        }
    }
}

/// The same errors as those of a tally of the log.
#[test]
fn what_the_schema_lacks_is_said() {
    let schema = LogSchema::new().arm("arm").viewer("who");
    let log = log("arm,who\nx,1\n", &schema);
    let base = TallySpec::default();
    for spec in [
        TallySpec { cluster: ClusterBy::Session, ..base.clone() },
        TallySpec { cluster: ClusterBy::column("device"), ..base.clone() },
        TallySpec { attentions: vec![Attention::Logarithmic], ..base.clone() },
        TallySpec { attentions: vec![], ..base.clone() },
        TallySpec { strata: StratifyBy::Stratum, ..base.clone() },
        TallySpec { windows: WindowBy::weeks(), ..base.clone() },
        TallySpec { windows: WindowBy::Every { seconds: 0, origin: 0 }, ..base.clone() },
        TallySpec { cluster: ClusterBy::Viewer.hashed(25), ..base.clone() },
    ] {
        let expected = tiltmeter::tally::Tally::of(&log, &spec).unwrap_err().to_string();
        let error = text(Dialect::Trino, &spec, &schema).unwrap_err();
        assert_eq!(error.to_string(), expected);
    }
    let no_arm = LogSchema::new().viewer("who");
    let error = text(Dialect::Spark, &base, &no_arm).unwrap_err();
    assert!(matches!(error, Error::MissingRole { role: Role::Arm, .. }));
    let too_deep = SqlLog::table(["log"], &schema).deepest_rank(10_001);
    assert!(matches!(base.sql(Dialect::Spark, &too_deep), Err(Error::Parameter { .. })));
}
