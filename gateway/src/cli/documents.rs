//! `chatchit completions` and `chatchit man`.

use super::{Arguments, output::say};
use anyhow::{Context as _, Result};
use clap::CommandFactory as _;
use clap_complete::Shell;
use std::{fs, io, path::Path};

pub(super) fn completions(shell: Shell) -> Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "chatchit", &mut script);
    io::Write::write_all(&mut io::stdout(), &script).context("the standard output cannot be written")
}

/// Writes a page for the program and for each of its commands.
pub(super) fn manual(folder: &Path) -> Result<()> {
    let written = fs::create_dir_all(folder).and_then(|()| clap_mangen::generate_to(Arguments::command(), folder));
    written.with_context(|| format!("the manual cannot be written to {}", folder.display()))?;
    say(&format!("wrote the manual to {}; `man {}/chatchit.1` shows it", folder.display(), folder.display()))
}
