//! What all reports with tables have in common: written once, for each of them.

/// Gives a report with `tables` their Markdown.
macro_rules! tabular {
    ($($report:ty),+ $(,)?) => {$(
        impl $report {
            /// The tables in Markdown, each under its caption where there are several.
            #[must_use]
            pub fn to_markdown(&self) -> String {
                crate::report::table::in_markdown(&self.tables())
            }
        }
    )+};
}
pub(super) use tabular;

/// Gives a report with `write`, which takes a width, its text for that and for the standard one.
macro_rules! printed {
    ($($report:ty),+ $(,)?) => {$(
        impl $report {
            /// What `Display` prints, with tables for a terminal of so many columns: those that have no room are
            /// named below their table.
            #[must_use]
            pub fn to_text(&self, width: usize) -> String {
                let mut text = String::new();
                self.write(&mut text, width).expect("writing to a String does not fail");
                text
            }
        }

        impl std::fmt::Display for $report {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.write(f, crate::report::STANDARD_WIDTH)
            }
        }
    )+};
}
pub(super) use printed;
