//! What one thread gathers of a block of rows, and how the log takes it: codes of the thread's own become
//! those of the log, block after block, so that the log is the one that a single thread would have read.

use super::{Gathered, LogBuilder, Target};
use crate::error::Error;
use crate::log::batch::Batch;
use crate::log::dictionary::Dictionary;
use crate::log::ids::UNKNOWN;
use crate::log::topics::KnownSets;

/// The columns of a block, gathered by a thread.
#[derive(Debug)]
pub(in crate::log) struct Piece {
    gathered: Gathered,
    columns: Vec<PieceColumn>,
    /// Whether the thread forgot what it knew before it gathered this.
    afresh: bool,
    /// Bytes of memory that the thread holds for what it knows.
    pub(in crate::log) held: usize,
}

#[derive(Debug)]
enum PieceColumn {
    /// Codes of the thread's own, and the ids that were new to it.
    Ids(Vec<u32>, Dictionary),
    Topics(Vec<u32>, KnownSets),
    Position(Vec<u32>),
    Time(Vec<i64>),
    Number(Vec<f64>),
}

/// What the log knows of the codes of a thread, by column.
#[derive(Debug, Default)]
pub(in crate::log) struct Known(Vec<KnownColumn>);

#[derive(Debug)]
enum KnownColumn {
    /// The ids of the codes, and which code each is in the log.
    Ids(Dictionary, Vec<u32>),
    Topics(KnownSets, Vec<u32>),
    /// Its values are what they are.
    Plain,
}

impl Known {
    /// Forgets which codes the log has: another is begun.
    pub(in crate::log) fn begin(&mut self) {
        for column in &mut self.0 {
            if let KnownColumn::Ids(_, made) | KnownColumn::Topics(_, made) = column {
                made.fill(UNKNOWN);
            }
        }
    }

    /// Bytes of memory held.
    pub(in crate::log) fn bytes(&self) -> usize {
        let column = |column: &KnownColumn| match column {
            KnownColumn::Ids(ids, made) => ids.bytes() + 4 * made.capacity(),
            KnownColumn::Topics(sets, made) => sets.bytes() + 4 * made.capacity(),
            KnownColumn::Plain => 0,
        };
        self.0.iter().map(column).sum()
    }

    /// Adds what was new to the thread in a piece.
    fn add(&mut self, piece: &Piece) {
        if piece.afresh {
            self.0 = piece.columns.iter().map(KnownColumn::of).collect();
        }
        for (known, column) in self.0.iter_mut().zip(&piece.columns) {
            match (known, column) {
                (KnownColumn::Ids(ids, made), PieceColumn::Ids(_, new)) => {
                    ids.append(new);
                    made.resize(ids.len(), UNKNOWN);
                }
                (KnownColumn::Topics(sets, made), PieceColumn::Topics(_, new)) => {
                    sets.append(new);
                    made.resize(sets.len().1, UNKNOWN);
                }
                _ => {}
            }
        }
    }
}

impl KnownColumn {
    fn of(column: &PieceColumn) -> Self {
        match column {
            PieceColumn::Ids(..) => Self::Ids(Dictionary::default(), Vec::new()),
            PieceColumn::Topics(..) => Self::Topics(KnownSets::default(), Vec::new()),
            PieceColumn::Position(_) | PieceColumn::Time(_) | PieceColumn::Number(_) => Self::Plain,
        }
    }
}

/// How much of what a thread knows it has told, by column.
#[derive(Debug, Default)]
pub(in crate::log) struct Told(Vec<(usize, usize)>);

impl LogBuilder<'_> {
    /// Gathers a batch, and gives it away instead of keeping it. `told` is how much of what this builder
    /// knows was given away before.
    pub(in crate::log) fn piece(&mut self, batch: Batch, told: &mut Told) -> Result<Piece, Error> {
        let gathered = self.gather(batch)?;
        let afresh = told.0.is_empty();
        told.0.resize(self.readings.len(), (0, 0));
        let columns = self.readings.iter_mut().zip(&mut told.0);
        let columns = columns.map(|(reading, told)| reading.target.piece(told)).collect();
        let held = self.held();
        Ok(Piece { gathered, columns, afresh, held })
    }

    /// Adds what a thread gathered, given what is known of its codes.
    pub(in crate::log) fn absorb(&mut self, piece: Piece, known: &mut Known) -> Result<(), Error> {
        known.add(&piece);
        for ((reading, column), known) in
            self.readings.iter_mut().zip(piece.columns).zip(&mut known.0)
        {
            match (&mut reading.target, column, known) {
                (Target::Ids(ids), PieceColumn::Ids(codes, _), KnownColumn::Ids(of, made)) => {
                    ids.push_known(&codes, of, made)?;
                }
                (
                    Target::Topics(topics),
                    PieceColumn::Topics(sets, _),
                    KnownColumn::Topics(of, made),
                ) => topics.push_known(&sets, of, made)?,
                (Target::Position(all, _), PieceColumn::Position(more), _) => all.extend(more),
                (Target::Time(all, _), PieceColumn::Time(more), _) => all.extend(more),
                (Target::Number(all), PieceColumn::Number(more), _) => all.extend(more),
                _ => unreachable!("a thread has the columns of the log"),
            }
        }
        self.judge(piece.gathered)
    }
}

impl Target<'_> {
    /// Gives the rows away, and what was not told yet of what they mean.
    fn piece(&mut self, told: &mut (usize, usize)) -> PieceColumn {
        match self {
            Self::Ids(ids) => {
                let before = std::mem::replace(&mut told.0, ids.distinct());
                PieceColumn::Ids(ids.take_codes(), ids.ids_after(before))
            }
            Self::Topics(topics) => {
                let before = std::mem::replace(told, topics.distinct());
                PieceColumn::Topics(topics.take_sets(), topics.sets_after(before))
            }
            Self::Position(values, _) => PieceColumn::Position(std::mem::take(values)),
            Self::Time(values, _) => PieceColumn::Time(std::mem::take(values)),
            Self::Number(values) => PieceColumn::Number(std::mem::take(values)),
        }
    }
}
