//! Who waits for whom at a stream: a lock for each stream that somebody holds, first come, first served.

use event_store::StreamId;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};
use tokio::sync::OwnedMutexGuard;

/// The streams at which it is somebody's turn; as many as there are commands under way, at most.
#[derive(Default)]
pub(crate) struct Turns(Mutex<HashMap<StreamId, Arc<tokio::sync::Mutex<()>>>>);

/// It is one's turn at a stream, until this is dropped.
pub(crate) struct Turn<'t> {
    turns: &'t Turns,
    pub(crate) stream: StreamId,
    held: Option<OwnedMutexGuard<()>>,
}

impl Turns {
    /// Waits for one's turn. Cancel-safe: the others go on.
    pub(crate) async fn wait(&self, stream: StreamId) -> Turn<'_> {
        let lock = {
            let mut turns = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(turns.entry(stream).or_default())
        };
        let mut turn = Turn { turns: self, stream, held: None };
        turn.held = Some(lock.lock_owned().await);
        turn
    }

    /// Whether it is somebody's turn.
    pub(crate) fn is_taken(&self, stream: StreamId) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).contains_key(&stream)
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.held = None;
        let mut turns = self.turns.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Whoever waits holds the lock, too.
        if turns.get(&self.stream).is_some_and(|lock| Arc::strong_count(lock) == 1) {
            turns.remove(&self.stream);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::AggregateType;
    use futures_util::{FutureExt as _, future::join_all};
    use uuid::Uuid;

    fn stream(n: u128) -> StreamId {
        StreamId::new(AggregateType::Message, Uuid::from_u128(n))
    }

    #[tokio::test]
    async fn streams_are_waited_for_each_by_itself_and_nothing_is_left() {
        let turns = Turns::default();
        let first = turns.wait(stream(1)).await;
        let other = turns.wait(stream(2)).now_or_never().expect("nobody is there");
        assert!(turns.wait(stream(1)).now_or_never().is_none(), "given up while waiting");
        assert!(turns.is_taken(stream(1)) && !turns.is_taken(stream(3)));
        drop(other);
        let order = Mutex::new(Vec::new());
        let waiting = join_all((0..5).map(|n| {
            let (turns, order) = (&turns, &order);
            async move {
                let _turn = turns.wait(stream(1)).await;
                order.lock().unwrap().push(n);
            }
        }));
        tokio::join!(waiting, async { drop(first) });
        assert_eq!(*order.lock().unwrap(), [0, 1, 2, 3, 4]);
        assert!(turns.0.lock().unwrap().is_empty());
    }
}
