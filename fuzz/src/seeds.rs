//! What is mutated: the files in `seeds/`, one folder for each form, and bundles, which are made anew by
//! every process since each release renders its own reports.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use tiltmeter::evidence::{Bundle, Contents};
use tiltmeter::inference::{Monitor, MonitorSpec};
use tiltmeter::source::{CsvSource, write_parquet};
use tiltmeter::tally::{Tally, TallySpec, WindowBy};
use tiltmeter::{Attention, ClusterBy, ExposureLog, Question, StudyFile};

use crate::bundle::Files;
use crate::form::{Form, packed};
use crate::run::Place;
use crate::shown::schema_of_seeds;

type Failed = Box<dyn std::error::Error>;

const COLUMNS: [&str; 11] =
    ["who", "feed", "item", "slate", "rank", "at", "about", "w", "seen", "country", "propensity"];

/// Inputs by form.
#[derive(Debug, Default)]
pub(crate) struct Seeds(Vec<(Form, Vec<Vec<u8>>)>);

impl Seeds {
    pub(crate) fn folder() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds")
    }

    /// All seeds of the forms that are wanted.
    pub(crate) fn read(forms: &[Form], place: &Place) -> Result<Self, Failed> {
        let mut all = Vec::new();
        for &form in forms {
            let folder = Self::folder().join(form.name());
            let mut seeds = Vec::new();
            if folder.is_dir() {
                let entries = std::fs::read_dir(folder)?.collect::<Result<Vec<_>, _>>()?;
                let mut paths: Vec<PathBuf> = entries.iter().map(std::fs::DirEntry::path).collect();
                paths.sort();
                for path in paths {
                    seeds.push(std::fs::read(path)?);
                }
            }
            if matches!(form, Form::BundleZip | Form::BundleFolder) {
                let mut chance = crate::chance::Chance::new(0);
                seeds.extend(place.bundles.iter().filter_map(|its| its.zip(&mut chance)));
            }
            if seeds.is_empty() {
                return Err(
                    format!("no seeds of {}; make them with --make-seeds", form.name()).into()
                );
            }
            all.push((form, seeds));
        }
        Ok(Self(all))
    }

    /// A seed by its number over all forms.
    pub(crate) fn get(&self, number: u64) -> Option<(Form, &[u8])> {
        let mut all =
            self.0.iter().flat_map(|(form, seeds)| seeds.iter().map(|its| (*form, &**its)));
        all.nth(usize::try_from(number).ok()?)
    }

    pub(crate) fn forms(&self) -> &[(Form, Vec<Vec<u8>>)] {
        &self.0
    }
}

/// Rows of a log, as cells.
fn rows() -> Vec<[String; 11]> {
    let row = |at: usize| {
        let (viewer, arm) = (at % 8, if at % 8 < 4 { "ranked" } else { "newest" });
        let about = ["war", "sport", "war|sport", "", "weather"][(at * 7 + viewer) % 5];
        [
            format!("v{viewer}"),
            arm.to_owned(),
            format!("i{}", at * 5 % 11),
            format!("s{}", at / 2 % 9 * 10 + viewer),
            format!("{}", at % 3 + 1),
            format!("2024-07-{:02}T12:00:00Z", at % 9 + 8),
            about.to_owned(),
            format!("{}", [1.0, 0.5, 3.25, 0.0][at % 4]),
            format!("{}", at % 3 + 1),
            ["NY", "GEORGIA"][viewer % 2].to_owned(),
            format!("{}", 0.1 + 0.1 * (at % 5) as f64),
        ]
    };
    (0..48).map(row).collect()
}

fn delimited(between: &str) -> String {
    let mut text = COLUMNS.join(between) + "\n";
    rows().iter().for_each(|row| text += &(row.join(between) + "\n"));
    text
}

fn objects() -> String {
    let mut text = String::new();
    for row in rows() {
        let cells = COLUMNS.iter().zip(&row).map(|(name, cell)| {
            let value = match (*name, cell.parse::<f64>()) {
                ("about", _) => serde_json::json!(cell.split('|').collect::<Vec<_>>()),
                (_, Ok(number)) => serde_json::json!(number),
                _ => serde_json::json!(cell),
            };
            ((*name).to_owned(), value)
        });
        let object: serde_json::Map<String, serde_json::Value> = cells.collect();
        let _ = writeln!(text, "{}", serde_json::Value::Object(object));
    }
    // Ranks and counts are whole numbers.
    text.replace(".0,", ",").replace(".0}", "}")
}

