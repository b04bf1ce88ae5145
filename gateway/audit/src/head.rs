//! Signed heads: what the log was at a time. Kept elsewhere, one shows that nothing up to it was changed since.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use domain::{Timestamp, hex};
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use event_store::{Head, Position};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use utoipa::ToSchema;
use uuid::Uuid;

/// Names the shape of what is signed; a new shape gets a new one.
const SIGNED: &str = "chatchit.head.1";

/// The head of a log, signed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SignedHead {
    /// Of which log.
    pub incarnation: Uuid,
    /// The last position.
    pub position: Position,
    /// The hash chain up to it, in hex.
    pub chain: String,
    /// When it was signed.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// Names the key: the first 16 hex digits of the public key's SHA-256.
    pub key_id: String,
    /// The public key, in hex.
    pub public_key: String,
    /// Ed25519 over the lines `chatchit.head.1`, incarnation, position, chain and time, each with its line feed; in base64.
    pub signature: String,
}

/// Signs heads; made of `CHATCHIT_AUDIT_KEY`.
pub struct HeadKey(SigningKey);

impl HeadKey {
    /// The key whose seed these bytes are.
    #[must_use]
    pub fn new(seed: &[u8; 32]) -> Self {
        Self(SigningKey::from_bytes(seed))
    }

    /// The name of the key, as [`SignedHead::key_id`].
    #[must_use]
    pub fn id(&self) -> String {
        key_id(&self.0.verifying_key())
    }

    /// Signs a head.
    #[must_use]
    pub fn sign(&self, incarnation: Uuid, head: &Head, at: Timestamp) -> SignedHead {
        let public = self.0.verifying_key();
        let mut signed = SignedHead {
            incarnation,
            position: head.position,
            chain: hex::encode(&head.chain),
            at,
            key_id: key_id(&public),
            public_key: hex::encode(public.as_bytes()),
            signature: String::new(),
        };
        signed.signature = BASE64_STANDARD.encode(self.0.sign(signed.said().as_bytes()).to_bytes());
        signed
    }

    /// Whether this key signed the head as it stands.
    #[must_use]
    pub fn has_signed(&self, head: &SignedHead) -> bool {
        let bytes = BASE64_STANDARD.decode(&head.signature).ok().and_then(|bytes| bytes.try_into().ok());
        bytes.is_some_and(|bytes: [u8; 64]| {
            self.0.verifying_key().verify_strict(head.said().as_bytes(), &Signature::from_bytes(&bytes)).is_ok()
        })
    }
}

impl SignedHead {
    fn said(&self) -> String {
        let Self { incarnation, position, chain, at, .. } = self;
        format!("{SIGNED}\n{incarnation}\n{position}\n{chain}\n{at}\n")
    }
}

fn key_id(public: &VerifyingKey) -> String {
    hex::encode(&Sha256::digest(public.as_bytes())[..8])
}

#[cfg(test)]
mod tests {
    use super::*;
    use event_store::Heads;

    #[test]
    fn a_head_is_signed_and_nothing_of_it_can_change() {
        let key = HeadKey::new(&[7; 32]);
        let head = Head { position: 9, chain: [1; 32], heads: Heads::new(1) };
        let signed = key.sign(Uuid::from_u128(5), &head, Timestamp::from_millis(1_500));
        assert!(key.has_signed(&signed));
        assert_eq!(key.sign(Uuid::from_u128(5), &head, Timestamp::from_millis(1_500)), signed);
        let json = serde_json::to_string(&signed).unwrap();
        assert!(key.has_signed(&serde_json::from_str(&json).unwrap()));
        assert!(!HeadKey::new(&[8; 32]).has_signed(&signed));
        let changes: [fn(&mut SignedHead); 5] = [
            |head| head.incarnation = Uuid::nil(),
            |head| head.position += 1,
            |head| head.chain.replace_range(..1, "f"),
            |head| head.at = Timestamp::from_millis(1_501),
            |head| head.signature = BASE64_STANDARD.encode([0; 64]),
        ];
        for change in changes {
            let mut changed = signed.clone();
            change(&mut changed);
            assert!(!key.has_signed(&changed), "{changed:?}");
        }
    }

    /// Others check signatures, too: the shape never changes.
    #[test]
    fn what_is_signed_can_be_written_down_by_others() {
        let head = Head { position: 9, chain: [0xab; 32], heads: Heads::new(1) };
        let said = HeadKey::new(&[7; 32]).sign(Uuid::nil(), &head, Timestamp::from_millis(0)).said();
        let chain = "ab".repeat(32);
        let nil = Uuid::nil();
        assert_eq!(said, format!("chatchit.head.1\n{nil}\n9\n{chain}\n1970-01-01T00:00:00.000Z\n"));
    }
}
