//! How people are here: asked for, chosen, and what both rest on.

use super::{
    connection_registry::{ConnectionRegistry, Found},
    effective::{EffectivePresence, choice_in_force, effective_presence},
    hidden_cache::Hidden,
    preference::{PreferredStatus, PresencePreference, chosen},
    publish_schedule::PublishSchedule,
    shared_clock::SharedClock,
    visibility::PresenceAudience,
};
use crate::{Caller, SignalRouter};
use broker::Signal;
use domain::{SessionId, Timestamp, UserId};
use projections::{Chosen, PresenceStore, Progress, presence::Kept};
use protocol::{
    Problem,
    resource::{Presence, Status, VisiblePresence},
};
use quick_cache::sync::Cache;
use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    ops::Bound,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::sync::Notify;

/// The most people of an answer without pages, and of one look-up.
pub const MAX_ONLINE: usize = 1_000;

/// People of whom it is known what was relayed of them last.
const RELAYED: usize = 4_096;

/// How people are here. Clones share it.
#[derive(Clone)]
pub struct Presences(pub(super) Arc<Inner>);

pub(super) struct Inner {
    pub(super) connections: ConnectionRegistry,
    pub(super) audience: PresenceAudience,
    pub(super) store: PresenceStore,
    pub(super) signals: SignalRouter,
    pub(super) clock: SharedClock,
    /// How long a lease lasts.
    pub(super) lease: Duration,
    /// How long somebody whose last socket has gone is still here.
    pub(super) grace: Duration,
    /// How long a change is worth telling, in milliseconds.
    pub(super) worth_ms: i64,
    schedule: Mutex<PublishSchedule>,
    hidden: Mutex<Hidden>,
    /// Whose accounts were just stopped from acting: when their last socket has gone, so have they.
    evicted: Mutex<HashSet<UserId>>,
    /// The last relayed presence of each person, and when it was published.
    pub(super) relayed: Cache<UserId, (VisiblePresence, Timestamp)>,
    /// Somebody may have to be looked at sooner than was thought.
    pub(super) wake: Notify,
}

/// What was found out about some people.
pub(super) struct Looked {
    pub(super) found: Found,
    pub(super) kept: BTreeMap<UserId, Kept>,
    now: Timestamp,
}

impl Presences {
    /// Those of the people whose sockets are in this process, and, by what they share, of all.
    #[must_use]
    pub fn new(
        audience: PresenceAudience,
        connections: ConnectionRegistry,
        store: PresenceStore,
        signals: SignalRouter,
        clock: fn() -> Timestamp,
        [lease, grace, worth]: [Duration; 3],
    ) -> Self {
        let (schedule, hidden, wake, evicted) = Default::default();
        let clock = SharedClock::new(clock);
        let relayed = Cache::new(RELAYED);
        let worth_ms = i64::try_from(worth.as_millis()).unwrap_or(i64::MAX);
        Self(Arc::new(Inner {
            connections,
            audience,
            store,
            signals,
            clock,
            lease,
            grace,
            worth_ms,
            schedule,
            hidden,
            evicted,
            relayed,
            wake,
        }))
    }

    /// How those of `wanted` are here whom `viewer` may see; all others seem to be offline. In the order in which they
    /// were asked for.
    ///
    /// # Errors
    /// When the read models are away.
    pub async fn seen_by(&self, viewer: &Caller, wanted: &[UserId]) -> Result<Vec<Presence>, Problem> {
        let seen = self.0.audience.sees(viewer.user, wanted).await?;
        self.visible_presences(viewer, wanted, &seen).await
    }

    /// The same of those who are known to be `seen`.
    pub async fn visible_presences(
        &self,
        viewer: &Caller,
        wanted: &[UserId],
        seen: &BTreeSet<UserId>,
    ) -> Result<Vec<Presence>, Problem> {
        let asked: Vec<_> = seen.iter().copied().collect();
        let looked = self.look(&asked).await?;
        let presence = |user: &UserId| match seen.contains(user) {
            true if *user == viewer.user => looked.own(viewer),
            true => Presence::of(*user, looked.effective(*user).visible),
            false => Presence::of(*user, Default::default()),
        };
        Ok(wanted.iter().map(presence).collect())
    }

    /// Those of `wanted` whom `viewer` may see.
    pub async fn visible(&self, viewer: UserId, wanted: &[UserId]) -> Result<BTreeSet<UserId>, Problem> {
        self.0.audience.sees(viewer, wanted).await
    }

