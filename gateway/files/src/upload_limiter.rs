//! The uploads under way, their bytes and their rates, which the read models do not know yet. When there are too many, the
//! slowest gives way to a new one. One below the least rate is ended in any case.

use axum::http::StatusCode;
use domain::UserId;
use protocol::Problem;
use std::{
    collections::BTreeMap,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

/// Requests with files at once, in this process: each takes two parts of an upload of memory.
const ALL: usize = 32;
/// Of one account.
const OF_ONE: usize = 4;
/// From one address; from this machine there may be as many as in all.
const OF_ADDRESS: usize = 16;
/// The least that must come, in bytes a second, once it was waited for longer than [`Patience::crawl`].
const LEAST: u64 = 4 * 1024;
/// Who brings less than this, in bytes a second, makes room for others once it was waited for longer than
/// [`Patience::settled`].
const QUICK: u64 = 64 * 1024;

/// The uploads under way in this process.
#[derive(Debug)]
pub(super) struct UploadLimiter {
    places: Mutex<Places>,
    patience: Patience,
}

/// How long it is waited for what somebody brings before their pace counts.
#[derive(Clone, Copy, Debug)]
struct Patience {
    /// Before a crawl is too slow.
    crawl: Duration,
    /// Before others who come are let in instead.
    settled: Duration,
    /// How often the pace is looked at.
    look: Duration,
}

impl Default for UploadLimiter {
    fn default() -> Self {
        let [crawl, settled, look] = [20, 2, 1].map(Duration::from_secs);
        Self { places: Mutex::default(), patience: Patience { crawl, settled, look } }
    }
}

#[derive(Debug, Default)]
struct Places {
    next: u64,
    taken: BTreeMap<u64, Upload>,
}

/// A request with files.
#[derive(Debug)]
struct Upload {
    user: UserId,
    address: Option<IpAddr>,
    bytes: u64,
    /// How long it was waited for what it brings, and since when it is now.
    waited: Duration,
    waiting: Option<Instant>,
    given_up: CancellationToken,
}

impl Upload {
    fn waited(&self) -> Duration {
        self.waited + self.waiting.map_or(Duration::ZERO, |since| since.elapsed())
    }

    /// Whether it brings less than `rate` bytes a second, after a time.
    fn is_slower(&self, rate: u64, after: Duration) -> bool {
        let waited = self.waited();
        waited > after && u128::from(self.bytes) * 1_000 < u128::from(rate) * waited.as_millis()
    }

    /// Bytes a second.
    fn rate(&self) -> u128 {
        u128::from(self.bytes) * 1_000 / self.waited().as_millis().max(1)
    }
}

/// The right of one request to upload; released when dropped.
#[derive(Debug)]
pub struct UploadPermit {
    limiter: Arc<UploadLimiter>,
    number: u64,
    user: UserId,
    given_up: CancellationToken,
}

/// Watches the pace of a request.
pub(super) struct Pace {
    limiter: Arc<UploadLimiter>,
    number: u64,
    given_up: CancellationToken,
}

impl UploadLimiter {
    /// Admits an upload of a user from an address.
    ///
    /// # Errors
    /// 429 `too_many_uploads`, 503 `overloaded`.
    pub(super) fn acquire(self: &Arc<Self>, user: UserId, address: Option<IpAddr>) -> Result<UploadPermit, Problem> {
        let address = address.map(|address| address.to_canonical()).filter(|address| !address.is_loopback());
        let (mut places, settled) = (self.lock(), self.patience.settled);
        if places.taken.values().filter(|upload| upload.user == user).count() >= OF_ONE {
            return Err(too_many("too_many_uploads", format!("at most {OF_ONE} uploads at once"), 5));
        }
        let from_there = |upload: &Upload| address.is_some() && upload.address == address;
        let is_full = if places.taken.values().filter(|upload| from_there(upload)).count() >= OF_ADDRESS {
            !places.give_up(settled, from_there)
        } else {
            places.taken.len() >= ALL && !places.give_up(settled, |_| true)
        };
        if is_full {
            return Err(Problem::unavailable("overloaded", "too many files are being uploaded", 5));
        }
        let (number, given_up) = (places.next, CancellationToken::new());
        places.next += 1;
        let upload =
            Upload { user, address, bytes: 0, waited: Duration::ZERO, waiting: None, given_up: given_up.clone() };
        places.taken.insert(number, upload);
        Ok(UploadPermit { limiter: Arc::clone(self), number, user, given_up })
    }

    fn lock(&self) -> MutexGuard<'_, Places> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Places {
    /// Gives up the slowest of some that are not quick; whether there was one.
    fn give_up(&mut self, after: Duration, of: impl Fn(&Upload) -> bool) -> bool {
        let slow = self.taken.iter().filter(|(_, upload)| of(upload) && upload.is_slower(QUICK, after));
        let slowest = slow.min_by_key(|(_, upload)| upload.rate()).map(|(number, _)| *number);
        let given_up = slowest.and_then(|number| self.taken.remove(&number));
        given_up.inspect(|upload| upload.given_up.cancel()).is_some()
    }
}

impl UploadPermit {
    /// Counts received bytes; answers those of all the account's requests in progress.
    pub(super) fn add(&mut self, bytes: u64) -> u64 {
        let mut places = self.limiter.lock();
        if let Some(upload) = places.taken.get_mut(&self.number) {
            upload.bytes += bytes;
        }
        places.taken.values().filter(|upload| upload.user == self.user).map(|upload| upload.bytes).sum()
    }

    /// Waits for something that the client sends.
    pub(super) async fn waits<T>(&self, coming: impl Future<Output = T>) -> T {
        self.change(|upload| upload.waiting = Some(Instant::now()));
        let came = coming.await;
        self.change(|upload| {
            upload.waited = upload.waited();
            upload.waiting = None;
        });
        came
    }

    /// What watches its pace.
    pub(super) fn pace(&self) -> Pace {
        Pace { limiter: Arc::clone(&self.limiter), number: self.number, given_up: self.given_up.clone() }
    }

    fn change(&self, change: impl FnOnce(&mut Upload)) {
        if let Some(upload) = self.limiter.lock().taken.get_mut(&self.number) {
            change(upload);
        }
    }
}

impl Pace {
    /// Ends when the request is given up.
    pub(super) async fn too_slow(self) {
        let Patience { crawl, look, .. } = self.limiter.patience;
        let is_slow =
            || self.limiter.lock().taken.get(&self.number).is_none_or(|upload| upload.is_slower(LEAST, crawl));
        while !is_slow() {
            tokio::select! {
                () = self.given_up.cancelled() => return,
                () = sleep(look) => (),
            }
        }
    }
}

impl Drop for UploadPermit {
    fn drop(&mut self) {
        self.limiter.lock().taken.remove(&self.number);
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
    use std::future::pending;
    use uuid::Uuid;

    fn user(n: u128) -> UserId {
        UserId(Uuid::from_u128(n))
    }

    fn address(n: u8) -> Option<IpAddr> {
        Some(IpAddr::from([192, 0, 2, n]))
    }

    #[test]
    fn places_are_few_and_given_back() {
        let (limiter, ana) = (Arc::new(UploadLimiter::default()), user(1));
        let mut places: Vec<_> = (0..OF_ONE).map(|_| limiter.acquire(ana, None).unwrap()).collect();
        assert_eq!(limiter.acquire(ana, None).unwrap_err().code, "too_many_uploads");
        assert_eq!((places[0].add(5), places[1].add(7)), (5, 12));
        places.remove(0);
        assert_eq!(places[0].add(0), 7);
        let others: Vec<_> = (2..).map_while(|n| limiter.acquire(user(n), None).ok()).collect();
        assert_eq!(others.len() + places.len(), ALL);
        assert_eq!(limiter.acquire(ana, None).unwrap_err().code, "overloaded");
        drop((places, others));
        assert!(limiter.lock().taken.is_empty());
    }

    #[test]
    fn an_address_has_its_share() {
        let limiter = Arc::new(UploadLimiter::default());
        let here: Vec<_> = (0..).map_while(|n| limiter.acquire(user(n), address(1)).ok()).collect();
        assert_eq!(here.len(), OF_ADDRESS);
        limiter.acquire(user(100), address(2)).unwrap();
    }

    fn impatient() -> Arc<UploadLimiter> {
        let [crawl, settled, look] = [50, 1, 1].map(Duration::from_millis);
        Arc::new(UploadLimiter { patience: Patience { crawl, settled, look }, ..UploadLimiter::default() })
    }

    #[tokio::test]
    async fn the_slowest_makes_room_when_all_places_are_taken() {
        let limiter = impatient();
        let mut places: Vec<_> = (0..ALL as u128).map(|n| limiter.acquire(user(n / 4), None).unwrap()).collect();
        for (n, place) in (0..).zip(&mut places) {
            place.waits(sleep(Duration::from_millis(3))).await;
            place.add(match n {
                7 => 0,
                0..16 => 1,
                _ => 1 << 40,
            });
        }
        let late = limiter.acquire(user(100), None).unwrap();
        assert!(places[7].given_up.is_cancelled());
        assert_eq!(places.iter().filter(|place| place.given_up.is_cancelled()).count(), 1);
        let more: Vec<_> = (101..).map_while(|n| limiter.acquire(user(n), None).ok()).collect();
        assert_eq!(more.len(), 15, "who is quick stays");
        drop((late, more));
    }

    #[tokio::test]
    async fn who_crawls_is_given_up_and_who_is_worked_for_is_not() {
        let limiter = impatient();
        let crawling = limiter.acquire(user(1), None).unwrap();
        let pace = crawling.pace();
        tokio::select! {
            () = crawling.waits(pending::<()>()) => (),
            () = pace.too_slow() => (),
        }
        let mut steady = limiter.acquire(user(2), None).unwrap();
        // However long the first wait takes.
        steady.add(1 << 40);
        let pace = steady.pace();
        let upload = async {
            for _ in 0..60 {
                steady.waits(sleep(Duration::from_millis(1))).await;
                steady.add(1 << 40);
            }
            // Its pictures are made.
            sleep(limiter.patience.crawl * 4).await;
        };
        tokio::select! {
            () = upload => (),
            () = pace.too_slow() => panic!("given up although it was quick"),
        }
    }
}
