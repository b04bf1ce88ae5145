//! First pages, as clients ask for them.

use crate::{server::Server, stats::Quantiles, text, traffic::seed::Seeded};
use anyhow::{Context, Result, bail};
use reqwest::{Client, StatusCode};
use serde::Serialize;
use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};
use tokio::time::sleep;

/// Requests of each question before it is measured.
const WARM_UP: usize = 3;
/// The time limit of the read models after a stage.
const CATCH_UP: Duration = Duration::from_secs(600);
/// A position beyond the end of the log: the answer shows everything stored.
const WHATEVER_IS_STORED: i64 = i64::MAX;
/// The rank of a word that is in one message of some hundreds.
const RARE: usize = 1_000;

/// Who asks, where.
pub(super) struct Place<'s> {
    user: &'s str,
    room: &'s str,
    /// About half of the messages of the room are older.
    middle: usize,
}

pub(super) struct Question {
    pub(super) name: &'static str,
    is_of_admin: bool,
    path: fn(&Place<'_>) -> String,
}

pub(super) static ALL: [Question; 8] = [
    Question { name: "inbox", is_of_admin: false, path: |_| "/conversations?limit=50".to_owned() },
    Question {
        name: "history",
        is_of_admin: false,
        path: |place| format!("/conversations/{}/messages?limit=50", place.room),
    },
    Question {
        name: "history, in the middle",
        is_of_admin: false,
        path: |place| format!("/conversations/{}/messages?limit=50&around={}", place.room, place.middle),
    },
    Question {
        name: "search, the commonest word",
        is_of_admin: false,
        path: |_| format!("/messages/search?limit=50&q={}", text::english(0)),
    },
    Question {
        name: "search, a rare word",
        is_of_admin: false,
        path: |_| format!("/messages/search?limit=50&q={}", text::english(RARE)),
    },
    Question {
        name: "search, in a room",
        is_of_admin: false,
        path: |place| format!("/messages/search?limit=50&q={}&conversationId={}", text::english(0), place.room),
    },
    Question { name: "audit", is_of_admin: true, path: |_| "/admin/audit/events?limit=50".to_owned() },
    Question {
        name: "audit, a person",
        is_of_admin: true,
        path: |place| format!("/admin/audit/events?limit=50&actor={}", place.user),
    },
];

/// The first pages of one question.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Answered {
    pub(super) name: &'static str,
    pub(super) first_page: Quantiles,
    /// Mean size of an answer.
    pub(super) bytes: f64,
}

pub(super) struct Asking<'s> {
    client: Client,
    door: SocketAddr,
    seeded: &'s Seeded,
}

impl<'s> Asking<'s> {
    pub(super) fn new(server: &Server, seeded: &'s Seeded) -> Result<Self> {
        let client = Client::builder().timeout(Duration::from_secs(60)).build()?;
        Ok(Self { client, door: server.addresses()[0], seeded })
    }

    /// Waits until the read models show what is stored. Returns the seconds.
    pub(super) async fn catch_up(&self) -> Result<f64> {
        let begun = Instant::now();
        while begun.elapsed() < CATCH_UP {
            let url = format!("http://{}/conversations?limit=1", self.door);
            let request = self.client.get(url).bearer_auth(&self.seeded.seats[0].token);
            let answer = request.header("X-ChatChit-Position", WHATEVER_IS_STORED).send().await?;
            if answer.status() != StatusCode::SERVICE_UNAVAILABLE {
                answer.error_for_status()?;
                return Ok(begun.elapsed().as_secs_f64());
            }
            sleep(Duration::from_millis(100)).await;
        }
        bail!("the read models are behind after {CATCH_UP:?}")
    }

    /// Asks each question so many times, of different people, while `messages` are in each room.
    pub(super) async fn all(&self, times: usize, messages: usize) -> Result<Vec<Answered>> {
        let mut all = Vec::new();
        for question in &ALL {
            let token = self.seeded.admin.as_deref().filter(|_| question.is_of_admin);
            if question.is_of_admin && token.is_none() {
                continue;
            }
            let (mut latencies, mut bytes) = (Vec::with_capacity(times), 0);
            for number in 0..WARM_UP + times {
                let seat = &self.seeded.seats[number * 7 % self.seeded.seats.len()];
                let room = &self.seeded.rooms[seat.room];
                let place = Place { user: &seat.id, room, middle: (messages / 2).max(1) };
                let begun = Instant::now();
                let length = self.ask(&(question.path)(&place), token.unwrap_or(&seat.token)).await?;
                if number >= WARM_UP {
                    latencies.push(begun.elapsed());
                    bytes += length;
                }
            }
            let bytes = bytes as f64 / times.max(1) as f64;
            all.push(Answered { name: question.name, first_page: Quantiles::of(latencies), bytes });
        }
        Ok(all)
    }

    /// Returns the length of the answer.
    async fn ask(&self, path: &str, token: &str) -> Result<usize> {
        let answer = self.client.get(format!("http://{}{path}", self.door)).bearer_auth(token).send().await?;
        let answer = answer.error_for_status().with_context(|| format!("GET {path}"))?;
        Ok(answer.bytes().await?.len())
    }
}
