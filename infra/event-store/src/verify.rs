//! Recomputes the hash chain and compares it with the stored one (I6), batch by batch in constant memory.

use crate::{EventStore, Head, LedgerRow, Position, ReadError, RecordedEvent, Selection, next_chain};
use std::{collections::VecDeque, fmt, sync::Arc};

/// Events, and rows of the ledger, per read.
const PAGE: u32 = 2_000;

/// A part of the log that differs from what was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChainFault {
    /// There is no event at these positions, both included.
    Missing(Position, Position),
    /// An event does not match its digest.
    Digest(Position),
    /// The chain over these positions does not match the ledger.
    Chain(Position, Position),
    /// The ledger ends at the first position, before its own head.
    LedgerEnds(Position, Position),
    /// There are events after the ledger's head.
    Beyond(Position),
}

impl ChainFault {
    /// The first affected position.
    #[must_use]
    pub const fn position(&self) -> Position {
        match self {
            Self::Missing(from, _) | Self::Digest(from) | Self::Chain(from, _) => *from,
            Self::LedgerEnds(at, _) | Self::Beyond(at) => *at + 1,
        }
    }
}

impl fmt::Display for ChainFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(from, to) => write!(f, "positions {from} to {to} are missing"),
            Self::Digest(at) => write!(f, "the event at {at} is not what its digest says"),
            Self::Chain(from, to) => write!(f, "the chain does not hold from {from} to {to}"),
            Self::LedgerEnds(at, head) => write!(f, "the ledger ends at {at}, before its own head {head}"),
            Self::Beyond(head) => write!(f, "there are events after the ledger's head {head}"),
        }
    }
}

/// A checked batch.
#[derive(Clone, Debug)]
pub struct CheckedBatch {
    /// The position before its first event.
    pub after: Position,
    /// Its last position.
    pub position: Position,
    /// The chain up to it, from the ledger.
    pub chain: [u8; 32],
    /// Its faults.
    pub faults: Vec<ChainFault>,
}

/// Walks the ledger batch by batch, and the events of each.
pub struct ChainWalk {
    store: EventStore,
    at: Position,
    chain: [u8; 32],
    rows: VecDeque<LedgerRow>,
    events: VecDeque<Arc<RecordedEvent>>,
    read: Position,
}

impl EventStore {
    /// Begins to check the chain after `position`, which must be the end of a batch; `None` otherwise. The chain up to there is
    /// assumed to be valid.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn walk_chain(&self, position: Position) -> Result<Option<ChainWalk>, ReadError> {
        let chain = match position {
            0 => Some(self.first_chain()),
            _ => {
                let row = self.ledger(position - 1, 1).await?.pop();
                row.filter(|row| row.position == position).map(|row| row.chain)
            }
        };
        let (rows, events) = (VecDeque::new(), VecDeque::new());
        Ok(chain.map(|chain| ChainWalk { store: self.clone(), at: position, chain, rows, events, read: position }))
    }

    /// Compares the end of the log with that of its ledger, given the head from before the walk that came to `reached`.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn check_end(&self, head: &Head, reached: Position) -> Result<Option<ChainFault>, ReadError> {
        if reached < head.position {
            return Ok(Some(ChainFault::LedgerEnds(reached, head.position)));
        }
        let is_beyond = !self.read_after(head.position, &Selection::All, 1).await?.is_empty();
        // An append may have happened meanwhile.
        let is_beyond = is_beyond && self.head().await?.position == head.position;
        Ok(is_beyond.then_some(ChainFault::Beyond(head.position)))
    }
}

impl ChainWalk {
    /// The last checked position.
    #[must_use]
    pub const fn position(&self) -> Position {
        self.at
    }

    /// Checks the next batch; `None` at the end of the ledger.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn next(&mut self) -> Result<Option<CheckedBatch>, ReadError> {
        if self.rows.is_empty() {
            self.rows = self.store.ledger(self.at, PAGE).await?.into();
        }
        let Some(row) = self.rows.pop_front() else { return Ok(None) };
        let events = self.events_up_to(row.position).await?;
        let (after, position, chain) = (self.at, row.position, row.chain);
        let mut faults = check_events(after, &events, position);
        if next_chain(&self.chain, events.iter().map(|event| &event.record.digest)) != chain {
            faults.push(ChainFault::Chain(after + 1, position));
        }
        (self.at, self.chain) = (position, chain);
        Ok(Some(CheckedBatch { after, position, chain, faults }))
    }

    /// The next events up to and including a position.
    async fn events_up_to(&mut self, position: Position) -> Result<Vec<Arc<RecordedEvent>>, ReadError> {
        while self.read < position {
            let page = self.store.read_after(self.read, &Selection::All, PAGE).await?;
            self.read = page.last().map_or(position, |event| event.record.position);
            self.events.extend(page);
        }
        let count = self.events.partition_point(|event| event.record.position <= position);
        Ok(self.events.drain(..count).collect())
    }
}

/// Checks that each position after `after` exists and matches its digest.
fn check_events(after: Position, events: &[Arc<RecordedEvent>], until: Position) -> Vec<ChainFault> {
    let mut faults = Vec::new();
    let mut expected = after + 1;
    for RecordedEvent { record, .. } in events.iter().map(AsRef::as_ref) {
        if record.position > expected {
            faults.push(ChainFault::Missing(expected, record.position - 1));
        }
        if record.expected_digest() != record.digest {
            faults.push(ChainFault::Digest(record.position));
        }
        expected = record.position + 1;
    }
    if expected <= until {
        faults.push(ChainFault::Missing(expected, until));
    }
    faults
}
