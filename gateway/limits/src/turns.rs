//! Turns: so many at once in all, so many of one account, and a line before them that is bounded in length and time.
//! A user who asks for more than their share waits behind their own requests, not in front of others'.

use axum::http::StatusCode;
use domain::UserId;
use protocol::Problem;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

/// How many turns there are, and how long one waits for one.
#[derive(Clone, Copy, Debug)]
pub struct Room {
    /// In all.
    pub all: usize,
    /// Of one account.
    pub share: usize,
    /// How many more of an account may wait.
    pub line: usize,
    /// How long each may wait.
    pub within: Duration,
}

/// Turns at something. Clones share them.
#[derive(Clone, Debug)]
pub struct Turns(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    room: Room,
    all: Arc<Semaphore>,
    /// Accounts that have or wait for a turn; bounded by the requests there are.
    people: Mutex<HashMap<UserId, Share>>,
}

#[derive(Debug)]
struct Share {
    own: Arc<Semaphore>,
    present: usize,
}

/// A turn, until this is dropped.
#[derive(Debug)]
pub struct Turn {
    _all: OwnedSemaphorePermit,
    _own: OwnedSemaphorePermit,
    _presence: Presence,
}

/// Somebody who has or waits for a turn.
#[derive(Debug)]
struct Presence {
    turns: Arc<Inner>,
    user: UserId,
}

impl Turns {
    /// Turns in this room.
    #[must_use]
    pub fn new(room: Room) -> Self {
        let all = Arc::new(Semaphore::new(room.all.min(Semaphore::MAX_PERMITS)));
        Self(Arc::new(Inner { room, all, people: Mutex::default() }))
    }

    /// Waits for a turn of `user`.
    ///
    /// # Errors
    /// 429 `too_many_at_once` when too many of the account wait already or it waited too long for its own; 503
    /// `overloaded` when it waited too long for others.
    pub async fn enter(&self, user: UserId) -> Result<Turn, Problem> {
        let Room { share, line, within, .. } = self.0.room;
        let (own, presence) = {
            let mut people = self.0.lock();
            let entry =
                people.entry(user).or_insert_with(|| Share { own: Arc::new(Semaphore::new(share)), present: 0 });
            if entry.present >= share + line {
                return Err(too_many_at_once(share));
            }
            entry.present += 1;
            (Arc::clone(&entry.own), Presence { turns: Arc::clone(&self.0), user })
        };
        let own = timeout(within, own.acquire_owned()).await.map_err(|_| too_many_at_once(share))?;
        let all = timeout(within, Arc::clone(&self.0.all).acquire_owned()).await.map_err(|_| overloaded())?;
        let (own, all) = (own.map_err(Problem::internal)?, all.map_err(Problem::internal)?);
        Ok(Turn { _all: all, _own: own, _presence: presence })
    }
}

impl Inner {
    fn lock(&self) -> MutexGuard<'_, HashMap<UserId, Share>> {
        self.people.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Presence {
    fn drop(&mut self) {
        let mut people = self.turns.lock();
        if let Some(share) = people.get_mut(&self.user) {
            share.present -= 1;
            if share.present == 0 {
                people.remove(&self.user);
            }
        }
    }
}

fn too_many_at_once(share: usize) -> Problem {
    let detail = format!("an account has at most {share} of these under way at once");
    let problem = Problem::new(StatusCode::TOO_MANY_REQUESTS, "too_many_at_once", detail);
    Problem { temporary: true, retry_after: Some(1), ..problem }
}

pub(crate) fn overloaded() -> Problem {
    Problem::unavailable("overloaded", "the server is busy with other requests: try again later", 2)
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    const ROOM: Room = Room { all: 3, share: 2, line: 1, within: Duration::from_secs(60) };

    fn user(n: u128) -> UserId {
        UserId(Uuid::from_u128(n))
    }

    #[tokio::test]
    async fn an_account_has_its_share_and_waits_behind_itself() {
        let turns = Turns::new(ROOM);
        let (first, _second) = (turns.enter(user(1)).await.unwrap(), turns.enter(user(1)).await.unwrap());
        let waiting = tokio::spawn({
            let turns = turns.clone();
            async move { turns.enter(user(1)).await }
        });
        tokio::task::yield_now().await;
        let refused = turns.enter(user(1)).await.unwrap_err();
        assert_eq!((refused.status, refused.code, refused.retry_after), (429, "too_many_at_once", Some(1)));
        let other = turns.enter(user(2)).await.unwrap();
        drop(first);
        let third = waiting.await.unwrap().unwrap();
        drop((other, third));
        turns.enter(user(3)).await.unwrap();
    }

    #[tokio::test]
    async fn nobody_waits_for_ever_and_nothing_is_kept() {
        let turns = Turns::new(Room { within: Duration::from_millis(1), ..ROOM });
        let held = [turns.enter(user(1)).await.unwrap(), turns.enter(user(1)).await.unwrap()];
        assert_eq!(turns.enter(user(1)).await.unwrap_err().code, "too_many_at_once");
        let other = turns.enter(user(2)).await.unwrap();
        let refused = turns.enter(user(3)).await.unwrap_err();
        assert_eq!((refused.status, refused.code), (503, "overloaded"), "three at once");
        drop((held, other));
        assert!(turns.0.lock().is_empty());
    }
}
