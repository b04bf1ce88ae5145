//! The one way from a use case to the log: gather facts, decide, append; on a stale fact, once more.

use crate::{
    CommandError, Commands, Context, Done, end_session,
    facts::{Decided, Facts},
    state::{Cached, Freshness, Versioned, fold},
    turns::Turn,
};
use domain::{Tier, UserId};
use event_store::{Append, AppendError, ClaimKind, CommandKey, EventStore, Origin, Receipt, Retention, SERVER_KEY};
use serde::Serialize;
use std::future::Future;
use tokio::time::Instant;
use uuid::Uuid;

/// How often a command is decided before it gives way to others.
const ATTEMPTS: usize = 8;

/// One use case. What serialises of it is the request: the same key with another request is a conflict.
pub(crate) trait UseCase: Serialize + Sync {
    /// What it is about.
    type Aggregate: Cached;
    /// Its name in the protocol.
    const NAME: &'static str;
    /// The tier of what it appends. Only so many medium commands per second are let in ([`Admission`]), so that a flood of
    /// them waits for itself, and the high ones not for it.
    ///
    /// [`Admission`]: crate::admission::Admission
    fn tier(&self) -> Tier {
        Tier::High
    }

    /// Authorises and decides. It may be asked again with fresher facts.
    fn decide(
        &self,
        facts: &mut Facts<'_>,
    ) -> impl Future<Output = Result<Decided<Self::Aggregate>, CommandError>> + Send;
}

/// Whose idempotency key a command has.
#[derive(Clone, Copy, Debug)]
enum Owner {
    User(UserId),
    /// Nobody yet: the key counts per route and request.
    Route(&'static str),
    Reactor,
}

/// Who calls, and under which key.
#[derive(Clone, Debug)]
pub(crate) struct Caller<'c> {
    ctx: &'c Context,
    owner: Owner,
    key: Option<String>,
    /// Whether a client made the key up: it may be any text, and is stored as a hash.
    made_up: bool,
    retention: Retention,
}

impl<'c> Caller<'c> {
    /// The signed-in actor, with the key they gave.
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

    /// Somebody who is nobody yet, with the key they gave.
    pub(crate) fn anonymous(ctx: &'c Context, route: &'static str) -> Self {
        Self { ctx, owner: Owner::Route(route), key: ctx.key.clone(), made_up: true, retention: Retention::Week }
    }

    /// A reactor, with its key.
    pub(crate) fn reactor(ctx: &'c Context) -> Self {
        Self { ctx, owner: Owner::Reactor, key: ctx.key.clone(), made_up: false, retention: Retention::Week }
    }

    /// Under a key that no other command has.
    pub(crate) fn without_key(mut self) -> Self {
        self.key = None;
        self
    }

    /// Under a key that is kept for ever: a message's id.
    pub(crate) fn for_ever(mut self, key: String) -> Self {
        self.key = Some(key);
        self.made_up = false;
        self.retention = Retention::Forever;
        self
    }

    /// The key as a client made it up, if one did.
    fn plain_key(&self, request_hash: &[u8; 32]) -> Option<CommandKey> {
        let key = self.key.clone().filter(|_| self.made_up)?;
        Some(CommandKey { owner: self.owner(request_hash), key })
    }

    fn command_key(&self, store: &EventStore, request_hash: &[u8; 32], fresh: Uuid) -> CommandKey {
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
            Owner::Route(route) => format!("{route}:{}", hex(request_hash)),
            Owner::Reactor => "reactor".to_owned(),
        }
    }
}

impl Commands {
    /// Executes a command of the signed-in actor.
    pub(crate) async fn act<C: UseCase>(&self, ctx: &Context, case: &C) -> Result<Done<C::Aggregate>, CommandError> {
        self.execute(&Caller::actor(ctx)?, case).await
    }

