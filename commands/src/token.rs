//! Refresh tokens: 32 random bytes, known to their holder alone. The store knows their SHA-256.

use crate::CommandError;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};

/// A refresh token as its holder keeps it.
pub(crate) struct RefreshToken(String);

impl RefreshToken {
    /// A token that nobody has.
    pub(crate) fn new() -> Result<Self, CommandError> {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes).map_err(|error| CommandError::Internal(error.to_string()))?;
        Ok(Self(URL_SAFE_NO_PAD.encode(bytes)))
    }

    /// What the store knows of it.
    pub(crate) fn hash(&self) -> [u8; 32] {
        hash(&self.0)
    }

    pub(crate) fn into_string(self) -> String {
        self.0
    }
}

/// What the store knows of the token that somebody shows.
pub(crate) fn hash(token: &str) -> [u8; 32] {
    Sha256::digest(token).into()
}
