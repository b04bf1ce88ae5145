//! One person who reads, stops reading for a while, and goes on: after a resume, if the server has closed the socket.

use super::readers::Order;
use crate::{
    client::{Client, Cursor},
    frames::{POSITION, SENT, number_after},
    socket::{Ended, Socket},
    traffic::seed::Seeded,
};
use anyhow::{Context, Result};
use memchr::memmem::find;
use std::{collections::BTreeMap, net::SocketAddr, sync::Arc, time::Duration};
use tokio::sync::watch;

/// Bytes that the client's kernel buffers.
const BUFFER: u32 = 4_096;

pub(super) struct Reader {
    client: Client,
    socket: Socket,
    cursor: Cursor,
    seen: Seen,
}

/// What one person has received.
#[derive(Clone, Debug, Default)]
pub(super) struct Seen {
    pub(super) room: usize,
    /// Of all messages, in the order in which they arrived.
    pub(super) positions: Vec<u64>,
    /// Ends of its sockets, by reason.
    pub(super) ended: BTreeMap<String, usize>,
    /// From the end of the stall until all that it missed had arrived.
    pub(super) caught_up_after: Option<Duration>,
    pub(super) faults: Vec<String>,
}

impl Reader {
    pub(super) async fn connect(doors: &Arc<[SocketAddr]>, seeded: &Seeded, user: usize) -> Result<Self> {
        let seat = &seeded.seats[user];
        let mut client = Client::new(Arc::clone(doors), user, seat.token.clone()).with_buffer(BUFFER);
        let (socket, cursor) = client.connect().await.with_context(|| format!("user {user} cannot connect"))?;
        Ok(Self { client, socket, cursor, seen: Seen { room: seat.room, ..Seen::default() } })
    }

    /// Reads as ordered, until everything of its room has arrived.
    pub(super) async fn run(mut self, mut orders: watch::Receiver<Order>) -> Result<Seen> {
        loop {
            match self.read(&mut orders).await {
                Ok(()) => return Ok(self.seen),
                Err(why) => self.come_back(&why).await?,
            }
        }
    }

    /// Returns when everything has arrived after the last order, or no more orders come.
    async fn read(&mut self, orders: &mut watch::Receiver<Order>) -> Result<(), Ended> {
        let room = self.seen.room;
        loop {
            let order = orders.borrow_and_update().clone();
            let arrived = self.seen.positions.len();
            match order {
                Order::Stall => {
                    if orders.changed().await.is_err() {
                        return Ok(());
                    }
                    continue;
                }
                Order::CatchUp { since, of_rooms } if arrived >= of_rooms[room] => {
                    self.seen.caught_up_after.get_or_insert(since.elapsed());
                }
                Order::Finish { of_rooms } if arrived >= of_rooms[room] => return Ok(()),
                _ => {}
            }
            tokio::select! {
                biased;
                changed = orders.changed() => if changed.is_err() { return Ok(()) },
                ready = self.socket.ready() => {
                    ready?;
                    let Self { socket, cursor, seen, .. } = self;
                    socket.take(|frame| note(frame, cursor, seen))?;
                }
            }
        }
    }

    async fn come_back(&mut self, why: &Ended) -> Result<()> {
        *self.seen.ended.entry(why.kind()).or_default() += 1;
        let (socket, is_recovered) =
            self.client.come_back(why, &self.cursor).await.context("a reader was sent away")?;
        self.socket = socket;
        if !is_recovered {
            self.seen.faults.push("a reader came back with a cursor, and must reload".to_owned());
        }
        Ok(())
    }
}

fn note(frame: &[u8], cursor: &mut Cursor, seen: &mut Seen) {
    if find(frame, SENT).is_none() {
        return;
    }
    cursor.note(frame);
    let position = number_after(frame, POSITION).unwrap_or_default();
    if let Some(last) = seen.positions.last().filter(|last| position <= **last) {
        seen.faults.push(format!("a reader got position {position} after {last}"));
    }
    seen.positions.push(position);
}

#[cfg(test)]
mod tests {
    use super::{Cursor, Seen, note};

    #[test]
    fn a_repeated_position_is_a_fault() {
        let (mut cursor, mut seen) = (Cursor::default(), Seen::default());
        for position in [3, 5, 5] {
            let frame =
                format!(r#"{{"event":"message.sent","position":{position},"cursor":"c{position}","data":{{}}}}"#);
            note(frame.as_bytes(), &mut cursor, &mut seen);
        }
        note(br#"{"signal":"typing","data":{}}"#, &mut cursor, &mut seen);
        assert_eq!((seen.positions.as_slice(), seen.faults.len()), (&[3, 5, 5][..], 1));
    }
}
