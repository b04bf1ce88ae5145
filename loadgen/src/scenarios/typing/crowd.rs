//! The people of the large room, on a thread beside the measuring one.

use super::tally::Tally;
use crate::{
    aside::Aside,
    client::{Client, Cursor},
    frames::{OK, REPLY},
    socket::{Ended, Socket},
    traffic::seed::Seeded,
};
use anyhow::{Context, Result, bail};
use memchr::memmem::find;
use std::{convert::Infallible, net::SocketAddr, sync::Arc, time::Duration};
use tokio::{
    sync::oneshot,
    task::JoinSet,
    time::{Instant, MissedTickBehavior, interval_at},
};

const TYPING: &[u8] = br#""signal":"typing""#;

/// The measuring thread's handle of the people of the large room.
pub(super) struct Crowd {
    tally: Arc<Tally>,
    stop: oneshot::Sender<()>,
    thread: Aside<()>,
}

impl Crowd {
    /// Connects the people of the only seeded room. The first `typists` of them type.
    pub(super) async fn gather(
        doors: Arc<[SocketAddr]>,
        seeded: Seeded,
        typists: usize,
        pace: Duration,
    ) -> Result<Self> {
        let tally = Arc::new(Tally::new(seeded.seats.len()));
        let (stop, stopped) = oneshot::channel();
        let counts = Arc::clone(&tally);
        let work = move |ready| sit(doors, seeded, typists, pace, counts, ready, stopped);
        Ok(Self { tally, stop, thread: Aside::start("crowd", work).await? })
    }

    pub(super) fn tally(&self) -> &Tally {
        &self.tally
    }

    /// Disconnects them.
    pub(super) fn disperse(self) -> Result<()> {
        let _ = self.stop.send(());
        self.thread.join()
    }
}

async fn sit(
    doors: Arc<[SocketAddr]>,
    seeded: Seeded,
    typists: usize,
    pace: Duration,
    tally: Arc<Tally>,
    ready: oneshot::Sender<()>,
    stopped: oneshot::Receiver<()>,
) -> Result<()> {
    let mut sitting = JoinSet::new();
    let conversation = seeded.rooms.first().context("there is no large room")?;
    for (number, seat) in seeded.seats.iter().enumerate() {
        let mut client = Client::new(Arc::clone(&doors), number, seat.token.clone());
        let (socket, cursor) =
            client.connect().await.with_context(|| format!("{number} of the crowd cannot connect"))?;
        // Not all at the same moment.
        let first = pace.mul_f64(number as f64 / typists as f64);
        let typing = (number < typists).then(|| Typing { frame: frame(conversation), first, pace });
        let person = Person { number, client, socket, cursor, typing, tally: Arc::clone(&tally) };
        sitting.spawn_local(person.sit());
    }
    let _ = ready.send(());
    tokio::select! {
        _ = stopped => Ok(()),
        failed = sitting.join_next() => bail!("one of the crowd is gone: {failed:?}"),
    }
}

fn frame(conversation: &str) -> String {
    format!(r#"{{"id":"t","cmd":"typing.start","data":{{"conversationId":"{conversation}"}}}}"#)
}

struct Person {
    number: usize,
    client: Client,
    socket: Socket,
    cursor: Cursor,
    typing: Option<Typing>,
    tally: Arc<Tally>,
}

/// The command of a person who types, and its interval.
struct Typing {
    frame: String,
    first: Duration,
    pace: Duration,
}

impl Person {
    /// Runs until the crowd disperses. A socket that ends is replaced.
    async fn sit(mut self) -> Result<()> {
        loop {
            let Err(why) = self.listen().await;
            self.tally.count().reconnects += 1;
            let away = || format!("{} of the crowd was sent away", self.number);
            if why.is_final() {
                return Err(why).with_context(away);
            }
            let back = self.client.come_back(&why, &self.cursor).await;
            (self.socket, _) = back.with_context(away)?;
        }
    }

    async fn listen(&mut self) -> Result<Infallible, Ended> {
        let Self { number, socket, cursor, typing, tally, .. } = self;
        let (first, pace) =
            typing.as_ref().map_or((Duration::ZERO, Duration::MAX), |typing| (typing.first, typing.pace));
        let mut ticks = interval_at(Instant::now() + first, pace);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                biased;
                ready = socket.ready() => {
                    ready?;
                    socket.take(|frame| note(frame, *number, cursor, tally))?;
                }
                _ = ticks.tick(), if typing.is_some() => {
                    if let Some(typing) = typing.as_ref().filter(|_| tally.is_typing()) {
                        tally.count().sent += 1;
                        socket.send(typing.frame.as_bytes())?;
                    }
                }
            }
        }
    }
}

fn note(frame: &[u8], number: usize, cursor: &mut Cursor, tally: &Tally) {
    if find(frame, TYPING).is_some() {
        tally.count().received[number] += 1;
    } else if find(frame, REPLY).is_some() {
        if find(frame, OK).is_none() {
            tally.count().refused += 1;
        }
    } else {
        cursor.note(frame);
    }
}

#[cfg(test)]
mod tests {
    use super::{Cursor, Tally, note};

    #[test]
    fn signals_are_counted_where_they_arrive_and_refusals_wherever() {
        let (tally, mut cursor) = (Tally::new(2), Cursor::default());
        note(br#"{"signal":"typing","data":{"isTyping":true}}"#, 1, &mut cursor, &tally);
        note(br#"{"ok":{},"reply":"t"}"#, 1, &mut cursor, &tally);
        note(br#"{"error":{"code":"overloaded"},"reply":"t"}"#, 0, &mut cursor, &tally);
        let counted = tally.count();
        assert_eq!((&counted.received[..], counted.refused), (&[0, 1][..], 1));
    }
}
