//! What somebody searches for, and how each engine is asked for it. A term is a word that `words.rs` made: nothing of
//! what was typed reaches an engine as syntax.

use crate::{
    message_words::conversation_word,
    words::{Kind, Word, as_written, words},
};
use domain::ConversationId;
use sql::Engine;

/// The most words that are looked for; further ones are ignored.
const MOST: usize = 16;

/// What somebody searches for: all of these words, the last one perhaps unfinished.
#[derive(Clone, Debug)]
pub(super) struct Terms(Vec<Word>);

/// The most places of a text that are told.
pub(super) const MOST_HIGHLIGHTS: usize = 100;

/// How closely a text must have the words. The one that is less close finds whatever the closer one does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Closeness {
    /// The last word may go on.
    Begun,
    /// Whole words.
    Whole,
    /// Whole words with all marks.
    Written,
}

/// A place in a text, in characters (code points).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Highlight {
    /// Where it begins.
    pub start: usize,
    /// Where it has ended.
    pub end: usize,
}

impl Terms {
    pub(super) fn of(text: &str) -> Self {
        let mut terms = words(text);
        terms.retain(|word| word.kind != Kind::Last);
        terms.truncate(MOST);
        Self(terms)
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The words, folded.
    pub(super) fn folded(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|word| word.folded.as_str())
    }

    /// The expression by which an engine finds them, in one of some conversations (anywhere, when there are none).
    pub(super) fn expression(&self, engine: Engine, closeness: Closeness, within: &[ConversationId]) -> String {
        let (and, or, begun, quote) = match engine {
            Engine::Sqlite => (" AND ", " OR ", " *", '"'),
            Engine::Postgres => (" & ", " | ", ":*", '\''),
        };
        let quoted = |word: &str| format!("{quote}{word}{quote}");
        let mut parts = Vec::with_capacity(self.0.len() + 1);
        if !within.is_empty() {
            let rooms: Vec<_> = within.iter().map(|room| quoted(&conversation_word(*room))).collect();
            parts.push(format!("({})", rooms.join(or)));
        }
        for (at, word) in self.0.iter().enumerate() {
            let text = if closeness == Closeness::Written { as_written(word) } else { word.folded.clone() };
            let goes_on = self.may_go_on(at) && (closeness == Closeness::Begun || word.kind == Kind::Alone);
            parts.push(quoted(&text) + if goes_on { begun } else { "" });
        }
        parts.join(and)
    }

    /// The expression of what is found with this closeness and not with a closer one; `None` when that is nothing.
    pub(super) fn alone(&self, engine: Engine, closeness: Closeness, within: &[ConversationId]) -> Option<String> {
        let closer = match closeness {
            Closeness::Begun => Closeness::Whole,
            Closeness::Whole => Closeness::Written,
            Closeness::Written => return Some(self.expression(engine, closeness, within)),
        };
        let not = match engine {
            Engine::Sqlite => "NOT",
            Engine::Postgres => "& !",
        };
        let (wide, close) = (self.expression(engine, closeness, &[]), self.expression(engine, closer, &[]));
        let within = self.expression(engine, closeness, within);
        (wide != close).then(|| format!("({within}) {not} ({close})"))
    }

    /// Whether a word of a text that begins with this term has it: the last one is perhaps unfinished, and of a script
    /// without spaces one character begins pairs.
    fn may_go_on(&self, at: usize) -> bool {
        let kind = self.0.get(at).map(|word| word.kind);
        kind == Some(Kind::Alone) || (kind == Some(Kind::Run) && at + 1 == self.0.len())
    }

    /// Where a text has them, in order, without overlaps: the first [`MOST_HIGHLIGHTS`].
    pub(super) fn highlights(&self, text: &str) -> Vec<Highlight> {
        let mut found: Vec<Highlight> = Vec::new();
        for word in words(text) {
            let is_whole = self.folded().any(|term| term == word.folded);
            let goes_on = |(at, term): (usize, &Word)| self.may_go_on(at) && word.folded.starts_with(&term.folded);
            if !is_whole && !self.0.iter().enumerate().any(goes_on) {
                continue;
            }
            // Of a pair that only begins with what is meant, the beginning alone.
            let end = if word.kind == Kind::Piece && !is_whole { word.start + 1 } else { word.end };
            let is_full = found.len() == MOST_HIGHLIGHTS;
            match found.last_mut() {
                Some(last) if word.start < last.end => last.end = last.end.max(end),
                _ if is_full => break,
                _ => found.push(Highlight { start: word.start, end }),
            }
        }
        found
    }
}
