//! The standard output of the verbs. Colours are for people at a terminal who have not set NO_COLOR (no-color.org).

use anyhow::{Context as _, Result};
use std::io::{self, IsTerminal, Write as _};

/// Prints a text and the end of its line.
pub(super) fn say(text: &str) -> Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{text}").and_then(|()| out.flush()).context("the standard output cannot be written")
}

/// Whether colours may be written to this stream.
pub(super) fn has_colours(stream: &impl IsTerminal) -> bool {
    stream.is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|no| no.is_empty())
}

/// The colours of the verdicts.
#[derive(Clone, Copy, Debug)]
pub(super) enum Colour {
    Green,
    Yellow,
    Red,
}

/// A text in a colour, if the standard output has any.
pub(super) fn coloured(text: &str, colour: Colour) -> String {
    if !has_colours(&io::stdout()) {
        return text.to_owned();
    }
    let code = match colour {
        Colour::Green => 32,
        Colour::Yellow => 33,
        Colour::Red => 31,
    };
    format!("\u{1b}[{code}m{text}\u{1b}[0m")
}
