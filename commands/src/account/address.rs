//! The claim on an e-mail address: on the keyed hash of its canonical form, and of the forms under which addresses used
//! to be unique (ADR 29). For most addresses all forms are equal.

use crate::{CommandError, Commands, engine::Facts};
use domain::{UserId, text::EmailAddress};
use event_store::{Claim, ClaimChange, ClaimKind, EventStore};
use uuid::Uuid;

/// The hashes under which an address may be claimed, in the order of the search.
fn hashes(store: &EventStore, email: &EmailAddress) -> Vec<[u8; 32]> {
    email.forms().iter().map(|form| store.claim_hash(ClaimKind::Email, form)).collect()
}

impl Commands {
    /// The hash that counts password guesses for an address, whatever its spelling.
    pub(crate) fn address_hash(&self, email: &EmailAddress) -> [u8; 32] {
        self.store().claim_hash(ClaimKind::Email, &email.canonical())
    }

    /// The owner of the address, by any of its forms.
    pub(crate) async fn owner_of(&self, email: &EmailAddress) -> Result<Option<UserId>, CommandError> {
        for hash in hashes(self.store(), email) {
            if let Some(user) = self.store().claimed_by(ClaimKind::Email, &hash).await? {
                return Ok(Some(UserId(user)));
            }
        }
        Ok(None)
    }
}

impl Facts<'_> {
    pub(crate) fn take(&mut self, kind: ClaimKind, hash: [u8; 32], owner: Uuid) {
        self.claims.push(Claim { kind, hash, change: ClaimChange::Take, owner });
    }

    /// Takes all forms of an address for `owner`; the append fails if one of them is taken.
    pub(crate) fn take_address(&mut self, email: &EmailAddress, owner: UserId) {
        for hash in hashes(self.store(), email) {
            self.take(ClaimKind::Email, hash, owner.0);
        }
    }

    /// Takes the free forms of the owner's address, which was registered when it had fewer.
    pub(crate) async fn complete_address(&mut self, email: &EmailAddress, owner: UserId) -> Result<(), CommandError> {
        let hashes = hashes(self.store(), email);
        if hashes.len() < 2 {
            return Ok(());
        }
        for hash in hashes {
            if self.store().claimed_by(ClaimKind::Email, &hash).await?.is_none() {
                self.take(ClaimKind::Email, hash, owner.0);
            }
        }
        Ok(())
    }

    /// Releases all forms of an address.
    pub(crate) fn release_address(&mut self, email: &EmailAddress, owner: UserId) {
        let change = ClaimChange::Release;
        let released = hashes(self.store(), email);
        self.claims.extend(released.into_iter().map(|hash| Claim {
            kind: ClaimKind::Email,
            hash,
            change,
            owner: owner.0,
        }));
    }
}
