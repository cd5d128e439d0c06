//! The same thing has one id: the flags that join, drop and leave out, and what is refused with a hint.

use std::path::Path;

use crate::support::run;

const READ: &str =
    "--arm feed --treatment ranked --baseline newest --topic about --viewer who --only war";

fn audit(files: &[&str], flags: &str) -> crate::support::Ran {
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/cases");
    let files = files.iter().map(|name| cases.join(name).to_str().unwrap().to_owned());
    let words = flags.split_whitespace().map(str::to_owned);
    run(["audit".to_owned()].into_iter().chain(files).chain(words))
}

/// Values by hand: 86 of 180 against 78 of 180.
#[test]
fn names_are_joined() {
    for (files, join) in [
        (&["ids_int.csv", "ids_float.csv"][..], "--join-names whole_numbers"),
        (&["armspace.csv"], "--join-names case,spaces"),
        (&["dot_folder/**/*.csv"], ""),
    ] {
        let json = audit(files, &format!("{READ} {join} --json")).json();
        let estimate = &json["estimates"][0];
        assert!((estimate["value"].as_f64().unwrap() - 86.0 / 78.0).abs() < 1e-12, "{json}");
        assert_eq!(estimate["clusters"]["treatment"], 12, "{json}");
    }
    let told = audit(&["ids_int.csv", "ids_float.csv"], READ).ok();
    assert!(told.contains("24 / 24") && told.contains("such as \"1.0\""), "{told}");
    let json = audit(&["ids_int.csv", "ids_float.csv"], &format!("{READ} --json")).json();
    let warnings = json["estimates"][0]["warnings"].as_array().unwrap();
    assert!(warnings.iter().any(|its| its["kind"] == "odd_names"), "{json}");
    audit(&["armspace.csv"], &format!("{READ} --join-names colour")).failed(2);
}

#[test]
fn what_is_refused_says_the_flag() {
    let lists = "--arm feed --treatment ranked --baseline chrono --viewer viewer_id";
    for topics in ["--topics topics", "--topic topics", "--topics topics --topics-separator ,"] {
        let told = audit(&["few.csv"], &format!("{lists} {topics}")).failed(1);
        assert!(told.contains("--topics-separator json_list"), "{told}");
    }
    audit(&["few.csv"], &format!("{lists} --topics topics --topics-separator json_list")).ok();

    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let rows = "who,feed,about\na,ranked,war\nb,newest,war\nc,ranked,war\nd,newest,x\n";
    std::fs::write(path("monday.csv"), rows).unwrap();
    std::fs::write(path("tuesday.csv.xz"), "no text").unwrap();
    let all = folder.path().to_str().unwrap();
    let told = audit(&[all], READ).failed(1);
    assert!(told.contains("tuesday.csv.xz") && told.contains("--skip"), "{told}");
    audit(&[all], &format!("{READ} --skip *.xz")).ok();
    // The study that is written leaves it out too.
    let study = path("study.toml");
    audit(&[all], &format!("{READ} --skip *.xz --write-study {study}")).ok();
    run(["audit", "--study", &study]).ok();

    let by = "--arm feed --topic about --viewer who";
    let tally = |names: &[&str], out: &str| {
        let words = ["tally".to_owned()].into_iter().chain(names.iter().map(|name| path(name)));
        let words = words.chain(by.split_whitespace().map(str::to_owned));
        run(words.chain(["--out".to_owned(), path(out)]))
    };
    tally(&["monday.csv"], "a.tally").ok();
    std::fs::copy(path("a.tally"), path("b.tally")).unwrap();
    std::fs::copy(path("monday.csv"), path("copy.csv")).unwrap();
    let merged = |names: [&str; 2]| {
        run(["merge", &path(names[0]), &path(names[1]), "--out", &path("c.tally")]).failed(1)
    };
    assert!(merged(["a.tally", "a.tally"]).contains("counted twice"));
    let told = merged(["a.tally", "b.tally"]);
    assert!(told.contains("a.tally and") && told.contains("b.tally are the same"), "{told}");
    let told = tally(&["monday.csv", "copy.csv"], "c.tally").failed(1);
    assert!(told.contains("are the same (equal byte for byte)"), "{told}");
    let twice = format!("{READ} --reference poll:war=0.2,war=0.3 --bias 1,1");
    let told = audit(&["ids_int.csv"], &twice.replace("--baseline newest ", "")).failed(2);
    assert!(told.contains("two shares"), "{told}");
}
