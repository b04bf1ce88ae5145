//! The port: relations of users, and session leases.

use crate::{
    Epoch, Grant, GraphError, Health, Memory, Position, Redis, RedisInfo, RedisSettings, Stats,
    end::{End, Seen},
    leases::Lease,
};
use domain::{ConversationId, SessionId, Timestamp, UserId};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};
use supervisor::Supervisor;
use uuid::Uuid;

/// The graph. Clones share it.
///
/// Every engine MUST store with each relation the last position that changed it, until that
/// [can be dropped](Epoch::forget_ended). It MUST ignore repeated and late changes, so that any doubling of events gives the
/// same graph (I14). It MUST read relations from the [`Epoch`] published last, or fail with [`GraphError::Rebuilding`]. It MUST
/// store leases apart from relations, since they are no projection and outlive every epoch.
#[derive(Clone, Debug)]
pub enum Graph {
    /// In this process's memory.
    Memory(Arc<Memory>),
    /// In Redis, shared by processes.
    Redis(Arc<Redis>),
}

impl Graph {
    /// An empty graph in this process's memory; it cannot be read before an epoch is published.
    #[must_use]
    pub fn in_memory() -> Self {
        Self::Memory(Arc::default())
    }

    /// The graph in Redis. Connects in the background, within a Tokio runtime, and returns at once. While Redis is
    /// unavailable every request fails with [`GraphError::Unavailable`] within a second.
    ///
    /// # Errors
    /// [`GraphError::Settings`].
    pub fn redis(settings: RedisSettings) -> Result<Self, GraphError> {
        Ok(Self::Redis(Arc::new(Redis::connect(settings)?)))
    }

    /// Whether it is available now.
    #[must_use]
    pub fn health(&self) -> Health {
        match self {
            Self::Memory(_) => Health::Up,
            Self::Redis(redis) => redis.health(),
        }
    }

    /// The supervisor of its tasks; a graph in memory has none.
    #[must_use]
    pub fn supervisor(&self) -> Option<&Supervisor> {
        match self {
            Self::Memory(_) => None,
            Self::Redis(redis) => Some(redis.supervisor()),
        }
    }

    /// Counts of this process's requests.
    #[must_use]
    pub fn stats(&self) -> Stats {
        match self {
            Self::Memory(_) => Stats::default(),
            Self::Redis(redis) => redis.stats(),
        }
    }

    /// Begins an empty epoch, which is not read before [`Epoch::publish`].
    ///
    /// # Errors
    /// [`GraphError::Unavailable`].
    pub async fn begin(&self, now: Timestamp) -> Result<Epoch, GraphError> {
        let number = match self {
            Self::Memory(memory) => memory.begin(now),
            Self::Redis(redis) => redis.begin(now).await?,
        };
        Ok(Epoch { graph: self.clone(), number })
    }

    /// The published epoch; `None` when there is none of this log.
    ///
    /// # Errors
    /// [`GraphError::Unavailable`].
    pub async fn epoch(&self) -> Result<Option<Epoch>, GraphError> {
        let number = match self {
            Self::Memory(memory) => memory.published(),
            Self::Redis(redis) => redis.published().await?,
        };
        Ok(number.map(|number| Epoch { graph: self.clone(), number }))
    }

    /// Removes the keys of epochs before the published one; returns their number. Scans every key of the server in small
    /// steps: for the background.
    ///
    /// # Errors
    /// [`GraphError::Unavailable`].
    pub async fn sweep(&self) -> Result<u64, GraphError> {
        match self {
            Self::Memory(_) => Ok(0),
            Self::Redis(redis) => redis.sweep().await,
        }
    }

    /// The friends of `user`.
    ///
    /// # Errors
    /// [`GraphError`].
    pub async fn friends(&self, user: UserId) -> Result<BTreeSet<UserId>, GraphError> {
        self.others(End::Friends(user)).await
    }

