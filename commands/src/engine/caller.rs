//! The origin of a command and its idempotency key.

use super::{CommandError, Context};
use domain::{UserId, hex};
use event_store::{CommandKey, EventStore, Retention, SERVER_KEY};
use uuid::Uuid;

/// The owner of an idempotency key.
#[derive(Clone, Copy, Debug)]
pub(super) enum Owner {
    User(UserId),
    /// A client without an account: the key counts per route and request.
    Route(&'static str),
    Reactor,
}

/// The origin of a command and its idempotency key.
#[derive(Clone, Debug)]
pub(crate) struct Caller<'c> {
    pub(super) ctx: &'c Context,
    pub(super) owner: Owner,
    pub(super) key: Option<String>,
    /// True if a client chose the key: it may be any text, and is stored as a hash.
    made_up: bool,
    pub(super) retention: Retention,
}

impl<'c> Caller<'c> {
    /// The signed-in actor, with the key of the request.
    pub(crate) fn actor(ctx: &'c Context) -> Result<Self, CommandError> {
        let actor = ctx.actor.ok_or(CommandError::InvalidToken)?;
        Ok(Self {
            ctx,
            owner: Owner::User(actor.user),
            key: ctx.key.clone(),
            made_up: true,
            retention: Retention::Week,
        })
    }

    /// A client that is not signed in, with the key of the request.
    pub(crate) fn anonymous(ctx: &'c Context, route: &'static str) -> Self {
        Self { ctx, owner: Owner::Route(route), key: ctx.key.clone(), made_up: true, retention: Retention::Week }
    }

    pub(crate) fn reactor(ctx: &'c Context) -> Self {
        Self { ctx, owner: Owner::Reactor, key: ctx.key.clone(), made_up: false, retention: Retention::Week }
    }

    /// The account whose share of high commands it uses.
    pub(super) const fn user(&self) -> Option<UserId> {
        match self.owner {
            Owner::User(user) => Some(user),
            Owner::Route(_) | Owner::Reactor => None,
        }
    }

    /// The same, under a key of its own.
    pub(crate) fn without_key(mut self) -> Self {
        self.key = None;
        self
    }

    /// The same, under a key that is kept for ever: a message's id.
    pub(crate) fn for_ever(mut self, key: String) -> Self {
        self.key = Some(key);
        self.made_up = false;
        self.retention = Retention::Forever;
        self
    }

    /// The key as the client chose it.
    pub(super) fn plain_key(&self, request_hash: &[u8; 32]) -> Option<CommandKey> {
        let key = self.key.clone().filter(|_| self.made_up)?;
        Some(CommandKey { owner: self.owner(request_hash), key })
    }

    pub(super) fn command_key(&self, store: &EventStore, request_hash: &[u8; 32], fresh: Uuid) -> CommandKey {
        let owner = self.owner(request_hash);
        let key = match &self.key {
            Some(key) if self.made_up => store.key_hash(&owner, key),
            Some(key) => key.clone(),
            None => format!("{SERVER_KEY}{fresh}"),
        };
        CommandKey { owner, key }
    }

    fn owner(&self, request_hash: &[u8; 32]) -> String {
        match self.owner {
            Owner::User(user) => user.to_string(),
            Owner::Route(route) => format!("{route}:{}", hex::encode(request_hash)),
            Owner::Reactor => "reactor".to_owned(),
        }
    }
}
