//! The state of a file and the decisions over it.

use super::{FileCommand, FileError, FileEvent};
use crate::{
    Aggregate, AggregateType, Personal, UserId, handle_by_deciding,
    text::{FileName, MediaType},
};
use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
enum Life {
    #[default]
    Unborn,
    Kept,
    Collected,
    Deleted,
}

/// The state of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct File {
    life: Life,
    by: UserId,
    thumb: bool,
    #[serde(default)]
    name: Option<FileName>,
    #[serde(default)]
    size: u64,
    #[serde(default)]
    mime: Option<MediaType>,
}

impl File {
    /// True if its bytes must exist.
    #[must_use]
    pub const fn is_stored(&self) -> bool {
        matches!(self.life, Life::Kept | Life::Collected)
    }

    /// Its uploader.
    #[must_use]
    pub const fn by(&self) -> UserId {
        self.by
    }

    /// True with a thumbnail.
    #[must_use]
    pub const fn has_thumb(&self) -> bool {
        self.thumb
    }

    /// Its name; `None` once its uploader is erased.
    #[must_use]
    pub const fn name(&self) -> Option<&FileName> {
        self.name.as_ref()
    }

    /// Its size in bytes.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// The media type detected from its bytes.
    #[must_use]
    pub const fn mime(&self) -> Option<&MediaType> {
        self.mime.as_ref()
    }

    /// Refuses references by `user`, except the uploader and people who see the file (`sees`, a fact). The recipients
    /// of a reference may fetch the file, so a guessed or leaked id must not become one.
    ///
    /// # Errors
    /// [`FileError::NotFound`], also once it is collected.
    pub fn may_be_referenced_by(&self, user: UserId, sees: bool) -> Result<(), FileError> {
        if self.life == Life::Kept && (sees || self.by == user) { Ok(()) } else { Err(FileError::NotFound) }
    }
}

impl Aggregate for File {
    const AGGREGATE: AggregateType = AggregateType::File;

    fn decide(&self, command: FileCommand) -> Result<Vec<FileEvent>, FileError> {
        let by = self.by;
        match (command, self.life) {
            (FileCommand::Upload { by, label, size, mime, thumb }, Life::Unborn) => {
                Ok(vec![FileEvent::Uploaded { by, label: Personal::new(by, label), size, mime, thumb }])
            }
            (FileCommand::Upload { .. }, _) => Err(FileError::AlreadyUploaded),
            (_, Life::Unborn) => Err(FileError::NotFound),
            (FileCommand::Collect, Life::Kept) => Ok(vec![FileEvent::Collected { by }]),
            (FileCommand::Restore, Life::Collected) => Ok(vec![FileEvent::Restored { by }]),
            (FileCommand::Delete, Life::Kept | Life::Collected) => Ok(vec![FileEvent::Deleted { by }]),
            (FileCommand::Collect | FileCommand::Restore | FileCommand::Delete, _) => Ok(vec![]),
        }
    }
}

impl cqrs_es::Aggregate for File {
    const TYPE: &'static str = AggregateType::File.as_str();
    type Command = FileCommand;
    type Event = FileEvent;
    type Error = FileError;
    type Services = ();

    handle_by_deciding!();

    fn apply(&mut self, event: FileEvent) {
        self.life = match event {
            FileEvent::Uploaded { by, label, size, mime, thumb } => {
                (self.by, self.thumb) = (by, thumb);
                self.name = label.get().map(|label| label.name.clone());
                (self.size, self.mime) = (size, Some(mime));
                Life::Kept
            }
            FileEvent::Collected { .. } => Life::Collected,
            FileEvent::Restored { .. } => Life::Kept,
            FileEvent::Deleted { .. } => Life::Deleted,
        };
    }
}
