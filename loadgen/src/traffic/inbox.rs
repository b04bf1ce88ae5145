//! The deliveries and acknowledgements of one member, over all of its sockets.

use super::board::Board;
use crate::{
    client::Cursor,
    frames::{CODE, OK, POSITION, REPLY, SENT, TEMPORARY, beginning, number_after, text_after},
};
use memchr::memmem::find;
use std::{
    collections::{HashSet, VecDeque},
    time::Instant,
};

const CONTENT: &[u8] = b"\"content\":\"#";
/// The record of a call, which no member sends.
const CALL: &[u8] = br#""messageType":"CALL""#;
/// The reply to a command that is no message.
const REPLY_TO_ACT: &[u8] = br#""reply":"a"#;

/// The deliveries of one member, and its pending messages.
#[derive(Default)]
pub(super) struct Inbox {
    pub(super) user: usize,
    pub(super) cursor: Cursor,
    last_position: u64,
    last_arrival: Option<Instant>,
    /// Sent and not acknowledged, in order.
    pub(super) pending: VecDeque<usize>,
    /// Refused temporarily.
    pub(super) refused: Vec<usize>,
    /// Other commands that are not answered.
    pub(super) acts: HashSet<usize>,
    /// Deliveries up to here were missed while disconnected.
    missed: Option<Missed>,
}

struct Missed {
    until: u64,
    is_counted: bool,
}

impl Inbox {
    pub(super) fn new(user: usize, cursor: Cursor) -> Self {
        Self { user, cursor, ..Self::default() }
    }

    /// Notes a reconnect: the member has missed what others have seen since.
    pub(super) fn is_back(&mut self, is_recovered: bool, board: &Board) {
        if !is_recovered {
            board.fault(format!("user {} came back with a cursor, and must reload", self.user));
        }
        self.missed = Some(Missed { until: board.furthest(), is_counted: false });
    }

    /// Notes a message to send, which gets an id here or from the server. Returns its number; `None` after the end of sending.
    pub(super) fn write(&mut self, due: Instant, has_id: bool, board: &Board) -> Option<usize> {
        let id = has_id.then(clock::new_id);
        let number = (!board.is_over()).then(|| board.send(self.user, due, id))?;
        self.pending.push_back(number);
        Some(number)
    }

    /// Notes a frame, reading only the necessary fields, in any order.
    pub(super) fn note(&mut self, frame: &[u8], board: &Board) {
        let now = Instant::now();
        if find(frame, SENT).is_some() {
            let Some(position) = number_after(frame, POSITION) else {
                return board.fault(format!("a delivery without position: {}", beginning(frame)));
            };
            self.delivery(position, board);
            self.cursor.note(frame);
            let Some(number) = number_after(frame, CONTENT) else {
                if find(frame, CALL).is_none() {
                    board.fault(format!("a delivery without content: {}", beginning(frame)));
                }
                return;
            };
            board.silence().broken(&mut self.last_arrival, now);
            board.deliver(number as usize, position, now);
        } else if find(frame, REPLY).is_some() {
            self.reply(frame, board, now);
        }
    }

    /// Notes a delivery. Rising positions also prove that none arrives twice.
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
            return self.reply_to_act(frame, board, now);
        };
        if find(frame, OK).is_some() {
            let position = number_after(frame, POSITION).unwrap_or_default();
            self.pending.retain(|pending| *pending != number);
            board.acknowledge(number, position, now);
        } else if find(frame, TEMPORARY).is_some() && board.refuses_for_good() {
            self.pending.retain(|pending| *pending != number);
            board.refuse(number, code(frame), now);
        } else if find(frame, TEMPORARY).is_some() {
            self.refused.push(number);
            board.resilience().refused += 1;
        } else {
            self.pending.retain(|pending| *pending != number);
            board.fault(format!("a refusal: {}", beginning(frame)));
        }
    }

    fn reply_to_act(&mut self, frame: &[u8], board: &Board, now: Instant) {
        let number = number_after(frame, REPLY_TO_ACT).map(|number| number as usize);
        let Some(number) = number.filter(|number| self.acts.remove(number)) else {
            return board.fault(format!("a reply to nothing: {}", beginning(frame)));
        };
        let is_refused = find(frame, OK).is_none();
        board.acts().answer(number, is_refused.then(|| code(frame)), now);
        if is_refused && find(frame, TEMPORARY).is_none() {
            board.fault(format!("a refusal: {}", beginning(frame)));
        }
    }
}

fn code(frame: &[u8]) -> &str {
    text_after(frame, CODE).unwrap_or("without a code")
}

#[cfg(test)]
mod tests {
    use super::{super::board::Board, Inbox, Instant};

    fn send(board: &Board) -> usize {
        board.send(0, Instant::now(), None)
    }

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
        let number = send(&board);
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
        let number = send(&board);
        let mut inbox = Inbox::default();
        inbox.note(&ack(number, 5), &board);
        inbox.note(&push(number, 6), &board);
        assert_eq!(board.faults(), ["message 0 is at position 6, and at 5"]);
    }

    #[test]
    fn what_was_missed_comes_once_after_a_resume_and_again_is_a_fault() {
        let board = Board::new(2, 0);
        let numbers = [send(&board), send(&board), send(&board)];
        let [mut here, mut away] = [0, 1].map(|user| Inbox { user, ..Inbox::default() });
        away.note(&push(numbers[0], 3), &board);
        for (number, position) in numbers.into_iter().zip([3, 4, 6]) {
            here.note(&push(number, position), &board);
        }
        away.is_back(true, &board);
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
        let number = send(&board);
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
        let number = inbox.write(Instant::now(), false, &board).unwrap();
        inbox.note(br#"{"error":{"code":"unavailable","temporary":true},"reply":"0"}"#, &board);
        assert_eq!((inbox.refused.as_slice(), inbox.pending.len()), (&[number][..], 1));
        inbox.note(&ack(number, 5), &board);
        assert!(inbox.pending.is_empty() && board.faults().is_empty());
    }

    #[test]
    fn a_message_given_up_is_done_unless_it_arrives() {
        let board = Board::new(1, 0);
        board.refuse_for_good(true);
        let mut inbox = Inbox::default();
        let number = inbox.write(Instant::now(), false, &board).unwrap();
        inbox.note(br#"{"error":{"code":"overloaded","temporary":true},"reply":"0"}"#, &board);
        assert!(inbox.pending.is_empty() && inbox.refused.is_empty() && board.faults().is_empty());
        let refused = board.messages()[0].refused.clone();
        assert_eq!(refused.map(|(_, code)| code), Some("overloaded".to_owned()));
        inbox.note(&push(number, 5), &board);
        assert_eq!(board.faults(), ["message 0 arrived, and was refused"]);
    }

    #[test]
    fn the_record_of_a_call_is_no_message_of_ours() {
        let (board, mut inbox) = (Board::new(1, 0), Inbox::default());
        let record = br#"{"event":"message.sent","position":4,"data":{"messageType":"CALL","content":"{}"}}"#;
        inbox.note(record, &board);
        assert!(board.faults().is_empty());
        inbox.note(br#"{"event":"message.sent","position":5,"data":{"messageType":"TEXT","content":"?"}}"#, &board);
        assert_eq!(board.faults().len(), 1);
    }
}
