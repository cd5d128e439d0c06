//! What is done with an input: read, and what was accepted saved, opened again, merged, exported, asked
//! about and shown. Whatever an accepted input breaks of what the library promises is a panic here, as
//! a panic of the library is.

use std::path::{Path, PathBuf};

use tiltmeter::evidence::{Bundle, Inputs, Verdict};
use tiltmeter::inference::{Monitor, MonitorSpec};
use tiltmeter::job::{TallyJob, open_tally};
use tiltmeter::report::ReportRecord;
use tiltmeter::tally::{Tally, TallySpec, WindowBy};
use tiltmeter::{Error, ExposureLog, Question, StudyFile, StudyInputs, StudyLog};

use crate::ask::{self, Names};
use crate::beyond;
use crate::bundle::Files;
use crate::chance::Chance;
use crate::form::Form;
use crate::shown::{self, Answers};

/// Where an input is tried: a folder with the files that studies of the seeds read.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) folder: PathBuf,
    /// Bundles as they were made, for telling forged ones.
    pub(crate) bundles: Vec<Files>,
    pub(crate) answers: Answers,
}

impl Place {
    fn at(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Tries an input of a form; `Ok` for one that was accepted.
    pub(crate) fn run(&self, form: Form, bytes: &[u8]) -> Result<(), Error> {
        let mut chance = Chance::of_bytes(bytes);
        let path = self.at(&format!("input.{}", form.ending()));
        let io = |cause| Error::Io { path: path.clone(), cause };
        std::fs::write(&path, bytes).map_err(io)?;
        match form {
            Form::Csv | Form::CsvGz | Form::Tsv | Form::Ndjson | Form::NdjsonGz | Form::Parquet => {
                let schema = ask::schema(&mut chance);
                let log = ExposureLog::open(&path, &schema)?;
                self.job(&path, &log, &schema);
                self.log(log, &schema, &mut chance)
            }
            Form::SavedLog => {
                let log = ExposureLog::open_saved(&path)?;
                self.log(log, &ask::schema(&mut chance), &mut chance)
            }
            Form::Tally => self.tally(&Tally::open_saved(&path)?, &mut chance),
            Form::Table => self.tally(&Tally::import(&path)?, &mut chance),
            Form::Monitor => self.monitor(Monitor::open(&path)?),
            Form::StudyJson => self.study(&StudyFile::open(&path)?),
            Form::StudyToml => match toml::from_str(&String::from_utf8_lossy(bytes)) {
                Ok(study) => self.study(&study),
                Err(cause) => Err(Error::Report { detail: cause.to_string() }),
            },
            Form::Report => report(&String::from_utf8_lossy(bytes)),
            Form::BundleZip => self.bundle(&path, bytes),
            Form::BundleFolder => {
                let folder = self.at("bundle");
                let _ = std::fs::remove_dir_all(&folder);
                let files = Files::of_zip(bytes);
                let files = files.ok_or_else(|| io(std::io::Error::other("no zip to lay out")))?;
                files.lay_out(&folder).map_err(io)?;
                self.bundle(&folder, bytes)
            }
        }
    }

    fn log(
        &self,
        log: ExposureLog,
        schema: &tiltmeter::log::LogSchema,
        chance: &mut Chance,
    ) -> Result<(), Error> {
        let saved = self.at("saved.parquet");
        log.save(&saved)?;
        let again = ExposureLog::open_saved(&saved).unwrap_or_else(|fault| {
            panic!("a log that was saved is not opened: {fault}");
        });
        assert!(again == log, "a saved log is another");
        let names = Names::of(&log);
        let origin = log.origin().clone();
        let mut inputs = StudyInputs {
            log: StudyLog::Whole(Box::new(log)),
            origin: Some(origin),
            candidates: None,
            supply: None,
        };
        for _ in 0..3 {
            let study = ask::study(&names, schema, chance);
            self.answers.ask(&inputs, &study, chance);
        }
        let StudyLog::Whole(log) = &inputs.log else { return Ok(()) };
        beyond::ask(log, &names, &self.answers, chance);
        let spec = TallySpec {
            windows: *chance.pick(&[WindowBy::Nothing, WindowBy::days(1)]),
            ..spec(chance, schema)
        };
        // A log without what the tally needs was accepted all the same.
        let Ok(tally) = Tally::of(log, &spec) else { return Ok(()) };
        self.tally(&tally, chance)?;
        inputs.log = StudyLog::Tallied(Box::new(tally));
        self.answers.ask(&inputs, &ask::study(&names, schema, chance), chance);
        Ok(())
    }

    /// A job and a log of the same file count alike; rows that a job has no use for it may let pass.
    fn job(&self, path: &Path, log: &ExposureLog, schema: &tiltmeter::log::LogSchema) {
        let origin = log.origin();
        let all = log.rows() as u64 + origin.set_aside.rows + origin.left_out;
        assert_eq!(all, origin.rows_read, "rows kept, set aside and left out are not those read");
        if origin.set_aside.rows > 0 {
            return;
        }
        let spec = TallySpec::default();
        let whole = Tally::of(log, &spec);
        // One that an input before left behind is of another job.
        let checkpoint = self.at("job.checkpoint");
        let _ = std::fs::remove_file(&checkpoint);
        let job = TallyJob::new([path.to_owned()], schema.clone(), spec);
        let parts = job.checkpoint(&checkpoint, std::time::Duration::ZERO).run();
        match (whole, parts) {
            (Ok(whole), Ok(parts)) => assert!(whole == parts.tally, "a job counts otherwise"),
            (Err(_), Err(_)) => {}
            (whole, parts) => {
                let (whole, parts) = (whole.map(|_| ()), parts.map(|_| ()));
                panic!("a log and a job disagree: {whole:?}, {parts:?}");
            }
        }
    }

    fn tally(&self, tally: &Tally, chance: &mut Chance) -> Result<(), Error> {
        let (saved, table) = (self.at("saved.tally"), self.at("table.parquet"));
        tally.save(&saved)?;
        let again = Tally::open_saved(&saved).unwrap_or_else(|fault| {
            panic!("a tally that was saved is not opened: {fault}");
        });
        assert!(again == *tally, "a saved tally is another");
        if tally.export(&table).is_ok() {
            let imported = open_tally(&table).unwrap_or_else(|fault| {
                panic!("a table that was exported is not imported: {fault}");
            });
            assert!(imported == *tally, "an exported tally is another");
        }
        if let Ok(twice) = tally.merge(&again) {
            assert_eq!(Some(twice.impressions()), tally.impressions().checked_mul(2));
            assert!(Tally::merge_all([tally, &again])? == twice, "merging all is not merging");
        }
        let axes = tally.axes();
        let names = Names { arms: axes.arms().to_vec(), topics: axes.topics().to_vec() };
        self.observe(tally, &names, chance)?;
        let inputs = StudyInputs {
            log: StudyLog::Tallied(Box::new(again)),
            origin: None,
            candidates: None,
            supply: None,
        };
        for _ in 0..3 {
            let mut study = ask::study(&names, &ask::schema(chance), chance);
            study.question.cluster = Some(tally.spec().cluster.clone());
            study.question.multi_label = Some(tally.spec().multi_label);
            study.question.strata = Some(tally.spec().strata.clone());
            study.question.attention = Some(chance.pick(&tally.spec().attentions).clone());
            self.answers.ask(&inputs, &study, chance);
        }
        Ok(())
    }

    /// A monitor that observes a tally.
    fn observe(&self, tally: &Tally, names: &Names, chance: &mut Chance) -> Result<(), Error> {
        let (Some(topic), Some(arm)) = (names.topics.first(), names.arms.first()) else {
            return Ok(());
        };
        let other = names.arms.last().unwrap_or(arm);
        let question = Question::between(arm, other.as_str()).topics([topic]);
        let mut spec = MonitorSpec::of(&question, *chance.pick(&[1, 100, u64::MAX]))?;
        spec.start = 2;
        spec.tally = tally.spec().clone();
        let Ok(mut monitor) = Monitor::new(spec) else { return Ok(()) };
        if monitor.observe_as("first", tally).is_ok() {
            self.monitor(monitor)?;
        }
        Ok(())
    }

    fn monitor(&self, monitor: Monitor) -> Result<(), Error> {
        let saved = self.at("saved.monitor");
        let _ = std::fs::remove_file(&saved);
        monitor.save(&saved)?;
        let again = Monitor::open(&saved).unwrap_or_else(|fault| {
            panic!("a monitor that was saved is not opened: {fault}");
        });
        let readings = monitor.readings();
        assert_eq!(readings, again.readings(), "a saved monitor reads otherwise");
        shown::no_nan(&readings);
        shown::no_nan(&monitor.trail().collect::<Vec<_>>());
        let mut goes_on = again;
        let log = ExposureLog::open(self.at("log.csv"), &shown::schema_of_seeds())?;
        if let Ok(tally) = Tally::of(&log, &goes_on.spec().tally.clone()) {
            let _ = goes_on.observe_as("next", &tally);
            shown::no_nan(&goes_on.readings());
        }
        Ok(())
    }

    fn study(&self, study: &StudyFile) -> Result<(), Error> {
        let json = study.to_json()?;
        let written = self.at("written.json");
        std::fs::write(&written, &json)
            .map_err(|cause| Error::Io { path: written.clone(), cause })?;
        let again = StudyFile::open(&written).unwrap_or_else(|fault| {
            panic!("a study that was written is not read: {fault}\n{json}");
        });
        assert_eq!(*study, again, "a study written and read is another");
        let inputs = study.read(&self.folder)?;
        self.answers.ask(&inputs, study, &mut Chance::of_bytes(json.as_bytes()));
        Ok(())
    }

    /// A bundle is what it says, is found not to be, or cannot be opened.
    fn bundle(&self, path: &Path, bytes: &[u8]) -> Result<(), Error> {
        let bundle = Bundle::open(path)?;
        for inputs in [Inputs::AsStudied, Inputs::In(self.folder.clone())] {
            let verified = bundle.verify(&inputs)?;
            shown::no_nan(&verified);
            shown::plain(&verified.to_string());
            if !matches!(verified.verdict, Verdict::Same | Verdict::SameFromTally) {
                continue;
            }
            let Some(files) = Files::of_zip(bytes) else { continue };
            for sound in &self.bundles {
                let forged = files.forged(sound);
                assert!(forged.is_empty(), "{} with other bytes: {forged:?}", verified.verdict);
            }
        }
        Ok(())
    }
}

fn spec(chance: &mut Chance, schema: &tiltmeter::log::LogSchema) -> TallySpec {
    ask::study(&Names::default(), schema, chance).tally_spec()
}

fn report(json: &str) -> Result<(), Error> {
    let record = ReportRecord::from_json(json)?;
    shown::no_nan(&record);
    let report = tiltmeter::AuditReport::from_json(json)?;
    shown::report(&report)
}
