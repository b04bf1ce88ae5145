//! Refresh tokens: 32 random bytes, known only to the client. The store keeps their SHA-256.

use crate::CommandError;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};

pub(crate) struct RefreshToken(String);

impl RefreshToken {
    /// A random token.
    pub(crate) fn new() -> Result<Self, CommandError> {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes).map_err(|error| CommandError::Internal(error.to_string()))?;
        Ok(Self(URL_SAFE_NO_PAD.encode(bytes)))
    }

    pub(crate) fn hash(&self) -> [u8; 32] {
        hash(&self.0)
    }

    pub(crate) fn into_string(self) -> String {
        self.0
    }
}

/// The stored hash of a client's token.
pub(crate) fn hash(token: &str) -> [u8; 32] {
    Sha256::digest(token).into()
}
