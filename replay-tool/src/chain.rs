//! Verifies the hash chain: recomputes each digest and link, and compares it with the stored one (I6).

use crate::{arguments::Chain, installation::Installation, outcome::Outcome, output::Output, progress::Progress};
use anyhow::{Context, Result};
use audit::{HeadKey, SignedHead};
use domain::hex;
use event_store::{Head, Position};
use serde_json::json;
use std::path::Path;

/// The most faults that are listed.
const MOST_FAULTS: usize = 100;

pub(crate) async fn run(installation: &Installation, output: &Output, task: Chain) -> Result<Outcome> {
    match task {
        Chain::Head => {
            let signed = installation.head_key()?.sign(
                installation.store.incarnation(),
                &installation.store.head().await?,
                clock::now(),
            );
            output.line(serde_json::to_string(&signed)?)?;
            Ok(Outcome::Clean)
        }
        Chain::Verify { against } => verify(installation, output, against.as_deref()).await,
    }
}

async fn verify(installation: &Installation, output: &Output, against: Option<&Path>) -> Result<Outcome> {
    let noted = against.map(read_noted).transpose()?;
    let (head, faults) = faults(installation, noted).await?;
    let chain = hex::encode(&head.chain);
    let end = json!({ "incarnation": installation.store.incarnation(), "position": head.position, "chain": chain });
    output.json(&json!({ "head": end, "sound": faults.is_empty(), "faults": faults }))?;
    for fault in &faults {
        output.text(fault)?;
    }
    if faults.is_empty() {
        output.text(format_args!("{} events: every digest and every link of the chain is correct", head.position))?;
        output.text(format_args!("head {} {chain}", head.position))?;
        return Ok(Outcome::Clean);
    }
    Ok(Outcome::Different)
}

/// Verifies the chain, up to the head that is returned, and that the log still contains a saved head.
pub(crate) async fn faults(installation: &Installation, noted: Option<SignedHead>) -> Result<(Head, Vec<String>)> {
    let head = installation.store.head().await?;
    let mut verification = Verification { noted, installation, faults: Vec::new() };
    verification.check_signature()?;
    verification.walk(&head).await?;
    Ok((head, verification.faults))
}

fn read_noted(path: &Path) -> Result<SignedHead> {
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    serde_json::from_str(&text).with_context(|| format!("{} is not a signed head", path.display()))
}

struct Verification<'p> {
    installation: &'p Installation,
    noted: Option<SignedHead>,
    faults: Vec<String>,
}

impl Verification<'_> {
    /// The saved head must carry a valid signature by the key of this installation.
    fn check_signature(&mut self) -> Result<()> {
        let Some(noted) = &self.noted else { return Ok(()) };
        let key: HeadKey = self.installation.head_key()?;
        if !key.has_signed(noted) {
            self.faults.push(format!("the noted head is not as CHATCHIT_AUDIT_KEY signed it (key {})", noted.key_id));
        }
        Ok(())
    }

    async fn walk(&mut self, head: &Head) -> Result<()> {
        let store = &self.installation.store;
        let progress = Progress::new("chain", head.position);
        self.compare_incarnation();
        self.compare_noted(0, &store.first_chain(), 0);
        let mut walk = store.walk_chain(0).await?.context("the log has no beginning")?;
        while walk.position() < head.position && self.faults.len() < MOST_FAULTS {
            let Some(batch) = walk.next().await? else { break };
            self.faults.extend(batch.faults.iter().map(ToString::to_string));
            self.compare_noted(batch.position, &batch.chain, batch.after);
            progress.at(batch.position);
        }
        progress.finish();
        if self.faults.len() < MOST_FAULTS
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

    /// The saved head must be of this log, or of an earlier incarnation from before the log was restored.
    fn compare_incarnation(&mut self) {
        let Some(SignedHead { incarnation: noted, position, .. }) = self.noted else { return };
        let store = &self.installation.store;
        if noted == store.incarnation() {
            return;
        }
        match store.former_incarnations().iter().find(|former| former.incarnation == noted) {
            None => {
                let this = store.incarnation();
                self.faults.push(format!("the noted head is of another log ({noted}, this is {this})"));
            }
            Some(former) if former.until < position => {
                let until = former.until;
                let fault = format!("the log was restored without the events from {} to the noted head", until + 1);
                self.faults.push(fault);
            }
            Some(_) => (),
        }
    }

    /// Compares a row of the ledger with the saved head, if it is that row or the first one after it.
    fn compare_noted(&mut self, position: Position, chain: &[u8; 32], before: Position) {
        let Some(noted) = &self.noted else { return };
        if noted.position == position && noted.chain != hex::encode(chain) {
            self.faults.push(format!("the chain at {position} is not the noted one"));
        } else if before < noted.position && noted.position < position {
            self.faults.push(format!("the ledger has no row at the noted head {}", noted.position));
        }
    }
}
