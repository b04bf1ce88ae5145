//! Calls over REST, at a gateway that survives.

use crate::server::Server;
use anyhow::{Context, Result, ensure};
use reqwest::{Client, Method};
use serde_json::{Value, json};
use std::{net::SocketAddr, time::Duration};

/// A position beyond the end of the log: the answer shows everything stored.
const WHATEVER_IS_STORED: i64 = i64::MAX;

pub(super) struct Rest {
    client: Client,
    door: SocketAddr,
}

impl Rest {
    /// The last gateway that runs: the first is killed.
    pub(super) fn at(server: &Server) -> Result<Self> {
        let door = *server.living_doors().last().context("no gateway is alive")?;
        Ok(Self { client: Client::builder().timeout(Duration::from_secs(15)).build()?, door })
    }

    /// The direct conversation of two people.
    pub(super) async fn direct(&self, token: &str, other: &str) -> Result<String> {
        let body = json!({"type": "direct", "members": [other]});
        let conversation = self.ask(Method::POST, "/conversations", token, Some(&body)).await?;
        Ok(conversation["id"].as_str().context("a conversation without an id")?.to_owned())
    }

    pub(super) async fn call(&self, token: &str, id: &str) -> Result<Value> {
        self.ask(Method::GET, &format!("/calls/{id}"), token, None).await
    }

    /// The calls of a conversation, newest first.
    pub(super) async fn history(&self, token: &str, conversation: &str) -> Result<Vec<Value>> {
        items(self.ask(Method::GET, &format!("/conversations/{conversation}/calls"), token, None).await?)
    }

    /// The number of messages of a call in its conversation.
    pub(super) async fn messages(&self, token: &str, conversation: &str, call: &str) -> Result<usize> {
        let path = format!("/conversations/{conversation}/messages");
        let messages = items(self.ask(Method::GET, &path, token, None).await?)?;
        let is_of_call = |message: &&Value| {
            message["messageType"] == "CALL"
                && message["content"].as_str().is_some_and(|content| content.contains(call))
        };
        Ok(messages.iter().filter(is_of_call).count())
    }

    async fn ask(&self, method: Method, path: &str, token: &str, body: Option<&Value>) -> Result<Value> {
        let request = self.client.request(method, format!("http://{}{path}", self.door)).bearer_auth(token);
        let mut request = request.header("x-chatchit-position", WHATEVER_IS_STORED);
        if let Some(body) = body {
            request = request.json(body);
        }
        let answer = request.send().await?;
        let (status, text) = (answer.status(), answer.text().await?);
        ensure!(status.is_success(), "{path}: {status}: {text}");
        Ok(serde_json::from_str(&text)?)
    }
}

fn items(mut page: Value) -> Result<Vec<Value>> {
    match page["items"].take() {
        Value::Array(items) => Ok(items),
        _ => anyhow::bail!("a page without items"),
    }
}
