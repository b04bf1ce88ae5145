//! One user on one socket: sends when it is their turn, and notes what arrives.

use super::{board::Board, seed::Seeded};
use crate::{
    client::{Client, Cursor, jittered},
    frames::{OK, POSITION, REPLY, SENT, TEMPORARY, beginning, number_after},
    socket::{Ended, Socket},
};
use anyhow::{Context, Result};
use memchr::memmem::find;
use std::{
    collections::VecDeque, convert::Infallible, fmt::Write as _, net::SocketAddr, pin::pin, rc::Rc, sync::Arc,
    time::Instant,
};
use tokio::{
    sync::mpsc::UnboundedReceiver,
    time::{Instant as Moment, sleep},
};

/// The least content: `#` and the message's number in ten digits.
pub(crate) const MARK: usize = 11;

/// The pause before a temporarily refused command is tried again: at least, and at most (milliseconds).
const AGAIN: (u64, u64) = (100, 400);
const CONTENT: &[u8] = b"\"content\":\"#";

/// A connected member of a room.
pub(crate) struct Member {
    client: Client,
    socket: Socket,
    conversation: String,
    padding: String,
    frame: String,
    inbox: Inbox,
}

/// What arrived at one member, and what it still waits for.
#[derive(Default)]
struct Inbox {
    user: usize,
    cursor: Cursor,
    last_position: u64,
    last_arrival: Option<Instant>,
    /// Sent, and not acknowledged; in the order in which they were sent.
    pending: VecDeque<usize>,
    /// Those of them that were refused for now.
    refused: Vec<usize>,
    /// Whatever comes up to here was missed while away.
    missed: Option<Missed>,
}

struct Missed {
    until: u64,
    is_counted: bool,
}

impl Member {
    /// Connects at one of the doors, and waits for the server's hello.
    pub(crate) async fn connect(
        doors: &Arc<[SocketAddr]>,
        seeded: &Seeded,
        user: usize,
        content: usize,
    ) -> Result<Self> {
        let seat = &seeded.seats[user];
        // Members of one room at different doors.
        let mut client = Client::new(Arc::clone(doors), user, seat.token.clone());
        let (socket, cursor) = client.connect().await.with_context(|| format!("user {user} cannot connect"))?;
        Ok(Self {
            client,
            socket,
            conversation: seeded.rooms[seat.room].clone(),
            padding: "x".repeat(content - MARK),
            frame: String::with_capacity(content + 200),
            inbox: Inbox { user, cursor, ..Inbox::default() },
        })
    }

    /// Until the run ends. A socket that ends is followed by another, unless the server says to stay away.
    pub(crate) async fn run(mut self, board: Rc<Board>, mut turns: UnboundedReceiver<()>) -> Result<()> {
        loop {
            let Err(why) = self.serve(&board, &mut turns).await;
            self.come_back(why, &board, &mut turns).await?;
        }
    }

    async fn serve(&mut self, board: &Board, turns: &mut UnboundedReceiver<()>) -> Result<Infallible, Ended> {
        let mut again = Box::pin(sleep(jittered(AGAIN.0, AGAIN.1)));
        loop {
            let has_refused = !self.inbox.refused.is_empty();
            tokio::select! {
                biased;
                ready = self.socket.ready() => {
                    ready?;
                    let inbox = &mut self.inbox;
                    self.socket.take(|frame| inbox.note(frame, board))?;
                    if !has_refused && !self.inbox.refused.is_empty() {
                        again.as_mut().reset(Moment::now() + jittered(AGAIN.0, AGAIN.1));
                    }
                }
                () = again.as_mut(), if has_refused => {
                    for number in std::mem::take(&mut self.inbox.refused) {
                        self.transmit(number)?;
                    }
                }
                Some(()) = turns.recv() => {
                    if let Some(number) = self.inbox.write(board) {
                        self.transmit(number)?;
                    }
                }
            }
        }
    }

