//! A monitor saved to a file and read back exactly. The form is described in
//! `docs/saved-monitor.md`.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use md5::{Digest, Md5};
use serde::{Deserialize, Serialize};

use super::exact::{Wide, whole};
use super::reading::{History, Observed};
use super::sums::{Sums, bits};
use super::{Monitor, MonitorSpec, MonitoredQuestion, Trail};
use crate::base::lock::Lock;
use crate::error::Error;
use crate::log::ClusterKey;
use crate::place::replace;

const FORMAT: &str = "saved monitor";
const MAGIC: &str = "tiltmeter saved monitor";
const VERSION: &str = "1";

/// More are in no file that a monitor wrote, and could not be counted on from.
const MOST_OBSERVATIONS: u64 = 1 << 53;

/// What stands in the third line.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    /// For people.
    written_by: String,
    spec: MonitorSpec,
    observations: u64,
    /// In ascending order.
    keys: Vec<u64>,
    questions: Vec<Saved>,
    trail: Vec<(String, Vec<Observed>)>,
}

/// A question's sums and history.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Saved {
    treatment: u64,
    baseline: u64,
    both: u64,
    /// Sums are in units of 2 to the minus this.
    fraction_bits: u32,
    totals: Vec<String>,
    products: Vec<String>,
    history: History,
}

impl Saved {
    fn of(sums: &Sums, history: &History, watched: &MonitoredQuestion) -> Self {
        let Sums { treatment, baseline, both, totals, products } = sums;
        Self {
            treatment: *treatment,
            baseline: *baseline,
            both: *both,
            fraction_bits: bits(watched.unit()),
            totals: totals.iter().map(|total| format!("{total:032x}")).collect(),
            products: products.iter().map(|product| product.hexadecimal()).collect(),
            history: history.clone(),
        }
    }

    fn sums(&self, watched: &MonitoredQuestion) -> Option<Sums> {
        let totals: Option<Vec<u128>> = self.totals.iter().map(|digits| whole(digits)).collect();
        let products = self.products.iter().map(|digits| Wide::from_hexadecimal(digits));
        let sums = Sums {
            treatment: self.treatment,
            baseline: self.baseline,
            both: self.both,
            totals: totals?,
            products: products.collect::<Option<Vec<Wide>>>()?,
        };
        let sound = self.fraction_bits == bits(watched.unit()) && sums.are_sound(&watched.cells());
        sound.then_some(sums)
    }
}

