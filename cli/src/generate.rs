//! Completions for shells, and manual pages.

use std::path::PathBuf;

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use crate::Cli;
use crate::failure::Failure;
use crate::out;

/// Print completions for a shell.
///
/// Example: tiltmeter completions bash > ~/.local/share/bash-completion/completions/tiltmeter
#[derive(Debug, Args)]
pub(crate) struct CompletionsArgs {
    /// The shell.
    shell: Shell,
}

/// Print the manual page, or write one for each command.
///
/// Example: tiltmeter man --out ~/.local/share/man/man1
#[derive(Debug, Args)]
pub(crate) struct ManArgs {
    /// The folder to write into; the main page goes to standard output by default.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

pub(crate) fn completions(args: &CompletionsArgs) -> Result<(), Failure> {
    let mut text = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "tiltmeter", &mut text);
    out::print(&String::from_utf8_lossy(&text))
}

pub(crate) fn man(args: &ManArgs) -> Result<(), Failure> {
    if let Some(folder) = &args.out {
        let written = std::fs::create_dir_all(folder)
            .and_then(|()| clap_mangen::generate_to(Cli::command(), folder));
        return written.map_err(|cause| Failure::of_file(folder, cause));
    }
    let mut text = Vec::new();
    clap_mangen::Man::new(Cli::command())
        .render(&mut text)
        .map_err(|cause| Failure::Told(format!("the manual page: {cause}")))?;
    out::print(&String::from_utf8_lossy(&text))
}
