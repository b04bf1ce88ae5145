//! What can be asked of a file.

use super::FileLabel;
use crate::{UserId, text::MediaType};

/// A command on a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FileCommand {
    /// Note that its bytes are stored.
    Upload {
        /// Who brought it.
        by: UserId,
        /// Its name and digest.
        label: FileLabel,
        /// Its size in bytes.
        size: u64,
        /// What its bytes say it is.
        mime: MediaType,
        /// Whether there is a thumbnail.
        thumb: bool,
    },
    /// Let nothing refer to it any more: nothing does, as far as is known.
    Collect,
    /// Take that back: something did, after all.
    Restore,
    /// Note that its bytes are gone.
    Delete,
}
