//! Sockets that do nothing: the memory and the processor time that each of them costs the server, at both doors, as their number
//! grows. In the end one message is posted into each room, and must arrive once at each of its members.

mod door;
mod figures;
mod sockets;

use crate::{
    progress,
    report::Report,
    scenario::Scenario,
    server::{Budgets, Server, Target},
    traffic::seed::{self, Seeded},
};
use anyhow::{Result, ensure};
use clap::Args;
use door::Door;
use figures::{AtDoor, Figures, Step};
use reqwest::Client;
use serde_json::json;
use sockets::Sockets;
use std::time::{Duration, Instant};
use tokio::time::sleep;

/// Members of each room.
const ROOM: usize = 10;
/// The most rooms into which a message is posted in the end.
const POSTED: usize = 200;

/// Sockets that do nothing: what each costs.
#[derive(Args, Clone, Debug)]
pub(crate) struct Idle {
    #[command(flatten)]
    target: Target,
    /// Open sockets at each step; several, with commas between them.
    #[arg(long, value_delimiter = ',', default_values_t = [1_000, 5_000, 10_000, 20_000])]
    sockets: Vec<usize>,
    /// The doors at which they are opened, one after the other; the server is started anew for each.
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = [Door::Ws, Door::SocketIo])]
    doors: Vec<Door>,
    /// Seconds after a step before it is measured.
    #[arg(long, default_value_t = 10)]
    rest: u64,
    /// Seconds of measuring.
    #[arg(long, default_value_t = 20)]
    measure: u64,
    /// Time limit of the messages in the end (seconds).
    #[arg(long, default_value_t = 60)]
    settle: u64,
}

impl Scenario for Idle {
    type Place = Server;

    async fn set_up(&self) -> Result<Server> {
        let is_even = self.sockets.iter().all(|count| *count > 0 && count.is_multiple_of(ROOM));
        ensure!(is_even && self.sockets.is_sorted(), "--sockets must be multiples of {ROOM}, and rise");
        Server::reserve(&self.target, Budgets::Lifted).await
    }

    async fn run(&self, server: &Server) -> Result<Report> {
        let most = self.sockets.last().copied().unwrap_or_default();
        let seeded = seed::seed(server, &vec![ROOM; most / ROOM]).await?;
        let mut doors = Vec::new();
        for door in &self.doors {
            server.restart().await?;
            doors.push(self.at(*door, server, &seeded).await?);
        }
        Figures { doors }.report(self)
    }
}

impl Idle {
    async fn at(&self, door: Door, server: &Server, seeded: &Seeded) -> Result<AtDoor> {
        let mut sockets = Sockets::new(door, server.addresses());
        let mut steps = vec![self.step(0, door, server).await?];
        for count in &self.sockets {
            eprintln!("{count} sockets open at {}", door.name());
            let begun = Instant::now();
            sockets.grow(*count, seeded).await?;
            let opened_in = begun.elapsed().as_secs_f64();
            steps.push(Step { opened_in, ..self.step(*count, door, server).await? });
        }
        let ended = sockets.ended();
        let (missed, doubled) = self.deliver(&sockets, server, seeded).await?;
        sockets.close().await;
        Ok(AtDoor { door: door.name(), steps, ended, missed, doubled, processes_ended: server.ended()? })
    }

    async fn step(&self, count: usize, door: Door, server: &Server) -> Result<Step> {
        let [rest, lasts] = [self.rest, self.measure].map(Duration::from_secs);
        sleep(rest).await;
        let sampler = server.sample().await?;
        progress::during(&format!("{count} idle sockets at {}", door.name()), lasts, sleep(lasts)).await;
        let samples = sampler.stop().await?;
        let (_, processes) = samples.costs(count);
        let resident_kib = samples.server_resident();
        Ok(Step { sockets: count, opened_in: 0.0, seconds: lasts.as_secs_f64(), resident_kib, processes })
    }

    /// Posts a message into each room. Returns the number of members at whom it did not arrive, or more than once.
    async fn deliver(&self, sockets: &Sockets, server: &Server, seeded: &Seeded) -> Result<(usize, usize)> {
        let client = Client::new();
        let rooms = seeded.rooms.len().min(POSTED);
        for (number, room) in seeded.rooms.iter().enumerate().take(rooms) {
            let url = format!("http://{}/conversations/{room}/messages", server.addresses()[0]);
            let body = json!({"messageType": "TEXT", "content": "are you still there?"});
            let token = &seeded.seats[number * ROOM].token;
            client.post(url).bearer_auth(token).json(&body).send().await?.error_for_status()?;
        }
        let begun = Instant::now();
        let count = |is: fn(usize) -> bool| {
            sockets.received().iter().take(rooms * ROOM).filter(|received| is(**received)).count()
        };
        while count(|received| received == 0) > 0 && begun.elapsed() < Duration::from_secs(self.settle) {
            sleep(Duration::from_millis(50)).await;
        }
        Ok((count(|received| received == 0), count(|received| received > 1)))
    }
}
