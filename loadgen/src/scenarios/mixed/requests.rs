//! Requests over REST, each measured from when it was due.

use crate::traffic::board::Board;
use reqwest::{Client, Method, RequestBuilder};
use serde_json::Value;
use std::{
    cell::Cell,
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

/// The time limit of one request: more than the server's own.
const PATIENCE: Duration = Duration::from_secs(90);

pub(super) struct Requests<'s> {
    client: Client,
    doors: Arc<[SocketAddr]>,
    door: Cell<usize>,
    board: &'s Board,
}

/// One request, before it is sent.
pub(super) struct Request<'s> {
    pub(super) name: &'static str,
    pub(super) due: Instant,
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) token: &'s str,
}

impl<'s> Requests<'s> {
    pub(super) fn new(doors: Arc<[SocketAddr]>, board: &'s Board) -> anyhow::Result<Self> {
        Ok(Self { client: Client::builder().timeout(PATIENCE).build()?, doors, door: Cell::new(0), board })
    }

    /// Sends a request, and notes its answer. Returns the body; `None` if it was refused.
    pub(super) async fn send(
        &self,
        Request { name, due, method, path, token }: Request<'_>,
        complete: impl FnOnce(RequestBuilder) -> RequestBuilder,
    ) -> Option<Value> {
        let door = self.door.replace(self.door.get() + 1) % self.doors.len();
        let request = self.client.request(method, format!("http://{}{path}", self.doors[door])).bearer_auth(token);
        let answer = read(complete(request)).await;
        let mut acts = self.board.acts();
        acts.request(name, due, answer.as_ref().err().map(String::as_str), Instant::now());
        if answer.as_ref().is_err_and(|code| code == INTERNAL) {
            acts.fault(format!("{name}: {INTERNAL}"));
        }
        answer.ok()
    }
}

/// The code of an error of the server itself.
const INTERNAL: &str = "internal";

/// The body of an answer, null unless it is JSON; or the code of a refusal.
async fn read(request: RequestBuilder) -> Result<Value, String> {
    let no_answer = |error: reqwest::Error| if error.is_timeout() { "timed out" } else { "no answer" }.to_owned();
    let answer = request.send().await.map_err(no_answer)?;
    let status = answer.status();
    let body = answer.bytes().await.map_err(no_answer)?;
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    if status.is_success() {
        return Ok(body);
    }
    Err(body["code"].as_str().map_or_else(|| status.as_str().to_owned(), str::to_owned))
}
