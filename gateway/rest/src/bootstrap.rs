//! The one-time token by which the first administrator registers.
//!
//! It follows from the master key and the log's incarnation, so that it need not be stored; that it was used is a
//! claim in the log.

use axum::http::StatusCode;
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use config::MasterKey;
use event_store::{EventStore, ReadError};
use hmac::{Hmac, Mac};
use protocol::Problem;
use sha2::Sha256;
use uuid::Uuid;

/// The one-time token of a log.
pub struct Bootstrap(Hmac<Sha256>);

impl Bootstrap {
    /// The token of the log with this incarnation.
    #[must_use]
    pub fn new(key: MasterKey, incarnation: Uuid) -> Self {
        // An HMAC takes a key of any length.
        let mac = Hmac::<Sha256>::new_from_slice(&key.0).unwrap_or_else(|_| Hmac::new(&[0; 64].into()));
        Self(mac.chain_update(b"chatchit bootstrap").chain_update(incarnation.as_bytes()))
    }

    /// The token, as it is printed.
    #[must_use]
    pub fn token(&self) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(self.0.clone().finalize().into_bytes())
    }

    /// Whether `token` is the one; in the same time whatever it is.
    ///
    /// # Errors
    /// `invalid_bootstrap_token`.
    pub fn check(&self, token: &str) -> Result<(), Problem> {
        let given = BASE64_URL_SAFE_NO_PAD.decode(token).unwrap_or_default();
        self.0.clone().verify_slice(&given).map_err(|_| {
            let detail = "this is not the bootstrap token that the first start printed";
            Problem::new(StatusCode::FORBIDDEN, "invalid_bootstrap_token", detail)
        })
    }

    /// The token, while the log is empty: nobody has registered.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn offered(&self, store: &EventStore) -> Result<Option<String>, ReadError> {
        Ok((store.head().await?.position == 0).then(|| self.token()))
    }
}
