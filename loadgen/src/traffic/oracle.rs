//! The oracle: every acknowledged message is stored once, every delivery arrived once and in order, and read models show
//! what the log holds.

use super::{acts::Changed, board::Board, seed::Seeded};
use crate::{
    server::Server,
    text::{Content, MARK},
};
use anyhow::{Context, Result, bail, ensure};
use reqwest::{Client, StatusCode};
use serde::Serialize;
use serde_json::Value;
use sql::{Database, Location, query};
use std::{
    cell::RefCell,
    collections::HashMap,
    net::SocketAddr,
    time::{Duration, Instant},
};

/// The time limit of the read models after a run.
const CATCH_UP: Duration = Duration::from_secs(120);
/// A position beyond the end of the log: the answer shows everything stored.
const WHATEVER_IS_STORED: u64 = i64::MAX as u64;
/// The most faults that are listed.
const LISTED: usize = 20;

/// The findings of the oracle. All are 0 and empty if nothing is wrong.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Verdict {
    /// Acknowledged, and not read back.
    pub(crate) lost: usize,
    pub(crate) doubled: usize,
    /// Read back with another text than was sent, or other reactions.
    pub(crate) altered: usize,
    /// Neither acknowledged nor refused.
    pub(crate) unacknowledged: usize,
    /// Refused, and read back.
    pub(crate) refused_and_stored: usize,
    /// Acknowledged or stored, and not delivered to every member.
    pub(crate) undelivered: usize,
    /// Only in the log or only read back; `None` if the log cannot be read.
    pub(crate) unlike_log: Option<usize>,
    /// Doubled or disordered deliveries, refusals, processes that ended: the first few.
    pub(crate) faults: Vec<String>,
}

impl Verdict {
    pub(crate) fn is_clean(&self) -> bool {
        self.lost == 0
            && self.doubled == 0
            && self.altered == 0
            && self.refused_and_stored == 0
            && self.unacknowledged == 0
            && self.undelivered == 0
            && self.unlike_log.unwrap_or_default() == 0
            && self.faults.is_empty()
    }
}

/// The oracle, and the seq up to which it has read each room.
pub(crate) struct Oracle {
    client: Client,
    content: Content,
    heads: RefCell<Vec<u64>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Shown {
    id: String,
    seq: u64,
    position: u64,
}

impl Oracle {
    /// An oracle of so many rooms, in which this is written.
    pub(crate) fn new(rooms: usize, content: Content) -> Result<Self> {
        let client = Client::builder().timeout(Duration::from_secs(30)).build()?;
        Ok(Self { client, content, heads: RefCell::new(vec![0; rooms]) })
    }

