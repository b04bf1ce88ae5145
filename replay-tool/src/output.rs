//! Standard output: lines of text, or JSON documents with `--json`.

use anyhow::Result;
use serde::Serialize;
use std::io::{ErrorKind, Write};

/// Standard output.
pub(crate) struct Output {
    json: bool,
}

impl Output {
    pub(crate) const fn new(json: bool) -> Self {
        Self { json }
    }

    pub(crate) const fn is_json(&self) -> bool {
        self.json
    }

    /// Prints a line of text, unless JSON was requested.
    pub(crate) fn text(&self, text: impl std::fmt::Display) -> Result<()> {
        if !self.json {
            self.line(text)?;
        }
        Ok(())
    }

    /// Prints a line in either format.
    pub(crate) fn line(&self, text: impl std::fmt::Display) -> Result<()> {
        Ok(writeln!(std::io::stdout().lock(), "{text}")?)
    }

    /// Prints a JSON document on a line, if JSON was requested.
    pub(crate) fn json(&self, document: &impl Serialize) -> Result<()> {
        if self.json {
            self.line(serde_json::to_string(document)?)?;
        }
        Ok(())
    }
}

/// Whether the error is that the reader closed standard output.
pub(crate) fn is_closed(error: &anyhow::Error) -> bool {
    let cause = error.downcast_ref::<std::io::Error>();
    cause.is_some_and(|error| error.kind() == ErrorKind::BrokenPipe)
}
