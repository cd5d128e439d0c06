//! How far long work is, and whether it is to go on.

use std::ops::ControlFlow;

/// How far long work is. Whatever takes long tells it to a function, which answers whether to go on: with
/// [`ControlFlow::Break`] the work stops with [`Error::Stopped`](crate::Error::Stopped).
///
/// ```
/// use std::ops::ControlFlow;
/// use tiltmeter::coverage::CoverageStudy;
/// use tiltmeter::simulate::SimulationConfig;
/// use tiltmeter::{Error, Question};
/// let mut config = SimulationConfig { days: 1, ..SimulationConfig::default() };
/// config.world.viewers = 20;
/// let question = Question::between("treatment", "baseline");
/// let study = CoverageStudy { studies: 40, ..CoverageStudy::of(config, &question) };
/// let stopped = study.run_with(|progress| match progress.parts {
///     0..10 => ControlFlow::Continue(()),
///     _ => ControlFlow::Break(()),
/// });
/// assert!(matches!(stopped, Err(Error::Stopped { .. })));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Rows read, or left out unread; 0 where nothing is read.
    pub rows: u64,
    /// Rows of all files, where they say so (Parquet does).
    pub of_rows: Option<u64>,
    /// Parts done: row groups of Parquet files, whole files of other formats, simulations.
    pub parts: usize,
    /// All parts.
    pub of_parts: usize,
    /// Parts that were in the checkpoint from which a job went on.
    pub resumed_parts: usize,
}

/// What is told, and answers whether to go on.
pub(crate) type Told<'p> = dyn FnMut(&Progress) -> ControlFlow<()> + Send + 'p;
