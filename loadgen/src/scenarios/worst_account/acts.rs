//! The expensive acts of an account, each as often as the default budgets allow.

use super::{account::Crowd, tally::Tally};
use crate::{client::jittered, socket::Socket};
use anyhow::{Context, Result, ensure};
use futures_util::future::join_all;
use reqwest::{Client, Method, RequestBuilder, multipart};
use serde_json::{Value, json};
use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};
use tokio::time::{MissedTickBehavior, interval, sleep};

/// 4,000 × 4,000 pixels in 6 KB.
const PICTURE: &[u8] = include_bytes!("picture.png");
/// The longest text, and the most attachments of a message with the longest names.
const TEXT: usize = 8_000;
const ATTACHMENTS: usize = 20;
const NAME: usize = 250;
/// Messages of a page.
const PAGE: usize = 200;
/// Presences of one subscription.
const PRESENCES: usize = 500;
const PATIENCE: Duration = Duration::from_secs(60);

pub(super) struct Stock {
    client: Client,
    door: SocketAddr,
    pub(super) token: String,
    others: Vec<String>,
    /// A group of all.
    group: String,
    /// A group whose messages are as large as possible.
    fat: String,
    /// A group whose messages are as hard to render as HTML as possible.
    deep: String,
    message: String,
}

pub(super) struct Act {
    pub(super) name: &'static str,
    per_second: u64,
    /// Concurrent requests.
    at_once: u64,
    request: fn(&Stock, u64) -> RequestBuilder,
}

pub(super) static ALL: [Act; 13] = [
    Act { name: "edits", per_second: 25, at_once: 8, request: edit },
    Act { name: "reactions", per_second: 25, at_once: 8, request: react },
    Act { name: "long messages", per_second: 25, at_once: 8, request: send },
    Act { name: "titles of a large group", per_second: 5, at_once: 4, request: retitle },
    Act { name: "kicks and adds", per_second: 15, at_once: 4, request: change_member },
    Act { name: "large groups", per_second: 10, at_once: 4, request: create },
    Act { name: "presence", per_second: 50, at_once: 8, request: presence },
    Act { name: "search", per_second: 20, at_once: 8, request: search },
    Act { name: "html", per_second: 20, at_once: 8, request: html },
    Act { name: "large pages", per_second: 50, at_once: 8, request: page },
    Act { name: "sync", per_second: 50, at_once: 8, request: list },
    Act { name: "export", per_second: 5, at_once: 5, request: export },
    Act { name: "uploads", per_second: 10, at_once: 8, request: upload },
];

fn edit(stock: &Stock, turn: u64) -> RequestBuilder {
    let body = json!({"content": format!("{turn} {}", "e ".repeat(TEXT / 2))});
    stock.ask(Method::PATCH, &format!("/messages/{}", stock.message)).json(&body)
}

fn react(stock: &Stock, turn: u64) -> RequestBuilder {
    let method = if turn.is_multiple_of(2) { Method::PUT } else { Method::DELETE };
    stock.ask(method, &format!("/messages/{}/reactions/%F0%9F%91%8D", stock.message))
}

fn send(stock: &Stock, turn: u64) -> RequestBuilder {
    let body = json!({"messageType": "TEXT", "content": format!("{} {turn}", ">".repeat(TEXT))});
    stock.ask(Method::POST, &format!("/conversations/{}/messages", stock.group)).json(&body)
}

fn retitle(stock: &Stock, turn: u64) -> RequestBuilder {
    let body = json!({"title": format!("Title {turn}")});
    stock.ask(Method::PATCH, &format!("/conversations/{}", stock.group)).json(&body)
}

fn change_member(stock: &Stock, turn: u64) -> RequestBuilder {
    let deed = if turn.is_multiple_of(2) { "kick" } else { "add" };
    let body = json!({"userId": stock.others[(turn / 2) as usize % stock.others.len()]});
    stock.ask(Method::POST, &format!("/conversations/{}/{deed}", stock.group)).json(&body)
}

fn create(stock: &Stock, turn: u64) -> RequestBuilder {
    let body = json!({"type": "group", "title": format!("Group {turn}"), "members": stock.others});
    stock.ask(Method::POST, "/conversations").json(&body)
}

fn presence(stock: &Stock, turn: u64) -> RequestBuilder {
    let status = if turn.is_multiple_of(2) { "busy" } else { "online" };
    stock.ask(Method::PUT, "/presence").json(&json!({"status": status}))
}

fn search(stock: &Stock, _: u64) -> RequestBuilder {
    stock.ask(Method::GET, "/messages/search?q=e&limit=200")
}

fn html(stock: &Stock, _: u64) -> RequestBuilder {
    stock.ask(Method::GET, &format!("/conversations/{}/messages?html=true&limit={PAGE}", stock.deep))
}

fn page(stock: &Stock, _: u64) -> RequestBuilder {
    stock.ask(Method::GET, &stock.fat_page())
}

fn list(stock: &Stock, turn: u64) -> RequestBuilder {
    stock.ask(Method::GET, if turn.is_multiple_of(2) { "/conversations?limit=100" } else { "/sync?limit=200" })
}

