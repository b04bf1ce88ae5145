//! Chromium: whatever this machine calls it, else Debian's.

use crate::{
    install,
    shell::{Shell, say, which},
};
use anyhow::{Context, Result};
use std::path::PathBuf;

/// Debian's package.
pub(crate) const PACKAGE: &str = "chromium";
/// The program's names in distributions.
const NAMES: [&str; 4] = [PACKAGE, "chromium-browser", "google-chrome", "google-chrome-stable"];

/// Whether it is installed, or can be.
pub(crate) fn can_be_had() -> bool {
    find().is_some() || install::is_possible()
}

/// The program, which is installed if it is missing.
pub(crate) async fn program(shell: &mut Shell) -> Result<PathBuf> {
    if let Some(program) = find() {
        return Ok(program);
    }
    say("not installed: Chromium; installing Debian's");
    install::packages(shell, &[PACKAGE]).await?;
    find().context("the package chromium lacks its program")
}

fn find() -> Option<PathBuf> {
    NAMES.into_iter().find_map(which)
}
