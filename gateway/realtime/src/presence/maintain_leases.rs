//! Leases for the sessions that have a socket in this process: taken when one comes, renewed while one stays, given
//! up a grace after the last has gone. A process that dies leaves leases that end by themselves.

use super::{Presences, connection_registry::Found};
use crate::hub::Hub;
use domain::{SessionId, Timestamp, UserId};
use graph::{Graph, GraphError};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    time::Duration,
};
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

/// How often it looks whether the graph has lost the leases.
const CHECK_LEASES: Duration = Duration::from_secs(1);
/// How long comings and goings are gathered, so that a thousand who come at once cost a few round trips.
const GATHER: Duration = Duration::from_millis(50);
/// Between attempts while the graph is away; and for as long the database is waited for.
const PAUSE: Duration = Duration::from_secs(1);
/// How often a lease is renewed while it lasts.
const RENEWALS: u32 = 3;
/// How often, while a lease lasts, it looks for those of processes that died.
const EXPIRIES: u32 = 12;

type Session = (UserId, SessionId);
type Sessions = HashSet<Session>;

/// The session leases that this process holds.
#[derive(Default)]
struct HeldLeases {
    /// Each with when its last socket has gone, if it has.
    held: HashMap<Session, Option<(Instant, Timestamp)>>,
    leased: Sessions,
    /// Those that have ended: no grace is theirs, for they cannot come back.
    over: Sessions,
}

/// Renews this process's session leases in `graph` until `stop`. They are not released then: a user who does not
/// reconnect elsewhere before they end is offline.
pub async fn maintain_leases(presences: Presences, hub: Hub, graph: Graph, stop: CancellationToken) {
    let mut leases = HeldLeases::of_earlier_run(&presences);
    let lease = presences.0.lease;
    let (mut renewal, mut expiry, mut reading) = (Instant::now(), Instant::now(), Instant::now());
    let mut seen = signs(&graph).await;
    while !stop.is_cancelled() {
        let (present, moved) = hub.sessions();
        let before = std::mem::replace(&mut seen, signs(&graph).await);
        if seen != before || Instant::now() >= renewal {
            // Those to be given up still are.
            leases.leased.retain(|session| !leases.held.contains_key(session));
            renewal = Instant::now() + lease / RENEWALS;
        }
        leases.over.extend(hub.take_ended());
        let came = leases.welcome(&present, presences.now(), presences.0.grace);
        let unknown = presences.schedule().unknown(came.iter().map(|(user, _)| *user));
        let before = if unknown.is_empty() { Found::default() } else { presences.0.connections.of(&unknown).await };
        // Signals find them by their leases: the database is not waited for.
        let taken = leases.take(&presences, &graph).await;
        let is_reading = Instant::now() >= reading;
        if is_reading {
            reading = Instant::now() + lease / RENEWALS;
            in_time(presences.set_clock()).await;
        }
        if Instant::now() >= expiry {
            expiry = Instant::now() + lease / EXPIRIES;
            expire(&presences, &graph).await;
        }
        enter(&presences, &came, &unknown, before).await;
        if is_reading {
            // Should it have been missed what they chose elsewhere. Not before they entered: they would seem to be offline.
            presences.look_at(leases.people(), presences.now());
        }
        let gone =
            if hub.is_draining() { Vec::new() } else { leases.part(presences.0.grace, &mut presences.evicted()) };
        note(&presences, gone.iter().map(|((user, _), at)| (*user, *at))).await;
        let given_up = leases.give_up(&presences, &graph).await;
        leave(&presences, &gone);
        let changed: BTreeSet<_> =
            came.iter().chain(gone.iter().map(|(session, _)| session)).map(|(user, _)| *user).collect();
        if !changed.is_empty() {
            presences.look_at(changed, presences.now());
        }
        let pause = match taken.and(given_up) {
            Ok(()) => {
                let next = leases.next(presences.0.grace).filter(|_| !hub.is_draining());
                let look = next.unwrap_or_else(|| Instant::now() + CHECK_LEASES).min(Instant::now() + CHECK_LEASES);
                tokio::select! {
                    () = moved => GATHER,
                    () = sleep_until(look) => Duration::ZERO,
                    () = stop.cancelled() => Duration::ZERO,
                }
            }
            Err(error) => {
                tracing::debug!(error.cause = %error, "the session leases could not be updated in the graph");
                renewal = Instant::now();
                PAUSE
            }
        };
        stop.run_until_cancelled(sleep(pause)).await;
    }
    let now = presences.now();
    note(&presences, leases.held.iter().map(|((user, _), gone)| (*user, gone.map_or(now, |(_, at)| at)))).await;
}

/// What changes when the graph has lost its leases: flushed, restarted, failed over.
async fn signs(graph: &Graph) -> (Option<u64>, u64) {
    let epoch = graph.epoch().await.ok().flatten();
    (epoch.map(|epoch| epoch.number()), graph.stats().reconnections)
}

/// Those who came are here from now on. Of those who were here `before`, the others know.
async fn enter(presences: &Presences, came: &[Session], unknown: &[UserId], before: Found) {
    if !unknown.is_empty()
        && let Some(looked) = in_time(presences.look_from(before, unknown)).await
    {
        let mut schedule = presences.schedule();
        unknown.iter().for_each(|user| schedule.presume(*user, looked.effective(*user).visible));
    }
    for (user, device) in came {
        presences.0.connections.enters(*user, *device);
        presences.schedule().set_here(*user, true);
    }
}

