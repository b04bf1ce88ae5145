//! Data keys: one per person, wrapped with the master key in the store, in the clear in a bounded cache.

use crate::{ClaimKind, Keys, OpenError, ReadError};
use chacha20poly1305::{
    Key, KeyInit, XChaCha20Poly1305, XNonce,
    aead::{Aead, Payload},
};
use hmac::{Hmac, Mac};
use quick_cache::sync::Cache;
use sha2::Sha256;
use sql::{Database, query};
use std::time::Duration;
use tokio::time::Instant;
use uuid::Uuid;

/// The most cached keys.
const CACHED: usize = 50_000;
/// How long a key is cached: another process may have erased the person.
const KEPT_FOR: Duration = Duration::from_secs(60);
/// The most erased people that are remembered.
const FORGOTTEN: usize = 10_000;
const NONCE: usize = 24;

/// Seals the values of one person.
#[derive(Clone, Copy)]
pub(crate) struct DataKey([u8; 32]);

impl From<[u8; 32]> for DataKey {
    fn from(key: [u8; 32]) -> Self {
        Self(key)
    }
}

impl DataKey {
    pub(crate) fn random() -> Result<Self, getrandom::Error> {
        let mut key = [0; 32];
        getrandom::fill(&mut key)?;
        Ok(Self(key))
    }

    /// Seals bytes, bound to `aad`: a random nonce, then the ciphertext.
    pub(crate) fn seal(&self, plain: &[u8], aad: &[u8]) -> Option<Vec<u8>> {
        let mut nonce = [0; NONCE];
        getrandom::fill(&mut nonce).ok()?;
        let sealed = self.cipher().encrypt(XNonce::from_slice(&nonce), Payload { msg: plain, aad }).ok()?;
        Some([&nonce[..], &sealed].concat())
    }

    /// Opens bytes that [`DataKey::seal`] sealed with the same `aad`.
    pub(crate) fn open(&self, sealed: &[u8], aad: &[u8]) -> Option<Vec<u8>> {
        let (nonce, sealed) = sealed.split_at_checked(NONCE)?;
        self.cipher().decrypt(XNonce::from_slice(nonce), Payload { msg: sealed, aad }).ok()
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new(Key::from_slice(&self.0))
    }
}

/// Authenticates texts that a server of this log has written, without storing them. Clones share the key.
#[derive(Clone)]
pub struct Authenticator(Hmac<Sha256>);

impl Authenticator {
    /// An authenticator with this key.
    #[must_use]
    pub fn new(key: &[u8; 32]) -> Self {
        Self(keyed(key))
    }

    /// The tag of some parts, which cannot be computed without the key. Their lengths count, so that different lists of parts
    /// have different tags.
    #[must_use]
    pub fn tag(&self, parts: &[&[u8]]) -> [u8; 32] {
        let mut mac = self.0.clone();
        for part in parts {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part);
        }
        mac.finalize().into_bytes().into()
    }
}

/// The data keys, and the keys derived from the master key.
pub(crate) struct Keyring {
    wrapping: DataKey,
    claims: [u8; 32],
    requests: [u8; 32],
    evidence: [u8; 32],
    tokens: [u8; 32],
    command_keys: Authenticator,
    check: [u8; 32],
    cache: Cache<Uuid, (DataKey, Instant)>,
    /// People whose keys were destroyed, so that a key read before is not cached again.
    forgotten: Cache<Uuid, ()>,
}

impl Keyring {
    pub(crate) fn new(keys: &Keys) -> Self {
        let derive = |label: &str| mac(&keys.master, &[label.as_bytes()]);
        Self {
            wrapping: DataKey(derive("chatchit.wrap.1")),
            claims: derive("chatchit.claim.1"),
            requests: derive("chatchit.request.1"),
            evidence: derive("chatchit.evidence.1"),
            tokens: derive("chatchit.token.1"),
            command_keys: Authenticator::new(&derive("chatchit.command-key.1")),
            check: derive("chatchit.check.1"),
            cache: Cache::new(CACHED),
            forgotten: Cache::new(FORGOTTEN),
        }
    }

