//! What must hold whatever the load: acknowledged is stored, once; each delivery came, once, in order.

use super::{board::Board, member::MARK, seed::Seeded};
use anyhow::{Context, Result, bail, ensure};
use reqwest::Client;
use serde::Serialize;
use serde_json::Value;
use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

/// How long the read models may take to catch up after a run.
const CATCH_UP: Duration = Duration::from_secs(120);

/// What the oracle found. All of it is 0 and empty on a good day.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Verdict {
    /// Acknowledged, and not to be read back.
    pub(crate) lost: usize,
    /// Read back more than once.
    pub(crate) doubled: usize,
    /// Sent and never acknowledged.
    pub(crate) unacknowledged: usize,
    /// Acknowledged, and not delivered to every member.
    pub(crate) undelivered: usize,
    /// Doubled or disordered deliveries, refusals: the first few.
    pub(crate) faults: Vec<String>,
}

impl Verdict {
    /// Whether nothing is wrong.
    pub(crate) const fn is_clean(&self) -> bool {
        self.lost == 0
            && self.doubled == 0
            && self.unacknowledged == 0
            && self.undelivered == 0
            && self.faults.is_empty()
    }
}

/// Reads all rooms back and compares.
pub(crate) async fn check(address: SocketAddr, seeded: &Seeded, board: &Board, drained: bool) -> Result<Verdict> {
    let messages = board.messages();
    let mut stored = vec![0_usize; messages.len()];
    let mut faults = board.faults();
    let client = Client::new();
    for (number, room) in seeded.rooms.iter().enumerate() {
        let reader = seeded.seats.iter().find(|seat| seat.room == number).context("a room without members")?;
        // Rooms are used again by the next run: only messages of this one count, and they are the newest.
        let of_room = || messages.iter().filter(|message| seeded.seats[message.sender].room == number);
        let last = of_room().map(|message| message.position).max().unwrap_or_default();
        let room = Room { client: &client, address, id: room, token: &reader.token };
        room.wait_for(last).await?;
        let seqs = room.read_back(of_room().count(), &mut stored).await?;
        if !seqs.windows(2).all(|pair| pair[0] == pair[1] + 1) {
            faults.push(format!("the seqs of room {number} have a hole"));
        }
    }
    let acknowledged = |number: &usize| messages[*number].acknowledged.is_some();
    let all = 0..messages.len();
    let fan_out = seeded.seats.len() / seeded.rooms.len().max(1);
    faults.truncate(20);
    let verdict = Verdict {
        lost: all.clone().filter(acknowledged).filter(|number| stored[*number] == 0).count(),
        doubled: stored.iter().filter(|times| **times > 1).count(),
        unacknowledged: all.clone().filter(|number| !acknowledged(number)).count(),
        undelivered: all.filter(acknowledged).filter(|number| messages[*number].delivered.len() < fan_out).count(),
        faults,
    };
    ensure!(drained || !verdict.is_clean(), "deliveries are outstanding and none is missing: the client is at fault");
    Ok(verdict)
}

/// A room, and somebody who may read it.
struct Room<'r> {
    client: &'r Client,
    address: SocketAddr,
    id: &'r str,
    token: &'r str,
}

impl Room<'_> {
    /// Waits until the read models have come to the room's last message.
    async fn wait_for(&self, last: u64) -> Result<()> {
        let deadline = Instant::now() + CATCH_UP;
        while Instant::now() < deadline {
            let newest = self.page("?limit=1", last).await?.first().and_then(|item| item["position"].as_u64());
            if newest.unwrap_or_default() >= last {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        bail!("the read models did not come to position {last} within {CATCH_UP:?}")
    }

    /// Reads the newest `wanted` messages, newest first; notes them in `stored`, and answers their seqs.
    async fn read_back(&self, wanted: usize, stored: &mut [usize]) -> Result<Vec<u64>> {
        let mut seqs = Vec::with_capacity(wanted);
        let mut which = "?limit=200".to_owned();
        while seqs.len() < wanted {
            let items = self.page(&which, 0).await?;
            if items.is_empty() {
                break;
            }
            for item in items.iter().take(wanted - seqs.len()) {
                let seq = item["seq"].as_u64().context("a message without seq")?;
                let number = item["content"].as_str().and_then(|content| content.get(1..MARK)?.parse::<usize>().ok());
                if let Some(times) = number.and_then(|number| stored.get_mut(number)) {
                    *times += 1;
                }
                seqs.push(seq);
                which = format!("?limit=200&before={seq}");
            }
        }
        Ok(seqs)
    }

    async fn page(&self, which: &str, position: u64) -> Result<Vec<Value>> {
        let url = format!("http://{}/conversations/{}/messages{which}", self.address, self.id);
        let request = self.client.get(url).bearer_auth(self.token).header("X-ChatChit-Position", position);
        let body = request.send().await?.error_for_status()?.bytes().await?;
        let mut page: Value = serde_json::from_slice(&body)?;
        match page["items"].take() {
            Value::Array(items) => Ok(items),
            _ => bail!("a page without items"),
        }
    }
}
