//! Logs whose own columns do not say all: tables beside them, paths, a column for each topic, texts. The values
//! are those of the same rows written out.

use std::fs;
use std::path::Path;

use tiltmeter::job::TallyJob;
use tiltmeter::log::{
    Comparison, FaultReason, JoinNames, Keep, KeyedTable, LogSchema, RowPolicy, TopicColumn,
    Unlisted,
};
use tiltmeter::source::{CsvSource, SliceSource};
use tiltmeter::tally::{ClusterBy, Tally, TallySpec};
use tiltmeter::{Error, ExposureLog, JoinInput, LogInput};

fn table(text: &'static str, on: &str) -> Result<KeyedTable, Error> {
    KeyedTable::read(CsvSource::from_reader("accounts", text.as_bytes(), b',')?, on)
}

fn read(text: &'static str, schema: &LogSchema) -> Result<ExposureLog, Error> {
    ExposureLog::read(CsvSource::from_reader("log", text.as_bytes(), b',')?, schema)
}

const LOG: &str = "who,what\nb,x\na,y\nb,y\nc,x\n";
const ACCOUNTS: &str =
    "who,feed,worth,land\na,ranked,2.5,DE\nb,newest,1,FR\nc,ranked,4,DE\nd,ranked,9,DE\n";

/// A log with a table is the log with the table's columns written into each row, in every role.
#[test]
fn a_joined_log_is_the_log_written_out() {
    let wide = "who,what,feed,worth,land\nb,x,newest,1,FR\na,y,ranked,2.5,DE\nb,y,newest,1,FR\nc,x,ranked,4,DE\n";
    let schema = LogSchema::new().viewer("who").item("what").arm("feed").weight("worth");
    let schema = schema.topics(TopicColumn::single("land")).column("land");
    let schema = schema.combined("both", ["land", "what"]);
    let joined = read(LOG, &schema.clone().table(table(ACCOUNTS, "who").unwrap())).unwrap();
    let written = read(wide, &schema).unwrap();
    let spec = |unit: &str| TallySpec { cluster: ClusterBy::column(unit), ..TallySpec::default() };
    for unit in ["who", "both", "land"] {
        let of = |log: &ExposureLog| Tally::of(log, &spec(unit)).unwrap();
        assert_eq!(of(&joined), of(&written), "{unit}");
    }
}

#[test]
fn an_id_that_the_table_lacks_is_at_fault() {
    let schema = LogSchema::new().viewer("who").arm("feed");
    let few = || table("who,feed\na,ranked\nb,newest\n", "who").unwrap();
    let Err(Error::Row(fault)) = read(LOG, &schema.clone().table(few())) else { panic!() };
    let told = (fault.row, &*fault.column, &*fault.value, fault.reason);
    assert_eq!(told, (4, "who", "c", FaultReason::NotInTable));
    let log = read(LOG, &schema.rows(RowPolicy::SetAside).table(few())).unwrap();
    assert_eq!((log.rows(), log.origin().set_aside.rows), (3, 1));
}

#[test]
fn a_table_has_one_row_for_an_id() {
    assert!(table("who,feed\na,ranked\na,ranked\n", "who").is_ok());
    let twice = table("who,feed\na,ranked\na,newest\n", "who");
    assert!(matches!(twice, Err(Error::RepeatedKey { key, .. }) if key == "a"));
    assert!(matches!(table("who,feed\n", "id"), Err(Error::MissingColumn { .. })));
    // A column of both is neither's.
    let both =
        LogSchema::new().viewer("who").item("what").table(table("who,what\na,y\n", "who").unwrap());
    assert!(
        matches!(read(LOG, &both), Err(Error::RepeatedColumn { column, .. }) if column == "what")
    );
}

/// Typed columns are told apart by the same texts as ids are.
#[test]
fn keys_may_be_numbers() {
    let accounts = SliceSource::new("accounts").integer("id", &[7, 8]).text("feed", &["a", "b"]);
    let accounts = KeyedTable::read(accounts, "id").unwrap();
    let schema = LogSchema::new().viewer("id").arm("feed").table(accounts);
    let log = read("id\n8\n7\n", &schema).unwrap();
    assert_eq!(log.arms().unwrap().id(0), Some("b"));
}

#[test]
fn columns_of_topics_say_yes_or_no() {
    let topics = TopicColumn::flags("is_*").relabel([("sport", "games")]).unlisted(Unlisted::Keep);
    let schema = LogSchema::new().topics(topics);
    let log = read("is_war,is_sport,other\n1,,7\nTrue,yes,8\nno,0,9\n", &schema).unwrap();
    let topics = log.topics().unwrap();
    let of = |row| {
        topics.of_row(row).iter().filter_map(|&code| topics.labels().id(code)).collect::<Vec<_>>()
    };
    assert_eq!([of(0), of(1), of(2)], [vec!["war"], vec!["war", "games"], vec![]]);
    let Err(Error::Row(fault)) = read("is_war\n0.7\n", &schema) else { panic!() };
    assert_eq!((&*fault.column, fault.reason), ("is_war", FaultReason::NotYesOrNo));
    let listed = LogSchema::new().topics(TopicColumn::flags("is_war, other"));
    let log = read("is_war,other\n1,1\n", &listed).unwrap();
    assert_eq!(log.topics().unwrap().labels().iter().collect::<Vec<_>>(), ["is_war", "other"]);
    assert!(
        matches!(read("other\n1\n", &schema), Err(Error::MissingColumn { column, .. }) if column == "is_*")
    );
}

