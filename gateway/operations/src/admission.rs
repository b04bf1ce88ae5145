//! Admission at the doors: an overloaded server refuses commands before it works on them (ADR 40).

use crate::App;
use commands::EntryPermit;
use domain::Tier;
use protocol::Problem;
use uuid::Uuid;

impl App {
    /// Admits a command of this tier; without a tier, any request. Each door asks before it parses, charges or reads anything
    /// for the command, and holds the permit until the answer. `request` is its correlation id.
    ///
    /// # Errors
    /// 503 `overloaded`.
    pub fn admit(&self, tier: Option<Tier>, request: Uuid) -> Result<Option<EntryPermit>, Problem> {
        let Some(tier) = tier else { return Ok(None) };
        self.commands.admit(tier, request).map(Some).map_err(|wait| {
            let seconds = u32::try_from(wait.as_secs()).unwrap_or(u32::MAX);
            let detail =
                "the server is overloaded: try again with the same key after as many seconds as `retryAfter` says";
            Problem::unavailable("overloaded", detail, seconds)
        })
    }
}
