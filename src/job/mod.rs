//! Tallies of more rows than fit into memory: files are read in parts, each part is tallied by
//! itself, and tallies are merged as they come. This room wires sources, logs and tallies together
//! and holds no rules about either.

mod checkpoint;
mod distinct;
mod files;
mod need;
mod parts;
mod shares;
mod stream;
mod work;

use std::ops::{ControlFlow, Range};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use self::distinct::{merge_files, open_tally, save_tally};
pub(crate) use self::distinct::{refuse_repeats, refuse_unlike};
pub use self::files::{log_files, log_files_but};
pub use self::stream::tally_source;
pub use crate::base::progress::Progress;
use crate::base::progress::Told;
use crate::error::Error;
use crate::log::{ItemTopics, LogSchema, Origin};
use crate::tally::{Tally, TallySpec};

/// The least memory that a job can work in.
pub const MIN_MEMORY: usize = 64 << 20;

/// A tally of files that need not fit into memory.
///
/// Parquet files are read by row groups, on all threads of the current `rayon` pool at once; other
/// files are read by one thread each, and decoded by those that have no file of their own. Only the columns that the tally needs are decoded, and only
/// those are checked: a negative weight is found by a tally that uses weights. The result is the
/// same, bit for bit, as that of [`Tally::of`] on one log with all rows, whatever the memory, the
/// threads and the division into files.
///
/// # Memory
///
/// At most [`memory`](TallyJob::memory) bytes are used, beside the program itself (about 24 MiB for the
/// command): a quarter for rows in flight, up to a quarter for the pages of Parquet files that are being
/// decoded, and the rest for tallies, the result and what merging takes among them. There is a thread for
/// each 32 MiB at most.
///
/// Counted is all that grows with a log: ids, topics and their sets, the names of a tally's arms, strata and
/// topics, 32 bytes for each of its cells (arm x stratum x window x topic, empty or not) and attention model,
/// its keys and sums.
/// A tally by hash buckets ([`ClusterBy::hashed`](crate::ClusterBy::hashed)) takes a few megabytes
/// at most, whatever the number of rows. One with a row per viewer takes about 3 bytes for every
/// viewer and topic seen together (more if there are weights) and 8 for every viewer, and half as much again
/// while it is merged. A tally that outgrows its share is refused with [`Error::MemoryLimit`], and so is a
/// row group whose pages do not fit into theirs; both say how much memory would do.
///
/// Lines, values and pages have greatest lengths whatever the memory: [`MAX_LINE`](crate::log::MAX_LINE),
/// [`MAX_COLUMNS`](crate::log::MAX_COLUMNS), [`MAX_VALUE`](crate::log::MAX_VALUE),
/// [`MAX_PAGE`](crate::log::MAX_PAGE), [`MAX_FOOTER`](crate::log::MAX_FOOTER).
///
/// # Stopping and going on
///
/// With a [`checkpoint`](TallyJob::checkpoint) the tally is saved now and then together with the
/// parts that it holds. A job that was killed goes on from there when it is run again, and counts
/// nothing twice. The checkpoint stays until the result was saved and
/// [`remove_checkpoint`](JobDone::remove_checkpoint) is called, so that what is lost in between is not lost
/// for good.
///
/// A checkpoint of another job is refused: of other files, columns, filters or tallies, of another release,
/// of a topics table that says anything else (by a digest of all of it), or of files that changed. A file
/// is the same if its path, its size, its times and a digest of its first and last 64 KiB are. Of the times one is
/// set by the system alone where it has such (Unix), and changes with rights and names too; elsewhere what was changed
/// in the middle of a longer file, and given its old time again, is not seen. Files that change
/// while the job reads them are an error too ([`Error::ChangedWhileRead`]).
///
/// ```
/// # let folder = tempfile::tempdir().unwrap();
/// # for day in ["mon", "tue"] {
/// #     let path = folder.path().join(day).with_extension("csv");
/// #     let last = if day == "mon" { "c,newest,war" } else { "c,newest,sport" };
/// #     let text = format!("who,feed,about\na,ranked,war\nb,ranked,sport\n{last}\n");
/// #     std::fs::write(&path, text).unwrap();
/// # }
/// use tiltmeter::job::{TallyJob, log_files};
/// use tiltmeter::log::{LogSchema, TopicColumn};
/// use tiltmeter::tally::TallySpec;
/// use tiltmeter::{Audit, Question};
///
/// let schema = LogSchema::new().viewer("who").arm("feed").topics(TopicColumn::single("about"));
/// let files = log_files(folder.path().join("*.csv"))?;
/// let done = TallyJob::new(files, schema, TallySpec::default()).memory(256 << 20).run()?;
/// assert_eq!((done.tally.impressions(), done.tally.clusters()), (6, 3));
/// let question = Question::between("ranked", "newest");
/// println!("{}", Audit::of_tally(&done.tally, &question).run()?);
/// # Ok::<(), tiltmeter::Error>(())
/// ```
#[must_use]
pub struct TallyJob<'j> {
    files: Vec<PathBuf>,
    schema: LogSchema,
    spec: TallySpec,
    item_topics: Option<&'j ItemTopics>,
    filter: Filter,
    memory: usize,
    checkpoint: Option<(PathBuf, Duration)>,
    progress: Option<Box<Told<'j>>>,
}

