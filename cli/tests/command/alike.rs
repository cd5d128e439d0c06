//! One question of one log has one answer, however the log is written and wherever its rows are.

use std::io::Write;
use std::process::Stdio;

use crate::support::{command, run};

/// A folder of small files.
struct Files(tempfile::TempDir);

impl Files {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn file(&self, name: &str, text: &str) -> String {
        let path = self.0.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }

    fn at(&self, name: &str) -> String {
        self.0.path().join(name).to_str().unwrap().to_owned()
    }
}

fn words(line: &str) -> Vec<String> {
    line.split_whitespace().map(str::to_owned).collect()
}

const D: &str =
    "--arm arm --treatment ranked --baseline newest --viewer viewer --topic topic --json";

/// The shares of war in either arm.
fn shares(line: &str) -> (f64, f64) {
    let report = run(words(line)).json();
    let war = report["estimates"].as_array().unwrap();
    let war = war.iter().find(|its| its["topic"] == "war").unwrap_or_else(|| panic!("{report}"));
    (war["share_treatment"].as_f64().unwrap(), war["share_baseline"].as_f64().unwrap())
}

fn refused(line: &str, why: &str) {
    let ran = run(words(line));
    assert!(ran.code != 0 && ran.err.contains(why), "{line}: {} {}", ran.out, ran.err);
}

/// A filter reads a column's times and numbers as the schema says that they are written.
#[test]
fn filters_read_as_the_schema_says() {
    let files = Files::new();
    let rows = |times: [&str; 4]| {
        let [a, b, c, d] = times;
        format!(
            "viewer,arm,topic,t\na,ranked,war,{a}\na,ranked,x,{b}\nc,newest,war,{c}\nc,newest,x,{d}\n"
        )
    };
    // The first is of the seventh of March, by any clock but Berlin's own.
    for (name, format, times) in [
        (
            "berlin",
            "zone:Europe/Berlin",
            [
                "2026-03-08T00:30:00",
                "2026-03-08T09:00:00",
                "2026-03-08T12:00:00",
                "2026-03-08T13:00:00",
            ],
        ),
        ("days", "pattern:%d/%m/%Y", ["07/03/2026", "08/03/2026", "09/03/2026", "10/04/2026"]),
        ("turned", "pattern:%Y-%d-%m", ["2026-07-03", "2026-08-03", "2026-09-03", "2026-10-04"]),
        ("epoch", "epoch_seconds", ["1772900000", "1772960400", "1772971200", "1772974800"]),
        (
            "milliseconds",
            "epoch_milliseconds",
            ["1772900000000", "1772960400000", "1772971200000", "1772974800000"],
        ),
    ] {
        let log = files.file(&format!("{name}.csv"), &rows(times));
        let line =
            format!("audit {log} {D} --time t --time-format {format} --filter t>=2026-03-08");
        assert_eq!(shares(&line), (0.0, 0.5), "{name}");
        let line = format!(
            "audit {log} {D} --time t --time-format {format} --rank-by-order viewer --filter t>=2026-03-08"
        );
        assert_eq!(shares(&line), (0.0, 0.5), "{name}, when all is read");
        // The same in two files, and for a supply with the log's column.
        let text = rows(times);
        let lines: Vec<&str> = text.lines().collect();
        let parts = [[0, 1, 3], [0, 2, 4]].map(|places| places.map(|at| lines[at]).join("\n"));
        for (part, text) in parts.iter().enumerate() {
            files.file(&format!("{name}/{part}.csv"), &format!("{text}\n"));
        }
        let folder = files.at(name);
        let line =
            format!("audit {folder} {D} --time t --time-format {format} --filter t>=2026-03-08");
        assert_eq!(shares(&line), (0.0, 0.5), "{name}, in two files");
        let supply = files.file(
            &format!("{name}-supply.csv"),
            &format!("topic,t\nwar,{}\nx,{}\nwar,{}\n", times[0], times[1], times[2]),
        );
        let line = format!(
            "audit {log} --arm arm --treatment ranked --topic topic --viewer viewer --baseline-supply {supply} --json --time t --time-format {format} --filter t>=2026-03-08"
        );
        assert_eq!(shares(&line), (0.0, 0.5), "{name}, of a supply");
    }
}