impl Monitor {
    /// Saves the monitor to a file, from which [`open`](Monitor::open) goes on as if there had been no
    /// break. A file that was there is replaced when the new one is complete and on the disk. The file
    /// holds sums, the keys of clusters, and names of topics and arms; no ids.
    ///
    /// ```
    /// # let log = include!(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/example_log.in"));
    /// use tiltmeter::Question;
    /// use tiltmeter::inference::{Monitor, MonitorSpec};
    /// use tiltmeter::tally::Tally;
    /// let question = Question::between("ranked", "newest").topics(["war"]);
    /// let mut monitor = Monitor::new(MonitorSpec::of(&question, 200)?)?;
    /// monitor.observe(&Tally::of(&log, &monitor.spec().tally)?)?;
    /// let folder = tempfile::tempdir().unwrap();
    /// let path = folder.path().join("audit.monitor");
    /// monitor.save(&path)?;
    /// assert_eq!(Monitor::open(&path)?.readings(), monitor.readings());
    /// # Ok::<(), tiltmeter::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::WouldLose`] when the file holds observations that this monitor has not seen, as when
    /// another process saved to it meanwhile; [`Error::Io`] when the file cannot be written.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<(), Error> {
        let path = path.as_ref();
        let lock = Self::lock(path)?;
        // What is no monitor, or a damaged one, has nothing that could be gone on with.
        if Self::open(path).is_ok_and(|there| !self.goes_on_from(&there)) {
            return Err(Error::WouldLose { path: path.to_owned() });
        }
        self.put(lock.file())
    }

    /// Opens a saved monitor, changes it and saves it, while others who want to change it wait, in this
    /// process or another: nothing that one of them observes is lost. What `change` cannot do is not
    /// saved.
    ///
    /// Make tallies first, so that others do not wait for them.
    ///
    /// ```
    /// # let log = include!(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/example_log.in"));
    /// use tiltmeter::Question;
    /// use tiltmeter::inference::{Monitor, MonitorSpec};
    /// use tiltmeter::tally::Tally;
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let path = folder.path().join("audit.monitor");
    /// let question = Question::between("ranked", "newest").topics(["war"]);
    /// Monitor::new(MonitorSpec::of(&question, 200)?)?.save(&path)?;
    ///
    /// let monday = Tally::of(&log, &Monitor::open(&path)?.spec().tally)?;
    /// let monitor = Monitor::update(&path, |monitor| monitor.observe_as("monday", &monday))?;
    /// assert_eq!(Monitor::open(&path)?.observations(), monitor.observations());
    /// # Ok::<(), tiltmeter::Error>(())
    /// ```
    ///
    /// # Errors
    /// Those of [`open`](Monitor::open) and of `change`; [`Error::Io`] when the file cannot be written.
    pub fn update(
        path: impl AsRef<Path>,
        change: impl FnOnce(&mut Self) -> Result<(), Error>,
    ) -> Result<Self, Error> {
        let path = path.as_ref();
        let lock = Self::lock(path)?;
        let mut monitor = Self::open(path)?;
        change(&mut monitor)?;
        monitor.put(lock.file())?;
        Ok(monitor)
    }

    fn lock(path: &Path) -> Result<Lock, Error> {
        Lock::wait(path).map_err(|cause| Error::Io { path: path.to_owned(), cause })
    }

    /// Whether all that another has seen is in this one.
    fn goes_on_from(&self, before: &Self) -> bool {
        let looks = before.trail.len();
        before.observations <= self.observations
            && before.seen.is_subset(&self.seen)
            && self.trail.get(..looks).is_some_and(|trail| trail == before.trail)
    }

    /// Writes the file.
    fn put(&self, path: &Path) -> Result<(), Error> {
        let io = |cause: io::Error| Error::Io { path: path.to_owned(), cause };
        let text = self.text().map_err(|cause| io(cause.into()))?;
        replace(path, |mut file| file.write_all(text.as_bytes())).map_err(io)
    }

    /// Reads a monitor saved with [`save`](Monitor::save).
    ///
    /// # Errors
    /// [`Error::Version`] when it is of another version of the form; [`Error::Damaged`] when the file
    /// is no saved monitor, was cut short or changed, or holds what cannot be; [`Error::Io`] when it
    /// cannot be read.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        let bytes = fs::read(path).map_err(|cause| Error::Io { path: path.to_owned(), cause })?;
        Self::read(&path.display().to_string(), &bytes)
    }

    fn text(&self) -> Result<String, serde_json::Error> {
        let sums = self.sums.iter().zip(&self.histories).zip(&self.spec.questions);
        let body = Body {
            written_by: concat!("tiltmeter ", env!("CARGO_PKG_VERSION")).to_owned(),
            spec: self.spec.clone(),
            observations: self.observations,
            keys: self.seen.iter().map(|key| key.get()).collect(),
            questions: sums.map(|((sums, history), its)| Saved::of(sums, history, its)).collect(),
            trail: self.trail.clone(),
        };
        let body = serde_json::to_string(&body)?;
        let mut text = format!("{MAGIC}\nversion {VERSION}\n{body}\n");
        let digest = digest(text.as_bytes());
        text.push_str(&digest);
        Ok(text)
    }

    fn read(file: &str, bytes: &[u8]) -> Result<Self, Error> {
        let damaged = |place: &str, detail: String| Error::Damaged {
            file: file.to_owned(),
            format: FORMAT,
            place: place.to_owned(),
            detail,
        };
        let mut lines = bytes.splitn(3, |byte| *byte == b'\n');
        let (first, second) = (lines.next().unwrap_or_default(), lines.next());
        if first != MAGIC.as_bytes() {
            return Err(damaged(" at its start", format!("its first line is not {MAGIC:?}")));
        }
        let second = String::from_utf8_lossy(second.unwrap_or_default());
        match second.strip_prefix("version ") {
            Some(VERSION) => {}
            Some(found) => {
                return Err(Error::Version {
                    file: file.to_owned(),
                    what: FORMAT,
                    found: found.to_owned(),
                    expected: VERSION,
                });
            }
            None => {
                return Err(damaged(
                    " at its start",
                    "its second line is not a version".to_owned(),
                ));
            }
        }
        let body = body(bytes).map_err(|fault| damaged("", fault.to_owned()))?;
        let body: Body = serde_json::from_slice(body)
            .map_err(|cause| damaged(" in its third line", cause.to_string()))?;
        body.monitor().map_err(|fault| damaged(" in its third line", fault))
    }
}

