//! Hashing and comparison on blocking threads, one per core, so that a rush of sign-ins queues instead of starving the
//! server. The queue is bounded in length and time. One more thread serves known clients, which do not queue behind
//! strangers.

use crate::{Password, strength};
use argon2::{
    Algorithm, Argon2, Params, PasswordHash, PasswordHasher as _, PasswordVerifier as _, Version,
    password_hash::SaltString,
};
use std::{fmt, num::NonZeroUsize, sync::Arc, thread, time::Duration};
use text::Invalid;
use tokio::{
    sync::{AcquireError, OnceCell, Semaphore},
    task::spawn_blocking,
    time::timeout,
};

/// The most waiting hashes, for known clients and for strangers each.
const QUEUE: usize = 512;
/// The longest wait.
const WITHIN: Duration = Duration::from_secs(10);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compared {
    Wrong,
    Right,
    /// Right, but the hash was made of the typed text, before passwords were normalized.
    RightAsTyped,
}

impl Compared {
    #[must_use]
    pub fn is_right(self) -> bool {
        self != Self::Wrong
    }
}

/// A password could not be hashed or compared.
#[derive(Debug, thiserror::Error)]
pub enum PasswordError {
    /// A new password that is guessed first.
    #[error(transparent)]
    Weak(Invalid),
    /// The queue is full, or the wait was too long.
    #[error("too many passwords wait to be hashed")]
    Overloaded,
    #[error("{0}")]
    Internal(String),
}

/// The cost of a password hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PasswordCost {
    pub memory_kib: u32,
    pub iterations: u32,
    pub parallelism: u32,
}

/// OWASP's password storage cheat sheet: Argon2id, 19 MiB, two passes, one lane.
impl Default for PasswordCost {
    fn default() -> Self {
        Self { memory_kib: 19_456, iterations: 2, parallelism: 1 }
    }
}

/// Hashes and compares passwords.
pub struct Passwords {
    cost: PasswordCost,
    permits: Arc<Semaphore>,
    /// The strangers' share of `permits`.
    strangers: Arc<Semaphore>,
    queues: [Semaphore; 2],
    within: Duration,
    nobody: OnceCell<String>,
}

/// The client that a password is hashed for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asks {
    /// Signed in, or has signed in from this network before.
    Known,
    Stranger,
}

impl Passwords {
    #[must_use]
    pub fn new(cost: PasswordCost) -> Self {
        let cores = thread::available_parallelism().map_or(1, NonZeroUsize::get);
        let [permits, strangers] = [cores + 1, cores].map(|count| Arc::new(Semaphore::new(count)));
        let queues = [(); 2].map(|()| Semaphore::new(cores + QUEUE));
        Self { cost, permits, strangers, queues, within: WITHIN, nobody: OnceCell::new() }
    }

    /// The hash of a new password as a PHC string.
    ///
    /// # Errors
    /// [`PasswordError`]; `Weak` for a common password, and for one made of `words` (the owner's names).
    pub async fn hash_new(&self, asks: Asks, password: Password, words: Vec<String>) -> Result<String, PasswordError> {
        let text = password.prepared.clone();
        self.on_a_thread(asks, move || strength::check(&text, &words).map_err(PasswordError::Weak)).await?;
        self.hash(asks, password).await
    }

    /// The hash of a password as a PHC string.
    ///
    /// # Errors
    /// [`PasswordError`].
    pub async fn hash(&self, asks: Asks, password: Password) -> Result<String, PasswordError> {
        let cost = self.cost;
        self.on_a_thread(asks, move || {
            let mut salt = [0; 16];
            getrandom::fill(&mut salt).map_err(internal)?;
            let salt = SaltString::encode_b64(&salt).map_err(internal)?;
            let params = Params::new(cost.memory_kib, cost.iterations, cost.parallelism, None).map_err(internal)?;
            let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
            Ok(argon2.hash_password(password.prepared.as_bytes(), &salt).map_err(internal)?.to_string())
        })
        .await
    }

    /// Compares the password with `phc`. Without a hash it takes as long and is wrong, so that the time does not reveal
    /// which accounts exist.
    ///
    /// # Errors
    /// [`PasswordError`].
    pub async fn compare(
        &self,
        asks: Asks,
        password: Password,
        phc: Option<String>,
    ) -> Result<Compared, PasswordError> {
        let known = phc.is_some();
        // Made on first use by any client, outside the strangers' queue: known clients may wait for it, too.
        let nobody = self.nobody.get_or_try_init(|| self.hash(Asks::Known, Password::claimed(""))).await?;
        let phc = phc.unwrap_or_else(|| nobody.clone());
        let matches = self.on_a_thread(asks, move || {
            let hash = PasswordHash::new(&phc).map_err(internal)?;
            let is = |text: &str| Argon2::default().verify_password(text.as_bytes(), &hash).is_ok();
            Ok(match &password.typed {
                _ if is(&password.prepared) => Compared::Right,
                Some(typed) if is(typed) => Compared::RightAsTyped,
                _ => Compared::Wrong,
            })
        });
        let compared = matches.await?;
        Ok(if known { compared } else { Compared::Wrong })
    }

    async fn on_a_thread<T: Send + 'static>(
        &self,
        asks: Asks,
        work: impl FnOnce() -> Result<T, PasswordError> + Send + 'static,
    ) -> Result<T, PasswordError> {
        let Ok(_place) = self.queues[asks as usize].try_acquire() else { return Err(PasswordError::Overloaded) };
        let permit = timeout(self.within, async {
            // The share comes first, so that no more strangers queue for `permits` than may hold one.
            let share = match asks {
                Asks::Known => None,
                Asks::Stranger => Some(Arc::clone(&self.strangers).acquire_owned().await?),
            };
            Ok::<_, AcquireError>((share, Arc::clone(&self.permits).acquire_owned().await?))
        });
        let permit = permit.await.map_err(|_| PasswordError::Overloaded)?.map_err(internal)?;
        // The permit belongs to the work: a cancelled caller does not free it early.
        let work = spawn_blocking(move || {
            let done = work();
            drop(permit);
            done
        });
        work.await.map_err(internal)?
    }
}

