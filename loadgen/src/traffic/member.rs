//! One user on one socket, who sends at each turn, and notes what arrives.

use super::{
    acts::Act,
    board::{Board, Turn},
    inbox::Inbox,
    seed::Seeded,
};
use crate::{
    client::{Client, jittered},
    socket::{Ended, Socket},
    text::Content,
};
use anyhow::{Context, Result};
use std::{
    convert::Infallible,
    fmt::Write as _,
    io,
    net::SocketAddr,
    rc::Rc,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{
    sync::mpsc::UnboundedReceiver,
    time::{Instant as Moment, MissedTickBehavior, interval, sleep},
};

/// The pause before a temporarily refused command is tried again: least and most (milliseconds).
const AGAIN: (u64, u64) = (100, 400);

/// The interval at which a member checks its patience.
const LOOK: Duration = Duration::from_secs(1);

pub(crate) struct Member {
    absent: Absent,
    socket: Socket,
    /// The last frame, or the begin of the wait for an answer.
    quiet_since: Instant,
}

/// A member without a socket.
pub(crate) struct Absent {
    client: Client,
    conversation: String,
    content: Content,
    /// Its messages get their ids here.
    gives_ids: bool,
    frame: String,
    inbox: Inbox,
    patience: Option<Duration>,
}

impl Member {
    /// Connects at one of the gateways, and waits for the hello.
    pub(crate) async fn connect(
        doors: &Arc<[SocketAddr]>,
        seeded: &Seeded,
        user: usize,
        content: Content,
    ) -> Result<Self> {
        let seat = &seeded.seats[user];
        // Members of one room at different doors.
        let mut client = Client::new(Arc::clone(doors), user, seat.token.clone());
        let (socket, cursor) = client.connect().await.with_context(|| format!("user {user} cannot connect"))?;
        let absent = Absent {
            client,
            conversation: seeded.rooms[seat.room].clone(),
            content,
            gives_ids: false,
            frame: String::with_capacity(content.bytes() + 200),
            inbox: Inbox::new(user, cursor),
            patience: None,
        };
        Ok(Self { absent, socket, quiet_since: Instant::now() })
    }

    /// Replaces a socket that owes an answer and is silent for so long, as real clients do.
    pub(crate) fn with_patience(mut self, patience: Option<Duration>) -> Self {
        self.absent.patience = patience;
        self
    }

    /// Gives each message an id, so that it can be referred to.
    pub(crate) fn with_ids(mut self, gives_ids: bool) -> Self {
        self.absent.gives_ids = gives_ids;
        self
    }

    /// Drops the socket without a close.
    pub(crate) fn leave(self) -> Absent {
        self.absent
    }

    /// Runs until it is cancelled. A socket that ends is replaced, unless the server forbids it.
    pub(crate) async fn run(mut self, board: Rc<Board>, mut turns: UnboundedReceiver<Turn>) -> Result<()> {
        loop {
            let Err(why) = self.serve(&board, &mut turns).await;
            self.come_back(why, &board, &mut turns).await?;
        }
    }

    async fn serve(&mut self, board: &Board, turns: &mut UnboundedReceiver<Turn>) -> Result<Infallible, Ended> {
        let mut again = Box::pin(sleep(jittered(AGAIN.0, AGAIN.1)));
        let mut looks = interval(LOOK);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let has_refused = !self.absent.inbox.refused.is_empty();
            tokio::select! {
                biased;
                ready = self.socket.ready() => {
                    ready?;
                    self.quiet_since = Instant::now();
                    let inbox = &mut self.absent.inbox;
                    self.socket.take(|frame| inbox.note(frame, board))?;
                    if !has_refused && !self.absent.inbox.refused.is_empty() {
                        again.as_mut().reset(Moment::now() + jittered(AGAIN.0, AGAIN.1));
                    }
                }
                () = again.as_mut(), if has_refused => {
                    for number in std::mem::take(&mut self.absent.inbox.refused) {
                        self.transmit(number, board)?;
                    }
                }
                Some(turn) = turns.recv() => {
                    if self.absent.inbox.pending.is_empty() {
                        self.quiet_since = Instant::now();
                    }
                    self.take(turn, board)?;
                }
                _ = looks.tick(), if self.absent.patience.is_some() => {
                    let is_due = !self.absent.inbox.pending.is_empty();
                    if is_due && self.absent.patience.is_some_and(|patience| self.quiet_since.elapsed() > patience) {
                        return Err(io::Error::from(io::ErrorKind::TimedOut).into());
                    }
                }
            }
        }
    }

    /// Reconnects while turns go on. Unacknowledged messages are sent again with the same key.
    async fn come_back(&mut self, why: Ended, board: &Board, turns: &mut UnboundedReceiver<Turn>) -> Result<()> {
        let (user, left) = (self.absent.inbox.user, Instant::now());
        let away = || format!("user {user} was sent away");
        if why.is_final() {
            return Err(why).with_context(away);
        }
        let waiting = self.absent.inbox.pending.len();
        let Absent { client, inbox, gives_ids, .. } = &mut self.absent;
        let cursor = inbox.cursor.clone();
        board.acts().lose(inbox.acts.drain());
        let back = client.come_back_during(&why, &cursor, turns, |turn| match turn {
            Turn::Send(due) => {
                inbox.write(due, *gives_ids, board);
            }
            Turn::Act(Act { name, due, .. }) => board.acts().hold_back(name, due),
        });
        let (socket, is_recovered) = back.await.with_context(away)?;
        self.socket = socket;
        self.quiet_since = Instant::now();
        self.absent.inbox.refused.clear();
        self.absent.inbox.is_back(is_recovered, board);
        board.resilience().back(&why, left.elapsed(), waiting);
        for number in self.absent.inbox.pending.clone() {
            // The next read notices a socket that has ended again.
            let _ = self.transmit(number, board);
        }
        Ok(())
    }

    fn take(&mut self, turn: Turn, board: &Board) -> Result<(), Ended> {
        match turn {
            Turn::Send(due) => match self.absent.inbox.write(due, self.absent.gives_ids, board) {
                Some(number) => self.transmit(number, board),
                None => Ok(()),
            },
            Turn::Act(act) => self.act(&act, board),
        }
    }

    fn transmit(&mut self, number: usize, board: &Board) -> Result<(), Ended> {
        let Absent { conversation, content, frame, .. } = &mut self.absent;
        frame.clear();
        let _ = write!(frame, r#"{{"id":"{number}","key":"load-{number}","cmd":"message.send","data":{{"#);
        let _ = write!(frame, r#""conversationId":"{conversation}","messageType":"TEXT","#);
        if let Some(id) = board.id(number) {
            let _ = write!(frame, r#""guid":"{id}","#);
        }
        frame.push_str(r#""content":""#);
        // It has nothing that JSON would escape.
        content.write(number, 0, frame);
        frame.push_str(r#""}}"#);
        self.socket.send(frame.as_bytes())
    }

    fn act(&mut self, act: &Act, board: &Board) -> Result<(), Ended> {
        let Absent { inbox, frame, .. } = &mut self.absent;
        let number = board.acts().send(act);
        inbox.acts.insert(number);
        frame.clear();
        let _ = write!(frame, r#"{{"id":"a{number}","cmd":"{}","data":{}}}"#, act.cmd, act.data);
        self.socket.send(frame.as_bytes())
    }
}

impl Absent {
    /// Resumes by the cursor, trying until a gateway answers.
    pub(crate) async fn come_back(mut self, board: &Board) -> Result<Member> {
        let back = self.client.resume(&self.inbox.cursor).await;
        let (socket, is_recovered) = back.with_context(|| format!("user {} was sent away", self.inbox.user))?;
        self.inbox.is_back(is_recovered, board);
        Ok(Member { absent: self, socket, quiet_since: Instant::now() })
    }
}
