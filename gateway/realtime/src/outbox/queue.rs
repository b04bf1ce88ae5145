//! The frames of one outbox in order, and its end. It is not shared: the outbox locks it, counts its bytes and wakes its writer.

use axum::extract::ws::Utf8Bytes;
use broker::Marks;
use domain::Tier;
use event_store::Position;
use protocol::{Close, cursor::furthest};
use std::collections::VecDeque;
use uuid::Uuid;

/// Requests whose effects may still be under way.
pub(super) const ACTS: usize = 64;

#[derive(Debug, Default)]
pub(super) struct Queue {
    frames: VecDeque<Utf8Bytes>,
    bytes: usize,
    close: Option<Close>,
    /// Notifies the task that still writes to the socket, so that it hangs up.
    given_up: bool,
    /// The furthest events among all frames that were ever put in.
    delivered: Delivered,
    /// The last few requests of this socket, whose effects go to everybody else.
    acts: VecDeque<Uuid>,
}

/// The furthest event of each tier that a socket received.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Delivered(Marks);

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
        /// Whether the writer must be [woken](super::Outbox::wake).
        wake: bool,
    },
}

impl Queue {
    /// What waits, in bytes.
    pub(super) const fn bytes(&self) -> usize {
        self.bytes
    }

    /// Puts in a frame that must not be lost. When it does not fit, all that waits is discarded and the socket is closed.
    /// Answers whether the writer must be woken.
    pub(super) fn push(&mut self, frame: Utf8Bytes, limit: usize) -> bool {
        if self.close.is_some() {
            return false;
        }
        let idle = self.frames.is_empty();
        if !idle && self.bytes + frame.len() > limit {
            self.clear();
            self.close = Some(Close::SlowConsumer);
            metrics::counter!("chatchit_slow_sockets_total", "why" => "outbox").increment(1);
            return true;
        }
        self.put(frame);
        idle
    }

    /// Puts in a frame that may be lost: it is, when it does not fit.
    pub(super) fn offer(&mut self, frame: Utf8Bytes, limit: usize) -> Offered {
        if self.close.is_some() || self.bytes + frame.len() > limit {
            return Offered::Shed;
        }
        let idle = self.frames.is_empty();
        self.put(frame);
        Offered::Kept { wake: idle }
    }

    /// Takes frames of about `max` bytes, at least one, and the reason to close with the last; `None` if there is nothing.
    pub(super) fn take(&mut self, max: usize) -> Option<Burst> {
        let mut burst = Burst::default();
        let mut bytes = 0;
        while bytes < max
            && let Some(frame) = self.frames.pop_front()
        {
            bytes += frame.len();
            burst.frames.push(frame);
        }
        self.bytes -= bytes;
        burst.close = self.close.filter(|_| self.frames.is_empty());
        (!burst.frames.is_empty() || burst.close.is_some()).then_some(burst)
    }

    /// The socket is closed once what waits now is written; the first reason stands.
    pub(super) fn close(&mut self, why: Close) {
        self.close.get_or_insert(why);
    }

    pub(super) const fn closing(&self) -> Option<Close> {
        self.close
    }

    /// Discards all that waits, and closes the socket as a slow consumer.
    pub(super) fn give_up(&mut self) {
        self.clear();
        if !std::mem::replace(&mut self.given_up, true) {
            metrics::counter!("chatchit_slow_sockets_total", "why" => "process").increment(1);
        }
        self.close(Close::SlowConsumer);
    }

    pub(super) const fn is_given_up(&self) -> bool {
        self.given_up
    }

    /// The frame that is put in next is of this event.
    pub(super) fn advance(&mut self, tier: Tier, position: Position) {
        self.delivered.advance(tier, position);
    }

    /// The furthest events among the frames that were put in, once all are taken; `None` while some wait.
    pub(super) fn written(&self) -> Option<Delivered> {
        self.frames.is_empty().then_some(self.delivered)
    }

    /// Remembers a request of the socket; the oldest is forgotten.
    pub(super) fn act(&mut self, request: Uuid) {
        if self.acts.len() >= ACTS {
            self.acts.pop_front();
        }
        self.acts.push_back(request);
    }

    pub(super) fn acted(&self, request: Uuid) -> bool {
        self.acts.contains(&request)
    }

    fn clear(&mut self) {
        self.frames = VecDeque::new();
        self.bytes = 0;
    }

    fn put(&mut self, frame: Utf8Bytes) {
        self.bytes += frame.len();
        self.frames.push_back(frame);
    }
}

impl Delivered {
    /// Moves the mark of `tier` to this event.
    pub fn advance(&mut self, tier: Tier, position: Position) {
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