    /// Reads back what the rooms hold since the last check, and compares.
    pub(crate) async fn check(
        &self,
        server: &Server,
        seeded: &Seeded,
        board: &Board,
        drained: bool,
    ) -> Result<Verdict> {
        let messages = board.messages().clone();
        let mut stored = Stored { first: board.first(), times: vec![0; messages.len()], altered: 0 };
        let mut faults = server.ended()?;
        faults.extend(board.faults());
        faults.extend_from_slice(board.acts().faults());
        let mut log = match server.log() {
            Some(location) => Some(read_log(&location).await?),
            None => None,
        };
        let doors = server.living_doors();
        ensure!(!doors.is_empty(), "no gateway is alive to read from");
        let mut unlike_log = 0;
        // Edits and reactions are of another tier than messages, which are waited for below.
        let up_to = if board.acts().has_changes() { WHATEVER_IS_STORED } else { 0 };
        let deadline = Instant::now() + CATCH_UP;
        for (number, id) in seeded.rooms.iter().enumerate() {
            let reader = seeded.seats.iter().find(|seat| seat.room == number).context("a room without members")?;
            let of_room = messages.iter().filter(|message| seeded.seats[message.sender].room == number);
            let last = of_room.map(|message| message.position).max().unwrap_or_default();
            let door = doors[number % doors.len()];
            let room = Room { client: &self.client, door, id, token: &reader.token, deadline };
            if !room.shows(last).await? {
                faults.push(format!("room {number} does not show position {last} after {CATCH_UP:?}"));
            }
            let head = self.heads.borrow()[number];
            let note = |number: usize, item: &Value| stored.note(number, item, self.content, board);
            let shown = room.read_back(head, up_to, note).await?;
            let seqs = shown.iter().map(|message| message.seq);
            if !seqs.rev().eq(head + 1..=head + shown.len() as u64) {
                faults.push(format!("the seqs of room {number} have a hole"));
            }
            if let Some(log) = &mut log {
                let logged = log.remove(id.as_str()).unwrap_or_default();
                unlike_log += differences(&logged[logged.partition_point(|message| message.seq <= head)..], &shown);
            }
            self.heads.borrow_mut()[number] += shown.len() as u64;
        }
        let all = || messages.iter().zip(&stored.times);
        let is_known = |message: &super::board::Message, times: usize| message.acknowledged.is_some() || times > 0;
        faults.truncate(LISTED);
        let verdict = Verdict {
            lost: all().filter(|(message, times)| message.acknowledged.is_some() && **times == 0).count(),
            doubled: all().filter(|(_, times)| **times > 1).count(),
            altered: stored.altered,
            unacknowledged: board.unanswered(),
            refused_and_stored: all().filter(|(message, times)| message.refused.is_some() && **times > 0).count(),
            undelivered: all()
                .filter(|(message, times)| is_known(message, **times) && message.delivered.len() < board.fan_out())
                .count(),
            unlike_log: log.map(|_| unlike_log),
            faults,
        };
        ensure!(
            drained || !verdict.is_clean(),
            "deliveries are outstanding and none is missing: the client is at fault"
        );
        Ok(verdict)
    }
}

/// The messages of all conversations, by seq.
async fn read_log(location: &Location) -> Result<HashMap<String, Vec<Shown>>> {
    let log = Database::connect(location, 1).await?;
    let sent = "SELECT scope, aggregate_id, scope_seq, position FROM events WHERE event_type = 'message.sent' \
                ORDER BY scope, scope_seq";
    let mut rooms: HashMap<String, Vec<Shown>> = HashMap::new();
    for row in log.fetch_all(query(sent)).await? {
        let message = Shown {
            id: row.get("aggregate_id")?,
            seq: row.unsigned("scope_seq")?,
            position: row.unsigned("position")?,
        };
        rooms.entry(row.get::<uuid::Uuid>("scope")?.to_string()).or_default().push(message);
    }
    log.close().await;
    Ok(rooms)
}

/// The number of messages that are not in both. `logged` begins with the oldest, `shown` with the newest.
fn differences(logged: &[Shown], shown: &[Shown]) -> usize {
    let shown: HashMap<_, _> = shown.iter().map(|message| (&message.id, message)).collect();
    let common = logged.iter().filter(|message| shown.get(&message.id) == Some(message)).count();
    logged.len() - common + shown.len().saturating_sub(common)
}

/// What was read back of the messages of a run.
struct Stored {
    /// The number of the first message.
    first: usize,
    times: Vec<usize>,
    altered: usize,
}

impl Stored {
    fn note(&mut self, number: usize, item: &Value, content: Content, board: &Board) {
        let Some(times) = number.checked_sub(self.first).and_then(|number| self.times.get_mut(number)) else { return };
        *times += 1;
        let changed = board.acts().change_of(number).unwrap_or_default();
        self.altered += usize::from(!is_as_expected(number, item, content, &changed));
    }
}

/// Whether a message has one of the texts, and one of the numbers of reactions, that it may have.
fn is_as_expected(number: usize, item: &Value, content: Content, changed: &Changed) -> bool {
    let Changed { revision: [acknowledged, sent], reactions: [least, most] } = *changed;
    let text = item["content"].as_str().unwrap_or_default();
    let has_text = (acknowledged..=sent.max(acknowledged)).any(|revision| content.text(number, revision) == text);
    let counts = item["reactions"].as_array().into_iter().flatten().filter_map(|reaction| reaction["count"].as_u64());
    let reactions = counts.sum::<u64>() as usize;
    has_text && (least..=most.max(least)).contains(&reactions)
}

/// A room, and the token of a reader.
struct Room<'r> {
    client: &'r Client,
    door: SocketAddr,
    id: &'r str,
    token: &'r str,
    deadline: Instant,
}