    /// People go on writing meanwhile; what was not acknowledged is sent again with the same key.
    async fn come_back(&mut self, why: Ended, board: &Board, turns: &mut UnboundedReceiver<()>) -> Result<()> {
        let (user, left) = (self.inbox.user, Instant::now());
        let away = || format!("user {user} was sent away");
        if why.is_final() {
            return Err(why).with_context(away);
        }
        let waiting = self.inbox.pending.len();
        let is_recovered = {
            let Self { client, inbox, socket, .. } = self;
            let cursor = inbox.cursor.clone();
            let mut coming = pin!(client.come_back(&why, &cursor));
            loop {
                tokio::select! {
                    back = coming.as_mut() => {
                        let (opened, is_recovered) = back.with_context(away)?;
                        *socket = opened;
                        break is_recovered;
                    }
                    Some(()) = turns.recv() => drop(inbox.write(board)),
                }
            }
        };
        if !is_recovered {
            board.fault(format!("user {user} came back with a cursor, and was told to reload"));
        }
        self.inbox.refused.clear();
        self.inbox.missed = Some(Missed { until: board.furthest(), is_counted: false });
        board.resilience().back(&why, left.elapsed(), waiting);
        for number in self.inbox.pending.clone() {
            // A socket that ends again is noticed by whoever reads it.
            let _ = self.transmit(number);
        }
        Ok(())
    }

    fn transmit(&mut self, number: usize) -> Result<(), Ended> {
        self.frame.clear();
        let _ = write!(
            self.frame,
            r##"{{"id":"{number}","key":"load-{number}","cmd":"message.send","data":{{"conversationId":"{}","messageType":"TEXT","content":"#{number:010}{}"}}}}"##,
            self.conversation, self.padding
        );
        self.socket.send(self.frame.as_bytes())
    }
}

impl Inbox {
    /// The number of a message to send now, unless the run is over.
    fn write(&mut self, board: &Board) -> Option<usize> {
        let number = (!board.is_over()).then(|| board.send(self.user))?;
        self.pending.push_back(number);
        Some(number)
    }

    /// Notes a frame, looking only at what is needed of it; a server may order its fields as it likes.
    fn note(&mut self, frame: &[u8], board: &Board) {
        let now = Instant::now();
        if find(frame, SENT).is_some() {
            let (Some(number), Some(position)) = (number_after(frame, CONTENT), number_after(frame, POSITION)) else {
                return board.fault(format!("a delivery without content or position: {}", beginning(frame)));
            };
            self.delivery(position, board);
            self.cursor.note(frame);
            board.silence().broken(&mut self.last_arrival, now);
            board.deliver(number as usize, position, now);
        } else if find(frame, REPLY).is_some() {
            self.reply(frame, board, now);
        }
    }

    /// The order of positions is also what makes each arrive once, whatever sockets they come by.
    fn delivery(&mut self, position: u64, board: &Board) {
        if position <= self.last_position {
            let Self { user, last_position, .. } = self;
            board.fault(format!("user {user} got position {position} after {last_position}"));
        }
        self.last_position = position;
        match &mut self.missed {
            Some(missed) if position <= missed.until => {
                let mut resilience = board.resilience();
                resilience.gaps_repaired += usize::from(!missed.is_counted);
                resilience.events_repaired += 1;
                missed.is_counted = true;
            }
            _ => self.missed = None,
        }
    }

