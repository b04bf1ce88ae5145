//! Records an uploaded file, after its bytes were stored.

use crate::{
    CommandError, Commands, Context, Done,
    engine::{Decided, Facts, UseCase},
};
use domain::{
    EventType, FileId,
    file::{File, FileCommand, FileLabel},
    text::MediaType,
};
use serde::Serialize;

#[derive(Clone, Debug, Serialize)]
pub struct UploadFile {
    /// The id of its blob.
    #[serde(skip)]
    pub id: FileId,
    pub label: FileLabel,
    /// In bytes.
    pub size: u64,
    /// As detected from the bytes.
    pub mime: MediaType,
    #[serde(skip)]
    pub thumb: bool,
}

impl UseCase for UploadFile {
    type Aggregate = File;
    const NAME: &'static str = "file.upload";
    const LEADS_TO: Option<&'static EventType> = Some(EventType::named("file.uploaded"));

    async fn decide(&self, facts: &mut Facts<'_>) -> Result<Decided<File>, CommandError> {
        let by = facts.actor().await?;
        let before = facts.presume_new::<File>(self.id).await?;
        let Self { label, size, mime, thumb, .. } = self.clone();
        facts.decide_on(self.id, before, FileCommand::Upload { by, label, size, mime, thumb })
    }
}

impl Commands {
    /// Records a file of the actor. A key used before for the same bytes and name returns the first file; the new blob
    /// is then orphaned.
    ///
    /// # Errors
    /// [`CommandError`].
    pub async fn upload_file(&self, ctx: &Context, file: UploadFile) -> Result<Done<File>, CommandError> {
        self.act(ctx, &file).await
    }
}
