//! Executes a use case: gather facts, decide, append; on a stale fact, decide again.

use super::{
    Cached, Caller, CommandError, Commands, Context, Done, Freshness, Versioned,
    caller::Owner,
    facts::{Decided, Facts},
    fold,
    high_admission::HighPermit,
    medium_admission::MediumPermit,
    stream_locks::StreamLock,
};
use domain::{Event, EventType, Tier, session::SessionEvent};
use event_store::{Append, AppendError, ClaimKind, CommandKey, NewEvent, Origin, Receipt, StreamId};
use serde::Serialize;
use std::{future::Future, time::Duration};
use tokio::time::{Instant, timeout};
use uuid::Uuid;

/// The most decisions of one command before it fails as contended.
const ATTEMPTS: usize = 8;
/// The time limit of a command: longer than the queue of medium commands takes, and than the writer waits for an
/// outcome.
const WITHIN: Duration = Duration::from_secs(60);

/// One use case. Its serialized fields are the request: the same key with another request is a conflict.
pub(crate) trait UseCase: Serialize + Sync {
    type Aggregate: Cached;
    /// Part of the stored request hash: it never changes.
    const NAME: &'static str;
    /// The event type that it produces, or one of several of the same tier. `None`: it is admitted as a high command.
    const LEADS_TO: Option<&'static EventType> = None;

    /// The tier of its admission. Medium commands are limited in rate, so that a flood of them does not delay high
    /// ones.
    fn tier(&self) -> Tier {
        Self::LEADS_TO.map_or(Tier::High, |expected| expected.tier)
    }

    /// Authorizes and decides. It is called again with fresher facts after a refusal or a stale append.
    fn decide(
        &self,
        facts: &mut Facts<'_>,
    ) -> impl Future<Output = Result<Decided<Self::Aggregate>, CommandError>> + Send;
}

