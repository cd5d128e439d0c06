//! Chapters for people: how to choose, with code that runs. Text only; nothing is computed here.
//!
//! To be read in this order by whoever is new to it: [from your CSV to a paper](from_your_csv), [logs as they come](logs_as_they_come),
//! [what is amplification](what_is_amplification),
//! [choosing a baseline](choosing_a_baseline), [choosing the cluster](choosing_the_cluster),
//! [choosing an interval](choosing_an_interval), [reading the report](reading_the_report),
//! [labels by hand](labels_by_hand), [beyond one ratio](beyond_one_ratio), [designing an audit](designing_an_audit), [performance].
//!
//! To look things up: the [cookbook], with [frames of polars](cookbook_frames); the [glossary]; [study files, key by
//! key](study_file_reference); how often intervals hold the truth, in [tables](coverage_tables).

// The chapters are read as files too, and link to each other by file. Here these links go to modules: of two definitions
// of a link the first holds, and those of `links.in` come first. Doc tests of a chapter count lines from there.

#[doc = include_str!("../docs/guide/links.in")]
#[doc = include_str!("../docs/guide/from-your-csv.md")]
pub mod from_your_csv {}

#[doc = include_str!("../docs/guide/links.in")]
#[doc = include_str!("../docs/guide/logs-as-they-come.md")]
pub mod logs_as_they_come {}

#[doc = include_str!("../docs/guide/links.in")]
#[doc = include_str!("../docs/guide/cookbook.md")]
pub mod cookbook {}

#[cfg_attr(feature = "polars", doc = include_str!("../docs/guide/links.in"))]
#[cfg_attr(feature = "polars", doc = include_str!("../docs/guide/cookbook-frames.md"))]
#[cfg_attr(
    not(feature = "polars"),
    doc = "A chapter on the feature `polars`, which these pages were made without."
)]
pub mod cookbook_frames {}

#[doc = include_str!("../docs/guide/links.in")]
#[doc = include_str!("../docs/guide/study-file-reference.md")]
pub mod study_file_reference {}

#[doc = include_str!("../docs/guide/links.in")]
#[doc = include_str!("../docs/guide/what-is-amplification.md")]
pub mod what_is_amplification {}

#[doc = include_str!("../docs/guide/links.in")]
#[doc = include_str!("../docs/guide/choosing-a-baseline.md")]
pub mod choosing_a_baseline {}

#[doc = include_str!("../docs/guide/links.in")]
#[doc = include_str!("../docs/guide/choosing-the-cluster.md")]
pub mod choosing_the_cluster {}

#[doc = include_str!("../docs/guide/links.in")]
#[doc = include_str!("../docs/guide/choosing-an-interval.md")]
pub mod choosing_an_interval {}

#[doc = include_str!("../docs/guide/links.in")]
#[doc = include_str!("../docs/guide/coverage-tables.md")]
pub mod coverage_tables {}

#[doc = include_str!("../docs/guide/links.in")]
#[doc = include_str!("../docs/guide/reading-the-report.md")]
pub mod reading_the_report {}

#[doc = include_str!("../docs/guide/links.in")]
#[doc = include_str!("../docs/guide/beyond-one-ratio.md")]
pub mod beyond_one_ratio {}

#[doc = include_str!("../docs/guide/links.in")]
#[doc = include_str!("../docs/guide/labels-by-hand.md")]
pub mod labels_by_hand {}

#[doc = include_str!("../docs/guide/links.in")]
#[doc = include_str!("../docs/guide/designing-an-audit.md")]
pub mod designing_an_audit {}

#[doc = include_str!("../docs/guide/links.in")]
#[doc = include_str!("../docs/guide/performance.md")]
pub mod performance {}

#[doc = include_str!("../docs/guide/links.in")]
#[doc = include_str!("../docs/guide/glossary.md")]
pub mod glossary {}