    /// A value that is equal for equal master keys, and reveals nothing of the key.
    pub(crate) fn check(&self) -> String {
        Uuid::from_slice(&self.check[..16]).unwrap_or_default().simple().to_string()
    }

    pub(crate) fn claim_hash(&self, kind: ClaimKind, name: &str) -> [u8; 32] {
        mac(&self.claims, &[kind.as_str().as_bytes(), &[0], name.as_bytes()])
    }

    /// The hash of the only bootstrap claim, whose name is the word of its kind.
    pub(crate) fn bootstrap_hash(&self) -> [u8; 32] {
        self.claim_hash(ClaimKind::Bootstrap, ClaimKind::Bootstrap.as_str())
    }

    pub(crate) fn request_hash(&self, request: &[u8]) -> [u8; 32] {
        mac(&self.requests, &[request])
    }

    pub(crate) fn evidence_digest(&self, evidence: &[u8]) -> [u8; 32] {
        mac(&self.evidence, &[evidence])
    }

    pub(crate) fn key_hash(&self, owner: &str, key: &str) -> [u8; 32] {
        self.command_keys.tag(&[owner.as_bytes(), key.as_bytes()])
    }

    pub(crate) fn authenticator(&self, purpose: &str) -> Authenticator {
        Authenticator::new(&mac(&self.tokens, &[purpose.as_bytes()]))
    }

    pub(crate) fn wrap(&self, subject: Uuid, key: &DataKey) -> Option<Vec<u8>> {
        self.wrapping.seal(&key.0, subject.as_bytes())
    }

    pub(crate) fn cached(&self, subject: Uuid) -> Option<DataKey> {
        self.cache.get(&subject).filter(|(_, since)| since.elapsed() < KEPT_FOR).map(|(key, _)| key)
    }

    pub(crate) fn keep(&self, subject: Uuid, key: DataKey) {
        self.cache.insert(subject, (key, Instant::now()));
        if self.is_forgotten(subject) {
            self.cache.remove(&subject);
        }
    }

    pub(crate) fn forget(&self, subject: Uuid) {
        self.forgotten.insert(subject, ());
        self.cache.remove(&subject);
    }

    fn is_forgotten(&self, subject: Uuid) -> bool {
        self.forgotten.get(&subject).is_some()
    }

    /// The subject's key. `None`: it never existed; `Some(None)`: it was destroyed.
    pub(crate) async fn load(&self, database: &Database, subject: Uuid) -> Result<Option<Option<DataKey>>, OpenError> {
        if let Some(key) = self.cached(subject) {
            return Ok(Some(Some(key)));
        }
        if self.is_forgotten(subject) {
            return Ok(Some(None));
        }
        let stored = query("SELECT wrapped FROM data_keys WHERE subject = $1").bind(subject);
        let Some(row) = database.fetch_optional(stored).await.map_err(ReadError::from)? else { return Ok(None) };
        let Some(wrapped) = row.get::<Option<Vec<u8>>>("wrapped").map_err(ReadError::from)? else {
            return Ok(Some(None));
        };
        let plain = self.wrapping.open(&wrapped, subject.as_bytes()).and_then(|plain| plain.try_into().ok());
        let key = DataKey(plain.ok_or(OpenError::Seal(subject))?);
        self.keep(subject, key);
        Ok(Some(Some(key)))
    }
}

fn keyed(key: &[u8; 32]) -> Hmac<Sha256> {
    // HMAC pads a short key with zeros up to the hash's block.
    let mut block = [0; 64];
    block[..key.len()].copy_from_slice(key);
    <Hmac<Sha256> as Mac>::new((&block).into())
}

fn mac(key: &[u8; 32], parts: &[&[u8]]) -> [u8; 32] {
    let mut mac = keyed(key);
    parts.iter().for_each(|part| mac.update(part));
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_read_before_its_destruction_is_not_cached() {
        let keyring = Keyring::new(&Keys { master: [7; 32] });
        let (ana, ben, key) = (Uuid::from_u128(1), Uuid::from_u128(2), DataKey::random().unwrap());
        for subject in [ana, ben] {
            keyring.keep(subject, key);
        }
        keyring.forget(ana);
        keyring.keep(ana, key);
        assert!(keyring.cached(ana).is_none() && keyring.cached(ben).is_some());
    }
}
