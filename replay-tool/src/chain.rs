//! The hash chain: every digest and every link computed again, and compared with what is stored (I6).

use crate::{
    Outcome,
    arguments::Chain,
    output::{Output, hex},
    place::{Place, clock},
    progress::Progress,
};
use anyhow::{Context, Result};
use event_store::{Head, Position, first_chain};
use gateway::audit::{HeadKey, SignedHead};
use serde_json::json;
use std::path::Path;

/// After so many faults the rest is not worth naming.
const NAMED: usize = 100;

/// Runs the sub-command.
pub(crate) async fn run(place: &Place, output: &Output, task: Chain) -> Result<Outcome> {
    match task {
        Chain::Head => {
            let signed = place.head_key()?.sign(place.store.incarnation(), &place.store.head().await?, clock());
            output.line(serde_json::to_string(&signed)?)?;
            Ok(Outcome::Well)
        }
        Chain::Verify { against } => verify(place, output, against.as_deref()).await,
    }
}

async fn verify(place: &Place, output: &Output, against: Option<&Path>) -> Result<Outcome> {
    let noted = against.map(read_noted).transpose()?;
    let head = place.store.head().await?;
    let mut audit = Audit { noted, place, faults: Vec::new() };
    audit.check_signature()?;
    audit.walk(&head).await?;
    let faults = audit.faults;
    let chain = hex(&head.chain);
    let told = json!({ "incarnation": place.store.incarnation(), "position": head.position, "chain": chain });
    output.document(&json!({ "head": told, "sound": faults.is_empty(), "faults": faults }))?;
    for fault in &faults {
        output.say(fault)?;
    }
    if faults.is_empty() {
        output.say(format_args!("{} events, every digest and every link of the chain is right", head.position))?;
        output.say(format_args!("head {} {chain}", head.position))?;
        return Ok(Outcome::Well);
    }
    Ok(Outcome::Different)
}

fn read_noted(path: &Path) -> Result<SignedHead> {
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    serde_json::from_str(&text).with_context(|| format!("{} is not a signed head", path.display()))
}

struct Audit<'p> {
    place: &'p Place,
    noted: Option<SignedHead>,
    faults: Vec<String>,
}

impl Audit<'_> {
    /// The noted head must be as it was signed, by the key of this installation.
    fn check_signature(&mut self) -> Result<()> {
        let Some(noted) = &self.noted else { return Ok(()) };
        let key: HeadKey = self.place.head_key()?;
        if !key.has_signed(noted) {
            self.faults.push(format!("the noted head is not as CHATCHIT_AUDIT_KEY signed it (key {})", noted.key_id));
        }
        Ok(())
    }

    async fn walk(&mut self, head: &Head) -> Result<()> {
        let store = &self.place.store;
        let progress = Progress::new("chain", head.position);
        self.compare_noted(0, &first_chain(store.incarnation()), 0);
        let mut walk = store.walk_chain(0).await?.context("the log has no beginning")?;
        while walk.position() < head.position && self.faults.len() < NAMED {
            let Some(batch) = walk.next().await? else { break };
            self.faults.extend(batch.faults.iter().map(ToString::to_string));
            self.compare_noted(batch.position, &batch.chain, batch.after);
            progress.at(batch.position);
        }
        progress.finish();
        if self.faults.len() < NAMED
            && let Some(fault) = store.check_end(head, walk.position()).await?
        {
            self.faults.push(fault.to_string());
        }
        let noted = self.noted.as_ref().map_or(0, |noted| noted.position);
        if noted > head.position {
            self.faults.push(format!("the log ends at {}, before the noted head {noted}", head.position));
        }
        Ok(())
    }

    /// Compares with the noted head, if this row of the ledger is it, or is the first one past it.
    fn compare_noted(&mut self, position: Position, chain: &[u8; 32], before: Position) {
        let Some(noted) = &self.noted else { return };
        let incarnation = self.place.store.incarnation();
        if position == 0 && noted.incarnation != incarnation {
            let fault = format!("the noted head is of another log ({}, this is {incarnation})", noted.incarnation);
            self.faults.push(fault);
        } else if noted.position == position && noted.chain != hex(chain) {
            self.faults.push(format!("the chain at {position} is not the noted one"));
        } else if before < noted.position && noted.position < position {
            self.faults.push(format!("the ledger has no row at the noted head {}", noted.position));
        }
    }
}
