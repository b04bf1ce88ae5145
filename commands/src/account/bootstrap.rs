//! The claim on the one-time bootstrap token. Every command that creates an administrator takes it in the same append,
//! so that the token creates the first administrator or none.

use crate::{CommandError, engine::Facts};
use domain::UserId;
use event_store::ClaimKind;

impl Facts<'_> {
    /// Takes the claim for `owner` if it is free; returns whether it was.
    pub(crate) async fn take_bootstrap(&mut self, owner: UserId) -> Result<bool, CommandError> {
        let hash = self.store().bootstrap_hash();
        if self.store().claimed_by(ClaimKind::Bootstrap, &hash).await?.is_some() {
            return Ok(false);
        }
        self.take(ClaimKind::Bootstrap, hash, owner.0);
        Ok(true)
    }
}
