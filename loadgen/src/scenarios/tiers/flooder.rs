//! One socket that reacts to its own messages.

use super::ledger::Ledger;
use crate::{
    client::{Client, Cursor, jittered},
    frames::{CODE, OK, POSITION, REPLY, SENT, TEMPORARY, beginning, number_after, text_after},
    socket::{Ended, Socket},
    traffic::seed::Seeded,
};
use anyhow::{Context, Result, ensure};
use memchr::memmem::find;
use std::{
    collections::HashMap, convert::Infallible, fmt::Write as _, net::SocketAddr, rc::Rc, sync::Arc, time::Instant,
};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender};

/// Messages that a flooder reacts to in turn: commands on one message run one after the other.
const MESSAGES: usize = 16;
/// The most commands of one socket without an answer. The server reads at most 32 at once.
const UNANSWERED: usize = 128;
/// The pause after a refusal in a closed loop: least and most (milliseconds).
const REFUSED: (u64, u64) = (50, 150);

const REACTED: &[u8] = br#""event":"message.reacted""#;
const UNREACTED: &[u8] = br#""event":"message.unreacted""#;
const CUSTOM: &[u8] = br#""signal":"custom""#;
const LOW_REPLY: &[u8] = br#""reply":"low""#;
/// The payload of a signal.
const DUE: &[u8] = br#""due":"#;

/// A command, and when it is due.
#[derive(Clone, Copy, Debug)]
pub(super) enum Turn {
    /// A reaction, or its removal.
    Medium(Instant),
    /// A custom signal.
    Low(Instant),
}

pub(super) struct Flooder {
    client: Client,
    socket: Socket,
    conversation: String,
    frame: String,
    number: usize,
    inbox: Inbox,
}

struct Inbox {
    user: usize,
    cursor: Cursor,
    last_position: u64,
    messages: Vec<Message>,
    /// When each command without an answer was due.
    waiting: HashMap<usize, Instant>,
    /// Delayed turns after refusals.
    answered: usize,
    refused: usize,
}

struct Message {
    id: String,
    /// The position of its event: an answer with this position changed nothing.
    position: u64,
}

impl Flooder {
    /// Connects, and posts the messages to react to.
    pub(super) async fn connect(doors: &Arc<[SocketAddr]>, seeded: &Seeded, user: usize) -> Result<Self> {
        let seat = &seeded.seats[user];
        let mut client = Client::new(Arc::clone(doors), user, seat.token.clone());
        let (socket, cursor) = client.connect().await.with_context(|| format!("user {user} cannot connect"))?;
        let messages = (0..MESSAGES).map(|_| Message { id: clock::new_id().to_string(), position: 0 }).collect();
        let waiting = HashMap::new();
        let inbox = Inbox { user, cursor, last_position: 0, messages, waiting, answered: 0, refused: 0 };
        let conversation = seeded.rooms[seat.room].clone();
        let mut flooder = Self { client, socket, conversation, frame: String::with_capacity(256), number: 0, inbox };
        flooder.post().await.with_context(|| format!("user {user} cannot post"))?;
        Ok(flooder)
    }

    async fn post(&mut self) -> Result<()> {
        let Self { socket, conversation, frame, inbox, .. } = self;
        for (number, message) in inbox.messages.iter().enumerate() {
            frame.clear();
            write!(
                frame,
                r#"{{"id":"{number}","cmd":"message.send","data":{{"conversationId":"{conversation}","guid":"{}","content":"react to me"}}}}"#,
                message.id
            )?;
            socket.send(frame.as_bytes())?;
        }
        let mut refusal = None;
        while inbox.messages.iter().any(|message| message.position == 0) {
            ensure!(refusal.is_none(), "refused: {}", refusal.unwrap_or_default());
            socket.ready().await?;
            socket.take(|frame| {
                let message = number_after(frame, REPLY).and_then(|number| inbox.messages.get_mut(number as usize));
                match (message, number_after(frame, POSITION)) {
                    (Some(message), Some(position)) if find(frame, OK).is_some() => message.position = position,
                    (Some(_), _) => refusal = Some(beginning(frame)),
                    (None, _) => inbox.cursor.note(frame),
                }
            })?;
        }
        Ok(())
    }

