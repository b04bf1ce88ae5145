//! The steps of file garbage collection: an unreferenced file is collected, so that no event can refer to it, then
//! restored or deleted.

use crate::{
    CommandError, Commands, Done,
    engine::{Caller, Decided, Facts, UseCase},
};
use domain::{
    EventType, FileId,
    file::{File, FileCommand},
};
use serde::Serialize;

#[derive(Serialize)]
struct CollectFile {
    file: FileId,
    #[serde(skip)]
    command: FileCommand,
}

impl UseCase for CollectFile {
    type Aggregate = File;
    const NAME: &'static str = "file.keep_house";
    const LEADS_TO: Option<&'static EventType> = Some(EventType::named("file.collected"));

    async fn decide(&self, facts: &mut Facts<'_>) -> Result<Decided<File>, CommandError> {
        facts.decide(self.file, self.command.clone()).await
    }
}

impl Commands {
    /// Collects a file: existing references have lower positions, and none can follow.
    ///
    /// # Errors
    /// [`CommandError`]; `not_found` when there is no such file.
    pub async fn collect_file(&self, file: FileId) -> Result<Done<File>, CommandError> {
        self.transition(file, FileCommand::Collect).await
    }

    /// Restores a collected file that is referred to.
    ///
    /// # Errors
    /// [`CommandError`]; `not_found` when there is no such file.
    pub async fn restore_file(&self, file: FileId) -> Result<Done<File>, CommandError> {
        self.transition(file, FileCommand::Restore).await
    }

    /// Records that the bytes of the file were removed.
    ///
    /// # Errors
    /// [`CommandError`]; `not_found` when there is no such file.
    pub async fn delete_file(&self, file: FileId) -> Result<Done<File>, CommandError> {
        self.transition(file, FileCommand::Delete).await
    }

    /// A repetition changes nothing.
    async fn transition(&self, file: FileId, command: FileCommand) -> Result<Done<File>, CommandError> {
        let ctx = self.system_context(None);
        self.execute(&Caller::reactor(&ctx), &CollectFile { file, command }).await
    }
}