/// Which rows are tallied.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Filter {
    /// Microseconds since 1970-01-01T00:00:00Z.
    times: Option<Range<i64>>,
    arms: Option<Vec<String>>,
}

/// What a job made, and where its time went.
#[derive(Clone, Debug)]
pub struct JobDone {
    /// The tally of all rows.
    pub tally: Tally,
    /// Rows read, left out and set aside, over all files. Rows of row groups that cannot hold
    /// what is asked for are left out unread.
    pub origin: Origin,
    /// Where the time went.
    pub times: StepTimes,
    /// How far it got.
    pub progress: Progress,
    /// The checkpoint that the job kept, if it was to.
    checkpoint: Option<PathBuf>,
}

impl JobDone {
    /// Removes the checkpoint, if there is one: to be called once the tally, or what was made of it, is
    /// saved. While it is there the same job goes on from it instead of beginning anew.
    ///
    /// # Errors
    /// [`Error::InUse`] if another job works on it, [`Error::Io`] if it cannot be removed.
    pub fn remove_checkpoint(&self) -> Result<(), Error> {
        let Some(path) = &self.checkpoint else { return Ok(()) };
        let _lock = work::lock(path)?;
        match std::fs::remove_file(path) {
            Err(cause) if cause.kind() != std::io::ErrorKind::NotFound => {
                Err(Error::Io { path: path.clone(), cause })
            }
            _ => Ok(()),
        }
    }
}

/// Time by step, added up over threads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StepTimes {
    /// Reading files: decompressing, decoding, checking, turning ids into codes.
    pub read: Duration,
    /// Tallying the rows read.
    pub tally: Duration,
    /// Merging tallies and saving checkpoints.
    pub merge: Duration,
}

impl<'j> TallyJob<'j> {
    /// A job over files in the formats of [`ExposureLog::open`](crate::ExposureLog::open), which
    /// all have the columns of the schema.
    pub fn new(
        files: impl IntoIterator<Item = PathBuf>,
        schema: LogSchema,
        spec: TallySpec,
    ) -> Self {
        Self {
            files: files.into_iter().collect(),
            schema,
            spec,
            item_topics: None,
            filter: Filter::default(),
            memory: 1 << 30,
            checkpoint: None,
            progress: None,
        }
    }

    /// Gives impressions the topics of their items, from a table of their own; see
    /// [`ExposureLog::with_item_topics`](crate::ExposureLog::with_item_topics).
    pub fn item_topics(mut self, topics: &'j ItemTopics) -> Self {
        self.item_topics = Some(topics);
        self
    }

    /// Tallies only rows from the first moment up to but not including the second, both in
    /// microseconds since 1970-01-01T00:00:00Z. Row groups whose statistics say that they hold no
    /// such row are not read, and so not checked either.
    pub fn between(mut self, times: Range<i64>) -> Self {
        self.filter.times = Some(times);
        self
    }

    /// Tallies only these arms. Row groups whose statistics say that they hold none of them are
    /// not read, and so not checked either.
    pub fn arms<A: Into<String>>(mut self, arms: impl IntoIterator<Item = A>) -> Self {
        let mut arms: Vec<String> = arms.into_iter().map(Into::into).collect();
        arms.sort_unstable();
        self.filter.arms = Some(arms);
        self
    }

    /// The memory to work in, in bytes; 1 GiB by default, at least [`MIN_MEMORY`].
    pub fn memory(mut self, bytes: usize) -> Self {
        self.memory = bytes;
        self
    }

    /// Saves the tally so far to a file, at least this often where parts are done, and goes on
    /// from that file if it exists. Only one job at a time works on a checkpoint.
    pub fn checkpoint(mut self, path: impl AsRef<Path>, every: Duration) -> Self {
        self.checkpoint = Some((path.as_ref().to_owned(), every));
        self
    }

    /// Calls a function whenever rows were tallied, on the thread that runs the job. If it
    /// answers [`ControlFlow::Break`] the job stops: it saves its checkpoint, if it has one, and
    /// returns [`Error::Stopped`].
    pub fn on_progress(
        mut self,
        call: impl FnMut(&Progress) -> ControlFlow<()> + Send + 'j,
    ) -> Self {
        self.progress = Some(Box::new(call));
        self
    }

    /// Runs the job.
    ///
    /// # Errors
    /// Those of [`ExposureLog::open`](crate::ExposureLog::open) for the first file and row at
    /// fault; those of [`Tally::of`]; [`Error::RepeatedFile`] and [`Error::SamePart`]; [`Error::MemoryLimit`];
    /// [`Error::OtherJob`] for a checkpoint that does not fit, and those of
    /// [`Tally::open_saved`] for a damaged one, [`Error::InUse`] for one that another job works on;
    /// [`Error::ChangedWhileRead`]; [`Error::Stopped`].
    pub fn run(self) -> Result<JobDone, Error> {
        work::run(self)
    }
}

impl std::fmt::Debug for TallyJob<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TallyJob")
            .field("files", &self.files)
            .field("spec", &self.spec)
            .field("filter", &self.filter)
            .field("memory", &self.memory)
            .finish_non_exhaustive()
    }
}
