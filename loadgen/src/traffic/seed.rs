//! The people and rooms of a run: appended in bulk to the log before the server starts, or created over REST on a running
//! server.

use super::bulk;
use crate::server::{Server, unique};
use anyhow::{Context, Result, ensure};
use futures_util::{StreamExt, TryStreamExt, stream};
use reqwest::Client;
use serde_json::{Value, json};
use std::net::SocketAddr;

/// Concurrent requests. Each registration hashes a password.
const AT_ONCE: usize = 4;

pub(crate) struct Seeded {
    pub(crate) seats: Vec<Seat>,
    /// The ids of the conversations.
    pub(crate) rooms: Vec<String>,
    /// The access token of an administrator.
    pub(crate) admin: Option<String>,
}

pub(crate) struct Seat {
    pub(crate) id: String,
    pub(crate) token: String,
    /// The number of the room.
    pub(crate) room: usize,
}

impl Seeded {
    /// Splits off the rooms from `at` on, with their people.
    pub(crate) fn split(mut self, at: usize) -> (Self, Self) {
        let rooms = self.rooms.split_off(at);
        let (first, mut others): (Vec<_>, Vec<_>) = self.seats.into_iter().partition(|seat| seat.room < at);
        others.iter_mut().for_each(|seat| seat.room -= at);
        let admin = self.admin;
        (Self { seats: first, rooms: self.rooms, admin: admin.clone() }, Self { seats: others, rooms, admin })
    }
}

/// People, and the rooms they are in.
pub(crate) struct Layout {
    /// The number of the room of each person.
    pub(crate) places: Vec<usize>,
    /// Each room is a direct conversation, and not a group.
    pub(crate) is_direct: bool,
}

impl Layout {
    /// A group of each of these sizes. Each person is in one.
    pub(crate) fn groups(sizes: &[usize]) -> Self {
        let places = sizes.iter().enumerate().flat_map(|(room, size)| std::iter::repeat_n(room, *size));
        Self { places: places.collect(), is_direct: false }
    }

    /// Adds so many people to each room. They come after all others.
    pub(crate) fn with_more(mut self, of_each: usize) -> Self {
        let rooms = self.rooms();
        self.places.extend((0..rooms).flat_map(|room| std::iter::repeat_n(room, of_each)));
        self
    }

    pub(super) fn rooms(&self) -> usize {
        self.places.iter().max().map_or(0, |last| last + 1)
    }
}

/// Seeds a group of each of these sizes. Each person is in one.
pub(crate) async fn seed(server: &Server, sizes: &[usize]) -> Result<Seeded> {
    seed_as(server, &Layout::groups(sizes)).await
}

/// Seeds people and rooms.
pub(crate) async fn seed_as(server: &Server, layout: &Layout) -> Result<Seeded> {
    eprintln!("seeding {} users in {} rooms", layout.places.len(), layout.rooms());
    match server.log() {
        Some(log) => bulk::seed(log, layout).await,
        None => over_rest(server.addresses()[0], layout).await,
    }
}

async fn over_rest(address: SocketAddr, layout: &Layout) -> Result<Seeded> {
    let client = Client::new();
    let run = unique();
    let people = layout.places.iter().copied().enumerate();
    let registered = people.map(|(user, room)| register(&client, address, run, user, room));
    let seats: Vec<Seat> = stream::iter(registered).buffered(AT_ONCE).try_collect().await?;
    let members = |room: usize| seats.iter().filter(|seat| seat.room == room).collect::<Vec<_>>();
    let client = &client;
    let opened = (0..layout.rooms()).map(|number| {
        let members = members(number);
        async move { open_room(client, address, number, &members, layout.is_direct).await }
    });
    let rooms = stream::iter(opened).buffered(AT_ONCE).try_collect().await?;
    Ok(Seeded { seats, rooms, admin: None })
}

async fn register(client: &Client, address: SocketAddr, run: u64, user: usize, room: usize) -> Result<Seat> {
    let body = json!({
        "email": format!("load-{run:016x}-{user}@load.example"),
        "password": format!("a long password {run:016x}"),
        "firstName": "Load",
        "lastName": format!("User {user}"),
    });
    let answer = post(client, address, "/auth/register", None, &body).await?;
    let word = |value: &Value| value.as_str().map(str::to_owned).context("the registration's answer lacks something");
    Ok(Seat { id: word(&answer["user"]["id"])?, token: word(&answer["accessToken"])?, room })
}

async fn open_room(
    client: &Client,
    address: SocketAddr,
    number: usize,
    members: &[&Seat],
    is_direct: bool,
) -> Result<String> {
    let [lead, others @ ..] = members else { anyhow::bail!("a room without members") };
    let others = others.iter().map(|seat| &seat.id).collect::<Vec<_>>();
    let body = match is_direct {
        true => json!({"type": "direct", "members": others}),
        false => json!({"type": "group", "title": format!("Room {number}"), "members": others}),
    };
    let answer = post(client, address, "/conversations", Some(&lead.token), &body).await?;
    Ok(answer["id"].as_str().context("the conversation has no id")?.to_owned())
}

async fn post(client: &Client, address: SocketAddr, path: &str, token: Option<&str>, body: &Value) -> Result<Value> {
    let mut request = client.post(format!("http://{address}{path}")).json(body);
    if let Some(token) = token {
        request = request.bearer_auth(token);
    }
    let answer = request.send().await?;
    let status = answer.status();
    let text = answer.text().await?;
    ensure!(status.is_success(), "POST {path}: {status}: {text}");
    Ok(serde_json::from_str(&text)?)
}

#[cfg(test)]
mod tests {
    use super::{Layout, Seat, Seeded};

    #[test]
    fn rooms_are_split_with_their_people() {
        let seat = |room| Seat { id: format!("of {room}"), token: String::new(), room };
        let seats = Layout::groups(&[2, 1, 3]).places.into_iter().map(seat).collect();
        let seeded = Seeded { seats, rooms: ["a", "b", "c"].map(str::to_owned).to_vec(), admin: None };
        let (first, others) = seeded.split(1);
        assert_eq!((first.seats.len(), first.rooms.as_slice()), (2, &["a".to_owned()][..]));
        let found: Vec<_> = others.seats.iter().map(|seat| (seat.id.as_str(), seat.room)).collect();
        assert_eq!(found, [("of 1", 0), ("of 2", 1), ("of 2", 1), ("of 2", 1)]);
    }

    #[test]
    fn more_people_come_after_all_others() {
        let layout = Layout::groups(&[2, 1]).with_more(2);
        assert_eq!((layout.places.as_slice(), layout.rooms()), (&[0, 0, 1, 0, 0, 1, 1][..], 2));
    }
}