/// Notes when people were last here.
async fn note(presences: &Presences, seen: impl Iterator<Item = (UserId, Timestamp)>) {
    let mut latest: BTreeMap<UserId, Timestamp> = BTreeMap::new();
    for (user, at) in seen {
        let known = latest.entry(user).or_insert(at);
        *known = at.max(*known);
    }
    in_time(presences.0.store.seen(&latest)).await;
}

/// What the database says, unless it is away: leases do not wait for it.
async fn in_time<T>(asked: impl Future<Output = Result<T, sql::Error>>) -> Option<T> {
    match timeout(PAUSE, asked).await {
        Ok(Ok(answer)) => Some(answer),
        Ok(Err(error)) => {
            tracing::debug!(error.cause = %error, "what is kept of presence cannot be reached");
            None
        }
        Err(_) => {
            tracing::debug!("what is kept of presence cannot be reached in time");
            None
        }
    }
}

/// Those who have gone are no longer here.
fn leave(presences: &Presences, gone: &[(Session, Timestamp)]) {
    for ((user, device), _) in gone {
        presences.0.connections.leaves(*user, *device);
        let stays = presences.0.connections.has(*user);
        presences.schedule().set_here(*user, stays);
        if !stays {
            presences.hidden().forget(*user);
        }
    }
}

/// Of the leases of processes that died, those that have ended: their people have gone, unless they came back.
async fn expire(presences: &Presences, graph: &Graph) {
    let ended = match graph.expire().await {
        Ok(ended) => ended,
        Err(error) => {
            tracing::debug!(error.cause = %error, "ended leases are left for later");
            return;
        }
    };
    let gone: Vec<_> = ended.into_iter().filter(|user| !presences.0.connections.has(*user)).collect();
    if gone.is_empty() {
        return;
    }
    if let Some(looked) = in_time(presences.look(&gone)).await {
        let mut schedule = presences.schedule();
        gone.iter().for_each(|user| schedule.presume(*user, looked.presumed(*user).visible));
    }
    let now = presences.now();
    // A lease was renewed when it had a whole life before it, and then no more.
    let lease = i64::try_from(presences.0.lease.as_millis()).unwrap_or(i64::MAX);
    let seen = Timestamp::from_millis(now.millis().saturating_sub(lease));
    note(presences, gone.iter().map(|user| (*user, seen))).await;
    presences.look_at(gone, now);
}

impl HeldLeases {
    /// Takes over the sockets of now; answers the sessions that had none recently.
    fn welcome(&mut self, present: &Sessions, now: Timestamp, grace: Duration) -> Vec<Session> {
        let at = Instant::now();
        let long_ago = at.checked_sub(grace).unwrap_or(at);
        for (session, gone) in &mut self.held {
            match present.contains(session) {
                true => *gone = None,
                false if self.over.contains(session) => *gone = Some((long_ago, now)),
                false => drop(gone.get_or_insert((at, now))),
            }
        }
        let came: Vec<_> = present.iter().filter(|session| !self.held.contains_key(session)).copied().collect();
        self.held.extend(came.iter().map(|session| (*session, None)));
        self.over.retain(|session| self.held.contains_key(session));
        came
    }

    /// What an earlier run of the task held, which died: who left meanwhile, or shortly before, is in their grace.
    fn of_earlier_run(presences: &Presences) -> Self {
        let gone = Some((Instant::now(), presences.now()));
        let sessions = presences.0.connections.here();
        let held = sessions.iter().map(|session| (*session, gone)).collect();
        Self { held, leased: sessions.into_iter().collect(), ..Self::default() }
    }

    /// Those who are here.
    fn people(&self) -> BTreeSet<UserId> {
        self.held.keys().map(|(user, _)| *user).collect()
    }

    /// Lets go of those whose grace is over, and of the evicted, who have none; answers them, with when they were last
    /// here.
    fn part(&mut self, grace: Duration, evicted: &mut HashSet<UserId>) -> Vec<(Session, Timestamp)> {
        let now = Instant::now();
        let over = self.held.extract_if(|(user, _), gone| {
            gone.is_some_and(|(since, _)| since + grace <= now || evicted.contains(user))
        });
        let over = over.filter_map(|(session, gone)| Some((session, gone?.1))).collect();
        evicted.retain(|user| self.held.keys().any(|(held, _)| held == user));
        over
    }

    /// When the next grace is over.
    fn next(&self, grace: Duration) -> Option<Instant> {
        self.held.values().flatten().map(|(since, _)| *since + grace).min()
    }

    /// Takes the leases that are wanting.
    async fn take(&mut self, presences: &Presences, graph: &Graph) -> Result<(), GraphError> {
        let wanting: Vec<_> = self.held.keys().filter(|session| !self.leased.contains(session)).copied().collect();
        if !wanting.is_empty() {
            graph.renew(&wanting, presences.0.connections.node(), presences.0.lease).await?;
            self.leased.extend(wanting);
        }
        Ok(())
    }

    /// Gives up the leases of sessions that have gone.
    async fn give_up(&mut self, presences: &Presences, graph: &Graph) -> Result<(), GraphError> {
        let gone: Vec<_> = self.leased.iter().filter(|session| !self.held.contains_key(session)).copied().collect();
        if !gone.is_empty() {
            graph.release_all(&gone, presences.0.connections.node()).await?;
            self.leased.retain(|session| self.held.contains_key(session));
        }
        Ok(())
    }
}
