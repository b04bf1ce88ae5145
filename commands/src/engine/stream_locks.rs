//! A fair lock per stream, for commands that were overtaken.

use event_store::StreamId;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};
use tokio::sync::OwnedMutexGuard;

/// The locked streams: at most one per command in flight.
#[derive(Default)]
pub(crate) struct StreamLocks(Mutex<HashMap<StreamId, Arc<tokio::sync::Mutex<()>>>>);

/// The lock of a stream, released on drop.
pub(crate) struct StreamLock<'t> {
    locks: &'t StreamLocks,
    pub(crate) stream: StreamId,
    held: Option<OwnedMutexGuard<()>>,
}

impl StreamLocks {
    /// Waits for the lock, first come, first served. Cancel-safe: other waiters go on.
    pub(crate) async fn wait(&self, stream: StreamId) -> StreamLock<'_> {
        let mutex = {
            let mut locks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(locks.entry(stream).or_default())
        };
        let mut lock = StreamLock { locks: self, stream, held: None };
        lock.held = Some(mutex.lock_owned().await);
        lock
    }

    pub(crate) fn is_locked(&self, stream: StreamId) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).contains_key(&stream)
    }
}

impl Drop for StreamLock<'_> {
    fn drop(&mut self) {
        self.held = None;
        let mut locks = self.locks.0.lock().unwrap_or_else(PoisonError::into_inner);
        // A waiter holds a reference to the mutex.
        if locks.get(&self.stream).is_some_and(|lock| Arc::strong_count(lock) == 1) {
            locks.remove(&self.stream);
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
        let locks = StreamLocks::default();
        let first = locks.wait(stream(1)).await;
        let other = locks.wait(stream(2)).now_or_never().expect("nobody is there");
        assert!(locks.wait(stream(1)).now_or_never().is_none(), "given up while waiting");
        assert!(locks.is_locked(stream(1)) && !locks.is_locked(stream(3)));
        drop(other);
        let order = Mutex::new(Vec::new());
        let waiting = join_all((0..5).map(|n| {
            let (locks, order) = (&locks, &order);
            async move {
                let _lock = locks.wait(stream(1)).await;
                order.lock().unwrap().push(n);
            }
        }));
        tokio::join!(waiting, async { drop(first) });
        assert_eq!(*order.lock().unwrap(), [0, 1, 2, 3, 4]);
        assert!(locks.0.lock().unwrap().is_empty());
    }
}
