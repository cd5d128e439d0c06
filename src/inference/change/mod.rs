//! Change over time, found as it happens (`control`, `monitor`) or afterwards (`offline`, `date`,
//! `windows`), in the ratio and in each arm, the control too. Values go in; what they are of is known to
//! `monitor` and `windows` alone.

mod control;
mod date;
mod episode;
mod monitor;
mod offline;
mod report;
mod windows;

pub use self::control::{Alarm, ChangeSpec, ChangeState, ControlChart, InControl, InControlValues};
pub use self::date::{BlockBootstrap, BlockLength, BreakDate};
pub use self::episode::{Episode, Moved, Shift};
pub use self::monitor::{ChangeMonitor, ChangeReading, ChartReading};
pub use self::offline::{CusumPeak, cusum, pelt};
pub use self::report::{BREAKS_SCHEMA, BREAKS_VERSION, BreaksReport, TopicBreaks};
pub use self::windows::{Break, BreakSpec, Breaks, Penalty, SeriesBreaks, Windowed, breaks_of};
