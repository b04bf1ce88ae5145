//! People who do one thing after the other, at an even rate, without waiting for answers.

use super::{
    calls::Calls,
    mix::{Deed, Mix},
    requests::{Request, Requests},
};
use crate::{
    random::Random,
    text::{self, Content},
    traffic::{
        Posting,
        acts::{Act, Change},
        board::Turn,
        pacer,
        seed::{Seat, Seeded},
    },
};
use futures_util::{StreamExt, future::LocalBoxFuture, stream::FuturesUnordered};
use reqwest::{Method, RequestBuilder, multipart};
use std::{
    cell::{Cell, RefCell},
    collections::HashMap,
    time::Instant,
};
use uuid::Uuid;

/// The last so many messages are edited and reacted to.
const RECENT: usize = 300;
/// A position in a conversation beyond all messages.
const ALL: u64 = 4_000_000_000;
const FILE: usize = 20_000;

/// Requests that are not answered.
pub(super) type UnderWay<'d> = FuturesUnordered<LocalBoxFuture<'d, ()>>;

pub(super) struct Day<'s> {
    posting: &'s Posting,
    seeded: &'s Seeded,
    room: usize,
    content: Content,
    mix: &'s Mix,
    requests: &'s Requests<'s>,
    calls: &'s Calls<'s>,
    random: RefCell<Random>,
    /// The last revision and the number of reactions of each message that has any, also of those that are not sent yet.
    changed: RefCell<HashMap<usize, (u32, usize)>>,
    is_busy: Cell<bool>,
}

struct Recent {
    number: usize,
    sender: usize,
    id: Uuid,
}

impl<'s> Day<'s> {
    pub(super) fn new(
        posting: &'s Posting,
        seeded: &'s Seeded,
        room: usize,
        (content, mix): (Content, &'s Mix),
        requests: &'s Requests<'s>,
        calls: &'s Calls<'s>,
    ) -> Self {
        let random = RefCell::new(Random::new(content.seed()));
        let (changed, is_busy) = (RefCell::default(), Cell::new(false));
        Self { posting, seeded, room, content, mix, requests, calls, random, changed, is_busy }
    }

    /// Does so many things a second. Requests that are not answered in the end stay in `under_way`.
    pub(super) async fn live<'d>(&'d self, rate: f64, seconds: u64, under_way: &mut UnderWay<'d>) {
        let mut moments = pacer::moments(rate, pacer::count(rate, seconds));
        loop {
            tokio::select! {
                moment = moments.recv() => match moment {
                    Some(due) => {
                        if let Some(request) = self.begin(due) {
                            under_way.push(request);
                        }
                    }
                    None => return,
                },
                Some(()) = under_way.next() => {}
            }
        }
    }

    /// Begins the next thing. Returns what is left to do.
    fn begin(&self, due: Instant) -> Option<LocalBoxFuture<'_, ()>> {
        let deed = self.mix.draw(&mut self.random.borrow_mut());
        let user = self.below(self.seeded.seats.len());
        let seat = &self.seeded.seats[user];
        let room = &self.seeded.rooms[seat.room];
        let in_room = || format!(r#"{{"conversationId":"{room}"}}"#);
        match deed {
            Deed::Send => self.posting.board().turn(user, Turn::Send(due)),
            Deed::Edit => self.edit(due),
            Deed::React => self.react(due),
            Deed::Read => {
                let data = format!(r#"{{"conversationId":"{room}","upTo":{ALL}}}"#);
                self.command(user, Act { name: "read", due, cmd: "message.read", data, change: Change::Nothing });
            }
            Deed::Type => {
                let act = Act { name: "typing", due, cmd: "typing.start", data: in_room(), change: Change::Nothing };
                self.command(user, act);
            }
            Deed::SetPresence => {
                let status = if self.is_busy.replace(!self.is_busy.get()) { "online" } else { "busy" };
                let data = format!(r#"{{"status":"{status}"}}"#);
                self.command(user, Act { name: "presence", due, cmd: "presence.set", data, change: Change::Nothing });
            }
            Deed::ReadHistory => {
                let path = format!("/conversations/{room}/messages?limit=50");
                return Some(self.request("history", due, path, seat, |request| request));
            }
            Deed::Search => {
                let word = text::searched(&mut self.random.borrow_mut());
                let asks = move |request: RequestBuilder| request.query(&[("q", word), ("limit", "20")]);
                return Some(self.request("search", due, "/messages/search".to_owned(), seat, asks));
            }
            Deed::ShareFile => return Some(Box::pin(self.share_file(due, seat))),
            Deed::Call => return Some(Box::pin(self.calls.call(due, self.requests, self.posting.board()))),
        }
        None
    }

    fn request<'d>(
        &'d self,
        name: &'static str,
        due: Instant,
        path: String,
        seat: &'d Seat,
        complete: impl FnOnce(RequestBuilder) -> RequestBuilder + 'd,
    ) -> LocalBoxFuture<'d, ()> {
        let request = Request { name, due, method: Method::GET, path, token: &seat.token };
        Box::pin(async move {
            self.requests.send(request, complete).await;
        })
    }

