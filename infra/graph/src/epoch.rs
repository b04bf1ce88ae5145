//! Epochs: a graph is filled under a name of its own, and read by nobody before it is whole.

use crate::{Change, Graph, GraphError, Position};
use domain::Lane;
use std::collections::BTreeMap;

/// One filling of the graph. Of those that are published the last is the one that is read; writing to any other
/// is no error and changes nothing that anybody reads. Clones are the same epoch.
#[derive(Clone, Debug)]
pub struct Epoch {
    pub(crate) graph: Graph,
    pub(crate) number: u64,
}

/// How far an epoch has come: where a feeder goes on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Marks {
    /// In each lane, the position up to which all of its events were applied. Lanes not named: 0.
    pub lanes: BTreeMap<Lane, Position>,
    /// The position up to which all events of all lanes were applied.
    pub settled: Position,
}

impl Marks {
    /// Raises each mark to that of `other` where that is the greater.
    pub fn raise(&mut self, other: &Self) {
        self.settled = self.settled.max(other.settled);
        for (lane, position) in &other.lanes {
            let mark = self.lanes.entry(*lane).or_default();
            *mark = (*mark).max(*position);
        }
    }

    /// Whether each mark is at least that of `other`.
    #[must_use]
    pub fn reach(&self, other: &Self) -> bool {
        let mark = |lane| self.lanes.get(lane).copied().unwrap_or_default();
        self.settled >= other.settled && other.lanes.iter().all(|(lane, position)| mark(lane) >= *position)
    }
}

impl Epoch {
    /// Names it apart from the other epochs of this graph; later ones have greater numbers.
    #[must_use]
    pub const fn number(&self) -> u64 {
        self.number
    }

    /// Applies what the events at these positions change; none of it more than once, and not after a later change
    /// of the same relation. The order does not matter.
    ///
    /// # Errors
    /// [`GraphError::Unavailable`]; then some of it may be applied, and all of it may be told again.
    pub async fn apply_all(&self, changes: &[(Position, Change)]) -> Result<(), GraphError> {
        match &self.graph {
            Graph::Memory(memory) => memory.write(self.number, |relations| {
                changes.iter().for_each(|(position, change)| relations.apply(*position, *change));
            }),
            Graph::Redis(redis) => redis.apply_all(self.number, changes).await?,
        }
        Ok(())
    }

    /// Raises the marks, to be told once what they say was applied. Never lowers one.
    ///
    /// # Errors
    /// [`GraphError::Unavailable`].
    pub async fn save_marks(&self, marks: &Marks) -> Result<(), GraphError> {
        match &self.graph {
            Graph::Memory(memory) => memory.write(self.number, |relations| relations.raise(marks)),
            Graph::Redis(redis) => redis.save_marks(self.number, marks).await?,
        }
        Ok(())
    }

    /// How far it has come.
    ///
    /// # Errors
    /// [`GraphError::Unavailable`].
    pub async fn marks(&self) -> Result<Marks, GraphError> {
        match &self.graph {
            Graph::Memory(memory) => Ok(memory.marks(self.number)),
            Graph::Redis(redis) => redis.marks(self.number).await,
        }
    }

    /// Makes it the one that is read. Answers whether it is: not when a later one was published already, nor when
    /// anything of it may have been lost while it was filled.
    ///
    /// # Errors
    /// [`GraphError::Unavailable`]; then it may be published or not.
    pub async fn publish(&self) -> Result<bool, GraphError> {
        match &self.graph {
            Graph::Memory(memory) => Ok(memory.publish(self.number)),
            Graph::Redis(redis) => redis.publish(self.number).await,
        }
    }
}
