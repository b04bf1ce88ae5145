//! What the system does with files that nothing refers to: they are collected, so that nothing can refer to them any
//! more; then looked at once more, and restored or deleted.

use crate::{
    CommandError, Commands, Context, Done,
    execute::{Caller, UseCase},
    facts::{Decided, Facts},
};
use domain::{
    FileId, Tier,
    file::{File, FileCommand},
};
use serde::Serialize;

#[derive(Serialize)]
struct KeepHouse {
    file: FileId,
    #[serde(skip)]
    command: FileCommand,
}

impl UseCase for KeepHouse {
    type Aggregate = File;
    const NAME: &'static str = "file.keep_house";

    fn tier(&self) -> Tier {
        Tier::Medium
    }

    async fn decide(&self, facts: &mut Facts<'_>) -> Result<Decided<File>, CommandError> {
        facts.decide(self.file, self.command.clone()).await
    }
}

impl Commands {
    /// From here on nothing can refer to the file. Whatever already does has a lower position.
    ///
    /// # Errors
    /// [`CommandError`]; `not_found` when there is no such file.
    pub async fn collect_file(&self, file: FileId) -> Result<Done<File>, CommandError> {
        self.keep_house(file, FileCommand::Collect).await
    }

    /// Something referred to the file before it was collected: it stays.
    ///
    /// # Errors
    /// [`CommandError`]; `not_found` when there is no such file.
    pub async fn restore_file(&self, file: FileId) -> Result<Done<File>, CommandError> {
        self.keep_house(file, FileCommand::Restore).await
    }

    /// The bytes of the file are gone.
    ///
    /// # Errors
    /// [`CommandError`]; `not_found` when there is no such file.
    pub async fn delete_file(&self, file: FileId) -> Result<Done<File>, CommandError> {
        self.keep_house(file, FileCommand::Delete).await
    }

    /// Done twice, each of them has one effect.
    async fn keep_house(&self, file: FileId, command: FileCommand) -> Result<Done<File>, CommandError> {
        let ctx = Context { actor: None, key: None, correlation_id: self.new_id(), causation_id: None };
        self.execute(&Caller::reactor(&ctx), &KeepHouse { file, command }).await
    }
}