#[test]
fn addresses_have_domains() {
    let schema = LogSchema::new().topics(TopicColumn::domain("url"));
    let log = read("url\nhttps://www.A.example/x\nhttp://b.example\nhttps://a.example\n", &schema)
        .unwrap();
    assert_eq!(
        log.topics().unwrap().labels().iter().collect::<Vec<_>>(),
        ["a.example", "b.example"]
    );
    let Err(Error::Row(fault)) = read("url\nnothing\n", &schema) else { panic!() };
    assert_eq!(fault.reason, FaultReason::UnreadableTopics);
}

#[test]
fn ranks_may_count_from_nothing() {
    let schema = LogSchema::new().position("rank").first_rank(0);
    assert_eq!(read("rank\n0\n3\n", &schema).unwrap().positions(), Some(&[1, 4][..]));
    let Err(Error::Row(fault)) = read("rank\n-1\n", &schema) else { panic!() };
    assert_eq!(fault.reason, FaultReason::PositionOutOfRange);
}

fn write(folder: &Path, name: &str, text: &str) {
    let path = folder.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

/// Files that are told apart by their paths: as one log, and tallied out of core, with tables and filters too.
#[test]
fn paths_are_columns() {
    let folder = tempfile::tempdir().unwrap();
    let rows =
        [("DE/run1-ranked.csv", "who,what\na,x\na,y\n"), ("FR/run2-newest.csv", "who,what\nb,y\n")];
    for (name, text) in rows {
        write(folder.path(), name, text);
    }
    for (name, text) in
        [("feed=ranked/land=DE/1.csv", rows[0].1), ("feed=newest/land=FR/1.csv", rows[1].1)]
    {
        write(&folder.path().join("hive"), name, text);
    }
    write(folder.path(), "topics.csv", "what,about\nx,war\ny,sport\n");
    let schema = LogSchema::new()
        .viewer("who")
        .arm("feed")
        .stratum("land")
        .topics(TopicColumn::single("about"));
    let join = JoinInput { path: "topics.csv".into(), on: "what".to_owned() };
    let mut by_name = LogInput::new("??/*.csv", schema.clone().path_columns("{land}/*-{feed}.csv"));
    by_name.join.push(join.clone());
    let mut by_folder = LogInput::new("hive/**/*.csv", schema);
    by_folder.join.push(join);
    let text = "who,feed,land,about\na,ranked,DE,war\na,ranked,DE,sport\nb,newest,FR,sport\n";
    let plain = LogSchema::new()
        .viewer("who")
        .arm("feed")
        .stratum("land")
        .topics(TopicColumn::single("about"));
    let spec = TallySpec { strata: tiltmeter::tally::StratifyBy::Stratum, ..TallySpec::default() };
    let written = Tally::of(&read(text, &plain).unwrap(), &spec).unwrap();
    for mut input in [by_name, by_folder] {
        let log = input.open(folder.path()).unwrap();
        assert_eq!(Tally::of(&log, &spec).unwrap(), written);
        let files = input.files(folder.path()).unwrap();
        let schema = input.schema_with_tables(folder.path()).unwrap();
        let done = TallyJob::new(files, schema, spec.clone()).run().unwrap();
        assert_eq!(done.tally, written);
        input.schema = input.schema.clone().column("land");
        input.keep.push(Keep::new("land", ["FR"]));
        assert_eq!(input.open(folder.path()).unwrap().rows(), 1);
    }
}

/// What rows hold that are not asked about is not looked at.
#[test]
fn rows_are_left_out_before_they_are_checked() {
    let text = "who,rank,kind\na,1,view\n,0,ad\nb,2,view\n";
    let schema = LogSchema::new().viewer("who").position("rank");
    assert!(matches!(read(text, &schema), Err(Error::Row(_))));
    let log = read(text, &schema.clone().keep(Keep::new("kind", ["view"]))).unwrap();
    assert_eq!((log.positions(), log.origin().left_out), (Some(&[1, 2][..]), 1));
    assert_eq!(log.origin().kept, [Keep::new("kind", ["view"])]);
    // Names are those of ids, with what does not count and what means nothing.
    let rows = "who,rank,kind\na,1,View \nb,2,NA\nc,3,ad\n";
    let schema_of = |keep| {
        let schema = schema.clone().null("NA").keep(keep);
        schema.join_names(JoinNames::Spaces).join_names(JoinNames::Case)
    };
    let ranks = |keep| read(rows, &schema_of(keep)).unwrap().positions().unwrap().to_vec();
    assert_eq!(ranks(Keep::new("kind", ["view"])), [1]);
    assert_eq!(ranks(Keep::none_of("kind", ["VIEW"])), [2, 3]);
    // What means nothing asks for the rows without a value, in either way.
    assert_eq!(ranks(Keep::new("kind", ["AD", "na"])), [2, 3]);
    assert_eq!(ranks(Keep::none_of("kind", ["na"])), [1, 3]);
    // A line that is no row is one whatever it would be asked for.
    let broken = "who,rank,kind\na,1\n";
    let kept = read(broken, &schema.clone().keep(Keep::new("kind", ["view"])));
    assert!(matches!(kept, Err(Error::Row(fault)) if fault.reason == FaultReason::Malformed));
    // Out of core too: the rows of several files.
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "1.csv", text);
    write(folder.path(), "2.csv", "who,rank,kind\nc,,ad\nc,3,view\n");
    let files = vec![folder.path().join("1.csv"), folder.path().join("2.csv")];
    let schema = schema.arm("kind").keep(Keep::new("kind", ["view"]));
    let done = TallyJob::new(files, schema, TallySpec::default()).run().unwrap();
    assert_eq!((done.tally.impressions(), done.origin.left_out), (3, 2));
}

