//! Epochs: a graph is filled under a number of its own, and not read before it is complete.

use crate::{Change, Graph, GraphError, Marks, Position};

/// One complete filling of the graph. The one published last is read; writing to another is no error and has no visible
/// effect. Clones are the same epoch.
#[derive(Clone, Debug)]
pub struct Epoch {
    pub(crate) graph: Graph,
    pub(crate) number: u64,
}

impl Epoch {
    /// Its number; later epochs of this graph have greater ones.
    #[must_use]
    pub const fn number(&self) -> u64 {
        self.number
    }

    /// Applies the changes of the events at these positions, in any order. A repeated change, or one earlier than the last of
    /// its relation, has no effect.
    ///
    /// # Errors
    /// [`GraphError::Unavailable`]; then some may be applied, and repeating all is safe.
    pub async fn apply_all(&self, changes: &[(Position, Change)]) -> Result<(), GraphError> {
        match &self.graph {
            Graph::Memory(memory) => memory.write(self.number, |relations| {
                changes.iter().for_each(|(position, change)| relations.apply(*position, *change));
            }),
            Graph::Redis(redis) => redis.apply_all(self.number, changes).await?,
        }
        Ok(())
    }

    /// Raises the marks, after the changes up to them were applied. Never lowers one.
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

    /// Drops the positions of relations that ended up to `floor`, which identified late changes. Every event up to there MUST
    /// have been applied: from now on a change up to `floor` of a relation that does not hold counts as repeated.
    ///
    /// # Errors
    /// [`GraphError::Unavailable`]; then they are dropped the next time.
    pub async fn forget_ended(&self, floor: Position) -> Result<(), GraphError> {
        match &self.graph {
            Graph::Memory(memory) => memory.write(self.number, |relations| relations.forget_ended(floor)),
            Graph::Redis(redis) => redis.forget_ended(self.number, floor).await?,
        }
        Ok(())
    }

    /// Its progress.
    ///
    /// # Errors
    /// [`GraphError::Unavailable`].
    pub async fn marks(&self) -> Result<Marks, GraphError> {
        match &self.graph {
            Graph::Memory(memory) => Ok(memory.marks(self.number)),
            Graph::Redis(redis) => redis.marks(self.number).await,
        }
    }

    /// Makes it the epoch that is read. Returns false if a later one is published, or if parts of this one may have been lost
    /// while it was filled.
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