fn export(stock: &Stock, _: u64) -> RequestBuilder {
    stock.ask(Method::GET, "/users/me/export")
}

fn upload(stock: &Stock, turn: u64) -> RequestBuilder {
    upload_as(stock, format!("{turn}.png"))
}

fn upload_as(stock: &Stock, name: String) -> RequestBuilder {
    let part = multipart::Part::bytes(PICTURE).file_name(name);
    let part = part.mime_str("image/png").unwrap_or_else(|_| multipart::Part::bytes(PICTURE));
    stock.ask(Method::POST, "/files").multipart(multipart::Form::new().part("file", part))
}

impl Stock {
    pub(super) async fn prepare(door: SocketAddr, crowd: Crowd) -> Result<Self> {
        let Crowd { token, others, group } = crowd;
        let client = Client::builder().timeout(PATIENCE).build()?;
        let (fat, deep, message) = (String::new(), String::new(), String::new());
        let mut stock = Self { client, door, token, others, group, fat, deep, message };
        stock.fat = stock.open_group().await?;
        stock.deep = stock.open_group().await?;
        stock.message = stock.post(&stock.fat, "of which much is made", &[]).await?;
        eprintln!("the account writes {} messages", 2 * PAGE);
        let file: Value = upload_as(&stock, "n".repeat(NAME)).send().await?.error_for_status()?.json().await?;
        let attachments = vec![json!({"fileUrl": file["fileUrl"]}); ATTACHMENTS];
        for number in 0..PAGE {
            stock.post(&stock.fat, &format!("e {number}"), &attachments).await?;
            stock.post(&stock.deep, &format!("{} {number}", ">".repeat(TEXT)), &[]).await?;
        }
        Ok(stock)
    }

    pub(super) fn fat_page(&self) -> String {
        format!("/conversations/{}/messages?limit={PAGE}", self.fat)
    }

    fn ask(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("http://{}{path}", self.door)).bearer_auth(&self.token)
    }

    async fn open_group(&self) -> Result<String> {
        let other = self.others.first().context("nobody to talk to")?;
        let body = json!({"type": "group", "title": "Of two", "members": [other]});
        id(self.ask(Method::POST, "/conversations").json(&body)).await
    }

    async fn post(&self, conversation: &str, content: &str, attachments: &[Value]) -> Result<String> {
        let message_type = if attachments.is_empty() { "TEXT" } else { "IMAGE" };
        let mut body = json!({"messageType": message_type, "content": content});
        if !attachments.is_empty() {
            body["attachments"] = json!(attachments);
        }
        id(self.ask(Method::POST, &format!("/conversations/{conversation}/messages")).json(&body)).await
    }
}

/// Repeats a request until it is not rate-limited. Returns the id of the result.
async fn id(request: RequestBuilder) -> Result<String> {
    for _ in 0..100 {
        let answer = request.try_clone().context("it cannot be sent again")?.send().await?;
        let (status, text) = (answer.status(), answer.text().await?);
        if status.is_success() {
            let made: Value = serde_json::from_str(&text)?;
            return Ok(made["id"].as_str().context("what was made has no id")?.to_owned());
        }
        ensure!(matches!(status.as_u16(), 429 | 503), "{status}: {text}");
        sleep(jittered(200, 600)).await;
    }
    anyhow::bail!("it is too much for ever")
}

impl Act {
    /// Repeats the act at its rate until it is cancelled.
    pub(super) async fn repeat(&self, stock: &Stock, tally: &Tally) {
        let one = |first: u64| async move {
            let mut beats = interval(Duration::from_millis(1_000 * self.at_once / self.per_second));
            beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
            let mut turn = first;
            loop {
                beats.tick().await;
                let begun = Instant::now();
                tally.take(begun, (self.request)(stock, turn).send().await).await;
                turn += self.at_once;
            }
        };
        // Half of the turns are odd whatever the number of lanes: what alternates does.
        let odd = self.at_once | 1;
        join_all((0..self.at_once).map(|lane| one(lane * odd))).await;
    }
}

/// Subscribes to the most presences, again and again.
pub(super) async fn subscribe(door: SocketAddr, stock: &Stock, tally: &Tally) {
    let ids: Vec<_> = stock.others.iter().take(PRESENCES).collect();
    loop {
        let subscribed = async {
            let mut socket = Socket::open(door, &stock.token, None).await?;
            let mut beats = interval(Duration::from_millis(20));
            beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
            for turn in 0_u64.. {
                tokio::select! {
                    _ = beats.tick() => {
                        let frame = json!({"id": turn.to_string(), "cmd": "presence.subscribe", "data": {"userIds": ids}});
                        socket.send(frame.to_string().as_bytes())?;
                    }
                    ready = socket.ready() => {
                        ready?;
                        socket.take(|frame| tally.frame(frame))?;
                    }
                }
            }
            Ok::<_, crate::socket::Ended>(())
        };
        if let Err(ended) = subscribed.await {
            tally.ended(&ended.kind());
        }
        sleep(jittered(500, 1_500)).await;
    }
}
