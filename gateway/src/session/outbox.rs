//! What waits to be written to one socket, bounded in bytes.

use super::{Close, Dialect};
use crate::cursor::furthest;
use axum::extract::ws::Utf8Bytes;
use broker::Marks;
use domain::Tier;
use event_store::Position;
use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
};
use tokio::sync::Notify;
use uuid::Uuid;

/// Requests whose effects may still be under way.
const ACTS: usize = 16;

/// What waits to be written to one socket. Whoever fills it never waits for the client.
#[derive(Debug)]
pub struct Outbox {
    limit: usize,
    dialect: Dialect,
    queue: Mutex<Queue>,
    ready: Notify,
}

#[derive(Debug, Default)]
struct Queue {
    frames: VecDeque<Utf8Bytes>,
    bytes: usize,
    close: Option<Close>,
    /// The furthest events among all frames that were ever put in.
    told: Told,
    /// The calls that this socket acts on: the last few requests.
    acts: VecDeque<Uuid>,
}

/// The furthest event of each tier that a socket was told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Told(Marks);

/// What is to be written next.
#[derive(Debug, Default)]
pub struct Burst {
    /// Frames, in order.
    pub frames: Vec<Utf8Bytes>,
    /// Close the socket after them.
    pub close: Option<Close>,
}

/// What became of a frame that may be lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Offered {
    /// It is lost.
    Shed,
    /// It will be written.
    Kept {
        /// Whether the writer must be [woken](Outbox::wake).
        wake: bool,
    },
}

impl Outbox {
    /// An empty outbox that holds at most `limit` bytes.
    #[must_use]
    pub fn new(limit: usize, dialect: Dialect) -> Self {
        Self { limit, dialect, queue: Mutex::default(), ready: Notify::new() }
    }

    /// In what its socket is told of events.
    #[must_use]
    pub const fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// Puts in the frame of an event, as [`push`](Self::push) does.
    pub fn push_event(&self, frame: Utf8Bytes, tier: Tier, position: Position) -> bool {
        let mut queue = self.lock();
        queue.told.hear(tier, position);
        queue.take_in(frame, self.limit)
    }

    /// The furthest events among the frames that were put in, once all are written; `None` while some wait.
    #[must_use]
    pub fn written(&self) -> Option<Told> {
        let queue = self.lock();
        queue.frames.is_empty().then_some(queue.told)
    }

    /// The socket acts on a call: what comes of this request is told to all others.
    pub fn act(&self, request: Uuid) {
        let mut queue = self.lock();
        if queue.acts.len() >= ACTS {
            queue.acts.pop_front();
        }
        queue.acts.push_back(request);
    }

    /// Whether it [acted](Self::act) by this request.
    #[must_use]
    pub fn acted(&self, request: Option<Uuid>) -> bool {
        request.is_some_and(|request| self.lock().acts.contains(&request))
    }

    /// Puts in a frame that must not be lost. When it does not fit, everything that waits is given up and the
    /// socket is closed as a slow consumer: its client resumes by its cursor. Answers whether the writer must
    /// be [woken](Self::wake).
    pub fn push(&self, frame: Utf8Bytes) -> bool {
        self.lock().take_in(frame, self.limit)
    }

    /// Puts in a frame that may be lost: it is, once the outbox is half full.
    pub fn offer(&self, frame: Utf8Bytes) -> Offered {
        let mut queue = self.lock();
        if queue.close.is_some() || queue.bytes + frame.len() > self.limit / 2 {
            return Offered::Shed;
        }
        let idle = queue.frames.is_empty();
        queue.put(frame);
        Offered::Kept { wake: idle }
    }

    /// Closes the socket once what waits now is written; the first reason stands.
    pub fn close(&self, why: Close) {
        self.lock().close.get_or_insert(why);
        self.wake();
    }

    /// Whether the socket is being closed.
    #[must_use]
    pub fn closing(&self) -> Option<Close> {
        self.lock().close
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
        let mut burst = Burst::default();
        let mut bytes = 0;
        while bytes < max
            && let Some(frame) = queue.frames.pop_front()
        {
            bytes += frame.len();
            burst.frames.push(frame);
        }
        queue.bytes -= bytes;
        burst.close = queue.close.filter(|_| queue.frames.is_empty());
        (!burst.frames.is_empty() || burst.close.is_some()).then_some(burst)
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Told {
    /// It is told this event.
    pub fn hear(&mut self, tier: Tier, position: Position) {
        match tier {
            Tier::Medium => self.0.medium = self.0.medium.max(position),
            Tier::High => self.0.high = self.0.high.max(position),
            Tier::Low => (),
        }
    }

    /// The marks that cover them, with those of `other`.
    #[must_use]
    pub fn marks(self, other: Self) -> Marks {
        furthest(self.0, other.0)
    }
}

impl Queue {
    fn take_in(&mut self, frame: Utf8Bytes, limit: usize) -> bool {
        if self.close.is_some() {
            return false;
        }
        let idle = self.frames.is_empty();
        if !idle && self.bytes + frame.len() > limit {
            self.frames = VecDeque::new();
            self.bytes = 0;
            self.close = Some(Close::SlowConsumer);
            return true;
        }
        self.put(frame);
        idle
    }

    fn put(&mut self, frame: Utf8Bytes) {
        self.bytes += frame.len();
        self.frames.push_back(frame);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
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
        assert_eq!(outbox.written().unwrap().marks(Told::default()), Marks { high: 7, medium: 3 });
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
