//! Invite codes: their creation, and the claim and id derived from one.

use crate::{CommandError, engine::Facts};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use domain::{id::InviteId, text::InviteCode};
use event_store::ClaimKind;
use uuid::Uuid;

const BYTES: usize = 18;

/// A random code.
pub(crate) fn new_code() -> Result<InviteCode, CommandError> {
    let mut bytes = [0; BYTES];
    getrandom::fill(&mut bytes).map_err(|error| CommandError::Internal(error.to_string()))?;
    InviteCode::parse(&URL_SAFE_NO_PAD.encode(bytes)).map_err(|error| CommandError::Internal(error.to_string()))
}

impl Facts<'_> {
    /// The claim of a code, and the id of its invite: half of the claim's keyed hash.
    pub(crate) fn invite(&self, code: &InviteCode) -> ([u8; 32], InviteId) {
        let hash = self.store().claim_hash(ClaimKind::Invite, code.as_str());
        let mut half = [0; 16];
        half.copy_from_slice(&hash[..16]);
        (hash, InviteId(Uuid::from_bytes(half)))
    }
}
