//! What is printed: lines for people, or JSON documents for programs.

use anyhow::Result;
use serde::Serialize;
use std::io::{ErrorKind, Write};

/// Standard output.
pub(crate) struct Output {
    json: bool,
}

impl Output {
    /// For programs, or for people.
    pub(crate) const fn new(json: bool) -> Self {
        Self { json }
    }

    /// Whether a program reads it.
    pub(crate) const fn is_json(&self) -> bool {
        self.json
    }

    /// A line for people; programs get the document instead.
    pub(crate) fn say(&self, text: impl std::fmt::Display) -> Result<()> {
        if !self.json {
            self.line(text)?;
        }
        Ok(())
    }

    /// A line, whoever reads.
    pub(crate) fn line(&self, text: impl std::fmt::Display) -> Result<()> {
        Ok(writeln!(std::io::stdout().lock(), "{text}")?)
    }

    /// A JSON document on a line, for programs alone.
    pub(crate) fn document(&self, document: &impl Serialize) -> Result<()> {
        if self.json {
            self.line(serde_json::to_string(document)?)?;
        }
        Ok(())
    }
}

/// Whether the reader of our output has gone.
pub(crate) fn is_closed(error: &anyhow::Error) -> bool {
    let cause = error.downcast_ref::<std::io::Error>();
    cause.is_some_and(|error| error.kind() == ErrorKind::BrokenPipe)
}

/// Bytes as hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
