//! What an administrator is about to do to the server itself is noted in the log.

use crate::{
    CommandError, Commands, Context, Done,
    execute::{Caller, UseCase},
    facts::{Decided, Facts},
};
use domain::{
    Tier,
    administration::{Act, Administration, AdministrationCommand},
    user::Role,
};
use serde::Serialize;

#[derive(Serialize)]
struct NoteAct<'t> {
    act: Act,
    target: &'t str,
}

impl UseCase for NoteAct<'_> {
    type Aggregate = Administration;
    const NAME: &'static str = "administration.note";

    fn tier(&self) -> Tier {
        Tier::Medium
    }

    async fn decide(&self, facts: &mut Facts<'_>) -> Result<Decided<Administration>, CommandError> {
        let (by, _) = facts.staff(Role::Admin).await?;
        let id = facts.new_id();
        let before = facts.presume_new::<Administration>(id).await?;
        let (act, target) = (self.act, self.target.to_owned());
        facts.decide_on(id, before, AdministrationCommand::Note { by, act, target })
    }
}

impl Commands {
    /// Notes what the actor, an administrator, is about to do to `target`. To be called before it is done.
    ///
    /// # Errors
    /// [`CommandError`]; `admin_only`.
    pub async fn note_act(&self, ctx: &Context, act: Act, target: &str) -> Result<Done<Administration>, CommandError> {
        self.act(ctx, &NoteAct { act, target }).await
    }

    /// Whether the same was noted under the context's key before: then it is not to be done again.
    ///
    /// # Errors
    /// [`CommandError`]; `KeyReused` when the key was used for something else.
    pub async fn has_noted(&self, ctx: &Context, act: Act, target: &str) -> Result<bool, CommandError> {
        self.was_done(&Caller::actor(ctx)?, &NoteAct { act, target }).await
    }
}
