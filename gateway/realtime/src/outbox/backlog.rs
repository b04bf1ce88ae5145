//! What waits for all sockets of a process, in bytes, and who is hung up on when that is too much: who has most of it, so
//! that nobody else is. Their clients resume by their cursors.

use super::Outbox;
use domain::UserId;
use std::{
    collections::{BinaryHeap, HashMap},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
};

/// What waits for all sockets. Clones share it.
#[derive(Clone, Debug)]
pub struct Backlog(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    most: usize,
    bytes: AtomicUsize,
    /// The outboxes of sockets whose user is known, by a number of their own.
    outboxes: Mutex<HashMap<usize, (UserId, Weak<Outbox>)>>,
}

impl Backlog {
    /// Of a process in which at most `most` bytes may wait.
    #[must_use]
    pub fn new(most: usize) -> Self {
        Self(Arc::new(Inner { most, bytes: AtomicUsize::new(0), outboxes: Mutex::default() }))
    }

    /// What waits, in bytes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.0.bytes.load(Relaxed)
    }

    /// From here on the outbox, which [counts](Outbox::counting) here, may be given up for what `user` has.
    pub fn admit(&self, user: UserId, outbox: &Arc<Outbox>) {
        self.outboxes().insert(Arc::as_ptr(outbox).addr(), (user, Arc::downgrade(outbox)));
    }

    pub(super) fn forget(&self, outbox: &Outbox) {
        self.outboxes().remove(&std::ptr::from_ref(outbox).addr());
    }

    /// Whether there is so much that what may be lost should be.
    pub(super) fn is_half_full(&self) -> bool {
        self.bytes() > self.0.most / 2
    }

    pub(super) fn add(&self, bytes: usize) {
        self.0.bytes.fetch_add(bytes, Relaxed);
    }

    pub(super) fn sub(&self, bytes: usize) {
        self.0.bytes.fetch_sub(bytes, Relaxed);
    }

    /// Gives outboxes up while there is too much: of who has most the largest, until an eighth is free again, so that not
    /// every frame looks through all. Nobody who asks may hold the lock of an outbox.
    pub(super) fn relieve(&self) {
        if self.bytes() <= self.0.most {
            return;
        }
        let mut people = self.people();
        let mut total: usize = people.values().map(|held| held.bytes).sum();
        if total <= self.0.most {
            return;
        }
        let enough = self.0.most - self.0.most / 8;
        let mut most: BinaryHeap<_> = people.iter().map(|(user, held)| (held.bytes, *user)).collect();
        let mut given_up = 0;
        while total > enough
            && let Some((bytes, user)) = most.pop()
        {
            let Some((held, outbox)) = people.get_mut(&user).and_then(|held| held.outboxes.pop()) else { continue };
            outbox.give_up();
            given_up += 1;
            total = total.saturating_sub(held);
            most.push((bytes.saturating_sub(held), user));
        }
        tracing::warn!(given_up, "Too much waits for sockets: those of who has most of it are closed");
    }

    /// Who has how much, each with their outboxes, the largest last; without those that were given up, whose writers have
    /// not let go yet.
    fn people(&self) -> HashMap<UserId, Held> {
        let mut people: HashMap<UserId, Held> = HashMap::new();
        let outboxes: Vec<_> = self.outboxes().values().cloned().collect();
        for (user, outbox) in outboxes {
            let Some(outbox) = outbox.upgrade() else { continue };
            let bytes = outbox.held();
            if bytes == 0 || outbox.is_given_up() {
                continue;
            }
            let held = people.entry(user).or_default();
            held.bytes += bytes;
            held.outboxes.push((bytes, outbox));
        }
        people.values_mut().for_each(|held| held.outboxes.sort_unstable_by_key(|(bytes, _)| *bytes));
        people
    }

    fn outboxes(&self) -> MutexGuard<'_, HashMap<usize, (UserId, Weak<Outbox>)>> {
        self.0.outboxes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What somebody has.
#[derive(Default)]
struct Held {
    bytes: usize,
    outboxes: Vec<(usize, Arc<Outbox>)>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outbox::{Dialect, Offered};
    use axum::extract::ws::Utf8Bytes;
    use futures_util::FutureExt as _;
    use protocol::Close;
    use uuid::Uuid;

    fn frame(bytes: usize) -> Utf8Bytes {
        "x".repeat(bytes).into()
    }

    fn socket(backlog: &Backlog, user: u128) -> Arc<Outbox> {
        let outbox = Arc::new(Outbox::counting(1_000, Dialect::Plain, Uuid::nil(), backlog.clone()));
        backlog.admit(UserId(Uuid::from_u128(user)), &outbox);
        outbox
    }

    #[tokio::test]
    async fn who_has_most_is_given_up_and_nobody_else() {
        let backlog = Backlog::new(800);
        let greedy = [socket(&backlog, 1), socket(&backlog, 1), socket(&backlog, 1)];
        for (outbox, bytes) in greedy.iter().zip([100, 300, 200]) {
            outbox.push(frame(bytes));
        }
        let (other, late) = (socket(&backlog, 2), socket(&backlog, 3));
        other.push(frame(200));
        assert_eq!(backlog.bytes(), 800);
        late.push(frame(10));
        let closing = |outbox: &Arc<Outbox>| outbox.closing().is_some();
        assert_eq!(greedy.each_ref().map(closing), [false, true, false], "the largest of who has most");
        assert!(!closing(&other) && !closing(&late));
        assert_eq!((greedy[1].closing(), backlog.bytes()), (Some(Close::SlowConsumer), 510));
        let burst = greedy[1].next(usize::MAX).await;
        assert!(burst.frames.is_empty() && burst.close.is_some(), "its writer is woken");
        assert_eq!(late.offer(frame(1)), Offered::Shed, "signals are shed beyond half");
    }

    #[tokio::test]
    async fn what_is_being_written_counts_until_it_is_and_its_writer_is_hung_up_on() {
        let backlog = Backlog::new(800);
        let (slow, other) = (socket(&backlog, 1), socket(&backlog, 2));
        slow.push(frame(500));
        let burst = slow.next(usize::MAX).await;
        let held = slow.hold(&burst.frames);
        assert_eq!(backlog.bytes(), 500);
        assert!(slow.given_up().now_or_never().is_none());
        other.push(frame(400));
        assert!(slow.given_up().now_or_never().is_some());
        assert!(other.closing().is_none());
        drop(held);
        assert_eq!(backlog.bytes(), 400);
    }

    #[tokio::test]
    async fn a_socket_that_goes_takes_its_bytes_along() {
        let backlog = Backlog::new(800);
        let outbox = socket(&backlog, 1);
        outbox.push(frame(500));
        drop(outbox);
        assert_eq!(backlog.bytes(), 0);
        assert!(backlog.outboxes().is_empty());
    }
}
