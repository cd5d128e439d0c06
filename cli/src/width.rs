//! How wide tables of text may be.

use std::io::{IsTerminal, stdout};

use clap::Args;
use tiltmeter::report::STANDARD_WIDTH;

use crate::failure::Failure;

/// For how wide a terminal.
#[derive(Debug, Args)]
#[command(next_help_heading = "Output")]
pub(crate) struct WidthArgs {
    /// How many columns tables of text may have: those of the terminal by default, 120 where there is none.
    #[arg(long, value_name = "COLUMNS")]
    width: Option<usize>,
}

impl WidthArgs {
    /// Refuses a width of what has none.
    pub(crate) fn refuse(&self, form: &str) -> Result<(), Failure> {
        match self.width {
            Some(_) => {
                Err(Failure::Usage(format!("--width is of tables of text, and {form} has none")))
            }
            None => Ok(()),
        }
    }

    /// The columns that there are.
    pub(crate) fn columns(&self) -> usize {
        self.width.or_else(of_terminal).unwrap_or(STANDARD_WIDTH)
    }
}

/// That of the terminal printed to; what the user says of it counts before what it says itself.
fn of_terminal() -> Option<usize> {
    if !stdout().is_terminal() {
        return None;
    }
    let said = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    let own = || console::Term::stdout().size_checked().map(|(_, columns)| columns.into());
    said.or_else(own).filter(|columns| *columns > 0)
}
