//! Who wrote a statistic: the library, or somebody else.

use super::Statistic;

/// Who wrote a statistic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The library, which tests what it returns.
    Library,
    /// Somebody else.
    Own,
}

/// Without this nobody can say that a statistic is the library's, and nobody outside has one.
#[derive(Clone, Copy, Debug)]
pub struct Asking(());

/// Says within an implementation that the statistic is the library's.
macro_rules! of_the_library {
    () => {
        fn origin(&self, _: crate::statistic::origin::Asking) -> crate::statistic::origin::Origin {
            crate::statistic::origin::Origin::Library
        }
    };
}
pub(crate) use of_the_library;

/// The question whether a statistic is the library's, to be handed on.
pub(super) fn of(statistic: &dyn Statistic) -> Origin {
    statistic.origin(Asking(()))
}
