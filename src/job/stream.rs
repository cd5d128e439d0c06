//! The tally of a source that is no file: read in logs of bounded size, tallied and merged one after the
//! other.

use super::{Filter, need};
use crate::error::Error;
use crate::log::{Chunk, Chunks, ColumnPool, LogSchema, LogSource};
use crate::tally::{Merger, Tally, TallySpec};

/// Bytes of rows that are held at a time.
const CHUNK_BYTES: usize = 64 << 20;

/// The tally of all rows of a source, without holding them: a frame too large to copy, or a
/// simulation that makes its rows as they are read. The source is read on the calling thread; each 64
/// megabytes of rows are tallied on all threads of the current `rayon` pool.
///
/// The result is the same, bit for bit, as that of [`Tally::of`] on the log of all rows. As in a
/// [`TallyJob`](super::TallyJob), only the columns that the tally needs are read and checked. For files,
/// that is the faster way.
///
/// ```
/// use tiltmeter::job::tally_source;
/// use tiltmeter::log::{LogSchema, TopicColumn};
/// use tiltmeter::source::SliceSource;
/// use tiltmeter::tally::TallySpec;
///
/// let source = SliceSource::new("example")
///     .text("who", &["ada", "ada", "bo"])
///     .text("feed", &["ranked", "ranked", "newest"])
///     .text("about", &["war", "", "war"]);
/// let schema = LogSchema::new().viewer("who").arm("feed").topics(TopicColumn::single("about"));
/// let tally = tally_source(source, &schema, &TallySpec::default())?;
/// assert_eq!((tally.clusters(), tally.impressions()), (2, 3));
/// # Ok::<(), tiltmeter::Error>(())
/// ```
///
/// # Errors
/// Those of [`ExposureLog::read`](crate::ExposureLog::read) and of [`Tally::of`].
pub fn tally_source(
    source: impl LogSource,
    schema: &LogSchema,
    spec: &TallySpec,
) -> Result<Tally, Error> {
    tally_in_chunks(source, schema, spec, CHUNK_BYTES)
}

fn tally_in_chunks(
    source: impl LogSource,
    schema: &LogSchema,
    spec: &TallySpec,
    bytes: usize,
) -> Result<Tally, Error> {
    let name = source.name().to_owned();
    let schema = need::needed(schema, spec, &Filter::default(), None);
    let mut chunks = Chunks::new(source, &schema);
    let mut spare = ColumnPool::default();
    let mut tallies = Merger::default();
    let mut set_aside = 0;
    while let Some(Chunk { log, origin, .. }) = chunks.next(bytes, &mut spare)? {
        set_aside += origin.set_aside.rows;
        let Some(log) = log else { continue };
        tallies.push(Tally::of(&log, spec)?);
        spare.take_from(log);
        while tallies.merge_due()? {}
    }
    tallies.finish()?.ok_or(Error::EmptyLog { file: name, set_aside })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::question::attention::Attention;
    use crate::simulate::{Preset, Simulation, SimulationConfig};
    use crate::tally::{ClusterBy, StratifyBy};

    /// In one chunk for every round (so that merging goes up two sizes), and in one: the tally of the
    /// whole log, bit for bit.
    #[test]
    fn chunks_do_not_matter() {
        let mut config = SimulationConfig::preset(Preset::Election);
        config.world.viewers = 40;
        config.days = 36;
        let simulation = Simulation::new(&config).unwrap();
        let (log, schema) = (simulation.log().unwrap(), simulation.schema().unwrap());
        for spec in [
            TallySpec::default(),
            TallySpec {
                attentions: vec![Attention::Logarithmic, Attention::Uniform],
                strata: StratifyBy::Stratum,
                ..TallySpec::default()
            },
            TallySpec { cluster: ClusterBy::column("day"), ..TallySpec::default() },
        ] {
            let whole = Tally::of(&log, &spec).unwrap();
            for bytes in [1, 20_000, CHUNK_BYTES] {
                let source = simulation.source().unwrap();
                assert_eq!(tally_in_chunks(source, &schema, &spec, bytes).unwrap(), whole);
            }
        }
    }
}