    /// The users blocked by `user`.
    ///
    /// # Errors
    /// [`GraphError`].
    pub async fn blocked_by(&self, user: UserId) -> Result<BTreeSet<UserId>, GraphError> {
        self.others(End::Blocks(user)).await
    }

    /// The users who have blocked `user`.
    ///
    /// # Errors
    /// [`GraphError`].
    pub async fn blockers_of(&self, user: UserId) -> Result<BTreeSet<UserId>, GraphError> {
        self.others(End::Blockers(user)).await
    }

    /// The members of `conversation`.
    ///
    /// # Errors
    /// [`GraphError`].
    pub async fn members(&self, conversation: ConversationId) -> Result<BTreeSet<UserId>, GraphError> {
        self.others(End::Members(conversation)).await
    }

    /// The conversations `user` is a member of.
    ///
    /// # Errors
    /// [`GraphError`].
    pub async fn conversations(&self, user: UserId) -> Result<BTreeSet<ConversationId>, GraphError> {
        self.others(End::Conversations(user)).await
    }

    async fn others<T: From<Uuid> + Ord>(&self, end: End) -> Result<BTreeSet<T>, GraphError> {
        Ok(self.read(end).await?.others.into_iter().map(T::from).collect())
    }

    /// Reads one end of the published epoch.
    pub(crate) async fn read(&self, end: End) -> Result<Seen, GraphError> {
        match self {
            Self::Memory(memory) => {
                memory.read(|relations| Seen { settled: relations.marks().settled, others: relations.others(end) })
            }
            Self::Redis(redis) => redis.read(end).await,
        }
    }

    /// Reads many ends of the published epoch, in a round trip per few hundred.
    pub(crate) async fn read_all(&self, ends: &[End]) -> Result<Vec<Seen>, GraphError> {
        match self {
            Self::Memory(memory) => memory.read(|relations| {
                let settled = relations.marks().settled;
                ends.iter().map(|end| Seen { settled, others: relations.others(*end) }).collect()
            }),
            Self::Redis(redis) => redis.read_all(ends).await,
        }
    }

    /// The sizes of many ends, and the position up to which they are complete, in a round trip per few hundred.
    pub(crate) async fn sizes(&self, ends: &[End]) -> Result<(Position, Vec<u64>), GraphError> {
        match self {
            Self::Memory(memory) => memory.read(|relations| {
                let sizes = ends.iter().map(|end| relations.size(*end)).collect();
                (relations.marks().settled, sizes)
            }),
            Self::Redis(redis) => redis.sizes(ends).await,
        }
    }

    /// Grants or extends the lease of a session with a socket in the process `node`: it `lasts` this long from now, or as long
    /// as granted before if that is longer. Leases end by one clock, that of Redis or of this process, never by those of the
    /// callers.
    ///
    /// # Errors
    /// [`GraphError::Unavailable`].
    pub async fn lease(&self, user: UserId, session: SessionId, node: Uuid, lasts: Duration) -> Result<(), GraphError> {
        self.renew(&[(user, session)], node, lasts).await
    }

    /// Does the same for many sessions in a few round trips: a heartbeat of the process `node`.
    ///
    /// # Errors
    /// [`GraphError::Unavailable`]; then some may be renewed, and repeating all is safe.
    pub async fn renew(&self, sessions: &[(UserId, SessionId)], node: Uuid, lasts: Duration) -> Result<(), GraphError> {
        match self {
            Self::Memory(memory) => {
                let (mut leases, until) = (memory.leases(), Lease::of(lasts));
                sessions.iter().for_each(|(user, session)| leases.lease(*user, (*session, node), until));
            }
            Self::Redis(redis) => redis.renew(sessions, node, lasts).await?,
        }
        Ok(())
    }

    /// Releases the lease of a session in the process `node`; leases of other processes stay.
    ///
    /// # Errors
    /// [`GraphError::Unavailable`]; the lease then expires.
    pub async fn release(&self, user: UserId, session: SessionId, node: Uuid) -> Result<(), GraphError> {
        self.release_all(&[(user, session)], node).await
    }

