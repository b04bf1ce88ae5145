//! Whether people are told the truth about who is there.

use crate::{rooms::seed::Seeded, server::Server};
use anyhow::{Context, Result};
use reqwest::Client;
use serde_json::Value;
use std::{
    collections::HashSet,
    net::SocketAddr,
    time::{Duration, Instant},
};
use tokio::time::sleep;

/// The longest that somebody who is gone may be taken for here: a lease, a grace, and some more.
const PATIENCE: Duration = Duration::from_secs(120);
/// How many rooms are asked about, at most.
const ROOMS: usize = 50;

/// Asks the first of each room again and again who of their fellow members is there, until that is `here`: how many
/// seconds it took. None when it never was.
pub(super) async fn settles(server: &Server, seeded: &Seeded, here: impl Fn(usize) -> bool) -> Result<Option<f64>> {
    let begun = Instant::now();
    let client = Client::builder().timeout(Duration::from_secs(30)).build()?;
    let doors = server.living_doors();
    let mut untrue = Vec::new();
    let rooms = seeded.rooms.len();
    for room in (0..rooms).step_by(rooms.div_ceil(ROOMS).max(1)) {
        let members: Vec<_> = seeded.seats.iter().enumerate().filter(|(_, seat)| seat.room == room).collect();
        let [(_, asking), others @ ..] = &members[..] else { continue };
        let there = others.iter().filter(|(user, _)| here(*user)).map(|(_, seat)| seat.id.as_str());
        untrue.push((doors[room % doors.len()], asking.token.as_str(), there.collect::<HashSet<_>>()));
    }
    while begun.elapsed() < PATIENCE {
        let mut still = Vec::new();
        for (door, token, there) in untrue {
            let answer = online(&client, door, token).await?;
            let told = answer["items"].as_array().context("nobody is told who is there")?;
            let told = told.iter().filter(|one| one["status"] != "offline").filter_map(|one| one["userId"].as_str());
            if told.collect::<HashSet<_>>() != there {
                still.push((door, token, there));
            }
        }
        if still.is_empty() {
            return Ok(Some(begun.elapsed().as_secs_f64()));
        }
        untrue = still;
        sleep(Duration::from_millis(100)).await;
    }
    Ok(None)
}

async fn online(client: &Client, door: SocketAddr, token: &str) -> Result<Value> {
    let asked = client.get(format!("http://{door}/chat/online-users")).bearer_auth(token).send().await?;
    Ok(serde_json::from_slice(&asked.error_for_status()?.bytes().await?)?)
}
