//! The port: who has to do with whom, and who is here.

use crate::{Epoch, Health, Memory, Position, Redis, RedisSettings, Stats, end::End, leases::Lease};
use domain::{ConversationId, SessionId, Timestamp, UserId};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};
use uuid::Uuid;

/// The graph. Clones share it.
///
/// What every arm MUST do: keep with each relation the last position that changed it, and ignore a change told
/// again or too late, so that any doubling of events gives the same graph (I14); answer about relations from the
/// [`Epoch`] published last, or with [`GraphError::Rebuilding`]; keep leases apart from relations, for they are no
/// projection and outlive every epoch.
#[derive(Clone, Debug)]
pub enum Graph {
    /// In this process's memory.
    Memory(Arc<Memory>),
    /// In Redis, shared by processes.
    Redis(Arc<Redis>),
}

/// A graph that does not answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GraphError {
    /// It is away; come back later, or do without.
    #[error("the graph is unavailable: {0}")]
    Unavailable(String),
    /// It answers, and is not filled yet (or too far behind to be of use): ask the read models.
    #[error("the graph is being rebuilt")]
    Rebuilding,
    /// It cannot be as it was set up.
    #[error("the graph's settings are wrong: {0}")]
    Settings(String),
}

/// What is granted of a budget that processes share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grant {
    /// How many.
    pub granted: u32,
    /// When none: after how many microseconds there is one.
    pub wait_us: i64,
}

/// Who or what is at the other end of somebody's relations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    /// All changes up to here are in it; later ones may be.
    pub(crate) settled: Position,
    pub(crate) others: BTreeSet<Uuid>,
}

impl Graph {
    /// An empty graph in this process's memory; nothing is read from it before an epoch is published.
    #[must_use]
    pub fn in_memory() -> Self {
        Self::Memory(Arc::default())
    }

    /// The graph in Redis. Connects in the background, within a tokio runtime, and returns at once even when Redis
    /// is absent; every question is then answered with [`GraphError::Unavailable`] within a second.
    ///
    /// # Errors
    /// [`GraphError::Settings`].
    pub fn redis(settings: RedisSettings) -> Result<Self, GraphError> {
        Ok(Self::Redis(Arc::new(Redis::connect(settings)?)))
    }

    /// Whether it answers now.
    #[must_use]
    pub fn health(&self) -> Health {
        match self {
            Self::Memory(_) => Health::Up,
            Self::Redis(redis) => redis.health(),
        }
    }

    /// What this process has asked of it so far.
    #[must_use]
    pub fn stats(&self) -> Stats {
        match self {
            Self::Memory(_) => Stats::default(),
            Self::Redis(redis) => redis.stats(),
        }
    }

    /// Begins an epoch, empty and read by nobody before [`Epoch::publish`].
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

    /// The epoch that is read; `None` when there is none of this log.
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

    /// Removes what is left of epochs before the one that is read; answers how many keys that were. Looks at every
    /// key of the server, in small steps: for the background.
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

    /// Whom `user` has blocked.
    ///
    /// # Errors
    /// [`GraphError`].
    pub async fn blocked_by(&self, user: UserId) -> Result<BTreeSet<UserId>, GraphError> {
        self.others(End::Blocks(user)).await
    }

    /// Who has blocked `user`.
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

    /// Reads one end of the epoch that is read.
    pub(crate) async fn read(&self, end: End) -> Result<Seen, GraphError> {
        match self {
            Self::Memory(memory) => {
                memory.read(|relations| Seen { settled: relations.marks().settled, others: relations.others(end) })
            }
            Self::Redis(redis) => redis.read(end).await,
        }
    }

    /// Reads many ends of the epoch that is read, in a round trip for each few hundred.
    pub(crate) async fn read_all(&self, ends: &[End]) -> Result<Vec<Seen>, GraphError> {
        match self {
            Self::Memory(memory) => memory.read(|relations| {
                let settled = relations.marks().settled;
                ends.iter().map(|end| Seen { settled, others: relations.others(*end) }).collect()
            }),
            Self::Redis(redis) => redis.read_all(ends).await,
        }
    }

    /// How many others many ends have, and up to where that is known, in a round trip for each few hundred.
    pub(crate) async fn sizes(&self, ends: &[End]) -> Result<(Position, Vec<u64>), GraphError> {
        match self {
            Self::Memory(memory) => memory.read(|relations| {
                let sizes = ends.iter().map(|end| relations.size(*end)).collect();
                (relations.marks().settled, sizes)
            }),
            Self::Redis(redis) => redis.sizes(ends).await,
        }
    }

    /// `session` of `user` is here, on a socket of the process `node`, for as long as it `lasts` from now, or longer if
    /// that was said before. Leases are judged by one clock: that of Redis, or of this process, and not by those of the
    /// processes that ask.
    ///
    /// # Errors
    /// [`GraphError::Unavailable`].
    pub async fn lease(&self, user: UserId, session: SessionId, node: Uuid, lasts: Duration) -> Result<(), GraphError> {
        self.renew(&[(user, session)], node, lasts).await
    }

    /// The same for many sessions, in a few round trips: a heartbeat of the process `node`.
    ///
    /// # Errors
    /// [`GraphError::Unavailable`]; then some may be renewed, and all may be told again.
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

    /// `session` of `user` has no socket of the process `node` any more; those of other processes stay.
    ///
    /// # Errors
    /// [`GraphError::Unavailable`]; the lease then ends by itself.
    pub async fn release(&self, user: UserId, session: SessionId, node: Uuid) -> Result<(), GraphError> {
        self.release_all(&[(user, session)], node).await
    }

    /// The same for many sessions: a process that goes.
    ///
    /// # Errors
    /// [`GraphError::Unavailable`]; the leases then end by themselves.
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

    /// The sessions of `user` that are here, in the order of their ids. A lease holds before its end.
    ///
    /// # Errors
    /// [`GraphError::Unavailable`].
    pub async fn sessions(&self, user: UserId) -> Result<BTreeSet<SessionId>, GraphError> {
        Ok(self.here(&[user]).await?.into_values().flatten().map(|(session, _)| session).collect())
    }

    /// Those of `users` who are here.
    ///
    /// # Errors
    /// [`GraphError::Unavailable`].
    pub async fn online(&self, users: &[UserId]) -> Result<BTreeSet<UserId>, GraphError> {
        Ok(self.here(users).await?.into_keys().collect())
    }

    /// Those of `users` who are here, each with their sessions and the processes that hold their sockets.
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

    /// Takes up to `wanted` from the budget `name`, of which `burst` can be had at once, and then one every
    /// `every_us` microseconds by the clock of whoever keeps it. In memory nobody shares it, and all are granted.
    ///
    /// # Errors
    /// [`GraphError::Unavailable`].
    pub async fn grant(&self, name: &str, every_us: u32, burst: u32, wanted: u32) -> Result<Grant, GraphError> {
        match self {
            Self::Memory(_) => Ok(Grant { granted: wanted, wait_us: 0 }),
            Self::Redis(redis) => redis.grant(name, every_us, burst, wanted).await,
        }
    }

    /// How many people are here. In Redis, those whose last lease has just ended may still count.
    ///
    /// # Errors
    /// [`GraphError::Unavailable`].
    pub async fn count_here(&self) -> Result<u64, GraphError> {
        match self {
            Self::Memory(memory) => Ok(memory.leases().count()),
            Self::Redis(redis) => redis.count_held().await,
        }
    }

    /// Drops all leases that have ended; answers whose last one that was. Of several processes that ask, one is told of a
    /// user; an answer that is lost on its way is not repeated.
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