/// A job that goes on knows that a table beside its log says something else.
#[test]
fn a_checkpoint_knows_its_tables() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    write(folder.path(), "log.csv", LOG);
    let schema = |accounts| {
        LogSchema::new().viewer("who").arm("feed").table(table(accounts, "who").unwrap())
    };
    let job = |accounts| {
        TallyJob::new(vec![path("log.csv")], schema(accounts), TallySpec::default())
            .checkpoint(path("checkpoint"), std::time::Duration::ZERO)
    };
    job(ACCOUNTS).run().unwrap();
    job(ACCOUNTS).run().unwrap();
    let other = job("who,feed\na,ranked\nb,ranked\nc,newest\n").run();
    let told = other.map(|_| ()).unwrap_err().to_string();
    assert!(told.contains("a table beside it says something else"), "{told}");
}

#[test]
fn filters_compare_and_list() {
    let schema = LogSchema::new().arm("feed").column("age").column("day");
    let log = read(
        "feed,age,day\na,17,2026-03-08\nb,18,2026-03-09\nc,9,2026-03-09T10:00:00Z\nd,30.5,2026-04-01\n",
        &schema,
    )
    .unwrap();
    let kept = |keep: Keep| {
        log.keep(&keep).map(|log| log.arms().unwrap().dictionary().iter().collect::<String>())
    };
    for (keep, arms) in [
        (Keep::compared("age", Comparison::AtLeast, "18"), "bd"),
        (Keep::compared("age", Comparison::Above, "18"), "d"),
        (Keep::compared("age", Comparison::Below, "17.5"), "ac"),
        (Keep::compared("age", Comparison::AtMost, "17"), "ac"),
        (Keep::compared("day", Comparison::AtLeast, "2026-03-09"), "bcd"),
        (Keep::compared("day", Comparison::Below, "2026-03-09T10:00:00Z"), "ab"),
        (Keep::none_of("feed", ["a", "d"]), "bc"),
        (Keep::new("feed", ["a", "d"]), "ad"),
    ] {
        assert_eq!(kept(keep.clone()).unwrap(), arms, "{keep}");
    }
    // The same while rows are read, in batches and in blocks of text.
    let while_read = |keep: Keep| {
        let text = "feed,age,day\na,17,x\nb,18,2026-03-09\nc,9,\nd,30.5,2026-04-01\n";
        let log = read(text, &LogSchema::new().arm("feed").keep(keep))?;
        let arms = log.arms().unwrap().dictionary().iter().collect::<String>();
        Ok::<_, Error>((arms, log.origin().left_out))
    };
    assert_eq!(
        while_read(Keep::compared("age", Comparison::AtLeast, "18")).unwrap(),
        ("bd".to_owned(), 2)
    );
    assert_eq!(while_read(Keep::none_of("feed", ["a", "d"])).unwrap(), ("bc".to_owned(), 2));
    let Err(Error::Row(fault)) = while_read(Keep::compared("day", Comparison::Below, "2026-04-01"))
    else {
        panic!()
    };
    assert_eq!((fault.row, fault.reason), (1, FaultReason::UnreadableTime));
    let nothing = while_read(Keep::new("feed", ["e"]));
    assert!(
        matches!(nothing, Err(Error::NothingKept { available, .. }) if available == ["a", "b", "c", "d"])
    );
    assert!(matches!(
        kept(Keep::compared("feed", Comparison::Above, "1")),
        Err(Error::Parameter { .. })
    ));
    assert!(matches!(
        kept(Keep::compared("age", Comparison::Above, "old")),
        Err(Error::Parameter { .. })
    ));
    assert!(matches!(
        kept(Keep::compared("age", Comparison::Above, "99")),
        Err(Error::NothingKept { .. })
    ));
}
