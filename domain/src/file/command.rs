//! The commands on a file.

use super::FileLabel;
use crate::{UserId, text::MediaType};

/// A command on a file.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names of the other fields say what they hold")]
pub enum FileCommand {
    /// Records that its bytes are stored.
    Upload {
        by: UserId,
        label: FileLabel,
        /// Its size in bytes.
        size: u64,
        /// The media type detected from its bytes.
        mime: MediaType,
        /// True with a thumbnail.
        thumb: bool,
    },
    /// Forbids further references: none is known.
    Collect,
    /// Undoes the collection: a reference exists.
    Restore,
    /// Records that its bytes were removed.
    Delete,
}