    /// Executes a command: a repeated key answers the first result.
    pub(crate) async fn execute<C: UseCase>(
        &self,
        caller: &Caller<'_>,
        case: &C,
    ) -> Result<Done<C::Aggregate>, CommandError> {
        let _place = match case.tier() {
            Tier::High => None,
            _ => Some(self.admission().place().await.ok_or(CommandError::Overloaded)?),
        };
        let request_hash = self.request_hash(case)?;
        let key = caller.command_key(self.store(), &request_hash, self.new_id());
        let mut freshness = Freshness::Cached;
        let mut turn = None;
        for attempt in 1..=ATTEMPTS {
            let mut facts = Facts::new(self, caller.ctx, freshness);
            let verdict = case.decide(&mut facts).await;
            let target = facts.last_seen(<C::Aggregate as domain::Aggregate>::AGGREGATE);
            let remembered = facts.remembered;
            let written = facts.events.first().map(|first| first.stream);
            if let (Ok(_), None, Some(stream)) = (&verdict, &turn, written)
                && self.turns().is_taken(stream)
            {
                // Others queue for it: whoever does not is only in their way, and overtaken.
                turn = Some(self.turns().wait(stream).await);
                freshness = Freshness::Fresh;
                continue;
            }
            let error = match verdict {
                Ok(decided) if attempt == 1 && self.store().may_have_plain_keys() => {
                    match self.first_of_plain_key(caller, &request_hash).await? {
                        Some(receipt) => return self.first_done(receipt, decided.id).await,
                        None => continue,
                    }
                }
                Ok(decided) => match self.commit(caller, &key, request_hash, facts).await {
                    Ok(receipt) if receipt.repeated => return self.first_done(receipt, decided.id).await,
                    Ok(receipt) => return Ok(Done { receipt, id: decided.id, state: decided.state }),
                    Err(AppendError::Stale(stream)) => {
                        freshness = Freshness::Fresh;
                        // Twice overtaken: queue for the stream, so that of many at once all come through. One queue
                        // at a time, so that nobody waits in a circle.
                        if attempt > 1 && turn.as_ref().is_none_or(|turn: &Turn<'_>| turn.stream != stream) {
                            drop(turn.take());
                            turn = Some(self.turns().wait(stream).await);
                        }
                        continue;
                    }
                    // Somebody did the same at the same time: decided again, it joins what they began.
                    Err(AppendError::ClaimTaken(
                        ClaimKind::ActiveCall | ClaimKind::OpenReport | ClaimKind::Reported,
                    )) => {
                        freshness = Freshness::Fresh;
                        continue;
                    }
                    Err(error) => error.into(),
                },
                // Nobody is refused on hearsay.
                Err(error) if error.is_verdict() && remembered && freshness == Freshness::Cached => {
                    freshness = Freshness::Fresh;
                    continue;
                }
                Err(error) => error,
            };
            // A repeated command may be refused now because it succeeded before. A session that is over learns
            // nothing, though.
            if caller.key.is_some()
                && error.is_verdict()
                && !matches!(error, CommandError::InvalidToken)
                && let Some(receipt) = self.first_result(caller, &key, &request_hash).await?
                && let Some(id) = receipt.stream.map(|stream| stream.id).or(target)
            {
                return self.first_done(receipt, id).await;
            }
            return Err(error);
        }
        Err(CommandError::Contended)
    }

    /// Whether the command was executed before, under the caller's key.
    pub(crate) async fn was_done<C: UseCase>(&self, caller: &Caller<'_>, case: &C) -> Result<bool, CommandError> {
        if caller.key.is_none() {
            return Ok(false);
        }
        let request_hash = self.request_hash(case)?;
        let key = caller.command_key(self.store(), &request_hash, self.new_id());
        Ok(self.first_result(caller, &key, &request_hash).await?.is_some())
    }

    /// The first result of a key, if it was used.
    async fn first_result(
        &self,
        caller: &Caller<'_>,
        key: &CommandKey,
        request_hash: &[u8; 32],
    ) -> Result<Option<Receipt>, CommandError> {
        match self.store().first_result(key, request_hash).await? {
            Some(receipt) => Ok(Some(receipt)),
            None if self.store().may_have_plain_keys() => self.first_of_plain_key(caller, request_hash).await,
            None => Ok(None),
        }
    }

    /// The first result of a key that was stored as its client made it up, before keys were hashed.
    async fn first_of_plain_key(
        &self,
        caller: &Caller<'_>,
        request_hash: &[u8; 32],
    ) -> Result<Option<Receipt>, CommandError> {
        let Some(key) = caller.plain_key(request_hash) else { return Ok(None) };
        Ok(self.store().first_result(&key, request_hash).await?)
    }