/// Studies of the files of a place.
fn studies() -> Result<Vec<(&'static str, StudyFile)>, Failed> {
    let log = serde_json::json!({"path": "log.csv", "schema": schema_of_seeds()});
    let arm = serde_json::json!({"treatment": "ranked", "baseline": {"arm": "newest"}});
    let supply = serde_json::json!({"path": "items.csv",
        "schema": {"item": "item", "topics": {"column": "about"}}});
    let candidates = serde_json::json!({"path": "candidates.csv", "by": "slate", "schema": {
        "slate": "slate", "item": "item", "engagement": "w", "time": ["at", "iso"],
        "topics": {"column": "about"}}});
    let of = |name, more: serde_json::Value| -> Result<_, Failed> {
        let mut study = serde_json::json!({"log": log, "question": arm});
        if let (Some(all), Some(more)) = (study.as_object_mut(), more.as_object()) {
            all.extend(more.clone());
        }
        Ok((name, serde_json::from_value(study)?))
    };
    Ok(vec![
        of("arms", serde_json::json!({}))?,
        of(
            "doubt",
            serde_json::json!({"inference": {"test": {"permutation": {"replicates": 99}},
            "multiplicity": "holm", "interval": {"bootstrap": {"replicates": 100}}}}),
        )?,
        of(
            "supply",
            serde_json::json!({"supply": supply,
            "question": {"treatment": "ranked", "baseline": {"supply": "known"}}}),
        )?,
        of(
            "candidates",
            serde_json::json!({"candidates": candidates,
            "question": {"treatment": "ranked", "baseline": "uniform_pool"}}),
        )?,
    ])
}

impl Place {
    /// A folder with the files that the studies read, and bundles of two of them.
    pub(crate) fn new(folder: &Path) -> Result<Self, Failed> {
        let write = |name: &str, text: &str| std::fs::write(folder.join(name), text);
        write("log.csv", &delimited(","))?;
        write("items.csv", "item,about\ni0,war\ni1,sport\ni2,weather\ni3,war\n")?;
        let mut candidates = "slate,item,w,at,about\n".to_owned();
        for row in rows() {
            for item in ["i0", "i1"] {
                let about = if item == "i0" { "war" } else { "sport" };
                let _ = writeln!(candidates, "{},{item},1,2024-07-01,{about}", row[3]);
            }
        }
        write("candidates.csv", &candidates)?;
        let mut bundles = Vec::new();
        for (name, study) in &studies()?[..2] {
            let path = folder.join(format!("sound-{name}.zip"));
            if !path.exists() {
                Bundle::write(study, folder, &path, Contents::WithInputs)?;
            }
            bundles.extend(Files::of_zip(&std::fs::read(path)?));
        }
        Ok(Self { folder: folder.to_owned(), bundles, answers: crate::shown::Answers::default() })
    }
}

/// Writes the seeds that the library itself makes.
pub(crate) fn make() -> Result<(), Failed> {
    let scratch = tempfile::tempdir()?;
    let place = Place::new(scratch.path())?;
    // So that no seed holds the name of a folder.
    std::env::set_current_dir(&place.folder)?;
    let at = |form: Form, name: &str| -> Result<PathBuf, Failed> {
        let folder = Seeds::folder().join(form.name());
        std::fs::create_dir_all(&folder)?;
        Ok(folder.join(format!("{name}.{}", form.ending())))
    };
    let write = |form, name: &str, bytes: &[u8]| -> Result<(), Failed> {
        Ok(std::fs::write(at(form, name)?, bytes)?)
    };
    write(Form::Csv, "log", delimited(",").as_bytes())?;
    write(Form::Tsv, "log", delimited("\t").as_bytes())?;
    write(Form::Ndjson, "log", objects().as_bytes())?;
    write(Form::CsvGz, "log", &packed(delimited(",").as_bytes()).unwrap_or_default())?;
    write(Form::NdjsonGz, "log", &packed(objects().as_bytes()).unwrap_or_default())?;
    let csv = PathBuf::from("log.csv");
    write_parquet(CsvSource::open(&csv)?, at(Form::Parquet, "log")?, &[])?;
    let log = ExposureLog::open(&csv, &schema_of_seeds())?;
    log.save(at(Form::SavedLog, "log")?)?;
    make_tallies(&log, &at)?;
    for (name, study) in studies()? {
        write(Form::StudyJson, name, study.to_json()?.as_bytes())?;
        write(Form::StudyToml, name, toml::to_string(&study)?.as_bytes())?;
        write(Form::Report, name, study.run(Path::new(""))?.to_json()?.as_bytes())?;
    }
    Ok(())
}

fn make_tallies(
    log: &ExposureLog,
    at: &impl Fn(Form, &str) -> Result<PathBuf, Failed>,
) -> Result<(), Failed> {
    let weighed = TallySpec {
        attentions: vec![Attention::Uniform, Attention::Logarithmic],
        strata: tiltmeter::tally::StratifyBy::Stratum,
        ..TallySpec::default()
    };
    let hashed = TallySpec { cluster: ClusterBy::Item.hashed(4), ..TallySpec::default() };
    let specs = [("viewers", TallySpec::default()), ("weighed", weighed), ("hashed", hashed)];
    for (name, spec) in specs {
        assert_eq!(spec.windows, WindowBy::Nothing);
        let tally = Tally::of(log, &spec)?;
        tally.save(at(Form::Tally, name)?)?;
        tally.export(at(Form::Table, name)?)?;
        let question = Question::between("ranked", "newest").topics(["war"]);
        let mut spec = MonitorSpec::of(&question, 50)?;
        spec.start = 2;
        spec.tally = tally.spec().clone();
        if let Ok(mut monitor) = Monitor::new(spec) {
            monitor.observe_as("monday", &tally)?;
            let path = at(Form::Monitor, name)?;
            if path.exists() {
                std::fs::remove_file(&path)?;
            }
            monitor.save(path)?;
        }
    }
    Ok(())
}
