//! What waits to be written to one socket, bounded in bytes.

mod backlog;
mod dialect;
mod outlet;
mod queue;

pub use backlog::Backlog;
pub use dialect::Dialect;
pub use queue::{Burst, Delivered, Offered};

use axum::extract::ws::Utf8Bytes;
use domain::Tier;
use event_store::Position;
use protocol::Close;
use queue::Queue;
use std::sync::{
    Mutex, MutexGuard, PoisonError,
    atomic::{AtomicUsize, Ordering::Relaxed},
};
use tokio::sync::Notify;
use uuid::Uuid;

/// The frames queued for one socket. Pushing never waits for the client.
#[derive(Debug)]
pub struct Outbox {
    limit: usize,
    dialect: Dialect,
    socket: Uuid,
    queue: Mutex<Queue>,
    ready: Notify,
    /// What waits or is being written, in bytes.
    held: AtomicUsize,
    /// Where that counts, too.
    backlog: Backlog,
}

/// Frames that are being written: they count until this is dropped.
#[derive(Debug)]
pub struct Writing<'o> {
    outbox: &'o Outbox,
    bytes: usize,
}

impl Outbox {
    /// An empty outbox that holds at most `limit` bytes, which count in `backlog`, too.
    #[must_use]
    pub fn counting(limit: usize, dialect: Dialect, socket: Uuid, backlog: Backlog) -> Self {
        Self {
            limit,
            dialect,
            socket,
            queue: Mutex::default(),
            ready: Notify::new(),
            held: AtomicUsize::new(0),
            backlog,
        }
    }

    /// The same, on its own.
    #[cfg(test)]
    pub fn new(limit: usize, dialect: Dialect) -> Self {
        static NAMES: AtomicUsize = AtomicUsize::new(1);
        let socket = Uuid::from_u128(NAMES.fetch_add(1, Relaxed) as u128);
        Self::counting(limit, dialect, socket, Backlog::new(usize::MAX))
    }

    /// The name of its socket.
    #[must_use]
    pub const fn socket(&self) -> Uuid {
        self.socket
    }

    /// The frame format of its socket's pushes.
    #[must_use]
    pub const fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// Puts in the frame of an event, as [`push`](Self::push) does.
    pub fn push_event(&self, frame: Utf8Bytes, tier: Tier, position: Position) -> bool {
        self.take_in(frame, |queue| queue.advance(tier, position))
    }

    /// The furthest events among the frames that were put in, once all are written; `None` while some wait.
    #[must_use]
    pub fn written(&self) -> Option<Delivered> {
        self.lock().written()
    }

    /// The socket acts: the effects of this request go to everybody else.
    pub fn act(&self, request: Uuid) {
        self.lock().act(request);
    }

    /// Whether it [acted](Self::act) by this request.
    #[must_use]
    pub fn acted(&self, request: Option<Uuid>) -> bool {
        request.is_some_and(|request| self.lock().acted(request))
    }

    /// Puts in a frame that must not be lost. When it does not fit, everything that waits is given up and the
    /// socket is closed as a slow consumer: its client resumes by its cursor. Answers whether the writer must
    /// be [woken](Self::wake).
    pub fn push(&self, frame: Utf8Bytes) -> bool {
        self.take_in(frame, |_| ())
    }

    fn take_in(&self, frame: Utf8Bytes, note: impl FnOnce(&mut Queue)) -> bool {
        let wake = {
            let mut queue = self.lock();
            note(&mut queue);
            let before = queue.bytes();
            let wake = queue.push(frame, self.limit);
            self.count(before, queue.bytes());
            wake
        };
        self.backlog.relieve();
        wake
    }

    /// What waits is not `before` bytes any more, but `after`.
    fn count(&self, before: usize, after: usize) {
        if after >= before {
            self.held.fetch_add(after - before, Relaxed);
            self.backlog.add(after - before);
        } else {
            self.held.fetch_sub(before - after, Relaxed);
            self.backlog.sub(before - after);
        }
    }

    /// What waits or is being written, in bytes.
    #[must_use]
    pub fn held(&self) -> usize {
        self.held.load(Relaxed)
    }