fn internal(error: impl fmt::Display) -> PasswordError {
    PasswordError::Internal(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHEAP: PasswordCost = PasswordCost { memory_kib: 8, iterations: 1, parallelism: 1 };

    fn password(text: &str) -> Password {
        Password::parse(text).unwrap()
    }

    #[tokio::test]
    async fn a_password_of_earlier_rules_still_signs_in() {
        let passwords = Passwords::new(CHEAP);
        let stored = "abc\u{200b}xyz73Kq";
        let before = Password { prepared: stored.to_owned(), typed: None };
        let phc = passwords.hash(Asks::Known, before).await.unwrap();
        let compared = passwords.compare(Asks::Known, Password::claimed(stored), Some(phc)).await.unwrap();
        assert!(compared.is_right());
    }

    #[tokio::test]
    async fn only_the_right_one_is_right() {
        let passwords = Passwords::new(CHEAP);
        let phc = passwords.hash(Asks::Known, password("correct horse")).await.unwrap();
        assert!(phc.starts_with("$argon2id$v=19$m=8,t=1,p=1$"), "{phc}");
        assert_ne!(passwords.hash(Asks::Known, password("correct horse")).await.unwrap(), phc, "salted");
        // The cost is the hash's own: one that changes locks nobody out.
        let later = Passwords::new(PasswordCost { memory_kib: 16, ..CHEAP });
        for (claimed, want) in [("correct horse", Compared::Right), ("Correct horse", Compared::Wrong)] {
            let claimed = Password::claimed(claimed);
            assert_eq!(later.compare(Asks::Known, claimed, Some(phc.clone())).await.unwrap(), want);
        }
    }

    #[tokio::test]
    async fn a_password_is_the_same_however_it_is_typed() {
        let passwords = Passwords::new(CHEAP);
        let phc = passwords.hash(Asks::Known, password("contrase\u{f1}a larga")).await.unwrap();
        for typed in ["contrasen\u{303}a larga", "contrase\u{f1}a\u{3000}larga", "\u{ff43}ontrase\u{f1}a larga"] {
            let claimed = Password::claimed(typed);
            let compared = passwords.compare(Asks::Known, claimed, Some(phc.clone())).await.unwrap();
            assert_eq!(compared, Compared::Right, "{typed:?}");
        }
        // As passwords were hashed before.
        let typed = "contrasen\u{303}a larga";
        let before = Password { prepared: typed.to_owned(), typed: None };
        let phc = passwords.hash(Asks::Known, before).await.unwrap();
        let compared = |typed: &str| passwords.compare(Asks::Known, Password::claimed(typed), Some(phc.clone()));
        assert_eq!(compared(typed).await.unwrap(), Compared::RightAsTyped);
        assert_eq!(compared("contrase\u{f1}a larga").await.unwrap(), Compared::Wrong);
    }

    #[tokio::test]
    async fn a_common_password_is_refused() {
        let passwords = Passwords::new(CHEAP);
        let refused = passwords.hash_new(Asks::Stranger, password("password"), Vec::new()).await;
        assert!(matches!(&refused, Err(PasswordError::Weak(fault)) if fault.code == "too_common"), "{refused:?}");
        assert!(passwords.hash_new(Asks::Stranger, password("correct horse"), Vec::new()).await.is_ok());
    }

    #[tokio::test]
    async fn a_rush_waits_in_a_line_that_ends() {
        let passwords = Passwords { within: Duration::from_millis(1), ..Passwords::new(CHEAP) };
        let held =
            Arc::clone(&passwords.permits).acquire_many_owned(passwords.permits.available_permits() as u32).await;
        assert!(
            matches!(passwords.hash(Asks::Known, password("correct horse")).await, Err(PasswordError::Overloaded)),
            "in time"
        );
        drop(held);
        let queue = &passwords.queues[Asks::Known as usize];
        let line = queue.acquire_many(queue.available_permits() as u32).await;
        assert!(
            matches!(passwords.hash(Asks::Known, password("correct horse")).await, Err(PasswordError::Overloaded)),
            "in length"
        );
        drop(line);
        let passwords = Passwords { within: WITHIN, ..passwords };
        assert!(passwords.hash(Asks::Known, password("correct horse")).await.is_ok());
    }

    #[tokio::test]
    async fn a_known_client_does_not_queue_behind_strangers() {
        let passwords = Passwords { within: Duration::from_millis(1), ..Passwords::new(CHEAP) };
        let share = Arc::clone(&passwords.strangers).acquire_many_owned(passwords.strangers.available_permits() as u32);
        let _share = share.await;
        let stranger = passwords.hash(Asks::Stranger, password("correct horse")).await;
        assert!(matches!(stranger, Err(PasswordError::Overloaded)));
        let passwords = Passwords { within: WITHIN, ..passwords };
        assert!(passwords.permits.available_permits() > 0, "strangers leave some");
        assert!(passwords.hash(Asks::Known, password("correct horse")).await.is_ok());
    }

    #[tokio::test]
    async fn without_a_hash_every_password_is_wrong() {
        let passwords = Passwords::new(CHEAP);
        for claimed in ["", "correct horse"] {
            let compared = passwords.compare(Asks::Stranger, Password::claimed(claimed), None).await.unwrap();
            assert!(!compared.is_right(), "{claimed:?}");
        }
    }
}
