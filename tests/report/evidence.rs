//! Bundles of evidence: what is written is what is checked, and whatever is changed is noticed.
//! Digests from Python:
//!
//! ```text
//! python3 -c 'import hashlib, sys; print(hashlib.sha256(open(sys.argv[1], "rb").read()).hexdigest())' FILE
//! ```

use crate::studies;

use std::fs;
use std::path::Path;

use serde_json::{Value as Json, json};
#[cfg(feature = "parquet")]
use studies::conflict;
use studies::{derived, files_of, open_bandit, small};
use tempfile::tempdir;
use tiltmeter::evidence::{
    Bundle, Contents, EvidenceFaultKind, Finding, Inputs, Obstacle, Part, RecomputedFrom, Sha256,
    TallyKept, Verdict, Verification,
};
use tiltmeter::{Error, StudyFile};

const NOWHERE: &str = "no such folder";

fn verify(bundle: &Path, inputs: Option<&Path>) -> Verification {
    let folder = inputs.unwrap_or(Path::new(NOWHERE));
    Bundle::open(bundle).unwrap().verify(&Inputs::In(folder.to_owned())).unwrap()
}

fn why(error: Error) -> EvidenceFaultKind {
    match error {
        Error::Evidence(fault) => fault.why,
        other => panic!("{other}"),
    }
}