    /// Counts frames while they are written.
    pub fn hold(&self, frames: &[Utf8Bytes]) -> Writing<'_> {
        let bytes: usize = frames.iter().map(|frame| frame.len()).sum();
        self.count(0, bytes);
        self.backlog.relieve();
        Writing { outbox: self, bytes }
    }

    /// Gives up everything that waits, and whatever is being written: the client resumes by its cursor.
    pub fn give_up(&self) {
        let mut queue = self.lock();
        let before = queue.bytes();
        queue.give_up();
        self.count(before, queue.bytes());
        drop(queue);
        self.wake();
    }

    /// Waits until the outbox is [given up](Self::give_up), beside its writer. Cancel-safe.
    pub async fn given_up(&self) {
        while !self.is_given_up() {
            self.ready.notified().await;
        }
    }

    pub(super) fn is_given_up(&self) -> bool {
        self.lock().is_given_up()
    }

    /// Puts in a frame that may be lost: it is, once the outbox is half full.
    pub fn offer(&self, frame: Utf8Bytes) -> Offered {
        let mut queue = self.lock();
        if self.backlog.is_half_full() {
            return Offered::Shed;
        }
        let before = queue.bytes();
        let offered = queue.offer(frame, self.limit / 2);
        self.count(before, queue.bytes());
        offered
    }

    /// Closes the socket once what waits now is written; the first reason stands.
    pub fn close(&self, why: Close) {
        self.lock().close(why);
        self.wake();
    }

    /// Whether the socket is being closed.
    #[must_use]
    pub fn closing(&self) -> Option<Close> {
        self.lock().closing()
    }

    /// Wakes the writer.
    pub fn wake(&self) {
        self.ready.notify_one();
    }

    /// Waits until there is something, then takes frames of about `max` bytes, at least one. Cancel-safe.
    pub async fn next(&self, max: usize) -> Burst {
        loop {
            if let Some(burst) = self.take(max) {
                return burst;
            }
            self.ready.notified().await;
        }
    }

    /// Waits until the socket is being closed, and takes all that waits. Cancel-safe.
    pub async fn last(&self) -> Burst {
        while self.closing().is_none() {
            self.ready.notified().await;
        }
        self.next(usize::MAX).await
    }

    fn take(&self, max: usize) -> Option<Burst> {
        let mut queue = self.lock();
        let before = queue.bytes();
        let burst = queue.take(max);
        self.count(before, queue.bytes());
        burst
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Outbox {
    fn drop(&mut self) {
        self.backlog.sub(self.held());
        self.backlog.forget(self);
    }
}

impl Drop for Writing<'_> {
    fn drop(&mut self) {
        self.outbox.count(self.bytes, 0);
    }
}

#[cfg(test)]
mod tests {
    use super::{queue::ACTS, *};
    use broker::Marks;
    use futures_util::FutureExt as _;

    fn frame(bytes: usize) -> Utf8Bytes {
        "x".repeat(bytes).into()
    }

    #[tokio::test]
    async fn frames_come_in_order_and_the_writer_is_woken_once_a_burst() {
        let outbox = Outbox::new(100, Dialect::Plain);
        let woken = [outbox.push("a".into()), outbox.push("b".into())];
        assert_eq!(woken, [true, false]);
        assert_eq!(outbox.offer("c".into()), Offered::Kept { wake: false });
        assert_eq!(outbox.next(2).await.frames, ["a", "b"].map(Utf8Bytes::from_static));
        assert_eq!(outbox.next(2).await.frames, [Utf8Bytes::from_static("c")]);
        assert!(outbox.push("d".into()));
    }

    #[tokio::test]
    async fn signals_are_shed_at_half_and_events_close_it() {
        let outbox = Outbox::new(100, Dialect::Plain);
        outbox.push(frame(40));
        assert_eq!(outbox.offer(frame(20)), Offered::Shed);
        outbox.push(frame(60));
        assert_eq!(outbox.closing(), None);
        assert!(outbox.push(frame(1)), "the writer must hear of it");
        let burst = outbox.next(usize::MAX).await;
        assert_eq!((burst.frames.len(), burst.close), (0, Some(Close::SlowConsumer)));
        assert!(!outbox.push(frame(1)), "nothing follows");
    }

    #[tokio::test]
    async fn the_last_burst_comes_with_the_close_alone() {
        let outbox = Outbox::new(100, Dialect::Plain);
        outbox.push("a".into());
        outbox.wake();
        assert!(outbox.last().now_or_never().is_none());
        outbox.close(Close::Revoked);
        let burst = outbox.last().await;
        assert_eq!((burst.frames.len(), burst.close), (1, Some(Close::Revoked)));
    }

    #[tokio::test]
    async fn it_knows_what_was_written_and_what_its_socket_did() {
        let outbox = Outbox::new(100, Dialect::Plain);
        outbox.push_event("a".into(), Tier::High, 7);
        outbox.push_event("b".into(), Tier::Medium, 3);
        assert_eq!(outbox.written(), None, "it waits");
        outbox.next(100).await;
        assert_eq!(outbox.written().unwrap().marks(Delivered::default()), Marks { high: 7, medium: 3 });
        let requests: Vec<_> = (0..=ACTS as u128).map(Uuid::from_u128).collect();
        requests.iter().for_each(|request| outbox.act(*request));
        assert!(outbox.acted(Some(requests[1])) && !outbox.acted(Some(requests[0])) && !outbox.acted(None));
    }

    #[tokio::test]
    async fn one_frame_above_the_limit_passes_alone() {
        let outbox = Outbox::new(10, Dialect::Plain);
        outbox.push(frame(50));
        assert_eq!(outbox.next(1).await.frames.len(), 1);
    }

    #[tokio::test]
    async fn what_waits_is_written_before_the_close_and_the_first_reason_stands() {
        let outbox = Outbox::new(100, Dialect::Plain);
        outbox.push("a".into());
        outbox.push("b".into());
        outbox.close(Close::Revoked);
        outbox.close(Close::Restarting);
        let first = outbox.next(1).await;
        assert_eq!((first.frames.len(), first.close), (1, None));
        let last = outbox.next(1).await;
        assert_eq!((last.frames.len(), last.close), (1, Some(Close::Revoked)));
    }
}
