//! The facts of one decision: each state it reads becomes a guard of its append.

use crate::{
    CommandError, Commands, Context,
    engine::{Cached, Freshness, States, Versioned, refused},
};
use domain::{AggregateType, SessionId, Timestamp, UserId, session::Session, user::User};
use event_store::{Claim, EventStore, Guard, NewEvent, Secret, StreamId};
use std::{collections::HashMap, sync::Arc};
use uuid::Uuid;

/// The outcome of a decision: the aggregate and its state with the decided events.
pub(crate) struct Decided<A> {
    pub(crate) id: Uuid,
    pub(crate) state: Arc<A>,
}

/// Updates the cached states after the append.
pub(crate) type AfterAppend = Box<dyn FnOnce(&States, &EventStore) + Send + Sync>;

pub(crate) struct Facts<'c> {
    commands: &'c Commands,
    ctx: &'c Context,
    freshness: Freshness,
    /// True if a state came from the cache, without a read of the log.
    pub(crate) from_cache: bool,
    /// The versions of the streams read.
    pub(crate) guards: Vec<Guard>,
    pub(crate) claims: Vec<Claim>,
    pub(crate) secrets: Vec<Secret>,
    pub(crate) events: Vec<NewEvent>,
    pub(crate) after: Vec<AfterAppend>,
}

impl<'c> Facts<'c> {
    pub(crate) fn new(commands: &'c Commands, ctx: &'c Context, freshness: Freshness) -> Self {
        Self {
            commands,
            ctx,
            freshness,
            from_cache: false,
            guards: Vec::new(),
            claims: Vec::new(),
            secrets: Vec::new(),
            events: Vec::new(),
            after: Vec::new(),
        }
    }

    pub(crate) fn store(&self) -> &'c EventStore {
        self.commands.store()
    }

    pub(crate) const fn commands(&self) -> &'c Commands {
        self.commands
    }

    pub(crate) fn new_id(&self) -> Uuid {
        self.commands.new_id()
    }

    /// The session of the actor; `None` for the system.
    pub(crate) fn session(&self) -> Option<SessionId> {
        self.ctx.actor.and_then(|actor| actor.session)
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.commands.now()
    }

    /// The actor: signed in, and neither blocked nor deactivated.
    pub(crate) async fn actor(&mut self) -> Result<UserId, CommandError> {
        self.actor_and_account().await.map(|(actor, _)| actor)
    }

    /// The actor and their account.
    pub(crate) async fn actor_and_account(&mut self) -> Result<(UserId, Versioned<User>), CommandError> {
        let actor = self.ctx.actor.ok_or(CommandError::InvalidToken)?;
        if let Some(id) = actor.session {
            let session = self.get::<Session>(id).await?.state;
            let account = self.get::<User>(actor.user).await?.state;
            if !session.is_live(actor.user) || !account.keeps(id, session.sign_outs()) {
                return Err(CommandError::InvalidToken);
            }
        }
        let user = self.get::<User>(actor.user).await?;
        user.state.may_act().map_err(refused)?;
        Ok((actor.user, user))
    }

    /// A state, guarded: the append fails if the stream has moved on.
    pub(crate) async fn get<A: Cached>(&mut self, id: impl Into<Uuid>) -> Result<Versioned<A>, CommandError> {
        let id = id.into();
        let known = self.peek::<A>(id).await?;
        self.guard(A::AGGREGATE, id, known.version);
        Ok(known)
    }

    /// A state without a guard, for properties that never change.
    pub(crate) async fn peek<A: Cached>(&mut self, id: impl Into<Uuid>) -> Result<Versioned<A>, CommandError> {
        let (known, from_cache) = self.commands.states().load(self.store(), id.into(), self.freshness).await?;
        self.from_cache |= from_cache;
        Ok(known)
    }

    /// The states of many streams, read together without guards. The sequence of a decided event guards its stream.
    pub(crate) async fn get_many<A: Cached>(
        &mut self,
        ids: &[Uuid],
    ) -> Result<HashMap<Uuid, Versioned<A>>, CommandError> {
        let states = self.commands.states().load_many::<A>(self.store(), ids, self.freshness).await?;
        self.from_cache |= self.freshness == Freshness::Cached;
        Ok(states)
    }

    /// The state of a stream that is presumed empty: the first attempt does not read it, since the append checks.
    pub(crate) async fn presume_new<A: Cached>(&mut self, id: impl Into<Uuid>) -> Result<Versioned<A>, CommandError> {
        let id = id.into();
        if self.freshness == Freshness::Fresh {
            return self.get(id).await;
        }
        let known = self.commands.states().known(id).unwrap_or_default();
        self.from_cache = true;
        self.guard(A::AGGREGATE, id, known.version);
        Ok(known)
    }

    /// As [`get_many`](Self::get_many), each state guarded in the order of `ids`.
    pub(crate) async fn get_each<A: Cached>(&mut self, ids: &[Uuid]) -> Result<Vec<Versioned<A>>, CommandError> {
        let states = self.get_many::<A>(ids).await?;
        let mut each = Vec::with_capacity(ids.len());
        for id in ids {
            let known = states.get(id).cloned().unwrap_or_default();
            self.guard(A::AGGREGATE, *id, known.version);
            each.push(known);
        }
        Ok(each)
    }

    pub(crate) fn guard(&mut self, aggregate: AggregateType, id: Uuid, version: u64) {
        let stream = StreamId::new(aggregate, id);
        if !self.guards.iter().any(|guard| guard.stream == stream) {
            self.guards.push(Guard { stream, version });
        }
    }

    /// Loads the aggregate, decides, and adds the events.
    pub(crate) async fn decide<A: Cached>(
        &mut self,
        id: impl Into<Uuid>,
        command: A::Command,
    ) -> Result<Decided<A>, CommandError> {
        let id = id.into();
        let before = self.get::<A>(id).await?;
        self.decide_on(id, before, command)
    }

    /// Decides on a loaded state, and adds the events.
    pub(crate) fn decide_on<A: Cached>(
        &mut self,
        id: impl Into<Uuid>,
        before: Versioned<A>,
        command: A::Command,
    ) -> Result<Decided<A>, CommandError> {
        let (id, mut sequence) = (id.into(), before.version);
        let events = before.state.decide(command).map_err(refused)?;
        if events.is_empty() {
            return Ok(Decided { id, state: before.state });
        }
        let mut state = Arc::unwrap_or_clone(before.state);
        for event in events {
            sequence += 1;
            state.apply(event.clone());
            self.events.push(NewEvent { stream: StreamId::new(A::AGGREGATE, id), sequence, event: event.into() });
        }
        let after = Versioned { version: sequence, state: Arc::new(state) };
        let state = Arc::clone(&after.state);
        self.after.push(Box::new(move |states, store| states.advance(store, id, &after)));
        Ok(Decided { id, state })
    }

    /// The last guarded stream of `aggregate`: the one the command is about.
    pub(crate) fn last_seen(&self, aggregate: AggregateType) -> Option<Uuid> {
        self.guards.iter().rev().find(|guard| guard.stream.aggregate == aggregate).map(|guard| guard.stream.id)
    }
}