/// The right of a command to run.
enum Permit<'u> {
    None,
    High(HighPermit<'u>),
    Medium(#[expect(dead_code, reason = "held until it is dropped")] MediumPermit),
}

impl Commands {
    /// Executes a command of the signed-in actor.
    pub(crate) async fn act<C: UseCase>(&self, ctx: &Context, case: &C) -> Result<Done<C::Aggregate>, CommandError> {
        self.execute(&Caller::actor(ctx)?, case).await
    }

    /// Executes a command. A repeated key returns the first result.
    pub(crate) async fn execute<C: UseCase>(
        &self,
        caller: &Caller<'_>,
        case: &C,
    ) -> Result<Done<C::Aggregate>, CommandError> {
        in_time(WITHIN, self.run(caller, case)).await
    }

    async fn run<C: UseCase>(&self, caller: &Caller<'_>, case: &C) -> Result<Done<C::Aggregate>, CommandError> {
        let mut permit = match (case.tier(), caller.owner) {
            // Reactors issue one command after the other, and must not be refused.
            (Tier::High, Owner::Reactor) => Permit::None,
            (Tier::High, _) => Permit::High(self.high_admission().enter(caller.user()).await?),
            _ => Permit::Medium(self.medium_admission().acquire().await.ok_or(CommandError::Overloaded)?),
        };
        let request_hash = self.request_hash(case)?;
        let key = caller.command_key(self.store(), &request_hash, self.new_id());
        let mut freshness = Freshness::Cached;
        let mut lock = None;
        for attempt in 1..=ATTEMPTS {
            let mut facts = Facts::new(self, caller.ctx, freshness);
            let verdict = case.decide(&mut facts).await;
            let target = facts.last_seen(<C::Aggregate as domain::Aggregate>::AGGREGATE);
            let from_cache = facts.from_cache;
            let written = facts.events.first().map(|first| first.stream);
            debug_assert!(
                verdict.is_err() || has_tier_of(C::LEADS_TO, &facts.events),
                "{} produces events of another tier than it declares",
                C::NAME
            );
            if let (Ok(_), None, Some(stream)) = (&verdict, &lock, written)
                && self.stream_locks().is_locked(stream)
            {
                // Other commands queue for the stream: an append out of turn would overtake them and be overtaken.
                lock = Some(self.queue(&mut permit, stream).await?);
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
                        // Overtaken twice: queue for the stream, so that each of many commands succeeds. A command
                        // holds one lock at a time, which excludes deadlocks.
                        if attempt > 1 && lock.as_ref().is_none_or(|lock: &StreamLock<'_>| lock.stream != stream) {
                            drop(lock.take());
                            lock = Some(self.queue(&mut permit, stream).await?);
                        }
                        continue;
                    }
                    // A concurrent command took the claim: the next decision joins its result, or refuses.
                    Err(AppendError::ClaimTaken(
                        ClaimKind::ActiveCall | ClaimKind::OpenReport | ClaimKind::Reported | ClaimKind::Bootstrap,
                    )) => {
                        freshness = Freshness::Fresh;
                        continue;
                    }
                    Err(error) => error.into(),
                },
                // A refusal decided on cached state is retried on fresh state.
                Err(error) if error.is_verdict() && from_cache && freshness == Freshness::Cached => {
                    freshness = Freshness::Fresh;
                    continue;
                }
                Err(error) => error,
            };
            // A repeated command may be refused because it succeeded before. An ended session gets no result, though.
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

    /// Queues for the lock of a stream, and gives the slot to others meanwhile.
    async fn queue(&self, permit: &mut Permit<'_>, stream: StreamId) -> Result<StreamLock<'_>, CommandError> {
        if let Permit::High(permit) = permit {
            permit.release_slot();
        }
        let lock = self.stream_locks().wait(stream).await;
        if let Permit::High(permit) = permit {
            permit.reacquire_slot().await?;
        }
        Ok(lock)
    }

    /// True if the command was executed before under the caller's key.
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

    /// The first result of a key that was stored in the clear, before keys were hashed.
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
        let tier = if has_high(&events) { Tier::High } else { Tier::Medium };
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
            tier,
            guards,
            claims,
            secrets,
            events: events.clone(),
        };
        let began = Instant::now();
        let receipt = self.store().append(append).await?;
        self.overload().committed(ctx.correlation_id, tier);
        metrics::histogram!("chatchit_append_seconds", "tier" => tier.as_str()).record(began.elapsed());
        if tier == Tier::High {
            self.medium_admission().high_took(began.elapsed());
        }
        if !receipt.repeated {
            after.into_iter().for_each(|remember| remember(self.states(), self.store()));
            let over = ended_sessions(&events);
            if !over.is_empty()
                && let Err(error) = self.store().drop_tokens(&over).await
            {
                tracing::debug!(error.cause = %error, "refresh tokens of ended sessions stay until they expire");
            }
            for new in events.iter().filter(|new| new.event.event_type().counts) {
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

    /// The first result of a repeated command, with the state of that time; `id` is the aggregate of a command without
    /// events.
    pub(crate) async fn first_done<A: Cached>(&self, receipt: Receipt, id: Uuid) -> Result<Done<A>, CommandError> {
        if let Some(stream) = receipt.stream.filter(|stream| stream.aggregate == A::AGGREGATE) {
            let events = self.store().load_many(&[(stream, receipt.version)]).await?;
            let then = fold::<A>(self.store(), Versioned::default(), &events).await?;
            return Ok(Done { receipt, id: stream.id, state: then.state });
        }
        let (now, _) = self.states().load(self.store(), id, Freshness::Cached).await?;
        Ok(Done { receipt, id, state: now.state })
    }
}

fn has_high(events: &[NewEvent]) -> bool {
    events.iter().any(|new| new.event.event_type().tier == Tier::High)
}

/// True if the events have the tier of their command's admission.
fn has_tier_of(expected: Option<&EventType>, events: &[NewEvent]) -> bool {
    expected.is_none_or(|expected| events.is_empty() || has_high(events) == (expected.tier == Tier::High))
}

/// The sessions that end with these events.
fn ended_sessions(events: &[NewEvent]) -> Vec<Uuid> {
    let is_end = |new: &&NewEvent| matches!(new.event, Event::Session(SessionEvent::Ended { .. }));
    events.iter().filter(is_end).map(|new| new.stream.id).collect()
}

/// The outcome of a command, or `Unavailable` after the time limit. Its append may still be stored; a repetition
/// returns the result.
async fn in_time<T>(
    within: Duration,
    outcome: impl Future<Output = Result<T, CommandError>>,
) -> Result<T, CommandError> {
    timeout(within, outcome).await.unwrap_or(Err(CommandError::Unavailable))
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
        let settings = CommandSettings {
            clock,
            ids,
            password_cost,
            limits: false,
            refresh_ttl_ms: 1,
            refresh_grace_ms: 1,
            reachable_by: domain::user::Reach::Everyone,
            link_hosts: domain::link::LinkHosts::default(),
        };
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

    #[tokio::test]
    async fn a_command_that_waits_for_ever_is_answered() {
        let waits = in_time::<()>(Duration::ZERO, std::future::pending()).await;
        assert!(matches!(waits, Err(CommandError::Unavailable)), "{waits:?}");
        assert_eq!(in_time(WITHIN, async { Ok(7) }).await.unwrap(), 7);
    }
}