    /// Runs until it is cancelled. A socket that ends is replaced, unless the server forbids it.
    pub(super) async fn run(
        mut self,
        ledger: Rc<Ledger>,
        turn: UnboundedSender<Turn>,
        mut turns: UnboundedReceiver<Turn>,
    ) -> Result<()> {
        loop {
            let Err(why) = self.serve(&ledger, &turn, &mut turns).await;
            self.come_back(why, &ledger, &mut turns).await?;
        }
    }

    async fn serve(
        &mut self,
        ledger: &Ledger,
        turn: &UnboundedSender<Turn>,
        turns: &mut UnboundedReceiver<Turn>,
    ) -> Result<Infallible, Ended> {
        self.go_on(ledger, turn)?;
        loop {
            tokio::select! {
                biased;
                ready = self.socket.ready() => {
                    ready?;
                    let inbox = &mut self.inbox;
                    self.socket.take(|frame| inbox.note(frame, ledger))?;
                    self.go_on(ledger, turn)?;
                }
                Some(turn) = turns.recv() => match turn {
                    // The server does not keep up with this socket. More commands would only pile up.
                    Turn::Medium(_) if self.inbox.waiting.len() >= UNANSWERED => ledger.count().held_back += 1,
                    Turn::Medium(due) => self.react(due, ledger)?,
                    Turn::Low(due) => self.signal(due, ledger)?,
                },
            }
        }
    }

    /// Brings the next command in a closed loop; after a refusal a little later.
    fn go_on(&mut self, ledger: &Ledger, turn: &UnboundedSender<Turn>) -> Result<(), Ended> {
        let answered = std::mem::take(&mut self.inbox.answered);
        let refused = std::mem::take(&mut self.inbox.refused);
        if !ledger.is_closed() {
            return Ok(());
        }
        for _ in 0..refused {
            let turn = turn.clone();
            tokio::task::spawn_local(async move {
                tokio::time::sleep(jittered(REFUSED.0, REFUSED.1)).await;
                let _ = turn.send(Turn::Medium(Instant::now()));
            });
        }
        (0..answered).try_for_each(|_| self.react(Instant::now(), ledger))
    }

    async fn come_back(&mut self, why: Ended, ledger: &Ledger, turns: &mut UnboundedReceiver<Turn>) -> Result<()> {
        let user = self.inbox.user;
        let away = || format!("user {user} was sent away");
        if why.is_final() {
            return Err(why).with_context(away);
        }
        let unanswered = self.inbox.waiting.len();
        self.inbox.waiting.clear();
        ledger.left(&why, unanswered);
        let Self { client, inbox, .. } = self;
        let back = client.come_back_during(&why, &inbox.cursor, turns, |turn| match turn {
            Turn::Medium(_) => ledger.count().held_back += 1,
            Turn::Low(_) => ledger.count().low_held_back += 1,
        });
        let (socket, is_recovered) = back.await.with_context(away)?;
        self.socket = socket;
        ledger.back();
        if !is_recovered {
            ledger.fault(format!("user {user} came back with a cursor, and must reload"));
        }
        // Lost commands get no answer, which would bring a turn.
        self.inbox.answered = unanswered;
        Ok(())
    }

    fn react(&mut self, due: Instant, ledger: &Ledger) -> Result<(), Ended> {
        let number = self.number;
        self.number += 1;
        let messages = &self.inbox.messages;
        let message = &messages[number % messages.len()].id;
        let cmd = if (number / messages.len()).is_multiple_of(2) { "react" } else { "unreact" };
        self.frame.clear();
        let _ = write!(
            self.frame,
            r#"{{"id":"{number}","cmd":"message.{cmd}","data":{{"messageId":"{message}","emoji":"👍"}}}}"#
        );
        self.inbox.waiting.insert(number, due);
        ledger.asked();
        self.socket.send(self.frame.as_bytes())
    }

    fn signal(&mut self, due: Instant, ledger: &Ledger) -> Result<(), Ended> {
        self.frame.clear();
        let (conversation, due) = (&self.conversation, ledger.micros(due));
        let _ = write!(
            self.frame,
            r#"{{"id":"low","cmd":"signal.send","data":{{"conversationId":"{conversation}","name":"flood","payload":{{"due":{due}}}}}}}"#
        );
        ledger.count().low_sent += 1;
        self.socket.send(self.frame.as_bytes())
    }
}

