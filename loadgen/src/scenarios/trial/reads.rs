//! A reader per room who reads it about once a second, and expects the last acknowledged message. Every other request names
//! its position, for which the server waits in the room's partition.

use crate::{
    client::jittered,
    server::Server,
    traffic::{board::Board, seed::Seeded},
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

/// The time limit of one request.
const REQUEST: Duration = Duration::from_secs(5);
/// Pauses between two reads of a room, and between two attempts: least and most (milliseconds).
const PAUSE: (u64, u64) = (600, 1_000);
const AGAIN: (u64, u64) = (100, 300);

#[derive(Clone, Copy, Debug)]
pub(super) struct Read {
    pub(super) room: usize,
    pub(super) asked: Instant,
    pub(super) shown: Option<Instant>,
}

#[derive(Default)]
pub(super) struct Reads(RefCell<Vec<Read>>);

impl Reads {
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
                reads.push(Read { room, asked: Instant::now(), shown: None });
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

    pub(super) fn all(&self) -> Vec<Read> {
        self.0.borrow().clone()
    }
}

/// The position of the last acknowledged message of a room; 0 without one.
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