    /// Those whom `viewer` may see, and who are here and do not hide it: of the first `most` that have a socket, by their
    /// ids, after one; and after whom to go on, if there are more.
    ///
    /// # Errors
    /// When the read models are away.
    pub async fn online(
        &self,
        viewer: UserId,
        after: Option<UserId>,
        most: usize,
    ) -> Result<(Vec<Presence>, Option<UserId>), Problem> {
        let here = self.0.audience.online(viewer).await?;
        let begin = after.map_or(Bound::Unbounded, Bound::Excluded);
        let mut here: Vec<_> = here.range((begin, Bound::Unbounded)).copied().take(most + 1).collect();
        let next = here.get(most).and_then(|_| here.get(most - 1)).copied();
        here.truncate(most);
        let looked = self.look(&here).await?;
        let presences = here.into_iter().map(|user| Presence::of(user, looked.effective(user).visible));
        Ok((presences.filter(|presence| presence.status != Status::Offline).collect(), next))
    }

    /// `caller` wants to be seen so. Answers how they are.
    ///
    /// # Errors
    /// When the read models are away.
    pub async fn choose(&self, caller: &Caller, preference: PresencePreference) -> Result<Presence, Problem> {
        let (presences, caller) = (self.clone(), *caller);
        // In a task of its own: who hangs up after it was stored has chosen all the same.
        let choosing = tokio::spawn(async move { presences.store_choice(&caller, preference).await });
        choosing.await.map_err(Problem::internal)?
    }

    async fn store_choice(&self, caller: &Caller, preference: PresencePreference) -> Result<Presence, Problem> {
        let (user, device, now) = (caller.user, caller.session, self.now());
        let before = self.look(&[user]).await?;
        let kept = before.kept.get(&user).cloned().unwrap_or_default();
        let visible = before.effective(user).visible;
        match preference.status {
            PreferredStatus::Away if !kept.away.contains(&device) => self.0.store.leave(user, device).await?,
            PreferredStatus::Online if kept.away.contains(&device) => self.0.store.return_to(user, device).await?,
            _ => (),
        }
        let seen = if visible.status == Status::Offline { visible.last_seen } else { Some(now) };
        let choice = chosen(&preference, &kept, seen, now);
        if choice != kept.choice {
            if choice.chosen == Some(Chosen::Invisible) && visible.status != Status::Offline {
                // From here on nothing is noted: when they no longer hide, this is when they were last here.
                self.0.store.seen(&BTreeMap::from([(user, now)])).await?;
            }
            self.0.store.choose(user, &choice).await?;
        }
        if self.0.connections.has(user) {
            self.hidden().chose(user, &choice);
        }
        self.schedule().presume(user, visible);
        self.look_at([user], now);
        let own = self.look(&[user]).await?.own(caller);
        self.publish_to_own_sockets(caller, &own, now).await?;
        Ok(own)
    }

    /// The other sockets of somebody show what they chose on one.
    async fn publish_to_own_sockets(&self, caller: &Caller, own: &Presence, now: Timestamp) -> Result<(), Problem> {
        let data = serde_json::to_value(own).map_err(Problem::internal)?;
        let signal = Signal {
            users: vec![caller.user.0],
            from_session: Some(caller.session.0),
            // Chosen over REST, it is news to all of their sockets.
            from_socket: Some(caller.socket.unwrap_or_default()),
            sent_at: Some(now.millis()),
            ..Signal::new("presence", data, self.0.clock.own().millis().saturating_add(self.0.worth_ms))
        };
        self.0.signals.tell(signal).await;
        Ok(())
    }

    /// What is kept of somebody, for themself.
    ///
    /// # Errors
    /// When the read models are away.
    pub async fn kept(&self, user: UserId) -> Result<Option<Kept>, sql::Error> {
        Ok(self.0.store.load(&[user]).await?.remove(&user))
    }

    /// Drops what was relayed of somebody who was erased.
    pub fn forget(&self, user: UserId) {
        self.0.relayed.remove(&user);
    }

    /// What is known of `users` now.
    pub(super) async fn look(&self, users: &[UserId]) -> Result<Looked, sql::Error> {
        self.look_from(self.0.connections.of(users).await, users).await
    }

    /// The same, where those who are here were found already.
    pub(super) async fn look_from(&self, found: Found, users: &[UserId]) -> Result<Looked, sql::Error> {
        let generation = self.hidden().generation();
        let kept = self.0.store.load(users).await?;
        let mut hidden = self.hidden();
        for user in users.iter().filter(|user| self.0.connections.has(**user)) {
            let choice = kept.get(user).map(|kept| kept.choice.clone()).unwrap_or_default();
            hidden.learn(*user, &choice, generation);
        }
        drop(hidden);
        Ok(Looked { found, kept, now: self.now() })
    }

