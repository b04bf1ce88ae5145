//! Calls of two people each, and whether the server ended those that were closed.

use super::requests::{Request, Requests};
use crate::traffic::{board::Board, seed::Seeded};
use anyhow::{Context, Result, bail};
use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};
use std::{
    cell::RefCell,
    net::SocketAddr,
    time::{Duration, Instant},
};
use tokio::time::sleep;

/// The most calls at once.
const PAIRS: usize = 20;
/// The duration of a call.
const TALK: Duration = Duration::from_secs(2);
/// Attempts of a read; each waits for two seconds.
const TRIES: usize = 50;
/// A position beyond the end of the log: the answer shows everything stored.
const WHATEVER_IS_STORED: i64 = i64::MAX;

pub(super) struct Calls<'s> {
    pairs: Vec<Pair<'s>>,
    free: RefCell<Vec<usize>>,
    /// The pair and id of each call that was closed.
    closed: RefCell<Vec<(usize, String)>>,
}

struct Pair<'s> {
    caller: &'s str,
    called: &'s str,
    conversation: String,
}

impl<'s> Calls<'s> {
    /// Opens direct conversations between neighbours.
    pub(super) async fn prepare(door: SocketAddr, seeded: &'s Seeded) -> Result<Self> {
        let client = Client::new();
        let mut pairs = Vec::new();
        for seats in seeded.seats.chunks_exact(2).take(PAIRS) {
            let [caller, called] = [&seats[0], &seats[1]];
            let body = json!({"type": "direct", "members": [called.id]});
            let request = client.post(format!("http://{door}/conversations")).bearer_auth(&caller.token).json(&body);
            let answer = request.send().await?.error_for_status().context("a direct conversation is not opened")?;
            let opened: Value = serde_json::from_slice(&answer.bytes().await?)?;
            let conversation = opened["id"].as_str().context("a conversation without an id")?.to_owned();
            pairs.push(Pair { caller: &caller.token, called: &called.token, conversation });
        }
        let free = RefCell::new((0..pairs.len()).collect());
        Ok(Self { pairs, free, closed: RefCell::default() })
    }

    /// One call of a pair that has none: it rings, is answered, and closed.
    pub(super) async fn call(&self, due: Instant, requests: &Requests<'_>, board: &Board) {
        let free = self.free.borrow_mut().pop();
        let Some(number) = free else { return board.acts().hold_back("call, ring", due) };
        self.talk(number, due, requests).await;
        self.free.borrow_mut().push(number);
    }

    async fn talk(&self, number: usize, due: Instant, requests: &Requests<'_>) -> Option<()> {
        let Pair { caller, called, conversation } = &self.pairs[number];
        let post = |name, due, path, token| Request { name, due, method: Method::POST, path, token };
        let body = json!({"conversationId": conversation, "callType": "VOICE"});
        let ring = post("call, ring", due, "/calls".to_owned(), *caller);
        let begun = requests.send(ring, |request| request.json(&body)).await?;
        let id = begun["id"].as_str()?.to_owned();
        let answer = post("call, answer", Instant::now(), format!("/calls/{id}/answer"), *called);
        let answered = requests.send(answer, |request| request).await;
        if answered.is_some() {
            sleep(TALK).await;
        }
        let close = post("call, close", Instant::now(), format!("/calls/{id}/close"), *caller);
        requests.send(close, |request| request).await?;
        self.closed.borrow_mut().push((number, id));
        Some(())
    }

    /// Names the calls that were closed and have no end.
    pub(super) async fn judge(&self, door: SocketAddr) -> Result<Vec<String>> {
        let (client, mut faults) = (Client::new(), Vec::new());
        let closed = self.closed.borrow().clone();
        for (number, id) in closed {
            let call = read(&client, &format!("http://{door}/calls/{id}"), self.pairs[number].caller).await?;
            if call["endedAt"].is_null() {
                faults.push(format!("call {id} was closed, and is {}", call["status"]));
            }
        }
        Ok(faults)
    }
}

/// Reads what is stored, as soon as the read models show it.
async fn read(client: &Client, url: &str, token: &str) -> Result<Value> {
    for _ in 0..TRIES {
        let request = client.get(url).bearer_auth(token).header("X-ChatChit-Position", WHATEVER_IS_STORED);
        let answer = request.send().await?;
        if answer.status() != StatusCode::SERVICE_UNAVAILABLE {
            return Ok(serde_json::from_slice(&answer.error_for_status()?.bytes().await?)?);
        }
        sleep(Duration::from_millis(200)).await;
    }
    bail!("{url} stays unavailable")
}
