//! Messages that were found.

use super::Message;
use projections::queries;
use serde::Serialize;
use utoipa::ToSchema;

/// A message that was found: its fields, and where its text has the words.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FoundMessage {
    /// The message.
    #[serde(flatten)]
    pub message: Message,
    /// Where `content` has the words, in order, without overlaps: the first 100, which are less than 4 KiB.
    #[schema(max_items = 100)]
    pub highlights: Vec<Highlight>,
}

/// A place in a text. Characters are Unicode code points.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub struct Highlight {
    /// How many characters stand before it.
    pub start: usize,
    /// How many stand before what follows it.
    pub end: usize,
}

impl From<queries::FoundMessage> for FoundMessage {
    fn from(found: queries::FoundMessage) -> Self {
        let highlights = found.highlights().into_iter();
        let highlights = highlights.map(|queries::Highlight { start, end }| Highlight { start, end }).collect();
        Self { message: found.message.into(), highlights }
    }
}