/// The same of numbers, in text and in JSON, and of what means nothing.
#[test]
fn filters_read_numbers_as_the_schema_says() {
    let files = Files::new();
    // What means nothing is asked for as nothing.
    let log = files.file(
        "na.csv",
        "viewer,arm,topic,c\na,ranked,war,NA\nb,newest,war,DE\na,ranked,x,DE\nb,newest,x,NA\n",
    );
    for null in ["", " --null NA"] {
        assert_eq!(shares(&format!("audit {log} {D} --filter c!=NA{null}")), (0.0, 1.0), "{null}");
    }
    // Numbers of JSON are numbers, whatever numbers in text look like.
    let log = files.file(
        "numbers.ndjson",
        "{\"viewer\":\"a\",\"arm\":\"ranked\",\"topic\":\"war\",\"w\":1.234}\n{\"viewer\":\"a\",\"arm\":\"ranked\",\"topic\":\"x\",\"w\":2.5}\n{\"viewer\":\"b\",\"arm\":\"newest\",\"topic\":\"war\",\"w\":\"3,5\"}\n{\"viewer\":\"b\",\"arm\":\"newest\",\"topic\":\"x\",\"w\":4}\n",
    );
    let line = format!("audit {log} {D} --numbers decimal_comma --filter w>2");
    assert_eq!(shares(&line), (0.0, 0.5));
    let log = files.file(
        "numbers.csv",
        "viewer;arm;topic;views\na;ranked;war;1.483\na;ranked;x;20\nb;ranked;war;300,5\nc;newest;war;2.000\nc;newest;x;900\nd;newest;x;150\n",
    );
    let line = format!("audit {log} {D} --numbers decimal_comma --filter views>=100");
    assert_eq!(shares(&line), (1.0, 1.0 / 3.0));
}

/// A log from a pipe is the log.
#[test]
fn standard_input_is_a_log() {
    let files = Files::new();
    let text = "viewer,arm,topic\na,ranked,war\na,ranked,x\nb,newest,x\nc,newest,war\nc,newest,x\n";
    let log = files.file("log.csv", text);
    let piped = |line: &str| {
        let mut child = command();
        let mut child = child
            .args(line.split_whitespace())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
        let out = child.wait_with_output().unwrap();
        assert!(out.status.success(), "{line}: {}", String::from_utf8_lossy(&out.stderr));
        String::from_utf8(out.stdout).unwrap()
    };
    let report =
        |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap()["estimates"].clone();
    let of_file = report(&run(words(&format!("audit {log} {D}"))).ok());
    assert_eq!(report(&piped(&format!("audit - --format csv {D}"))), of_file);
    let tally = files.at("log.tally");
    piped(&format!("tally - --format csv --arm arm --viewer viewer --topic topic --out {tally}"));
    let line = format!("estimate {tally} --treatment ranked --baseline newest --json");
    assert_eq!(report(&run(words(&line)).ok()), of_file);
    let told = piped("inspect -");
    assert!(told.contains("5 impressions") && told.contains("--format csv"), "{told}");
    // What is looked at before it is read is not, and a pipe has no name that says what it is.
    for format in ["json", "parquet", "xlsx"] {
        refused(&format!("audit - --format {format} {D}"), "must be one that is read once");
    }
    refused(&format!("audit - {D}"), "standard input has no name: say what it is (--format csv)");
}

/// What is said of a log's names holds for the tables beside it.
#[test]
fn names_are_the_same_in_tables_beside() {
    let files = Files::new();
    let log = files
        .file("log.csv", "viewer,arm,item\na,ranked,i1\na,ranked,i2\nb,newest,i2\nb,newest,i3\n");
    let items = files.file("items.csv", "item,topic\nI1 ,War\ni2,war\n,x\ni3,NA\n");
    let line = format!(
        "audit {log} {D} --item item --items {items} --null NA --join-names spaces,case --set-aside"
    );
    assert_eq!(shares(&line), (1.0, 0.5));

    let log = files.file(
        "keys.csv",
        "viewer,arm,topic\na,ranked,war\na,ranked,x\nB,ranked,x\nc,newest,war\nc,newest,x\n",
    );
    let accounts = files.file("accounts.csv", "viewer,country\na,DE\nb,DE\nc,DE\n");
    let line = format!("audit {log} {D} --join {accounts} --on viewer --filter country=DE");
    assert_eq!(shares(&format!("{line} --join-names case")), (1.0 / 3.0, 0.5));
    // Whoever is in no table is no row that a filter leaves out.
    refused(&line, "has no row for it");
    let report = run(words(&format!("{line} --set-aside"))).json();
    assert_eq!(report["quality"]["origin"]["set_aside"]["rows"], 1);
    let twice = files.file("twice.csv", "viewer,country\nb,DE\nB,FR\na,DE\nc,DE\n");
    let line =
        format!("audit {log} {D} --join {twice} --on viewer --filter country=DE --join-names case");
    refused(&line, "they are not alike");

    // New names are given to names as they are joined.
    let log = files.file(
        "names.csv",
        "viewer,arm,topic\na,ranked,war \na,ranked,x\nb,newest,War\nb,newest,x\n",
    );
    let report =
        run(words(&format!("audit {log} {D} --join-names spaces,case --relabel war=conflict")))
            .json();
    let topics: Vec<_> =
        report["estimates"].as_array().unwrap().iter().map(|its| its["topic"].clone()).collect();
    assert_eq!(topics, ["conflict", "x"]);
}