    fn reply(&mut self, frame: &[u8], board: &Board, now: Instant) {
        let Some(number) = number_after(frame, REPLY).map(|number| number as usize) else {
            return board.fault(format!("a reply to nothing: {}", beginning(frame)));
        };
        if find(frame, OK).is_some() {
            let position = number_after(frame, POSITION).unwrap_or_default();
            self.pending.retain(|pending| *pending != number);
            board.acknowledge(number, position, now);
        } else if find(frame, TEMPORARY).is_some() {
            self.refused.push(number);
            board.resilience().refused += 1;
        } else {
            self.pending.retain(|pending| *pending != number);
            board.fault(format!("a refusal: {}", beginning(frame)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{super::board::Board, Inbox, Missed};

    fn push(number: usize, position: u64) -> Vec<u8> {
        let data = format!(r##"{{"content":"#{number:010}xx","position":7}}"##);
        format!(r#"{{"event":"message.sent","position":{position},"cursor":"c{position}","data":{data}}}"#).into_bytes()
    }

    fn ack(number: usize, position: u64) -> Vec<u8> {
        format!(r#"{{"ok":{{"position":{position}}},"reply":"{number}"}}"#).into_bytes()
    }

    #[test]
    fn what_is_doubled_or_out_of_order_is_a_fault() {
        let board = Board::new(2, 40);
        let number = board.send(0);
        let mut inboxes = [Inbox::default(), Inbox { user: 1, ..Inbox::default() }];
        inboxes[0].note(&push(number, 5), &board);
        inboxes[1].note(&push(number, 5), &board);
        inboxes[0].note(&ack(number, 5), &board);
        assert!(board.faults().is_empty());
        inboxes[1].note(&push(number, 5), &board);
        assert_eq!(board.faults(), ["user 1 got position 5 after 5", "message 40 arrived 3 times"]);
        inboxes[1].note(br#"{"reply":"40","error":{"code":"x","temporary":false}}"#, &board);
        assert_eq!(board.faults().len(), 3);
    }

    #[test]
    fn a_message_stored_twice_is_a_fault() {
        let board = Board::new(1, 0);
        let number = board.send(0);
        let mut inbox = Inbox::default();
        inbox.note(&ack(number, 5), &board);
        inbox.note(&push(number, 6), &board);
        assert_eq!(board.faults(), ["message 0 is at position 6, and at 5"]);
    }

    #[test]
    fn what_was_missed_comes_once_after_a_resume_and_again_is_a_fault() {
        let board = Board::new(2, 0);
        let numbers = [board.send(0), board.send(0), board.send(0)];
        let [mut here, mut away] = [0, 1].map(|user| Inbox { user, ..Inbox::default() });
        away.note(&push(numbers[0], 3), &board);
        for (number, position) in numbers.into_iter().zip([3, 4, 6]) {
            here.note(&push(number, position), &board);
        }
        away.missed = Some(Missed { until: board.furthest(), is_counted: false });
        away.note(&push(numbers[1], 4), &board);
        away.note(&push(numbers[2], 6), &board);
        assert!(board.faults().is_empty());
        let repaired = board.resilience().clone();
        assert_eq!((repaired.gaps_repaired, repaired.events_repaired), (1, 2));
        away.note(&push(numbers[1], 4), &board);
        assert_eq!(board.faults(), ["user 1 got position 4 after 6", "message 1 arrived 3 times"]);
    }

    #[tokio::test]
    async fn what_never_came_is_not_drained() {
        let board = Board::new(2, 0);
        let number = board.send(0);
        let mut inbox = Inbox::default();
        inbox.note(&ack(number, 5), &board);
        inbox.note(&push(number, 5), &board);
        let drained = std::pin::pin!(board.drained());
        assert!(futures_util::poll!(drained).is_pending());
    }

    #[test]
    fn a_temporary_refusal_is_tried_again() {
        let board = Board::new(1, 0);
        let mut inbox = Inbox::default();
        let number = inbox.write(&board).unwrap();
        inbox.note(br#"{"error":{"code":"unavailable","temporary":true},"reply":"0"}"#, &board);
        assert_eq!((inbox.refused.as_slice(), inbox.pending.len()), (&[number][..], 1));
        inbox.note(&ack(number, 5), &board);
        assert!(inbox.pending.is_empty() && board.faults().is_empty());
    }
}
