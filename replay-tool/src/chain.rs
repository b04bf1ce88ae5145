//! The hash chain: every digest and every link computed again, and compared with what is stored (I6).

use crate::{
    Outcome,
    arguments::Chain,
    output::{Output, hex},
    place::Place,
    progress::Progress,
};
use anyhow::{Context, Result};
use event_store::{EventStore, Head, Position, RecordedEvent, Selection, first_chain, next_chain};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::{collections::VecDeque, path::Path, sync::Arc};
use uuid::Uuid;

const PAGE: u32 = 2_000;
/// After so many faults the rest is not worth naming.
const NAMED: usize = 100;

/// A head as it is noted down and compared with later.
#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct Noted {
    incarnation: Uuid,
    position: Position,
    chain: String,
}

/// Runs the sub-command.
pub(crate) async fn run(place: &Place, output: &Output, task: Chain) -> Result<Outcome> {
    match task {
        Chain::Head => {
            let head = place.store.head().await?;
            output.line(serde_json::to_string(&noted(place, &head))?)?;
            Ok(Outcome::Well)
        }
        Chain::Verify { against } => verify(place, output, against.as_deref()).await,
    }
}

fn noted(place: &Place, head: &Head) -> Noted {
    Noted { incarnation: place.store.incarnation(), position: head.position, chain: hex(&head.chain) }
}

async fn verify(place: &Place, output: &Output, against: Option<&Path>) -> Result<Outcome> {
    let wanted = against.map(read_noted).transpose()?;
    let head = place.store.head().await?;
    let mut audit = Audit { wanted, place, faults: Vec::new() };
    audit.walk(&head).await?;
    let faults = audit.faults;
    output.document(&json!({ "head": noted(place, &head), "sound": faults.is_empty(), "faults": faults }))?;
    for fault in &faults {
        output.say(fault)?;
    }
    if faults.is_empty() {
        output.say(format_args!("{} events, every digest and every link of the chain is right", head.position))?;
        output.say(format_args!("head {} {}", head.position, hex(&head.chain)))?;
        return Ok(Outcome::Well);
    }
    Ok(Outcome::Different)
}

fn read_noted(path: &Path) -> Result<Noted> {
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    serde_json::from_str(&text).with_context(|| format!("{} is not a head", path.display()))
}

struct Audit<'p> {
    place: &'p Place,
    wanted: Option<Noted>,
    faults: Vec<String>,
}

impl Audit<'_> {
    /// Walks the ledger batch by batch, and the events of each.
    async fn walk(&mut self, head: &Head) -> Result<()> {
        let store = &self.place.store;
        let progress = Progress::new("chain", head.position);
        let mut events = Events { store, buffer: VecDeque::new(), read: 0 };
        let (mut at, mut chain) = (0, first_chain(store.incarnation()));
        self.compare_noted(at, &chain, at);
        while at < head.position && self.faults.len() < NAMED {
            let batches = store.ledger(at, PAGE).await?;
            if batches.is_empty() {
                self.fault(format!("the ledger ends at {at}, before its own head {}", head.position));
                break;
            }
            for batch in batches {
                let events = events.up_to(batch.position).await?;
                self.check_events(at, &events, batch.position);
                if next_chain(&chain, events.iter().map(|event| &event.record.digest)) != batch.chain {
                    self.fault(format!("the chain does not hold from {} to {}", at + 1, batch.position));
                }
                self.compare_noted(batch.position, &batch.chain, at);
                (at, chain) = (batch.position, batch.chain);
                progress.at(at);
            }
        }
        progress.finish();
        let is_beyond = !store.read_after(head.position, &Selection::All, 1).await?.is_empty();
        if is_beyond && store.head().await?.position == head.position {
            self.fault(format!("there are events after the ledger's head {}", head.position));
        }
        let noted = self.wanted.as_ref().map_or(0, |wanted| wanted.position);
        if noted > head.position {
            self.fault(format!("the log ends at {}, before the noted head {noted}", head.position));
        }
        Ok(())
    }

    /// Each position from `after` on is there, and is what its digest says.
    fn check_events(&mut self, after: Position, events: &[Arc<RecordedEvent>], until: Position) {
        let mut expected = after + 1;
        for RecordedEvent { record, .. } in events.iter().map(AsRef::as_ref) {
            if record.position > expected {
                self.fault(format!("positions {expected} to {} are missing", record.position - 1));
            }
            if record.expected_digest() != record.digest {
                self.fault(format!("the event at {} is not what its digest says", record.position));
            }
            expected = record.position + 1;
        }
        if expected <= until {
            self.fault(format!("positions {expected} to {until} are missing"));
        }
    }

    /// Compares with the noted head, if this row of the ledger is it, or is the first one past it.
    fn compare_noted(&mut self, position: Position, chain: &[u8; 32], before: Position) {
        let Some(wanted) = &self.wanted else { return };
        let incarnation = self.place.store.incarnation();
        if position == 0 && wanted.incarnation != incarnation {
            let fault = format!("the noted head is of another log ({}, this is {incarnation})", wanted.incarnation);
            self.fault(fault);
        } else if wanted.position == position && wanted.chain != hex(chain) {
            self.fault(format!("the chain at {position} is not the noted one"));
        } else if before < wanted.position && wanted.position < position {
            let fault = format!("the ledger has no row at the noted head {}", wanted.position);
            self.fault(fault);
        }
    }

    fn fault(&mut self, fault: String) {
        self.faults.push(fault);
    }
}

/// Reads events in pages, and gives them out batch by batch.
struct Events<'p> {
    store: &'p EventStore,
    buffer: VecDeque<Arc<RecordedEvent>>,
    read: Position,
}

impl Events<'_> {
    /// Those not given out yet, up to and including a position.
    async fn up_to(&mut self, position: Position) -> Result<Vec<Arc<RecordedEvent>>> {
        while self.read < position {
            let page = self.store.read_after(self.read, &Selection::All, PAGE).await?;
            self.read = page.last().map_or(position, |event| event.record.position);
            self.buffer.extend(page);
        }
        let count = self.buffer.partition_point(|event| event.record.position <= position);
        Ok(self.buffer.drain(..count).collect())
    }
}
