//! Simulated logs as Parquet files that say what they are.

use std::path::Path;

use super::{ArmConfig, Simulation, SimulationConfig};
use crate::error::Error;
use crate::policy::Ranker;
use crate::source::{ParquetSource, write_parquet};

const FORMAT: &str = "simulated log";
const VERSION: &str = "1";
const VERSION_KEY: &str = "tiltmeter.simulation.version";
const CONFIG_KEY: &str = "tiltmeter.simulation.config";

impl Simulation {
    /// Writes the whole log to a Parquet file, as [`write_parquet`] does: all columns of
    /// [`source`](Self::source), of which `docs/simulated-log.md` says what they are. The
    /// configuration stands in the file's metadata, from which
    /// [`SimulationConfig::of_parquet`] has it back. The answer is the number of rows.
    ///
    /// ```
    /// use tiltmeter::simulate::{Preset, Simulation, SimulationConfig};
    /// use tiltmeter::ExposureLog;
    ///
    /// let mut config = SimulationConfig::preset(Preset::Everyday);
    /// config.world.viewers = 50;
    /// let simulation = Simulation::new(&config)?;
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let path = folder.path().join("log.parquet");
    /// let rows = simulation.write_parquet(&path)?;
    /// assert_eq!(SimulationConfig::of_parquet(&path)?, config);
    /// assert_eq!(ExposureLog::open(&path, &simulation.schema()?)?.rows() as u64, rows);
    /// # Ok::<(), tiltmeter::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Io`]; those of [`log`](Self::log).
    pub fn write_parquet(&self, path: impl AsRef<Path>) -> Result<u64, Error> {
        let path = path.as_ref();
        let config = serde_json::to_string(&self.config).map_err(|cause| Error::Io {
            path: path.to_owned(),
            cause: std::io::Error::other(cause),
        })?;
        let metadata = [(VERSION_KEY, VERSION), (CONFIG_KEY, &*config)];
        // Where an arm is served by a policy from outside, the configuration would not make this log.
        // Without it where files cannot say all of it: it would not make the feed again.
        let is_own = |arm: &ArmConfig| matches!(arm.policy.ranker, Ranker::Own(_));
        let is_whole = !self.config.arms.iter().any(is_own);
        let metadata = if is_whole { &metadata[..] } else { &[] };
        write_parquet(self.source()?, path, metadata)
    }
}

impl SimulationConfig {
    /// The configuration of which [`Simulation::write_parquet`] made a file. It is not checked:
    /// [`Simulation::new`] does that.
    ///
    /// # Errors
    /// [`Error::Version`] for a file that is no simulated log, or one of another version;
    /// [`Error::Damaged`] where the configuration cannot be read; [`Error::Io`].
    pub fn of_parquet(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        let source = ParquetSource::open(path)?;
        let file = path.display().to_string();
        let found = source.metadata(VERSION_KEY).unwrap_or_default().to_owned();
        if found != VERSION {
            return Err(Error::Version { file, what: FORMAT, found, expected: VERSION });
        }
        let config = source.metadata(CONFIG_KEY).unwrap_or_default();
        serde_json::from_str(config).map_err(|cause| Error::Damaged {
            file,
            format: FORMAT,
            place: " in the metadata".to_owned(),
            detail: cause.to_string(),
        })
    }
}
