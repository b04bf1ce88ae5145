//! Presence of people in rooms, as others see it.

use super::seed::{Seat, Seeded};
use anyhow::{Context, Result};
use reqwest::Client;
use serde_json::Value;
use std::{collections::HashSet, net::SocketAddr, time::Duration};

/// Asks for presence over REST.
pub(crate) struct Presence(Client);

impl Presence {
    pub(crate) fn new() -> Result<Self> {
        Ok(Self(Client::builder().timeout(Duration::from_secs(30)).build()?))
    }

    /// The ids of all people whom a person sees as online.
    pub(crate) async fn online(&self, door: SocketAddr, asking: &Seat) -> Result<HashSet<String>> {
        let request = self.0.get(format!("http://{door}/chat/online-users")).bearer_auth(&asking.token);
        let answer = request.send().await?.error_for_status()?.bytes().await?;
        let answer: Value = serde_json::from_slice(&answer)?;
        let items = answer["items"].as_array().context("an answer without items")?;
        let online = items.iter().filter(|item| item["status"] != "offline");
        Ok(online.filter_map(|item| item["userId"].as_str().map(str::to_owned)).collect())
    }
}

/// The first member of a room, and the others with their numbers.
pub(crate) fn members(seeded: &Seeded, room: usize) -> Option<(&Seat, Vec<(usize, &Seat)>)> {
    let mut members = seeded.seats.iter().enumerate().filter(|(_, seat)| seat.room == room);
    let (_, first) = members.next()?;
    Some((first, members.collect()))
}
