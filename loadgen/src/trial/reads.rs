//! Somebody in each room who reads it about once a second, and wants to see what was acknowledged last: by turns the
//! server is told up to which position, for which it waits in all partitions, and is not.

use crate::{
    client::jittered,
    rooms::{board::Board, seed::Seeded},
    server::Server,
};
use anyhow::{Context, Result};
use futures_util::future::try_join_all;
use reqwest::{Client, StatusCode};
use serde_json::Value;
use std::{
    cell::RefCell,
    convert::Infallible,
    time::{Duration, Instant},
};
use tokio::time::sleep;

/// How long one request may take before it is made again.
const REQUEST: Duration = Duration::from_secs(5);
/// The pause between two reads of a room, and between two tries of one: at least and at most (milliseconds).
const PAUSE: (u64, u64) = (600, 1_000);
const AGAIN: (u64, u64) = (100, 300);

/// One read, tried until it shows what it should.
#[derive(Clone, Copy, Debug)]
pub(super) struct Read {
    pub(super) room: usize,
    /// Whether the server was told what to show, and may wait for it; else it is asked until it shows it.
    pub(super) waits: bool,
    pub(super) asked: Instant,
    pub(super) shown: Option<Instant>,
}

/// All reads of a trial.
#[derive(Default)]
pub(super) struct Reads(RefCell<Vec<Read>>);

impl Reads {
    /// Reads all rooms for ever.
    pub(super) async fn watch(&self, server: &Server, seeded: &Seeded, board: &Board) -> Result<Infallible> {
        let client = Client::builder().timeout(REQUEST).build()?;
        let rooms = (0..seeded.rooms.len()).map(|room| self.watch_room(&client, server, seeded, board, room));
        try_join_all(rooms).await?;
        anyhow::bail!("there is no room")
    }

    async fn watch_room(
        &self,
        client: &Client,
        server: &Server,
        seeded: &Seeded,
        board: &Board,
        room: usize,
    ) -> Result<Infallible> {
        let reader = seeded.seats.iter().find(|seat| seat.room == room).context("a room without members")?;
        let path = format!("/conversations/{}/messages?limit=1", seeded.rooms[room]);
        let (mut turn, mut waits) = (room, false);
        loop {
            sleep(jittered(PAUSE.0, PAUSE.1)).await;
            waits = !waits;
            let wanted = newest(seeded, board, room);
            let number = {
                let mut reads = self.0.borrow_mut();
                reads.push(Read { room, waits, asked: Instant::now(), shown: None });
                reads.len() - 1
            };
            loop {
                turn += 1;
                let doors = server.living_doors();
                if let Some(door) = doors.get(turn % doors.len().max(1)) {
                    let url = format!("http://{door}{path}");
                    let mut request = client.get(url).bearer_auth(&reader.token);
                    if waits {
                        request = request.header("X-ChatChit-Position", wanted);
                    }
                    if shows(request, wanted).await.unwrap_or_default() {
                        break;
                    }
                }
                sleep(jittered(AGAIN.0, AGAIN.1)).await;
            }
            if let Some(read) = self.0.borrow_mut().get_mut(number) {
                read.shown = Some(Instant::now());
            }
        }
    }

    /// All reads so far.
    pub(super) fn all(&self) -> Vec<Read> {
        self.0.borrow().clone()
    }
}

/// The position of the message in a room that was acknowledged last; 0 without any.
fn newest(seeded: &Seeded, board: &Board, room: usize) -> u64 {
    let messages = board.messages();
    let of_room = messages.iter().rev().filter(|message| seeded.seats[message.sender].room == room);
    of_room.filter(|message| message.acknowledged.is_some()).map(|message| message.position).next().unwrap_or_default()
}

async fn shows(request: reqwest::RequestBuilder, wanted: u64) -> Result<bool> {
    let answer = request.send().await?;
    if answer.status() != StatusCode::OK {
        return Ok(false);
    }
    let page: Value = serde_json::from_slice(&answer.bytes().await?)?;
    Ok(wanted == 0 || page["items"][0]["position"].as_u64().is_some_and(|newest| newest >= wanted))
}
