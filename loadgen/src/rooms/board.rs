//! What was sent, acknowledged and delivered, as the client saw it. One thread, so plain cells.

use super::resilience::{Resilience, Silence};
use std::{
    cell::{Cell, Ref, RefCell, RefMut},
    time::Instant,
};
use tokio::sync::{Notify, mpsc::UnboundedSender};

/// One message.
#[derive(Clone, Debug)]
pub(crate) struct Message {
    /// Who sent it.
    pub(crate) sender: usize,
    /// When.
    pub(crate) sent: Instant,
    /// When it was acknowledged.
    pub(crate) acknowledged: Option<Instant>,
    /// Its position in the log, once it has arrived at somebody or was acknowledged.
    pub(crate) position: u64,
    /// When it arrived at each member so far.
    pub(crate) delivered: Vec<Instant>,
}

/// All messages of a run, by number.
pub(crate) struct Board {
    fan_out: usize,
    /// The number of the first message: no two runs against a server share a number, nor a key.
    first: usize,
    messages: RefCell<Vec<Message>>,
    turns: RefCell<Vec<UnboundedSender<()>>>,
    is_closed_loop: Cell<bool>,
    is_over: Cell<bool>,
    /// Messages that lack an acknowledgement or a delivery.
    open: Cell<usize>,
    all_done: Notify,
    /// The furthest position that anybody saw.
    furthest: Cell<u64>,
    resilience: RefCell<Resilience>,
    silence: RefCell<Silence>,
    faults: RefCell<Vec<String>>,
}

impl Board {
    /// An empty one; each message is to arrive at `fan_out` members.
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

    /// Everybody is there; by `turns` they are told to send.
    pub(crate) fn seat(&self, turns: Vec<UnboundedSender<()>>, is_closed_loop: bool) {
        *self.turns.borrow_mut() = turns;
        self.is_closed_loop.set(is_closed_loop);
    }

    /// Tells one member to send.
    pub(crate) fn turn(&self, user: usize) {
        if let Some(turn) = self.turns.borrow().get(user) {
            let _ = turn.send(());
        }
    }

    /// Tells all of them.
    pub(crate) fn everybody_sends(&self) {
        let users = self.turns.borrow().len();
        (0..users).for_each(|user| self.turn(user));
    }

    /// Nobody sends from here on.
    pub(crate) fn stop(&self) {
        self.is_over.set(true);
    }

    /// Whether sending is over.
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

    /// How many messages lack an acknowledgement.
    pub(crate) fn unacknowledged(&self) -> usize {
        self.messages.borrow().iter().filter(|message| message.acknowledged.is_none()).count()
    }

    /// A member is about to send; the message's number.
    pub(crate) fn send(&self, sender: usize) -> usize {
        let mut messages = self.messages.borrow_mut();
        let delivered = Vec::with_capacity(self.fan_out);
        messages.push(Message { sender, sent: Instant::now(), acknowledged: None, position: 0, delivered });
        self.open.set(self.open.get() + 1);
        self.first + messages.len() - 1
    }

    /// An acknowledgement arrived.
    pub(crate) fn acknowledge(&self, number: usize, position: u64, now: Instant) {
        let repeated = self.with(number, |message| message.acknowledged.replace(now).is_some());
        match repeated {
            Some(false) => self.finish(number),
            Some(true) => self.fault(format!("message {number} was acknowledged twice")),
            None => self.fault(format!("message {number} was acknowledged and never sent")),
        }
        self.locate(number, position);
    }

    /// A delivery arrived at somebody.
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

    /// A message has one position, whoever tells it.
    fn locate(&self, number: usize, position: u64) {
        self.furthest.set(self.furthest.get().max(position));
        let before = self.with(number, |message| std::mem::replace(&mut message.position, position));
        if let Some(before) = before.filter(|before| *before != 0 && *before != position) {
            self.fault(format!("message {number} is at position {position}, and at {before}"));
        }
    }

    /// The furthest position that anybody saw.
    pub(crate) fn furthest(&self) -> u64 {
        self.furthest.get()
    }

    /// What was survived.
    pub(crate) fn resilience(&self) -> RefMut<'_, Resilience> {
        self.resilience.borrow_mut()
    }

    /// How long nothing arrived.
    pub(crate) fn silence(&self) -> RefMut<'_, Silence> {
        self.silence.borrow_mut()
    }

    /// Notes something that must not be.
    pub(crate) fn fault(&self, fault: String) {
        self.faults.borrow_mut().push(fault);
    }

    /// What must not have been.
    pub(crate) fn faults(&self) -> Vec<String> {
        self.faults.borrow().clone()
    }

    /// How many members each message is to arrive at.
    pub(crate) const fn fan_out(&self) -> usize {
        self.fan_out
    }

    /// The number of the first message.
    pub(crate) const fn first(&self) -> usize {
        self.first
    }

    /// All messages.
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