impl Room<'_> {
    /// Waits until the read models show a position. False after the deadline.
    async fn shows(&self, last: u64) -> Result<bool> {
        loop {
            let newest = self.page("?limit=1", last).await?.first().and_then(|item| item["position"].as_u64());
            if newest.unwrap_or_default() >= last {
                return Ok(true);
            }
            if Instant::now() > self.deadline {
                return Ok(false);
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Reads the messages after `head`, newest first, from read models that show the position `up_to`. Passes each that has a
    /// number to `note`.
    async fn read_back(&self, head: u64, up_to: u64, mut note: impl FnMut(usize, &Value)) -> Result<Vec<Shown>> {
        let mut shown = Vec::new();
        let mut which = "?limit=200".to_owned();
        loop {
            let items = self.page(&which, up_to).await?;
            let count = shown.len();
            for item in &items {
                let (Some(id), Some(seq), Some(position)) =
                    (item["id"].as_str(), item["seq"].as_u64(), item["position"].as_u64())
                else {
                    bail!("a message without id, seq or position: {item}");
                };
                if seq <= head {
                    return Ok(shown);
                }
                let number = item["content"].as_str().and_then(|content| content.get(1..MARK)?.parse().ok());
                if let Some(number) = number {
                    note(number, item);
                }
                shown.push(Shown { id: id.to_owned(), seq, position });
                which = format!("?limit=200&before={seq}");
            }
            if shown.len() == count {
                return Ok(shown);
            }
        }
    }

    /// Reads a page of the history. Temporary refusals are tried again until the deadline.
    async fn page(&self, which: &str, position: u64) -> Result<Vec<Value>> {
        let url = format!("http://{}/conversations/{}/messages{which}", self.door, self.id);
        let answer = loop {
            let request = self.client.get(&url).bearer_auth(self.token).header("X-ChatChit-Position", position);
            match request.send().await {
                Ok(answer) if answer.status() != StatusCode::SERVICE_UNAVAILABLE => break answer.error_for_status()?,
                Err(error) if Instant::now() > self.deadline => return Err(error.into()),
                Ok(answer) if Instant::now() > self.deadline => break answer.error_for_status()?,
                _ => tokio::time::sleep(Duration::from_millis(200)).await,
            }
        };
        let mut page: Value = serde_json::from_slice(&answer.bytes().await?)?;
        match page["items"].take() {
            Value::Array(items) => Ok(items),
            _ => bail!("a page without items"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Changed, Content, Shown, Verdict, differences, is_as_expected};
    use serde_json::json;

    #[test]
    fn what_only_one_side_has_or_shows_otherwise_is_a_difference() {
        let shown = |seq: u64, position| Shown { id: format!("m{seq}"), seq, position };
        let log = [shown(1, 10), shown(2, 11), shown(3, 14)];
        assert_eq!(differences(&log, &[shown(3, 14), shown(2, 11), shown(1, 10)]), 0);
        assert_eq!(differences(&log, &[shown(3, 14), shown(1, 10)]), 1);
        assert_eq!(differences(&log, &[shown(4, 15), shown(3, 14), shown(2, 12), shown(1, 10)]), 3);
    }

    #[test]
    fn one_finding_is_enough() {
        assert!(Verdict { unlike_log: Some(0), ..Verdict::default() }.is_clean());
        assert!(!Verdict { unlike_log: Some(1), ..Verdict::default() }.is_clean());
        assert!(!Verdict { faults: vec!["worker-1 ended by itself".to_owned()], ..Verdict::default() }.is_clean());
    }

    #[test]
    fn a_message_reads_as_it_was_sent_or_as_its_edits_and_reactions_made_it() {
        let content = Content::words(60);
        let reads = |revision: u32, count: u64, changed: Changed| {
            let item = json!({"content": content.text(7, revision), "reactions": [{"emoji": "x", "count": count}]});
            is_as_expected(7, &item, content, &changed)
        };
        assert!(reads(0, 0, Changed::default()));
        assert!(!reads(1, 0, Changed::default()) && !reads(0, 1, Changed::default()));
        let changed = Changed { revision: [1, 2], reactions: [1, 2] };
        assert!(reads(1, 1, changed) && reads(2, 2, changed));
        assert!(!reads(0, 1, changed) && !reads(1, 0, changed) && !reads(2, 3, changed));
    }
}