    async fn commit(
        &self,
        caller: &Caller<'_>,
        key: &CommandKey,
        request_hash: [u8; 32],
        facts: Facts<'_>,
    ) -> Result<Receipt, AppendError> {
        let Facts { mut guards, claims, secrets, events, after, .. } = facts;
        // An event's sequence guards its own stream.
        guards.retain(|guard| !events.iter().any(|event| event.stream == guard.stream));
        let high = events.iter().any(|event| event.event.kind().tier == Tier::High);
        let ctx = caller.ctx;
        let append = Append {
            origin: Origin {
                actor: ctx.actor.map(|actor| actor.user.0),
                correlation_id: Some(ctx.correlation_id),
                causation_id: ctx.causation_id,
            },
            key: key.clone(),
            request_hash,
            retention: caller.retention,
            tier: if high { Tier::High } else { Tier::Medium },
            guards,
            claims,
            secrets,
            events: events.clone(),
        };
        let began = Instant::now();
        let receipt = self.store().append(append).await?;
        if high {
            self.admission().high_took(began.elapsed());
        }
        if !receipt.repeated {
            after.into_iter().for_each(|remember| remember(self.states(), self.store()));
            let over = end_session::ended(&events);
            if !over.is_empty()
                && let Err(error) = self.store().drop_tokens(&over).await
            {
                tracing::debug!(error.cause = %error, "refresh tokens of ended sessions stay until they expire");
            }
            for new in events.iter().filter(|new| new.event.counts()) {
                self.states().learn_head(new.event.scope(new.stream.id), receipt.seq);
            }
        }
        Ok(receipt)
    }

    /// The keyed hash of the command's name and its request in JSON.
    fn request_hash<C: UseCase>(&self, case: &C) -> Result<[u8; 32], CommandError> {
        let json = serde_json::to_vec(&(C::NAME, case)).map_err(|error| CommandError::Internal(error.to_string()))?;
        Ok(self.store().request_hash(&json))
    }

    /// The first result of a repeated command, with the state as it was then; `id` is what a command without
    /// events was about.
    async fn first_done<A: Cached>(&self, receipt: Receipt, id: Uuid) -> Result<Done<A>, CommandError> {
        if let Some(stream) = receipt.stream.filter(|stream| stream.aggregate == A::AGGREGATE) {
            let events = self.store().load_many(&[(stream, receipt.version)]).await?;
            let then = fold::<A>(self.store(), Versioned::default(), &events).await?;
            return Ok(Done { receipt, id: stream.id, state: then.state });
        }
        let (now, _) = self.states().load(self.store(), id, Freshness::Cached).await?;
        Ok(Done { receipt, id, state: now.state })
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{CommandSettings, PasswordCost};
    use domain::{AggregateType, Timestamp, user::User};
    use event_store::{EventStore, Guard, Keys, Settings, StreamId};
    use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
    use testkit::{Home, each_engine};

    fn clock() -> Timestamp {
        Timestamp::from_millis(1_795_460_818_000)
    }

    fn ids() -> Uuid {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        Uuid::from_u128(u128::from(NEXT.fetch_add(1, Ordering::Relaxed)))
    }

    async fn server(home: &Home) -> Commands {
        let (location, keys) = (home.log(), Keys { master: [7; 32] });
        let settings = Settings { location, connections: 2, partitions: 4, keys, clock };
        let (store, _) = EventStore::open(settings).await.unwrap();
        let password_cost = PasswordCost::default();
        let settings =
            CommandSettings { clock, ids, password_cost, limits: false, refresh_ttl_ms: 1, refresh_grace_ms: 1 };
        Commands::new(store, settings)
    }

    /// Rests on a version that its stream never has.
    #[derive(Serialize)]
    struct AlwaysOvertaken {
        #[serde(skip)]
        decided: AtomicUsize,
    }

    impl UseCase for AlwaysOvertaken {
        type Aggregate = User;
        const NAME: &'static str = "test.overtaken";

        async fn decide(&self, facts: &mut Facts<'_>) -> Result<Decided<User>, CommandError> {
            self.decided.fetch_add(1, Ordering::Relaxed);
            let stream = StreamId::new(AggregateType::User, Uuid::from_u128(7));
            facts.guards.push(Guard { stream, version: 99 });
            Ok(Decided { id: stream.id, state: Default::default() })
        }
    }

    each_engine!(a_command_that_is_always_overtaken_gives_way, |home| async move {
        let commands = server(&home).await;
        let ctx = Context { actor: None, key: None, correlation_id: ids(), causation_id: None };
        let case = AlwaysOvertaken { decided: AtomicUsize::new(0) };
        let refused = commands.execute(&Caller::anonymous(&ctx, "test"), &case).await;
        assert!(matches!(refused, Err(CommandError::Contended)));
        assert_eq!(case.decided.load(Ordering::Relaxed), ATTEMPTS);
    });
}
