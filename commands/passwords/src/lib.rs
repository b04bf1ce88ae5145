//! Passwords: normalization, strength, and Argon2id hashes.
#![expect(missing_docs, reason = "most names say what they mean; docs state units, failures and surprises")]

mod folding;
mod guessed;
mod hashing;
mod password;
mod strength;

pub use hashing::{Asks, Compared, PasswordCost, PasswordError, Passwords};
pub use password::{MAX_PASSWORD, MIN_PASSWORD, Password};
