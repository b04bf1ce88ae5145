//! Who brings how much just now: what the read models cannot know yet.

use crate::Problem;
use axum::http::StatusCode;
use domain::UserId;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

/// Requests with files at once, in this process: each takes two parts of an upload of memory.
const ALL: usize = 32;
/// Of one account.
const OF_ONE: usize = 4;

/// Who brings how much just now, in this process.
#[derive(Debug, Default)]
pub(super) struct Desk(Mutex<HashMap<UserId, Bringing>>);

#[derive(Clone, Copy, Debug, Default)]
struct Bringing {
    requests: usize,
    bytes: u64,
}

/// A place at the desk, for one request; given up when dropped.
#[derive(Debug)]
pub(crate) struct Place {
    desk: Arc<Desk>,
    user: UserId,
    bytes: u64,
}

impl Desk {
    /// Takes a place.
    pub(super) fn enter(self: &Arc<Self>, user: UserId) -> Result<Place, Problem> {
        let mut people = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if people.values().map(|bringing| bringing.requests).sum::<usize>() >= ALL {
            return Err(Problem::unavailable("overloaded", "too many files are being uploaded", 5));
        }
        let bringing = people.entry(user).or_default();
        if bringing.requests >= OF_ONE {
            return Err(too_many("too_many_uploads", format!("at most {OF_ONE} uploads at once"), 5));
        }
        bringing.requests += 1;
        Ok(Place { desk: Arc::clone(self), user, bytes: 0 })
    }
}

impl Place {
    /// Counts what came; answers what all requests of the account, that are not over, have brought.
    pub(super) fn add(&mut self, bytes: u64) -> u64 {
        self.bytes += bytes;
        let mut people = self.desk.0.lock().unwrap_or_else(PoisonError::into_inner);
        let bringing = people.entry(self.user).or_default();
        bringing.bytes += bytes;
        bringing.bytes
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut people = self.desk.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(bringing) = people.get_mut(&self.user) {
            bringing.requests = bringing.requests.saturating_sub(1);
            bringing.bytes = bringing.bytes.saturating_sub(self.bytes);
            if bringing.requests == 0 {
                people.remove(&self.user);
            }
        }
    }
}

/// Come back after `seconds`.
pub(super) fn too_many(code: &'static str, detail: String, seconds: u32) -> Problem {
    let problem = Problem::new(StatusCode::TOO_MANY_REQUESTS, code, detail);
    Problem { temporary: true, retry_after: Some(seconds), ..problem }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn places_are_few_and_given_back() {
        let (desk, ana) = (Arc::new(Desk::default()), UserId(Uuid::from_u128(1)));
        let mut places: Vec<_> = (0..OF_ONE).map(|_| desk.enter(ana).unwrap()).collect();
        assert_eq!(desk.enter(ana).unwrap_err().code, "too_many_uploads");
        assert_eq!((places[0].add(5), places[1].add(7)), (5, 12));
        places.remove(0);
        assert_eq!(places[0].add(0), 7);
        let others: Vec<_> = (2..).map_while(|n| desk.enter(UserId(Uuid::from_u128(n))).ok()).collect();
        assert_eq!(others.len() + places.len(), ALL);
        assert_eq!(desk.enter(ana).unwrap_err().code, "overloaded");
        drop((places, others));
        assert!(desk.0.lock().unwrap().is_empty());
    }
}
