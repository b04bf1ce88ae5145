//! One user on one socket: sends when it is their turn, and notes what arrives.

use super::{board::Board, inbox::Inbox, seed::Seeded};
use crate::{
    client::{Client, jittered},
    socket::{Ended, Socket},
};
use anyhow::{Context, Result};
use std::{
    convert::Infallible,
    fmt::Write as _,
    io,
    net::SocketAddr,
    pin::pin,
    rc::Rc,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{
    sync::mpsc::UnboundedReceiver,
    time::{Instant as Moment, MissedTickBehavior, interval, sleep},
};

/// The least content: `#` and the message's number in ten digits.
pub(crate) const MARK: usize = 11;

/// The pause before a temporarily refused command is tried again: at least, and at most (milliseconds).
const AGAIN: (u64, u64) = (100, 400);

/// How often a member looks whether its socket is dead.
const LOOK: Duration = Duration::from_secs(1);

/// A connected member of a room.
pub(crate) struct Member {
    client: Client,
    socket: Socket,
    conversation: String,
    padding: String,
    frame: String,
    inbox: Inbox,
    patience: Option<Duration>,
    /// When something was heard last, or was asked for after nothing was waited for.
    quiet_since: Instant,
}

/// A member without a socket.
pub(crate) struct Absent {
    client: Client,
    conversation: String,
    padding: String,
    frame: String,
    inbox: Inbox,
    patience: Option<Duration>,
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
            inbox: Inbox::new(user, cursor),
            patience: None,
            quiet_since: Instant::now(),
        })
    }

    /// As real clients do: takes a socket for dead that says nothing for so long while an answer is due, and comes back
    /// by another.
    pub(crate) fn with_patience(self, patience: Duration) -> Self {
        Self { patience: Some(patience), ..self }
    }

    /// Drops the socket, without a goodbye.
    pub(crate) fn leave(self) -> Absent {
        let Self { client, conversation, padding, frame, inbox, socket, patience, .. } = self;
        drop(socket);
        Absent { client, conversation, padding, frame, inbox, patience }
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
        let mut looks = interval(LOOK);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let has_refused = !self.inbox.refused.is_empty();
            tokio::select! {
                biased;
                ready = self.socket.ready() => {
                    ready?;
                    self.quiet_since = Instant::now();
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
                    if self.inbox.pending.is_empty() {
                        self.quiet_since = Instant::now();
                    }
                    if let Some(number) = self.inbox.write(board) {
                        self.transmit(number)?;
                    }
                }
                _ = looks.tick(), if self.patience.is_some() => {
                    let is_due = !self.inbox.pending.is_empty();
                    if is_due && self.patience.is_some_and(|patience| self.quiet_since.elapsed() > patience) {
                        return Err(io::Error::from(io::ErrorKind::TimedOut).into());
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
        self.quiet_since = Instant::now();
        self.inbox.refused.clear();
        self.inbox.is_back(is_recovered, board);
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

impl Absent {
    /// Comes back by the cursor, trying until a door opens.
    pub(crate) async fn come_back(self, board: &Board) -> Result<Member> {
        let Self { mut client, conversation, padding, frame, mut inbox, patience } = self;
        let back = client.resume(&inbox.cursor).await;
        let (socket, is_recovered) = back.with_context(|| format!("user {} was sent away", inbox.user))?;
        inbox.is_back(is_recovered, board);
        let quiet_since = Instant::now();
        Ok(Member { client, conversation, padding, frame, inbox, socket, patience, quiet_since })
    }
}
