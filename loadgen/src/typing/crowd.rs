//! The people of the large room, on a thread of their own: what they do must not hold up who measures.

use super::tally::Tally;
use crate::{
    client::{Client, Cursor},
    frames::{OK, REPLY},
    rooms::seed::Seeded,
    socket::{Ended, Socket},
};
use anyhow::{Context, Result, anyhow, bail};
use memchr::memmem::find;
use std::{convert::Infallible, net::SocketAddr, sync::Arc, thread::JoinHandle, time::Duration};
use tokio::{
    runtime::Builder,
    sync::oneshot,
    task::{JoinSet, LocalSet},
    time::{Instant, MissedTickBehavior, interval_at},
};

const TYPING: &[u8] = br#""signal":"typing""#;

/// The people of the large room, seen from the thread that measures.
pub(super) struct Crowd {
    tally: Arc<Tally>,
    stop: oneshot::Sender<()>,
    thread: JoinHandle<Result<()>>,
}

impl Crowd {
    /// Connects everybody of the only room there is; the first `typists` of them type at a pace.
    pub(super) async fn gather(
        doors: Arc<[SocketAddr]>,
        seeded: Seeded,
        typists: usize,
        pace: Duration,
    ) -> Result<Self> {
        let tally = Arc::new(Tally::new(seeded.seats.len()));
        let ((ready, is_ready), (stop, stopped)) = (oneshot::channel(), oneshot::channel());
        let counts = Arc::clone(&tally);
        let thread = std::thread::Builder::new().name("crowd".to_owned()).spawn(move || {
            let runtime = Builder::new_current_thread().enable_all().build()?;
            let crowd = sit(doors, seeded, typists, pace, counts, ready, stopped);
            runtime.block_on(LocalSet::new().run_until(crowd))
        })?;
        let crowd = Self { tally, stop, thread };
        match is_ready.await {
            Ok(()) => Ok(crowd),
            Err(_) => Err(crowd.disperse().err().unwrap_or_else(|| anyhow!("the crowd went early"))),
        }
    }

    /// What they said and were told.
    pub(super) fn tally(&self) -> &Tally {
        &self.tally
    }

    /// Ends it.
    pub(super) fn disperse(self) -> Result<()> {
        let _ = self.stop.send(());
        self.thread.join().map_err(|_| anyhow!("the crowd panicked"))?
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

/// One socket of the large room.
struct Person {
    number: usize,
    client: Client,
    socket: Socket,
    cursor: Cursor,
    typing: Option<Typing>,
    tally: Arc<Tally>,
}

/// What one says who types, and how often.
struct Typing {
    frame: String,
    first: Duration,
    pace: Duration,
}

impl Person {
    /// Until the crowd disperses. A socket that ends is followed by another.
    async fn sit(mut self) -> Result<()> {
        loop {
            let Err(why) = self.listen().await;
            self.tally.ended();
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
                        tally.sent();
                        socket.send(typing.frame.as_bytes())?;
                    }
                }
            }
        }
    }
}

fn note(frame: &[u8], number: usize, cursor: &mut Cursor, tally: &Tally) {
    if find(frame, TYPING).is_some() {
        tally.received(number);
    } else if find(frame, REPLY).is_some() {
        if find(frame, OK).is_none() {
            tally.refused();
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
        let told = tally.told();
        assert_eq!((told.received, told.refused), (vec![0, 1], 1));
    }
}