impl Inbox {
    fn note(&mut self, frame: &[u8], ledger: &Ledger) {
        let now = Instant::now();
        if find(frame, REACTED).is_some() || find(frame, UNREACTED).is_some() {
            let position = number_after(frame, POSITION).unwrap_or_default();
            if position <= self.last_position {
                let Self { user, last_position, .. } = self;
                ledger.fault(format!("user {user} got position {position} after {last_position}"));
            }
            self.last_position = position;
            self.cursor.note(frame);
            ledger.arrived(position, now);
        } else if find(frame, SENT).is_some() {
            self.cursor.note(frame);
        } else if find(frame, CUSTOM).is_some() {
            ledger.received_low(number_after(frame, DUE).unwrap_or_default(), now);
        } else if find(frame, LOW_REPLY).is_some() {
            ledger.count().low_refused += usize::from(find(frame, OK).is_none());
        } else if let Some(number) = number_after(frame, REPLY) {
            self.reply(number as usize, frame, ledger, now);
        }
    }

    fn reply(&mut self, number: usize, frame: &[u8], ledger: &Ledger, now: Instant) {
        let Some(sent) = self.waiting.remove(&number) else {
            return ledger.fault(format!("a reply to nothing: {}", beginning(frame)));
        };
        ledger.answered();
        if find(frame, OK).is_some() {
            let position = number_after(frame, POSITION).unwrap_or_default();
            let stored = position > self.messages[number % self.messages.len()].position;
            ledger.accepted(stored.then_some(position), sent, now);
            self.answered += 1;
        } else {
            let code = text_after(frame, CODE).unwrap_or("without a code");
            ledger.refused(code);
            self.refused += 1;
            if find(frame, TEMPORARY).is_none() {
                ledger.fault(format!("a refusal: {}", beginning(frame)));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{super::ledger::Ledger, Cursor, HashMap, Inbox, Instant, Message};

    fn inbox(user: usize) -> Inbox {
        let messages = vec![Message { id: "m".to_owned(), position: 5 }];
        let (cursor, waiting) = (Cursor::default(), HashMap::from([(0, Instant::now()), (1, Instant::now())]));
        Inbox { user, cursor, last_position: 0, messages, waiting, answered: 0, refused: 0 }
    }

    fn push(position: u64) -> Vec<u8> {
        format!(r#"{{"event":"message.reacted","position":{position},"cursor":"x","data":{{"position":5}}}}"#).into()
    }

    #[test]
    fn each_reaction_arrives_once_at_each_and_what_changed_nothing_is_not_waited_for() {
        let ledger = Ledger::new(2);
        let mut inboxes = [0, 1].map(inbox);
        (0..2).for_each(|_| ledger.asked());
        inboxes[0].note(br#"{"ok":{"position":7,"reactions":[]},"reply":"0"}"#, &ledger);
        inboxes[0].note(br#"{"ok":{"position":5,"reactions":[]},"reply":"1"}"#, &ledger);
        let counts = ledger.count().clone();
        assert_eq!((counts.accepted, counts.stored, ledger.is_settled()), (2, 1, false));
        inboxes[0].note(&push(7), &ledger);
        inboxes[1].note(&push(7), &ledger);
        assert!(ledger.is_settled() && ledger.faults().is_empty());
        inboxes[1].note(&push(7), &ledger);
        assert_eq!(ledger.faults(), ["user 1 got position 7 after 7", "position 7 arrived 3 times"]);
    }

    #[test]
    fn only_a_refusal_for_good_is_a_fault() {
        let ledger = Ledger::new(2);
        let mut inbox = inbox(0);
        (0..2).for_each(|_| ledger.asked());
        inbox.note(br#"{"error":{"code":"overloaded","temporary":true},"reply":"0"}"#, &ledger);
        assert!(ledger.faults().is_empty());
        inbox.note(br#"{"error":{"code":"forbidden","temporary":false},"reply":"1"}"#, &ledger);
        let refused = ledger.count().refused.len();
        assert_eq!((ledger.faults().len(), refused), (1, 2));
    }
}