/// The examples of FIPS 180-4 (as published by NIST), the empty message, and files by Python's hashlib.
#[test]
fn digests_are_those_of_others() {
    let million = vec![b'a'; 1_000_000];
    let known: [(&[u8], &str); 4] = [
        (b"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        (b"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        (
            b"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
        ),
        (&million, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"),
    ];
    for (bytes, digest) in known {
        assert_eq!(Sha256::of(bytes).to_string(), digest);
        assert_eq!(digest.parse(), Ok(Sha256::of(bytes)));
        assert_eq!(digest.to_uppercase().parse(), Ok(Sha256::of(bytes)));
    }
    for text in ["", "e3b0", &"g".repeat(64), &"é".repeat(32)] {
        assert_eq!(text.parse::<Sha256>().unwrap_err().text, text);
    }
}

/// A study of a shipped log, its file read as a stream: size and digest by Python's hashlib.
#[test]
fn the_shipped_log_goes_round() {
    let folder = tempdir().unwrap();
    let study = open_bandit(folder.path());
    let to = folder.path().join("evidence");
    let note = "case 7";
    let written =
        Bundle::write_with_note(&study, folder.path(), &to, Contents::WithInputs, note).unwrap();
    let manifest = written.manifest();
    let [input] = manifest.inputs.as_slice() else { panic!("one file was read") };
    assert_eq!((input.name.as_str(), input.state.bytes), ("logs/bandit.csv.gz", 753_978));
    let python = "740f7da4b5d112f4b68dce9f7bb470d23e0076e037e2c81c094c9637a2977b1e";
    assert_eq!(input.state.sha256.to_string(), python);
    assert_eq!(manifest.note.as_deref(), Some("case 7"));
    // The file has 60,000 rows, 20,000 of the campaign (data/README.md).
    let rows = manifest.rows;
    assert_eq!((rows.read, rows.set_aside, rows.left_out), (60_000, 0, 40_000));
    assert_eq!(manifest.seeds.get("inference.interval.bootstrap.seed"), Some(&7));

    let moved = folder.path().join("moved");
    fs::rename(&to, &moved).unwrap();
    fs::remove_dir_all(folder.path().join("logs")).unwrap();
    let bundle = Bundle::open(&moved).unwrap().expecting(written.fingerprint());
    let found = bundle.verify(&Inputs::AsStudied).unwrap();
    assert_eq!(found.verdict, Verdict::Same, "{found}");
    assert_eq!((found.inputs, found.recomputed_from), (1, Some(RecomputedFrom::Inputs)));
    assert_eq!((found.differences.len(), found.findings.len()), (0, 0));
    assert!(found.to_string().starts_with("Same: "), "{found}");
    let json = serde_json::to_string(&found).unwrap();
    assert_eq!(serde_json::from_str::<Verification>(&json).unwrap(), found);
    // The report is that of the study, but for the place of its log.
    let report = parse(files_of(&moved)["report.json"].clone());
    assert_eq!(report["quality"]["origin"]["source"], "logs/bandit.csv.gz");
    let text = String::from_utf8(files_of(&moved)["report.txt"].clone()).unwrap();
    assert!(text.contains("Log: logs/bandit.csv.gz, 60000 rows read"), "{text}");
}

fn parse(bytes: Vec<u8>) -> Json {
    serde_json::from_slice(&bytes).unwrap()
}

/// A simulated log, its inputs in the study's folder, gone, and elsewhere.
#[cfg(feature = "parquet")]
#[test]
fn inputs_as_studied_absent_and_elsewhere() {
    let folder = tempdir().unwrap();
    let study = conflict(folder.path());
    let to = folder.path().join("evidence");
    let written = Bundle::write(&study, folder.path(), &to, Contents::WithoutInputs).unwrap();
    assert_eq!(written.verify(&Inputs::AsStudied).unwrap().verdict, Verdict::Same);
    let python = "11ed05100ec9d6fc74c2f90b1e4d0cbfb09bb6c5e4e6cb51aa3b6863b9329bc8";
    assert_eq!(written.manifest().inputs[0].state.sha256.to_string(), python);

    let found = Bundle::open(&to).unwrap().verify(&Inputs::AsStudied).unwrap();
    assert_eq!(found.verdict, Verdict::SameFromTally, "{found}");
    assert_eq!(found.inputs_absent, ["conflict.parquet"]);
    assert_eq!(found.unchecked, [Part::RowCounts, Part::Tally]);
    let elsewhere = folder.path().join("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    fs::rename(folder.path().join("conflict.parquet"), elsewhere.join("conflict.parquet")).unwrap();
    assert_eq!(verify(&to, Some(folder.path())).verdict, Verdict::SameFromTally);
    assert_eq!(verify(&to, Some(&elsewhere)).verdict, Verdict::Same);
}

/// Every byte of small files and every 97th of the tally, flipped: opening fails or the check tells.
#[test]
fn a_flipped_bit_is_noticed() {
    let folder = tempdir().unwrap();
    let study = small(folder.path());
    let to = folder.path().join("evidence");
    Bundle::write(&study, folder.path(), &to, Contents::WithoutInputs).unwrap();
    let mut flips = 0;
    for (name, bytes) in files_of(&to) {
        let path = to.join(&name);
        for at in (0..bytes.len()).step_by(bytes.len().div_ceil(60)) {
            let mut flipped = bytes.clone();
            flipped[at] ^= 1 << (at % 8);
            fs::write(&path, &flipped).unwrap();
            if let Ok(bundle) = Bundle::open(&to) {
                let found = bundle.verify(&Inputs::AsStudied).unwrap();
                let noticed = matches!(found.verdict, Verdict::Changed | Verdict::Different);
                assert!(noticed && !found.findings.is_empty(), "{name} at {at}: {found}");
            } else {
                assert_eq!(name, "manifest.json");
            }
            flips += 1;
        }
        fs::write(&path, &bytes).unwrap();
    }
    assert!(flips > 300, "{flips}");
    assert_eq!(verify(&to, Some(folder.path())).verdict, Verdict::Same);
}

/// Files that are gone, new, longer or replaced by a link.
#[test]
fn files_that_come_and_go_are_noticed() {
    let folder = tempdir().unwrap();
    let study = small(folder.path());
    let to = folder.path().join("evidence");
    let written = Bundle::write(&study, folder.path(), &to, Contents::WithoutInputs).unwrap();
    let findings = || {
        let found = verify(&to, None);
        assert!(matches!(found.verdict, Verdict::Changed | Verdict::Different), "{found}");
        found.findings
    };
    fs::write(to.join("more.txt"), "more").unwrap();
    assert_eq!(findings(), [Finding::NotListed { file: "more.txt".to_owned() }]);
    fs::remove_file(to.join("more.txt")).unwrap();
    for name in ["tally", "SHA256SUMS", "report.md"] {
        let bytes = fs::read(to.join(name)).unwrap();
        fs::remove_file(to.join(name)).unwrap();
        assert_eq!(findings(), [Finding::Missing { file: name.to_owned() }]);
        fs::write(to.join(name), bytes).unwrap();
    }
    let tally = fs::read(to.join("tally")).unwrap();
    fs::write(to.join("tally"), [&tally[..], b"x"].concat()).unwrap();
    let expected = written.manifest().files.iter().find(|file| file.name == "tally").unwrap().state;
    let changed = Finding::Changed {
        file: "tally".to_owned(),
        expected,
        found_bytes: expected.bytes + 1,
        found_sha256: Some(Sha256::of(&[&tally[..], b"x"].concat())),
    };
    assert_eq!(findings(), [changed]);
    assert_eq!(verify(&to, None).obstacle, Some(Obstacle::FilesChanged));
    #[cfg(unix)]
    {
        fs::remove_file(to.join("tally")).unwrap();
        std::os::unix::fs::symlink("/dev/zero", to.join("tally")).unwrap();
        assert_eq!(findings(), [Finding::NoFile { file: "tally".to_owned() }]);
    }
}

#[test]
fn a_changed_input_is_noticed() {
    let folder = tempdir().unwrap();
    let study = small(folder.path());
    let to = folder.path().join("evidence");
    let written = Bundle::write(&study, folder.path(), &to, Contents::WithInputs).unwrap();
    let log = folder.path().join("log.csv");
    let text = fs::read_to_string(&log).unwrap();
    fs::write(&log, text.replacen("war", "row", 1)).unwrap();
    let found = verify(&to, Some(folder.path()));
    assert_eq!(
        (&found.verdict, found.recomputed_from),
        (&Verdict::Changed, Some(RecomputedFrom::Tally))
    );
    let [Finding::InputChanged { file, expected, found }] = found.findings.as_slice() else {
        panic!("{found}")
    };
    assert_eq!((file.as_str(), expected.bytes), ("log.csv", found.bytes));
    assert_eq!(found.sha256, Sha256::of(&fs::read(&log).unwrap()));
    // The copy in the bundle is as it was, until it is changed too.
    assert_eq!(written.verify(&Inputs::AsStudied).unwrap().verdict, Verdict::Same);
    fs::copy(&log, to.join("inputs/log.csv")).unwrap();
    let found = written.verify(&Inputs::AsStudied).unwrap();
    assert_eq!(found.verdict, Verdict::Changed, "{found}");
    assert!(
        matches!(&found.findings[..], [Finding::Changed { file, .. }] if file == "inputs/log.csv")
    );
}

/// Writes a file of a bundle, and all digests anew, as somebody would who knows the format.
fn forge(bundle: &Path, name: &str, change: impl FnOnce(&str) -> String) {
    let path = bundle.join(name);
    fs::write(&path, change(&fs::read_to_string(&path).unwrap())).unwrap();
    let files = files_of(bundle);
    let mut manifest = parse(files["manifest.json"].clone());
    for file in manifest["files"].as_array_mut().unwrap() {
        let bytes = &files[file["name"].as_str().unwrap()];
        file["sha256"] = Sha256::of(bytes).to_string().into();
        file["bytes"] = bytes.len().into();
    }
    let json = serde_json::to_string_pretty(&manifest).unwrap() + "\n";
    fs::write(bundle.join("manifest.json"), &json).unwrap();
    let mut sums: Vec<(String, String)> = files_of(bundle)
        .into_iter()
        .filter(|(name, _)| name != "SHA256SUMS")
        .map(|(name, bytes)| (name, Sha256::of(&bytes).to_string()))
        .collect();
    sums.sort();
    let sums: String = sums.into_iter().map(|(name, sum)| format!("{sum}  {name}\n")).collect();
    fs::write(bundle.join("SHA256SUMS"), sums).unwrap();
}

/// A number that was made up, with all digests made anew: only computing it again tells.
#[test]
fn a_forged_number_is_named() {
    let folder = tempdir().unwrap();
    let study = small(folder.path());
    let to = folder.path().join("evidence");
    let written = Bundle::write(&study, folder.path(), &to, Contents::WithoutInputs).unwrap();
    let mut was = 0.0;
    forge(&to, "report.json", |text| {
        let mut report: Json = serde_json::from_str(text).unwrap();
        was = report["estimates"][1]["value"].as_f64().unwrap();
        report["estimates"][1]["value"] = (was * 2.0).into();
        serde_json::to_string_pretty(&report).unwrap() + "\n"
    });
    for inputs in [None, Some(folder.path())] {
        let found = verify(&to, inputs);
        assert_eq!(found.verdict, Verdict::Different, "{found}");
        assert_eq!(found.findings, []);
        let [difference] = found.differences.as_slice() else { panic!("{found}") };
        assert_eq!(difference.topic.as_deref(), Some("war"));
        assert_eq!(difference.statistic.as_deref(), Some("amplification_ratio"));
        assert_eq!(difference.field, "value");
        assert_eq!(
            (&difference.recorded, &difference.recomputed),
            (&json!(was * 2.0), &json!(was))
        );
        assert_eq!(difference.relative, Some(0.5));
        assert_eq!(found.largest_relative_difference, Some(0.5));
        let [old, new] = [json!(was * 2.0), json!(was)];
        let told = format!("amplification_ratio of war, value: recorded {old}, recomputed {new}");
        assert!(found.to_string().contains(&told), "{found}");
    }
    // The fingerprint that came by another way tells even where all else was done well.
    let expecting = Bundle::open(&to).unwrap().expecting(written.fingerprint());
    let expected = written.fingerprint();
    let found = expecting.verify(&Inputs::AsStudied).unwrap();
    assert_eq!(found.findings, [Finding::OtherFingerprint { expected }]);
}

/// Forged text around sound numbers, another layout of them, another study, other counts of rows.
#[test]
fn other_forgeries_are_named() {
    type Forged = (&'static str, fn(&str) -> String, &'static str);
    let forged: [Forged; 5] = [
        ("report.txt", |text| text.replace("war", "wax"), "report.txt"),
        ("report.md", |text| text.replacen("| topic", "| TOPIC", 1), "report.md"),
        ("study.json", |text| text.replace("\"seed\": 5", "\"seed\": 6"), "manifest: seeds"),
        ("manifest.json", |text| text.replace("\"read\": 120", "\"read\": 121"), "manifest: rows"),
        (
            "report.json",
            |text| text.replace("\"rows_read\": 120", "\"rows_read\": 130"),
            "manifest: rows",
        ),
    ];
    for (name, change, field) in forged {
        let folder = tempdir().unwrap();
        let to = folder.path().join("evidence");
        Bundle::write(&small(folder.path()), folder.path(), &to, Contents::WithoutInputs).unwrap();
        let before = files_of(&to);
        forge(&to, name, change);
        assert_ne!(files_of(&to)[name], before[name], "{name}: nothing was forged");
        let found = verify(&to, Some(folder.path()));
        assert_eq!(found.verdict, Verdict::Different, "{name}: {found}");
        assert!(found.differences.iter().any(|d| d.field == field), "{name}: {found}");
    }
    let folder = tempdir().unwrap();
    let to = folder.path().join("evidence");
    Bundle::write(&small(folder.path()), folder.path(), &to, Contents::WithoutInputs).unwrap();
    forge(&to, "report.json", |text| text.replacen("  \"version\"", "   \"version\"", 1));
    let found = verify(&to, None);
    assert_eq!(found.verdict, Verdict::Changed, "{found}");
    assert_eq!(found.findings, [Finding::Rewritten { file: "report.json".to_owned() }]);
}

/// A tally of other rows, with sound digests: seen where the inputs are there.
#[test]
fn a_forged_tally_is_named() {
    let folder = tempdir().unwrap();
    let study = small(folder.path());
    let [to, other] = ["evidence", "other"].map(|name| folder.path().join(name));
    Bundle::write(&study, folder.path(), &to, Contents::WithoutInputs).unwrap();
    let log = fs::read_to_string(folder.path().join("log.csv")).unwrap();
    fs::write(folder.path().join("log.csv"), log.replacen("war", "sport", 1)).unwrap();
    Bundle::write(&study, folder.path(), &other, Contents::WithoutInputs).unwrap();
    fs::write(folder.path().join("log.csv"), log).unwrap();
    fs::copy(other.join("tally"), to.join("tally")).unwrap();
    forge(&to, "report.txt", str::to_owned);
    let found = verify(&to, Some(folder.path()));
    assert_eq!(found.verdict, Verdict::Different);
    let [difference] = found.differences.as_slice() else { panic!("{found}") };
    assert_eq!(difference.field, "tally");
    assert_eq!(verify(&to, None).verdict, Verdict::Different);
}

/// A bundle's study cannot have files read that are not its inputs: its paths are looked at before anything else is.
#[test]
fn a_hostile_study_reads_nothing() {
    for path in ["/**/*.csv", "../log.csv", "parts/../../log.csv"] {
        let folder = tempdir().unwrap();
        let study = small(folder.path());
        let to = folder.path().join("evidence");
        Bundle::write(&study, folder.path(), &to, Contents::WithInputs).unwrap();
        forge(&to, "study.json", |text| text.replace("\"log.csv\"", &format!("{path:?}")));
        for inputs in [Inputs::AsStudied, Inputs::In(folder.path().to_owned())] {
            let found = Bundle::open(&to).unwrap().verify(&inputs).unwrap();
            let Verdict::CannotRecompute { why: Obstacle::Failed { message } } = &found.verdict
            else {
                panic!("{path}: {found}")
            };
            assert!(message.contains("leads out of the bundle"), "{message}");
        }
    }
}

/// Texts that are no text, or are left out with their names, are not passed over.
#[test]
fn texts_are_there_and_can_be_read() {
    for name in ["report.txt", "report.md"] {
        let folder = tempdir().unwrap();
        let study = small(folder.path());
        let to = folder.path().join("evidence");
        Bundle::write(&study, folder.path(), &to, Contents::WithInputs).unwrap();
        let latin1 = [&fs::read(to.join(name)).unwrap()[..], b"caf\xe9\n"].concat();
        fs::write(to.join(name), latin1).unwrap();
        forge(&to, "study.json", str::to_owned);
        let found = Bundle::open(&to).unwrap().verify(&Inputs::AsStudied).unwrap();
        assert_eq!(found.verdict, Verdict::Changed, "{found}");
        assert!(
            matches!(&found.findings[..], [Finding::Unreadable { file, .. }] if file == name),
            "{found}"
        );

        fs::remove_file(to.join(name)).unwrap();
        let text = fs::read_to_string(to.join("manifest.json")).unwrap();
        let mut manifest: Json = serde_json::from_str(&text).unwrap();
        manifest["files"].as_array_mut().unwrap().retain(|file| file["name"] != name);
        fs::write(to.join("manifest.json"), manifest.to_string()).unwrap();
        forge(&to, "study.json", str::to_owned);
        let found = Bundle::open(&to).unwrap().verify(&Inputs::AsStudied).unwrap();
        assert_eq!(found.verdict, Verdict::Changed, "{found}");
        assert_eq!(found.findings, [Finding::Missing { file: name.to_owned() }], "{found}");
    }
}

/// Nor can a link among the inputs lead elsewhere.
#[cfg(unix)]
#[test]
fn links_among_inputs_are_not_followed() {
    let folder = tempdir().unwrap();
    let study = small(folder.path());
    let to = folder.path().join("evidence");
    Bundle::write(&study, folder.path(), &to, Contents::WithInputs).unwrap();
    std::os::unix::fs::symlink("/", to.join("inputs/more")).unwrap();
    let found = Bundle::open(&to).unwrap().verify(&Inputs::AsStudied).unwrap();
    assert_eq!(found.verdict, Verdict::Changed, "{found}");
    assert_eq!(found.recomputed_from, Some(RecomputedFrom::Tally));
}

/// Bundles that were forged with sound digests: a report without its numbers, a text that says what its numbers do
/// not. Both say that another release wrote them.
#[test]
fn forged_bundles_are_never_the_same() {
    for name in ["forged-no-values", "forged-text-other-release"] {
        let bundle = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/attack").join(name);
        let found = Bundle::open(bundle).unwrap().verify(&Inputs::AsStudied).unwrap();
        let is_same = matches!(found.verdict, Verdict::Same | Verdict::SameFromTally);
        assert!(!is_same, "{found}");
        // The manifest names a way of choosing intervals that is no more.
        assert!(found.to_string().contains("Written by tiltmeter 9.9.9"), "{found}");
    }
}

/// A bundle of another release is checked, and the check says so; one of another format is refused.
#[test]
fn versions_are_told() {
    let folder = tempdir().unwrap();
    let study = small(folder.path());
    let to = folder.path().join("evidence");
    Bundle::write(&study, folder.path(), &to, Contents::WithoutInputs).unwrap();
    let mine = format!("\"tiltmeter\": \"{}\"", env!("CARGO_PKG_VERSION"));
    let renamed = |text: &str| text.replace(&mine, "\"tiltmeter\": \"99.1.0\"");
    forge(&to, "report.json", renamed);
    let found = verify(&to, None);
    assert_eq!(found.differences[0].field, "tiltmeter", "{found}");
    forge(&to, "manifest.json", renamed);
    let found = verify(&to, Some(folder.path()));
    let Verdict::OtherRelease { compared, of } = found.verdict else { panic!("{found}") };
    assert!(compared == of && of > 50, "{found}");
    assert_eq!((&found.written_by[..], &found.other_texts[..]), ("99.1.0", &[][..]));
    assert!(found.to_string().contains("Written by tiltmeter 99.1.0"), "{found}");
    // A text that the numbers do not bear out is shown beside what this release writes.
    forge(&to, "report.txt", |_| "war: shown 9 times as much, p < 0.001\n".to_owned());
    let found = verify(&to, Some(folder.path()));
    assert!(matches!(found.verdict, Verdict::OtherRelease { .. }), "{found}");
    assert_eq!(found.other_texts[0].field, "report.txt");
    let told = "Written otherwise by this release: report.txt: recorded \"war: shown 9 times";
    assert!(found.to_string().contains(told), "{found}");
    // Fields that came later may not be there, and are counted; others must be.
    let take_out = |field: &str| {
        let mut json = parse(files_of(&to)["report.json"].clone());
        for estimate in json["estimates"].as_array_mut().unwrap() {
            estimate.as_object_mut().unwrap().remove(field).unwrap();
        }
        json
    };
    let later = serde_json::to_string_pretty(&take_out("finding")).unwrap() + "\n";
    forge(&to, "report.json", |_| later);
    let found = verify(&to, Some(folder.path()));
    let Verdict::OtherRelease { compared: less, of: all } = found.verdict else {
        panic!("{found}")
    };
    assert!(less < compared && all == of, "{found}");
    assert!(found.fields.absent.contains("finding"), "{found}");
    for field in ["value", "low", "p_value", "share_baseline", "undefined"] {
        let gutted = serde_json::to_string_pretty(&take_out(field)).unwrap() + "\n";
        let before = fs::read_to_string(to.join("report.json")).unwrap();
        forge(&to, "report.json", |_| gutted);
        let found = verify(&to, Some(folder.path()));
        // What is null is not there, either: only a number can be seen to be missing.
        assert_eq!(found.verdict, Verdict::Different, "{field}: {found}");
        forge(&to, "report.json", |_| before);
    }

    forge(&to, "manifest.json", |text| text.replacen("\"version\": 1", "\"version\": 2", 1));
    let error = Bundle::open(&to).unwrap_err();
    assert!(
        matches!(&error, Error::Version { found, .. } if found == "tiltmeter.evidence 2"),
        "{error}"
    );
    fs::remove_file(to.join("manifest.json")).unwrap();
    assert_eq!(why(Bundle::open(&to).unwrap_err()), EvidenceFaultKind::NoManifest);
}

/// The same inputs give the same bytes, in any folder and on any number of threads, and no file says
/// in which folder.
#[test]
fn equal_inputs_give_equal_bytes() {
    let written = |threads: usize| {
        let folder = tempdir().unwrap();
        let to = folder.path().join("evidence");
        let study = small(folder.path());
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| Bundle::write(&study, folder.path(), &to, Contents::WithInputs)).unwrap();
        let place = folder.path().to_str().unwrap().to_owned();
        let files = files_of(&to);
        for (name, bytes) in &files {
            let found = bytes.windows(place.len()).any(|part| part == place.as_bytes());
            assert!(!found, "{name} says where it was made");
        }
        files
    };
    assert_eq!(written(1), written(3));
}

/// Without tally and inputs nothing can be computed; with the inputs all can.
#[test]
fn a_report_alone_needs_the_inputs() {
    let folder = tempdir().unwrap();
    let study = small(folder.path());
    let to = folder.path().join("evidence");
    let written = Bundle::write(&study, folder.path(), &to, Contents::ReportOnly).unwrap();
    assert_eq!(written.manifest().tally, TallyKept::LeftOut);
    assert_eq!(written.manifest().needs_inputs, [Part::RowCounts, Part::Estimates]);
    assert!(!to.join("tally").exists());
    let why = Obstacle::NoInputsAndNoTally;
    assert_eq!(verify(&to, None).verdict, Verdict::CannotRecompute { why });
    assert_eq!(verify(&to, Some(folder.path())).verdict, Verdict::Same);
}

/// Every kind of baseline, two ways of clusters and a log in several files: from the inputs and from
/// the tallies alone.
#[test]
fn every_baseline_goes_round() {
    let folder = tempdir().unwrap();
    let studies = derived(folder.path());
    assert_eq!(studies.len(), 10);
    for (name, study) in studies {
        let to = folder.path().join(name);
        let written = Bundle::write(&study, folder.path(), &to, Contents::WithoutInputs)
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        let found = verify(&to, None);
        assert_eq!(found.verdict, Verdict::SameFromTally, "{name}: {found}");
        let found = written.verify(&Inputs::AsStudied).unwrap();
        assert_eq!(found.verdict, Verdict::Same, "{name}: {found}");
        assert_eq!(written.manifest().rows.read, 120, "{name}");
    }
}

/// A file that the study's pattern finds by now, and did not when the bundle was written.
#[test]
fn a_new_input_is_noticed() {
    let folder = tempdir().unwrap();
    let (_, study) = derived(folder.path()).into_iter().find(|(name, _)| *name == "files").unwrap();
    let to = folder.path().join("evidence");
    let written = Bundle::write(&study, folder.path(), &to, Contents::WithoutInputs).unwrap();
    let names: Vec<_> = written.manifest().inputs.iter().map(|input| &*input.name).collect();
    assert_eq!(names, ["candidates.csv", "items.csv", "parts/a.csv", "parts/b.csv"]);
    fs::copy(folder.path().join("parts/a.csv"), folder.path().join("parts/c.csv")).unwrap();
    let found = verify(&to, Some(folder.path()));
    assert_eq!(found.verdict, Verdict::Changed, "{found}");
    assert_eq!(found.findings, [Finding::InputNotListed { file: "parts/c.csv".to_owned() }]);
}

/// What is refused: a place that is taken, inputs outside, names that lead out.
#[test]
fn what_is_refused() {
    let folder = tempdir().unwrap();
    let study = small(folder.path());
    let to = folder.path().join("evidence");
    let write = |study: &StudyFile, within: &Path| {
        Bundle::write(study, within, &to, Contents::WithInputs).map(|_| ())
    };
    fs::create_dir(&to).unwrap();
    assert_eq!(why(write(&study, folder.path()).unwrap_err()), EvidenceFaultKind::Exists);
    fs::remove_dir(&to).unwrap();

    let inner = folder.path().join("inner");
    fs::create_dir(&inner).unwrap();
    for path in ["../log.csv".into(), folder.path().join("log.csv")] {
        let mut outside = study.clone();
        outside.log.path = path;
        assert_eq!(why(write(&outside, &inner).unwrap_err()), EvidenceFaultKind::InputOutside);
    }
    // A link from within to what is outside, and a folder that is one.
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink("../log.csv", inner.join("log.csv")).unwrap();
        std::os::unix::fs::symlink("..", inner.join("up")).unwrap();
        for path in ["log.csv", "up/log.csv"] {
            let mut linked = study.clone();
            linked.log.path = path.into();
            assert_eq!(why(write(&linked, &inner).unwrap_err()), EvidenceFaultKind::LinkedOutside);
        }
    }
    // Nothing is left of what failed.
    let left = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name());
    assert!(left.into_iter().all(|name| !name.to_string_lossy().contains("evidence")));

    write(&study, folder.path()).unwrap();
    for name in ["../log.csv", "/etc/hosts", "a/../../b", "", "a//b", "./a", "a\\b", "a\nb"] {
        for list in ["files", "inputs"] {
            let text = fs::read_to_string(to.join("manifest.json")).unwrap();
            let mut manifest: Json = serde_json::from_str(&text).unwrap();
            manifest[list][0]["name"] = name.into();
            fs::write(to.join("manifest.json"), manifest.to_string()).unwrap();
            let expected = EvidenceFaultKind::LeadsOut { name: name.to_owned() };
            assert_eq!(why(Bundle::open(&to).unwrap_err()), expected);
            fs::write(to.join("manifest.json"), text).unwrap();
        }
    }
    // A study that would read outside the folder it is given reads nothing.
    forge(&to, "study.json", |text| text.replace("\"log.csv\"", "\"../study.json\""));
    let found = Bundle::open(&to).unwrap().verify(&Inputs::AsStudied).unwrap();
    assert!(matches!(found.verdict, Verdict::CannotRecompute { .. }), "{found}");
}

#[cfg(not(feature = "zip"))]
#[test]
fn zips_are_refused_without_the_feature() {
    let folder = tempdir().unwrap();
    let (study, to) = (small(folder.path()), folder.path().join("evidence.zip"));
    let error = Bundle::write(&study, folder.path(), &to, Contents::WithoutInputs).unwrap_err();
    assert_eq!(why(error), EvidenceFaultKind::NoZip);
    fs::write(&to, "PK").unwrap();
    assert_eq!(why(Bundle::open(&to).unwrap_err()), EvidenceFaultKind::NoZip);
}