/// A topic of several patterns, a pattern with nothing in it, one column of topics alone.
#[test]
fn patterns_and_columns_of_topics() {
    let files = Files::new();
    let log = files.file(
        "titles.csv",
        "viewer,arm,title\na,ranked,war\na,ranked,krieg\nb,newest,krieg\nb,newest,x\n",
    );
    let text = "--arm arm --treatment ranked --baseline newest --viewer viewer --text title --json";
    let line = format!("audit {log} {text} --topic-match war=war --topic-match war=krieg");
    assert_eq!(shares(&line), (1.0, 0.5));
    refused(&format!("audit {log} {text} --topic-match peace=peace"), "no impression has a topic");
    refused(&format!("audit {log} {text} --topic-match war="), "would match every text");

    let of_columns =
        "--arm arm --treatment ranked --baseline newest --viewer viewer --json --topic-columns";
    let one =
        files.file("one.csv", "viewer,arm,war\na,ranked,1\na,ranked,0\nb,newest,0\nb,newest,1\n");
    assert_eq!(shares(&format!("audit {one} {of_columns} war")), (0.5, 0.5));
    files.file("folder/a.csv", "viewer,arm,is_war\na,ranked,1\nb,newest,0\n");
    files.file("folder/b.csv", "viewer,arm,is_war,is_x\nc,ranked,1,1\nd,newest,0,1\n");
    refused(&format!("audit {} {of_columns} is_*", files.at("folder")), "\"is_x\"");
}

/// Rows of several files, and of files that differ by their path alone.
#[test]
fn files_that_say_other_things_by_their_path() {
    let files = Files::new();
    for (name, text) in [
        ("r-p1.csv", "topic\nwar\nx\n"),
        ("r-p2.csv", "topic\nwar\nx\n"),
        ("n-p3.csv", "topic\nx\nx\n"),
        ("n-p4.csv", "topic\nx\nwar\n"),
    ] {
        files.file(&format!("feeds/{name}"), text);
    }
    let folder = files.at("feeds");
    let by_path = "--columns-from-path {arm}-{viewer}.csv --arm arm --viewer viewer --topic topic";
    let line = format!("audit {folder} {by_path} --treatment r --baseline n --json");
    assert_eq!(shares(&line), (0.5, 0.25));
    // Without a viewer in it the path says the same of both.
    let line = format!(
        "audit {folder} --columns-from-path {{arm}}-p*.csv --arm arm --cluster impression --topic topic --treatment r --baseline n"
    );
    refused(&line, "are the same");
    let log = files.file("arm=ranked/x.csv", "viewer,arm,topic\na,newest,war\nb,other,war\n");
    let told = run(words(&format!("audit {log} --arm arm --viewer viewer --topic topic --treatment newest --statistic treatment_share"))).ok();
    assert!(told.contains("not what the names of its folders say"), "{told}");
}

/// Ranks by the order of rows are of all rows, or none are given.
#[test]
fn order_has_no_holes() {
    let files = Files::new();
    let by_order = "--rank-by-order viewer --attention reciprocal";
    let log = files.file(
        "holes.csv",
        "viewer,arm,topic,w\na,ranked,x,oops\na,ranked,war,1\nb,newest,war,1\nb,newest,x,1\n",
    );
    refused(&format!("audit {log} {D} --weight w --set-aside {by_order}"), "were set aside");
    let log = files
        .file("counts.csv", "viewer,arm,topic,n\na,ranked,war,2\na,ranked,x,1\nb,newest,war,1\n");
    refused(&format!("audit {log} {D} --count n {by_order}"), "a row for each impression");
    // What is not asked about is not checked, though a moment parts the log.
    let log = files.file(
        "ads.csv",
        "viewer,arm,topic,kind,t\na,ranked,war,post,2026-03-01\na,ranked,x,ad,never\nb,newest,war,post,2026-03-02\nb,newest,x,post,2026-03-03\n",
    );
    let line = format!(
        "audit {log} {D} --time t --split-at 2026-03-02 --stratum period --filter kind=post"
    );
    assert_eq!(shares(&line), (1.0, 0.5));
}

