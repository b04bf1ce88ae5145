//! Whether people are told the truth about who is there.

use crate::{rooms::seed::Seeded, server::Server};
use anyhow::Result;
use reqwest::Client;
use serde_json::Value;
use std::{collections::HashSet, time::Duration};

/// Asks the first of each room, at every door, who of their fellow members is there: how many are told to be away, of
/// people who are all connected.
pub(super) async fn absent(server: &Server, seeded: &Seeded) -> Result<usize> {
    let client = Client::builder().timeout(Duration::from_secs(15)).build()?;
    let mut absent = 0;
    for door in server.living_doors() {
        for room in 0..seeded.rooms.len() {
            let mut members = seeded.seats.iter().filter(|seat| seat.room == room);
            let Some(asking) = members.next() else { continue };
            let url = format!("http://{door}/chat/online-users");
            let answer = client.get(url).bearer_auth(&asking.token).send().await?.error_for_status()?;
            let answer: Value = serde_json::from_slice(&answer.bytes().await?)?;
            let told = answer["items"].as_array().into_iter().flatten().filter(|one| one["status"] != "offline");
            let here: HashSet<_> = told.filter_map(|one| one["userId"].as_str()).collect();
            absent += members.filter(|seat| !here.contains(seat.id.as_str())).count();
        }
    }
    Ok(absent)
}
