//! The people and rooms of a run, made by the REST of a server that runs already.

use crate::server::unique;
use anyhow::{Context, Result, ensure};
use futures_util::{StreamExt, TryStreamExt, stream};
use reqwest::Client;
use serde_json::{Value, json};
use std::net::SocketAddr;

/// Requests at a time: passwords are hashed, on purpose, slowly.
const AT_ONCE: usize = 4;

/// Who and where.
pub(crate) struct Seeded {
    /// The users.
    pub(crate) seats: Vec<Seat>,
    /// The ids of the rooms' conversations.
    pub(crate) rooms: Vec<String>,
}

/// One user.
pub(crate) struct Seat {
    pub(crate) id: String,
    /// Their access token.
    pub(crate) token: String,
    /// Which room they are in.
    pub(crate) room: usize,
}

/// Registers `users` people and opens a group for each `room` of them.
pub(crate) async fn seed(address: SocketAddr, users: usize, room: usize) -> Result<Seeded> {
    let client = Client::new();
    let run = unique();
    let registered = (0..users).map(|user| register(&client, address, run, user, user / room));
    let seats: Vec<Seat> = stream::iter(registered).buffered(AT_ONCE).try_collect().await?;
    let opened = seats.chunks(room).enumerate().map(|(number, members)| open_room(&client, address, number, members));
    let rooms = stream::iter(opened).buffered(AT_ONCE).try_collect().await?;
    Ok(Seeded { seats, rooms })
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

async fn open_room(client: &Client, address: SocketAddr, number: usize, members: &[Seat]) -> Result<String> {
    let [lead, others @ ..] = members else { anyhow::bail!("a room without members") };
    let others = others.iter().map(|seat| &seat.id).collect::<Vec<_>>();
    let body = json!({"type": "group", "title": format!("Room {number}"), "members": others});
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
