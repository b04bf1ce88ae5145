//! Passwords: Argon2id on threads of its own, as many at a time as there are cores, so that a rush of sign-ins
//! queues instead of starving the server; the queue is bounded in length and time.

use crate::CommandError;
use argon2::{
    Algorithm, Argon2, Params, PasswordHash, PasswordHasher as _, PasswordVerifier as _, Version,
    password_hash::SaltString,
};
use domain::text::Invalid;
use std::{fmt, num::NonZeroUsize, sync::Arc, thread, time::Duration};
use tokio::{
    sync::{OnceCell, Semaphore},
    task::spawn_blocking,
    time::timeout,
};

/// The fewest bytes of a password.
const SHORTEST: usize = 8;
/// The most bytes of a password.
const LONGEST: usize = 128;

/// How many may wait to be hashed.
const QUEUE: usize = 512;
/// How long each may wait.
const WITHIN: Duration = Duration::from_secs(10);

/// A password in the clear, on its way to be hashed or compared.
#[derive(Clone)]
pub struct Password(String);

impl Password {
    /// A new password: any text of 8 to 128 bytes.
    ///
    /// # Errors
    /// [`Invalid`]: `too_short` or `too_long`.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        match text.len() {
            ..SHORTEST => Err(Invalid::new("too_short", format!("must be at least {SHORTEST} bytes in UTF-8"))),
            SHORTEST..=LONGEST => Ok(Self(text.to_owned())),
            _ => Err(Invalid::new("too_long", format!("must be at most {LONGEST} bytes in UTF-8"))),
        }
    }

    /// What somebody says is their password; whatever is wrong with it, it is the wrong one.
    #[must_use]
    pub fn claimed(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(..)")
    }
}

/// What hashing a password costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PasswordCost {
    /// Memory in KiB.
    pub memory_kib: u32,
    /// Passes over the memory.
    pub iterations: u32,
    /// Lanes.
    pub parallelism: u32,
}

/// OWASP's password storage cheat sheet: Argon2id, 19 MiB, two passes, one lane.
impl Default for PasswordCost {
    fn default() -> Self {
        Self { memory_kib: 19_456, iterations: 2, parallelism: 1 }
    }
}

/// Hashes and compares passwords.
pub(crate) struct Passwords {
    cost: PasswordCost,
    permits: Arc<Semaphore>,
    queue: Arc<Semaphore>,
    within: Duration,
    nobody: OnceCell<String>,
}

impl Passwords {
    pub(crate) fn new(cost: PasswordCost) -> Self {
        let cores = thread::available_parallelism().map_or(1, NonZeroUsize::get);
        let [permits, queue] = [cores, cores + QUEUE].map(|count| Arc::new(Semaphore::new(count)));
        Self { cost, permits, queue, within: WITHIN, nobody: OnceCell::new() }
    }

    /// The hash of a password in PHC string form.
    pub(crate) async fn hash(&self, password: Password) -> Result<String, CommandError> {
        let cost = self.cost;
        self.on_a_thread(move || {
            let mut salt = [0; 16];
            getrandom::fill(&mut salt).map_err(internal)?;
            let salt = SaltString::encode_b64(&salt).map_err(internal)?;
            let params = Params::new(cost.memory_kib, cost.iterations, cost.parallelism, None).map_err(internal)?;
            let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
            Ok(argon2.hash_password(password.0.as_bytes(), &salt).map_err(internal)?.to_string())
        })
        .await
    }

    /// Whether the password is the one of `phc`. Without a hash to compare with it takes as long, and is wrong:
    /// who has an account cannot be told by the time.
    pub(crate) async fn is_right(&self, password: Password, phc: Option<String>) -> Result<bool, CommandError> {
        let known = phc.is_some();
        // Made the first time in any case.
        let nobody = self.nobody.get_or_try_init(|| self.hash(Password(String::new()))).await?;
        let phc = phc.unwrap_or_else(|| nobody.clone());
        let matches = self.on_a_thread(move || {
            let hash = PasswordHash::new(&phc).map_err(internal)?;
            Ok(Argon2::default().verify_password(password.0.as_bytes(), &hash).is_ok())
        });
        Ok(matches.await? && known)
    }

    async fn on_a_thread<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, CommandError> + Send + 'static,
    ) -> Result<T, CommandError> {
        let Ok(_place) = self.queue.try_acquire() else { return Err(CommandError::Overloaded) };
        let permit = timeout(self.within, Arc::clone(&self.permits).acquire_owned()).await;
        let permit = permit.map_err(|_| CommandError::Overloaded)?.map_err(internal)?;
        // The permit goes with the work: a caller that goes away does not make room for another.
        let work = spawn_blocking(move || {
            let done = work();
            drop(permit);
            done
        });
        work.await.map_err(internal)?
    }
}

fn internal(error: impl fmt::Display) -> CommandError {
    CommandError::Internal(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHEAP: PasswordCost = PasswordCost { memory_kib: 8, iterations: 1, parallelism: 1 };

    fn password(text: &str) -> Password {
        Password::parse(text).unwrap()
    }

    #[test]
    fn a_password_is_any_text_of_8_to_128_bytes() {
        let code = |text: &str| Password::parse(text).err().map(|invalid| invalid.code);
        assert_eq!(code("1234567"), Some("too_short"));
        assert_eq!(code("ééé é"), None, "bytes count");
        assert_eq!(code(&"x".repeat(128)), None);
        assert_eq!(code(&"x".repeat(129)), Some("too_long"));
        assert_eq!(format!("{:?}", password("correct horse")), "Password(..)");
    }

    #[tokio::test]
    async fn only_the_right_one_is_right() {
        let passwords = Passwords::new(CHEAP);
        let phc = passwords.hash(password("correct horse")).await.unwrap();
        assert!(phc.starts_with("$argon2id$v=19$m=8,t=1,p=1$"), "{phc}");
        assert_ne!(passwords.hash(password("correct horse")).await.unwrap(), phc, "salted");
        // The cost is the hash's own: one that changes locks nobody out.
        let later = Passwords::new(PasswordCost { memory_kib: 16, ..CHEAP });
        assert!(later.is_right(password("correct horse"), Some(phc.clone())).await.unwrap());
        assert!(!later.is_right(password("Correct horse"), Some(phc)).await.unwrap());
    }

    #[tokio::test]
    async fn a_rush_waits_in_a_line_that_ends() {
        let passwords = Passwords { within: Duration::from_millis(1), ..Passwords::new(CHEAP) };
        let held =
            Arc::clone(&passwords.permits).acquire_many_owned(passwords.permits.available_permits() as u32).await;
        assert!(matches!(passwords.hash(password("correct horse")).await, Err(CommandError::Overloaded)), "in time");
        drop(held);
        let line = Arc::clone(&passwords.queue).acquire_many_owned(passwords.queue.available_permits() as u32).await;
        assert!(matches!(passwords.hash(password("correct horse")).await, Err(CommandError::Overloaded)), "in length");
        drop(line);
        let passwords = Passwords { within: WITHIN, ..passwords };
        assert!(passwords.hash(password("correct horse")).await.is_ok());
    }

    #[tokio::test]
    async fn without_a_hash_every_password_is_wrong() {
        let passwords = Passwords::new(CHEAP);
        for claimed in ["", "correct horse"] {
            assert!(!passwords.is_right(Password::claimed(claimed), None).await.unwrap());
        }
    }
}
