//! Somebody has brought a file: its bytes are stored, and are now told of.

use crate::{
    CommandError, Commands, Context, Done,
    execute::UseCase,
    facts::{Decided, Facts},
};
use domain::{
    FileId, Tier,
    file::{File, FileCommand, FileLabel},
    text::MediaType,
};
use serde::Serialize;

/// A file as it was stored.
#[derive(Clone, Debug, Serialize)]
pub struct UploadFile {
    /// Under which id its bytes lie.
    #[serde(skip)]
    pub id: FileId,
    /// Its name and digest.
    pub label: FileLabel,
    /// Its size in bytes.
    pub size: u64,
    /// What its bytes say it is.
    pub mime: MediaType,
    /// Whether there is a thumbnail.
    #[serde(skip)]
    pub thumb: bool,
}

impl UseCase for UploadFile {
    type Aggregate = File;
    const NAME: &'static str = "file.upload";

    fn tier(&self) -> Tier {
        Tier::Medium
    }

    async fn decide(&self, facts: &mut Facts<'_>) -> Result<Decided<File>, CommandError> {
        let by = facts.actor().await?;
        let before = facts.presume_new::<File>(self.id).await?;
        let Self { label, size, mime, thumb, .. } = self.clone();
        facts.decide_on(self.id, before, FileCommand::Upload { by, label, size, mime, thumb })
    }
}

impl Commands {
    /// Notes that the bytes of a file of the actor are stored. With a key used before for the same bytes and name,
    /// the file is the first one: the new bytes are then nobody's.
    ///
    /// # Errors
    /// [`CommandError`].
    pub async fn upload_file(&self, ctx: &Context, file: UploadFile) -> Result<Done<File>, CommandError> {
        self.act(ctx, &file).await
    }
}