    /// Whether `user` wants to seem not to be here.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn is_hidden(&self, user: UserId) -> Result<bool, sql::Error> {
        let known = self.hidden().knows(user, self.now());
        match known {
            Some(hides) => Ok(hides),
            None => Ok(!self.hidden_of(&[user]).await?.is_empty()),
        }
    }

    /// Those of `users` who want to seem not to be here, as the database has it.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn hidden_of(&self, users: &[UserId]) -> Result<BTreeSet<UserId>, sql::Error> {
        let (kept, now) = (self.0.store.load(users).await?, self.now());
        let hides = |kept: &Kept| choice_in_force(&kept.choice, now).chosen == Some(Chosen::Invisible);
        Ok(kept.into_iter().filter(|(_, kept)| hides(kept)).map(|(user, _)| user).collect())
    }

    /// Those between whom and `user` a block stands.
    ///
    /// # Errors
    /// When graph and read models are both away.
    pub async fn blocked_either_way(&self, user: UserId) -> Result<Vec<uuid::Uuid>, Problem> {
        Ok(self.0.audience.blocked_either_way(user).await?.into_iter().map(|user| user.0).collect())
    }

    /// Learns what time it is by the database's clock.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn set_clock(&self) -> Result<(), sql::Error> {
        let asked = self.0.clock.own();
        self.0.clock.learn(self.0.store.now().await?, asked);
        Ok(())
    }

    /// From now on the read models are asked no earlier than they have come to what this process knows of the log.
    pub fn wait_for(&self, progress: Progress) {
        self.0.audience.wait_for(progress);
    }

    /// What time it is by the clock that all processes share.
    pub(super) fn now(&self) -> Timestamp {
        self.0.clock.now()
    }

    /// These are to be looked at, at `at`.
    pub(super) fn look_at(&self, users: impl IntoIterator<Item = UserId>, at: Timestamp) {
        {
            let mut schedule = self.schedule();
            users.into_iter().for_each(|user| schedule.look_at(user, at));
        }
        self.0.wake.notify_one();
    }

    /// The account of `user` was stopped from acting: nobody waits for them to come back.
    pub fn evict(&self, user: UserId) {
        self.evicted().insert(user);
    }

    pub(super) fn evicted(&self) -> MutexGuard<'_, HashSet<UserId>> {
        self.0.evicted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn hidden(&self) -> MutexGuard<'_, Hidden> {
        self.0.hidden.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn schedule(&self) -> MutexGuard<'_, PublishSchedule> {
        self.0.schedule.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Looked {
    /// What others see of `user`.
    pub(super) fn effective(&self, user: UserId) -> EffectivePresence {
        self.with(user, &self.found.devices(user))
    }

    /// What they would see if `user` were here with these devices.
    fn with(&self, user: UserId, devices: &BTreeSet<SessionId>) -> EffectivePresence {
        effective_presence(self.kept.get(&user).unwrap_or(&Kept::default()), devices, self.now)
    }

    /// What others saw of `user` while they were here, with devices that nobody knows any more.
    pub(super) fn presumed(&self, user: UserId) -> EffectivePresence {
        let away = self.kept.get(&user).map(|kept| kept.away.clone()).filter(|away| !away.is_empty());
        self.with(user, &away.unwrap_or_else(|| BTreeSet::from([SessionId::default()])))
    }

    /// The presence of `caller` as they see it: online, since they ask, and with their preference.
    fn own(&self, caller: &Caller) -> Presence {
        let (user, device) = (caller.user, caller.session);
        let mut devices = self.found.devices(user);
        devices.insert(device);
        let kept = self.kept.get(&user);
        let choice = kept.map(|kept| choice_in_force(&kept.choice, self.now)).unwrap_or_default();
        let is_away = kept.is_some_and(|kept| kept.away.contains(&device));
        let chosen = match choice.chosen {
            Some(chosen) => chosen.as_str(),
            None if is_away => PreferredStatus::Away.as_str(),
            None => PreferredStatus::Online.as_str(),
        };
        let own = Presence::of(user, self.with(user, &devices).visible);
        // Invisible, one still sees one's own words.
        let (text, until) = (choice.text.map(Into::into), choice.until);
        Presence { text, until, chosen: Some(chosen), ..own }
    }
}
