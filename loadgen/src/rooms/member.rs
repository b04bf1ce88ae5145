//! One user on one socket: sends when it is their turn, and notes what arrives.

use super::{board::Board, seed::Seeded};
use crate::socket::Socket;
use anyhow::{Context, Result};
use memchr::memmem::find;
use std::{
    fmt::Write as _,
    net::SocketAddr,
    rc::Rc,
    time::{Duration, Instant},
};
use tokio::{sync::mpsc::UnboundedReceiver, time::timeout};

/// The least content: `#` and the message's number in ten digits.
pub(crate) const MARK: usize = 11;

const GREETING: Duration = Duration::from_secs(10);
const CONTENT: &[u8] = b"\"content\":\"#";
const POSITION: &[u8] = b"\"position\":";
// Inside a JSON string these quotes would be escaped: so each stands only where it is meant.
const SENT: &[u8] = br#""event":"message.sent""#;
const REPLY: &[u8] = br#""reply":""#;
const OK: &[u8] = br#""ok":"#;
const HELLO: &[u8] = br#""hello":"#;

/// A connected member of a room.
pub(crate) struct Member {
    socket: Socket,
    user: usize,
    conversation: String,
    padding: String,
    frame: String,
    inbox: Inbox,
}

/// What arrived at one member.
#[derive(Default)]
struct Inbox {
    user: usize,
    last_position: u64,
}

impl Member {
    /// Connects, and waits for the server's hello.
    pub(crate) async fn connect(address: SocketAddr, seeded: &Seeded, user: usize, content: usize) -> Result<Self> {
        let seat = &seeded.seats[user];
        let mut socket = Socket::open(address, &seat.token).await?;
        let mut is_greeted = false;
        let hello = async {
            loop {
                // The hello may have come together with the upgrade: so look before waiting.
                socket.take(|frame| is_greeted |= find(frame, HELLO).is_some()).await?;
                if is_greeted {
                    return anyhow::Ok(());
                }
                socket.readable().await?;
            }
        };
        timeout(GREETING, hello).await.context("the server said no hello")??;
        Ok(Self {
            socket,
            user,
            conversation: seeded.rooms[seat.room].clone(),
            padding: "x".repeat(content - MARK),
            frame: String::with_capacity(content + 200),
            inbox: Inbox { user, last_position: 0 },
        })
    }

    /// Until the socket ends, or the run does.
    pub(crate) async fn run(mut self, board: Rc<Board>, mut turns: UnboundedReceiver<()>) -> Result<()> {
        loop {
            tokio::select! {
                biased;
                readable = self.socket.readable() => {
                    readable?;
                    let inbox = &mut self.inbox;
                    self.socket.take(|frame| inbox.note(frame, &board)).await?;
                }
                Some(()) = turns.recv() => {
                    if !board.is_over() {
                        self.send(&board).await?;
                    }
                }
            }
        }
    }

    async fn send(&mut self, board: &Board) -> Result<()> {
        let number = board.send(self.user);
        self.frame.clear();
        write!(
            self.frame,
            r##"{{"id":"{number}","cmd":"message.send","data":{{"conversationId":"{}","messageType":"TEXT","content":"#{number:010}{}"}}}}"##,
            self.conversation, self.padding
        )?;
        self.socket.send(self.frame.as_bytes()).await
    }
}

impl Inbox {
    /// Notes a frame, looking only at what is needed of it; a server may order its fields as it likes.
    fn note(&mut self, frame: &[u8], board: &Board) {
        let now = Instant::now();
        if find(frame, SENT).is_some() {
            let (Some(number), Some(position)) = (number_after(frame, CONTENT), number_after(frame, POSITION)) else {
                return board.fault(format!("a delivery without content or position: {}", text(frame)));
            };
            // The order of positions is also what makes each arrive once.
            if position <= self.last_position {
                let Self { user, last_position } = self;
                board.fault(format!("user {user} got position {position} after {last_position}"));
            }
            self.last_position = position;
            board.deliver(number as usize, position, now);
        } else if find(frame, REPLY).is_some() {
            match number_after(frame, REPLY) {
                Some(number) if find(frame, OK).is_some() => board.acknowledge(number as usize, now),
                _ => board.fault(format!("a refusal: {}", text(frame))),
            }
        }
    }
}

/// The number that follows the first `mark`.
fn number_after(frame: &[u8], mark: &[u8]) -> Option<u64> {
    let start = find(frame, mark)? + mark.len();
    let digits = frame[start..].iter().take_while(|byte| byte.is_ascii_digit());
    let (count, number) =
        digits.fold((0, 0_u64), |(count, number), digit| (count + 1, number * 10 + u64::from(digit - b'0')));
    (count > 0 && count <= 19).then_some(number)
}

fn text(frame: &[u8]) -> String {
    String::from_utf8_lossy(&frame[..frame.len().min(300)]).into_owned()
}

#[cfg(test)]
mod tests {
    use super::{super::board::Board, Inbox};

    #[test]
    fn what_is_doubled_or_out_of_order_is_a_fault() {
        let board = Board::new(2);
        let number = board.send(0);
        let push = |position: u64| {
            format!(
                r##"{{"event":"message.sent","position":{position},"data":{{"content":"#{number:010}xx","position":7}}}}"##
            )
        };
        let mut inboxes = [Inbox::default(), Inbox::default()];
        inboxes[0].note(push(5).as_bytes(), &board);
        inboxes[1].note(push(5).as_bytes(), &board);
        inboxes[0].note(format!(r#"{{"ok":{{"position":5}},"reply":"{number}"}}"#).as_bytes(), &board);
        assert!(board.faults().is_empty());
        inboxes[1].note(push(5).as_bytes(), &board);
        assert_eq!(board.faults(), ["user 0 got position 5 after 5", "message 0 arrived 3 times"]);
        inboxes[1].note(br#"{"reply":"0","error":{"code":"x"}}"#, &board);
        assert_eq!(board.faults().len(), 3);
    }
}