    /// Does the same for many sessions: those of a process that stops.
    ///
    /// # Errors
    /// [`GraphError::Unavailable`]; the leases then expire.
    pub async fn release_all(&self, sessions: &[(UserId, SessionId)], node: Uuid) -> Result<(), GraphError> {
        match self {
            Self::Memory(memory) => {
                let mut leases = memory.leases();
                sessions.iter().for_each(|(user, session)| leases.release(*user, (*session, node)));
            }
            Self::Redis(redis) => redis.release(sessions, node).await?,
        }
        Ok(())
    }

    /// The sessions of `user` with a lease, in the order of their ids. A lease holds before its end.
    ///
    /// # Errors
    /// [`GraphError::Unavailable`].
    pub async fn sessions(&self, user: UserId) -> Result<BTreeSet<SessionId>, GraphError> {
        Ok(self.here(&[user]).await?.into_values().flatten().map(|(session, _)| session).collect())
    }

    /// Those of `users` who are online.
    ///
    /// # Errors
    /// [`GraphError::Unavailable`].
    pub async fn online(&self, users: &[UserId]) -> Result<BTreeSet<UserId>, GraphError> {
        Ok(self.here(users).await?.into_keys().collect())
    }

    /// Those of `users` who are online, with their sessions and the processes that hold their sockets.
    ///
    /// # Errors
    /// [`GraphError::Unavailable`].
    pub async fn here(&self, users: &[UserId]) -> Result<BTreeMap<UserId, BTreeSet<(SessionId, Uuid)>>, GraphError> {
        match self {
            Self::Memory(memory) => {
                let leases = memory.leases();
                let held = users.iter().map(|user| (*user, leases.held(*user)));
                Ok(held.filter(|(_, held)| !held.is_empty()).collect())
            }
            Self::Redis(redis) => redis.held(users).await,
        }
    }

    /// The processes that hold sockets of any of `users`.
    ///
    /// # Errors
    /// [`GraphError::Unavailable`].
    pub async fn nodes(&self, users: &[UserId]) -> Result<BTreeSet<Uuid>, GraphError> {
        Ok(self.here(users).await?.into_values().flatten().map(|(_, node)| node).collect())
    }

    /// Takes up to `wanted` from the budget `name`: at most `burst` at once, then one per `every_us` microseconds by the
    /// engine's clock. In memory the budget is not shared, and all are granted.
    ///
    /// # Errors
    /// [`GraphError::Unavailable`].
    pub async fn grant(&self, name: &str, every_us: u32, burst: u32, wanted: u32) -> Result<Grant, GraphError> {
        match self {
            Self::Memory(_) => Ok(Grant { granted: wanted, wait_us: 0 }),
            Self::Redis(redis) => redis.grant(name, every_us, burst, wanted).await,
        }
    }

    /// What Redis says of itself; `None` in memory.
    ///
    /// # Errors
    /// [`GraphError::Unavailable`].
    pub async fn info(&self) -> Result<Option<RedisInfo>, GraphError> {
        match self {
            Self::Memory(_) => Ok(None),
            Self::Redis(redis) => redis.info().await.map(Some),
        }
    }

    /// The number of online users. In Redis, users whose last lease has just ended may still count.
    ///
    /// # Errors
    /// [`GraphError::Unavailable`].
    pub async fn count_online(&self) -> Result<u64, GraphError> {
        match self {
            Self::Memory(memory) => Ok(memory.leases().count()),
            Self::Redis(redis) => redis.count_held().await,
        }
    }

    /// Drops all expired leases; returns the users without a lease left. Of several processes that call this, one receives a
    /// user; a lost response is not repeated.
    ///
    /// # Errors
    /// [`GraphError::Unavailable`].
    pub async fn expire(&self) -> Result<BTreeSet<UserId>, GraphError> {
        match self {
            Self::Memory(memory) => Ok(memory.leases().expire()),
            Self::Redis(redis) => redis.expire().await,
        }
    }
}