/// The third line, if the digest at the end is that of everything before it.
fn body(bytes: &[u8]) -> Result<&[u8], &'static str> {
    const DIGEST: usize = 33;
    let (text, end) = bytes.split_at(bytes.len().saturating_sub(DIGEST));
    if end.len() != DIGEST || end.last() != Some(&b'\n') {
        return Err("the file ends too early");
    }
    if digest(text).as_bytes() != end {
        return Err("its contents are not those that were saved");
    }
    let line = text.splitn(3, |byte| *byte == b'\n').nth(2);
    line.and_then(|line| line.strip_suffix(b"\n")).ok_or("it has no third line")
}

/// The MD5 as a line of hexadecimal digits.
fn digest(bytes: &[u8]) -> String {
    let digest = Md5::digest(bytes);
    let digits: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    digits + "\n"
}

impl Body {
    /// The monitor, or what cannot be in it.
    fn monitor(self) -> Result<Monitor, String> {
        let mut monitor = Monitor::new(self.spec).map_err(|fault| fault.to_string())?;
        if !self.keys.windows(2).all(|pair| pair[0] < pair[1]) {
            return Err("the keys are not in ascending order".to_owned());
        }
        let questions = &monitor.spec.questions;
        if self.questions.len() != questions.len() {
            return Err("there are sums for other questions than the spec has".to_owned());
        }
        let sums = self.questions.iter().zip(questions).map(|(saved, its)| saved.sums(its));
        let sums: Option<Vec<Sums>> = sums.collect();
        let sums = sums.ok_or("a question has sums that clusters cannot have")?;
        if sums.iter().any(|sums| sums.either() > self.keys.len() as u64) {
            return Err("a question has more clusters than there are keys".to_owned());
        }
        let looks = match monitor.spec.trail {
            Trail::Kept => self.observations,
            Trail::Dropped => 0,
        };
        let whole = self.trail.iter().all(|(_, points)| points.len() == questions.len());
        if self.trail.len() as u64 != looks || !whole {
            return Err("the trail is of other observations or questions".to_owned());
        }
        for (at, saved) in self.questions.iter().enumerate() {
            let null = questions[at].null();
            let points = self.trail.iter().map(|(label, points)| (label.as_str(), &points[at]));
            let can_be = match monitor.spec.trail {
                Trail::Kept => History::of(points, null) == saved.history,
                Trail::Dropped => saved.history.can_be(self.observations),
            };
            if self.observations > MOST_OBSERVATIONS || !can_be {
                return Err("a history is not that of the observations".to_owned());
            }
        }
        monitor.observations = self.observations;
        monitor.seen = self.keys.into_iter().map(ClusterKey::from_number).collect();
        monitor.sums = sums;
        monitor.histories = self.questions.into_iter().map(|saved| saved.history).collect();
        monitor.trail = self.trail;
        Ok(monitor)
    }
}
