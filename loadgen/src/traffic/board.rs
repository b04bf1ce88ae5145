//! Messages as clients saw them: sent, acknowledged, refused, delivered. One thread, so plain cells.

use super::{
    acts::{Act, Acts},
    resilience::{Resilience, Silence},
};
use std::{
    cell::{Cell, Ref, RefCell, RefMut},
    time::Instant,
};
use tokio::sync::{Notify, mpsc::UnboundedSender};
use uuid::Uuid;

#[derive(Clone, Debug)]
pub(crate) struct Message {
    pub(crate) sender: usize,
    /// When it was to be sent. All latencies count from here.
    pub(crate) due: Instant,
    /// When the client came to send it.
    pub(crate) sent: Instant,
    pub(crate) acknowledged: Option<Instant>,
    /// The time and the code of a refusal after which it is not sent again.
    pub(crate) refused: Option<(Instant, String)>,
    /// Its position in the log; 0 before the first delivery or acknowledgement.
    pub(crate) position: u64,
    pub(crate) delivered: Vec<Instant>,
    /// The id that the client gave it.
    pub(crate) id: Option<Uuid>,
}

/// What a member does next.
pub(crate) enum Turn {
    /// Sends a message that is due then.
    Send(Instant),
    /// Sends another command.
    Act(Act),
}

/// All messages of a run, by number.
pub(crate) struct Board {
    fan_out: usize,
    /// The number of the first message: no two runs on a server share a number or key.
    first: usize,
    messages: RefCell<Vec<Message>>,
    turns: RefCell<Vec<UnboundedSender<Turn>>>,
    is_closed_loop: Cell<bool>,
    refuses_for_good: Cell<bool>,
    is_over: Cell<bool>,
    /// Messages that lack an acknowledgement or a delivery.
    open: Cell<usize>,
    all_done: Notify,
    /// The highest position that anybody saw.
    furthest: Cell<u64>,
    acts: RefCell<Acts>,
    resilience: RefCell<Resilience>,
    silence: RefCell<Silence>,
    faults: RefCell<Vec<String>>,
}

impl Message {
    pub(crate) fn of(sender: usize, due: Instant, id: Option<Uuid>) -> Self {
        let (sent, delivered) = (Instant::now(), Vec::new());
        Self { sender, due, sent, acknowledged: None, refused: None, position: 0, delivered, id }
    }

    fn is_done(&self, fan_out: usize) -> bool {
        self.refused.is_some() || (self.acknowledged.is_some() && self.delivered.len() == fan_out)
    }
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
            refuses_for_good: Cell::new(false),
            is_over: Cell::new(false),
            open: Cell::new(0),
            all_done: Notify::new(),
            furthest: Cell::new(0),
            acts: RefCell::default(),
            resilience: RefCell::default(),
            silence: RefCell::default(),
            faults: RefCell::default(),
        }
    }

    /// Registers the members.
    pub(crate) fn seat(&self, turns: Vec<UnboundedSender<Turn>>, is_closed_loop: bool) {
        *self.turns.borrow_mut() = turns;
        self.close_loop(is_closed_loop);
    }

    /// In a closed loop, a message that has arrived everywhere makes its sender send the next one.
    pub(crate) fn close_loop(&self, is_closed_loop: bool) {
        self.is_closed_loop.set(is_closed_loop);
    }

    /// A message that is refused for now is given up, instead of being sent again.
    pub(crate) fn refuse_for_good(&self, refuses_for_good: bool) {
        self.refuses_for_good.set(refuses_for_good);
    }

    pub(crate) fn refuses_for_good(&self) -> bool {
        self.refuses_for_good.get()
    }

    pub(crate) fn turn(&self, user: usize, turn: Turn) {
        if let Some(turns) = self.turns.borrow().get(user) {
            let _ = turns.send(turn);
        }
    }

    /// Each of the first so many users sends a message now.
    pub(crate) fn first_send(&self, users: usize) {
        let users = users.min(self.turns.borrow().len());
        (0..users).for_each(|user| self.turn(user, Turn::Send(Instant::now())));
    }

    pub(crate) fn everybody_sends(&self) {
        self.first_send(usize::MAX);
    }

    /// Ends the sending.
    pub(crate) fn stop(&self) {
        self.is_over.set(true);
    }

    pub(crate) fn is_over(&self) -> bool {
        self.is_over.get()
    }

    /// Waits until every message is refused, or acknowledged and delivered.
    pub(crate) async fn drained(&self) {
        loop {
            let changed = self.all_done.notified();
            if self.open.get() == 0 {
                return;
            }
            changed.await;
        }
    }

    /// The number of messages without an answer.
    pub(crate) fn unanswered(&self) -> usize {
        let is_unanswered = |message: &&Message| message.acknowledged.is_none() && message.refused.is_none();
        self.messages.borrow().iter().filter(is_unanswered).count()
    }

    /// Notes a message, and returns its number.
    pub(crate) fn send(&self, sender: usize, due: Instant, id: Option<Uuid>) -> usize {
        let mut messages = self.messages.borrow_mut();
        let delivered = Vec::with_capacity(self.fan_out);
        messages.push(Message { delivered, ..Message::of(sender, due, id) });
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

    /// Notes a refusal after which the message is not sent again.
    pub(crate) fn refuse(&self, number: usize, code: &str, now: Instant) {
        let was_done = self.with(number, |message| {
            let was_done = message.is_done(self.fan_out);
            message.refused = Some((now, code.to_owned()));
            was_done
        });
        match was_done {
            Some(false) => self.finish(number),
            Some(true) => self.fault(format!("message {number} was refused after its end")),
            None => self.fault(format!("message {number} was refused and never sent")),
        }
    }

    pub(crate) fn deliver(&self, number: usize, position: u64, now: Instant) {
        self.locate(number, position);
        let arrived = self.with(number, |message| {
            message.delivered.push(now);
            (message.sender, message.delivered.len(), message.refused.is_some())
        });
        match arrived {
            Some((_, _, true)) => self.fault(format!("message {number} arrived, and was refused")),
            Some((sender, count, _)) if count == self.fan_out => {
                if self.is_closed_loop.get() && !self.is_over() {
                    self.turn(sender, Turn::Send(now));
                }
                self.finish(number);
            }
            Some((_, count, _)) if count > self.fan_out => {
                self.fault(format!("message {number} arrived {count} times"));
            }
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

    pub(crate) fn acts(&self) -> RefMut<'_, Acts> {
        self.acts.borrow_mut()
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

    /// The id that the client gave a message.
    pub(crate) fn id(&self, number: usize) -> Option<Uuid> {
        self.with(number, |message| message.id).flatten()
    }

    fn with<T>(&self, number: usize, change: impl FnOnce(&mut Message) -> T) -> Option<T> {
        self.messages.borrow_mut().get_mut(number.checked_sub(self.first)?).map(change)
    }

    fn finish(&self, number: usize) {
        if self.with(number, |message| message.is_done(self.fan_out)) == Some(true) {
            self.open.set(self.open.get() - 1);
            if self.open.get() == 0 {
                self.all_done.notify_one();
            }
        }
    }
}