    /// Uploads a file, and fetches it.
    async fn share_file(&self, due: Instant, seat: &Seat) {
        let part = multipart::Part::bytes(vec![b'x'; FILE]).file_name("notes.txt");
        let form = multipart::Form::new().part("file", part);
        let upload =
            Request { name: "upload", due, method: Method::POST, path: "/files".to_owned(), token: &seat.token };
        let stored = self.requests.send(upload, |request| request.multipart(form)).await;
        let Some(path) = stored.and_then(|file| Some(file["fileUrl"].as_str()?.to_owned())) else { return };
        self.request("download", Instant::now(), path, seat, |request| request).await;
    }

    fn edit(&self, due: Instant) {
        let Some(Recent { number, sender, id }) = self.recent() else { return self.hold_back("edit", due) };
        let revision = {
            let mut changed = self.changed.borrow_mut();
            let (revision, _) = changed.entry(number).or_default();
            *revision += 1;
            *revision
        };
        let text = self.content.text(number, revision);
        let data = format!(r#"{{"messageId":"{id}","content":"{text}"}}"#);
        let change = Change::Text { number, revision };
        self.command(sender, Act { name: "edit", due, cmd: "message.edit", data, change });
    }

    /// Each member of a room reacts at most once to a message.
    fn react(&self, due: Instant) {
        let Some(Recent { number, sender, id }) = self.recent() else { return self.hold_back("reaction", due) };
        let reacted = {
            let mut changed = self.changed.borrow_mut();
            let (_, reactions) = changed.entry(number).or_default();
            *reactions += 1;
            *reactions - 1
        };
        if reacted >= self.room {
            return self.hold_back("reaction", due);
        }
        let data = format!(r#"{{"messageId":"{id}","emoji":"👍"}}"#);
        let member = sender / self.room * self.room + reacted;
        let change = Change::Reaction { number };
        self.command(member, Act { name: "reaction", due, cmd: "message.react", data, change });
    }

    /// One of the last messages, if it is acknowledged.
    fn recent(&self) -> Option<Recent> {
        let board = self.posting.board();
        let messages = board.messages();
        let place = messages.len().checked_sub(1 + self.below(RECENT.min(messages.len()).max(1)))?;
        let message = messages.get(place).filter(|message| message.acknowledged.is_some())?;
        Some(Recent { number: board.first() + place, sender: message.sender, id: message.id? })
    }

    fn command(&self, user: usize, act: Act) {
        self.posting.board().turn(user, Turn::Act(act));
    }

    fn hold_back(&self, name: &'static str, due: Instant) {
        self.posting.board().acts().hold_back(name, due);
    }

    fn below(&self, end: usize) -> usize {
        self.random.borrow_mut().below(end as u64) as usize
    }
}
