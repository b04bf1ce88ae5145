//! Messages as clients saw them: sent, acknowledged, delivered. One thread, so plain cells.

use super::resilience::{Resilience, Silence};
use std::{
    cell::{Cell, Ref, RefCell, RefMut},
    time::Instant,
};
use tokio::sync::{Notify, mpsc::UnboundedSender};

#[derive(Clone, Debug)]
pub(crate) struct Message {
    pub(crate) sender: usize,
    pub(crate) sent: Instant,
    pub(crate) acknowledged: Option<Instant>,
    /// Its position in the log; 0 before the first delivery or acknowledgement.
    pub(crate) position: u64,
    pub(crate) delivered: Vec<Instant>,
}

/// All messages of a run, by number.
pub(crate) struct Board {
    fan_out: usize,
    /// The number of the first message: no two runs on a server share a number or key.
    first: usize,
    messages: RefCell<Vec<Message>>,
    turns: RefCell<Vec<UnboundedSender<()>>>,
    is_closed_loop: Cell<bool>,
    is_over: Cell<bool>,
    /// Messages that lack an acknowledgement or a delivery.
    open: Cell<usize>,
    all_done: Notify,
    /// The highest position that anybody saw.
    furthest: Cell<u64>,
    resilience: RefCell<Resilience>,
    silence: RefCell<Silence>,
    faults: RefCell<Vec<String>>,
}

impl Board {
    /// A board of messages that are delivered to `fan_out` members each.
    pub(crate) fn new(fan_out: usize, first: usize) -> Self {
        Self {
            fan_out,
            first,
            messages: RefCell::new(Vec::with_capacity(100_000)),
            turns: RefCell::default(),
            is_closed_loop: Cell::new(false),
            is_over: Cell::new(false),
            open: Cell::new(0),
            all_done: Notify::new(),
            furthest: Cell::new(0),
            resilience: RefCell::default(),
            silence: RefCell::default(),
            faults: RefCell::default(),
        }
    }

    /// Registers the members. A turn makes one send.
    pub(crate) fn seat(&self, turns: Vec<UnboundedSender<()>>, is_closed_loop: bool) {
        *self.turns.borrow_mut() = turns;
        self.is_closed_loop.set(is_closed_loop);
    }

    pub(crate) fn turn(&self, user: usize) {
        if let Some(turn) = self.turns.borrow().get(user) {
            let _ = turn.send(());
        }
    }

    pub(crate) fn everybody_sends(&self) {
        let users = self.turns.borrow().len();
        (0..users).for_each(|user| self.turn(user));
    }

    /// Ends the sending.
    pub(crate) fn stop(&self) {
        self.is_over.set(true);
    }

    pub(crate) fn is_over(&self) -> bool {
        self.is_over.get()
    }

    /// Waits until every message is acknowledged and delivered.
    pub(crate) async fn drained(&self) {
        loop {
            let changed = self.all_done.notified();
            if self.open.get() == 0 {
                return;
            }
            changed.await;
        }
    }

    /// The number of messages without an acknowledgement.
    pub(crate) fn unacknowledged(&self) -> usize {
        self.messages.borrow().iter().filter(|message| message.acknowledged.is_none()).count()
    }

    /// Notes a message, and returns its number.
    pub(crate) fn send(&self, sender: usize) -> usize {
        let mut messages = self.messages.borrow_mut();
        let delivered = Vec::with_capacity(self.fan_out);
        messages.push(Message { sender, sent: Instant::now(), acknowledged: None, position: 0, delivered });
        self.open.set(self.open.get() + 1);
        self.first + messages.len() - 1
    }

    pub(crate) fn acknowledge(&self, number: usize, position: u64, now: Instant) {
        let repeated = self.with(number, |message| message.acknowledged.replace(now).is_some());
        match repeated {
            Some(false) => self.finish(number),
            Some(true) => self.fault(format!("message {number} was acknowledged twice")),
            None => self.fault(format!("message {number} was acknowledged and never sent")),
        }
        self.locate(number, position);
    }

    pub(crate) fn deliver(&self, number: usize, position: u64, now: Instant) {
        self.locate(number, position);
        let arrived = self.with(number, |message| {
            message.delivered.push(now);
            (message.sender, message.delivered.len())
        });
        match arrived {
            Some((sender, count)) if count == self.fan_out => {
                if self.is_closed_loop.get() && !self.is_over() {
                    self.turn(sender);
                }
                self.finish(number);
            }
            Some((_, count)) if count > self.fan_out => self.fault(format!("message {number} arrived {count} times")),
            Some(_) => {}
            None => self.fault(format!("message {number} arrived and was never sent")),
        }
    }

    /// Compares a message's position with the one seen before.
    fn locate(&self, number: usize, position: u64) {
        self.furthest.set(self.furthest.get().max(position));
        let before = self.with(number, |message| std::mem::replace(&mut message.position, position));
        if let Some(before) = before.filter(|before| *before != 0 && *before != position) {
            self.fault(format!("message {number} is at position {position}, and at {before}"));
        }
    }

    pub(crate) fn furthest(&self) -> u64 {
        self.furthest.get()
    }

    pub(crate) fn resilience(&self) -> RefMut<'_, Resilience> {
        self.resilience.borrow_mut()
    }

    pub(crate) fn silence(&self) -> RefMut<'_, Silence> {
        self.silence.borrow_mut()
    }

    pub(crate) fn fault(&self, fault: String) {
        self.faults.borrow_mut().push(fault);
    }

    pub(crate) fn faults(&self) -> Vec<String> {
        self.faults.borrow().clone()
    }

    pub(crate) const fn fan_out(&self) -> usize {
        self.fan_out
    }

    pub(crate) const fn first(&self) -> usize {
        self.first
    }

    pub(crate) fn messages(&self) -> Ref<'_, Vec<Message>> {
        self.messages.borrow()
    }

    fn with<T>(&self, number: usize, change: impl FnOnce(&mut Message) -> T) -> Option<T> {
        self.messages.borrow_mut().get_mut(number.checked_sub(self.first)?).map(change)
    }

    fn finish(&self, number: usize) {
        let is_done = |message: &mut Message| message.acknowledged.is_some() && message.delivered.len() == self.fan_out;
        if self.with(number, is_done) == Some(true) {
            self.open.set(self.open.get() - 1);
            if self.open.get() == 0 {
                self.all_done.notify_one();
            }
        }
    }
}
