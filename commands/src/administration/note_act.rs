//! Records an administrator's act on the server itself, before it is done.

use crate::{
    CommandError, Commands, Context, Done,
    engine::{Caller, Decided, Facts, UseCase},
};
use domain::{
    EventType,
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
    const LEADS_TO: Option<&'static EventType> = Some(EventType::named("administration.acted"));

    async fn decide(&self, facts: &mut Facts<'_>) -> Result<Decided<Administration>, CommandError> {
        let (by, _) = facts.staff(Role::Admin).await?;
        let id = facts.new_id();
        let before = facts.presume_new::<Administration>(id).await?;
        let (act, target) = (self.act, self.target.to_owned());
        facts.decide_on(id, before, AdministrationCommand::Note { by, act, target })
    }
}

impl Commands {
    /// Records the act of the actor, an administrator, on `target`. Call it before the act.
    ///
    /// # Errors
    /// [`CommandError`]; `admin_only`.
    pub async fn note_act(&self, ctx: &Context, act: Act, target: &str) -> Result<Done<Administration>, CommandError> {
        self.act(ctx, &NoteAct { act, target }).await
    }

    /// True if the act was recorded before under the context's key, and must not be repeated.
    ///
    /// # Errors
    /// [`CommandError`]; `KeyReused` when the key was used for another request.
    pub async fn has_noted(&self, ctx: &Context, act: Act, target: &str) -> Result<bool, CommandError> {
        self.was_done(&Caller::actor(ctx)?, &NoteAct { act, target }).await
    }
}