/// What does not go with a format is refused, and what is no row is at fault.
#[test]
fn formats_have_flags_of_their_own() {
    let files = Files::new();
    let lines =
        files.file("log.ndjson", "{\"v\":\"a\",\"arm\":\"ranked\",\"seen\":[{\"t\":\"war\"},5]}\n");
    let asked = "--viewer v --arm arm --treatment ranked --statistic treatment_share";
    for (flag, why) in [
        ("--delimiter ;", "a delimiter"),
        ("--preamble 2", "lines before the names"),
        ("--columns a,b", "names of columns"),
    ] {
        refused(&format!("audit {lines} {asked} --topic seen {flag}"), why);
    }
    refused(&format!("audit {lines} {asked} --each seen --topic seen.t"), "is no object");
    refused(&format!("audit {lines} {asked} --records seen --topic seen"), "leave out --records");
    // Names that were said and stand there too.
    let named = files.file("named.csv", "viewer,arm,topic\na,ranked,war\nb,ranked,x\n");
    let line = format!(
        "audit {named} --columns viewer,arm,topic --arm arm --treatment ranked --viewer viewer --topic topic --statistic treatment_share"
    );
    assert!(run(words(&line)).ok().contains("counts as a row"));
    let log = files.file("epochs.csv", "viewer,arm,topic,t\na,ranked,war,1772323200000\n");
    refused(
        &format!(
            "audit {log} --viewer viewer --arm arm --topic topic --treatment ranked --statistic treatment_share --time t --time-format epoch_seconds"
        ),
        "not a time in the declared format",
    );
    // The log's delimiter is not that of a table beside it.
    let log = files.file("offices.csv", "viewer;arm;item;topic\na;ranked;i1;war\nb;ranked;i2;x\n");
    let supply = files.file("supply.csv", "item,topic\ni1,war\ni2,x\ni3,x\ni4,x\n");
    let line = format!(
        "audit {log} --delimiter ; --arm arm --treatment ranked --viewer viewer --topic topic --item item --baseline-supply {supply} --json"
    );
    assert_eq!(shares(&line), (0.5, 0.25));
}

/// A baseline that is made of impressions has those of all files.
#[test]
fn baselines_of_impressions_are_of_all_files() {
    let files = Files::new();
    let rows = |day: &str| {
        format!(
            "viewer,arm,topic,t\na,ranked,war,2026-03-0{day}\nb,ranked,x,2026-03-0{day}\na,ranked,x,2026-03-0{day}\n"
        )
    };
    let names = "viewer,arm,topic,t\n";
    let (one, two) = (rows("1"), rows("5"));
    files.file("days/one.csv", &one);
    files.file("days/two.csv", &two);
    let all = files.file("all.csv", &format!("{one}{}", two.strip_prefix(names).unwrap()));
    let asked = "--arm arm --treatment ranked --viewer viewer --topic topic --time t --before 2026-03-03 --json";
    // In either half of the log one of three impressions is of war.
    for report in whole_and_parts([&all, &files.at("days")], asked) {
        let war = report["estimates"].as_array().unwrap().iter().find(|its| its["topic"] == "war");
        assert!((war.unwrap()["value"].as_f64().unwrap() - 1.0).abs() < 1e-12, "{report}");
    }
}

/// The reports of one log as a file and as a folder of its parts, whose estimates are the same.
fn whole_and_parts(logs: [&str; 2], asked: &str) -> [serde_json::Value; 2] {
    let [whole, parts] = logs.map(|log| run(words(&format!("audit {log} {asked}"))).json());
    assert_eq!(whole["estimates"], parts["estimates"]);
    [whole, parts]
}

/// Which rows count does not depend on how many files they are in.
#[test]
fn rows_set_aside_are_the_same_in_parts() {
    let files = Files::new();
    let names = "viewer,arm,topic,position,dwell\n";
    let rows = "a,ranked,war,1,1\na,ranked,x,zero,1\nb,newest,war,1,much\nb,newest,x,1,1\nc,newest,war,2,1\n";
    let log = files.file("whole.csv", &format!("{names}{rows}"));
    files.file("parts/a.csv", &format!("{names}{rows}"));
    files.file("parts/b.csv", names);
    let asked = format!("{D} --position position --engagement dwell --set-aside");
    for report in whole_and_parts([&log, &files.at("parts")], &asked) {
        assert_eq!(report["quality"]["origin"]["set_aside"]["rows"], 2);
    }
}
