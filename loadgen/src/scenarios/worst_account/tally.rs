//! The results of an account's acts.

use crate::{
    frames::{OK, REPLY, beginning},
    stats::Quantiles,
};
use memchr::memmem::find;
use reqwest::Response;
use serde::Serialize;
use std::{
    cell::RefCell,
    collections::BTreeMap,
    time::{Duration, Instant},
};

pub(super) struct Tally {
    name: &'static str,
    done: RefCell<Vec<Duration>>,
    others: RefCell<BTreeMap<String, usize>>,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Acts {
    pub(super) name: &'static str,
    /// Times of the successful ones.
    pub(super) done: Quantiles,
    /// The number of the others, by result.
    pub(super) others: BTreeMap<String, usize>,
}

impl Tally {
    pub(super) fn of(name: &'static str) -> Self {
        Self { name, done: RefCell::default(), others: RefCell::default() }
    }

    /// Notes an answer after it was read to its end.
    pub(super) async fn take(&self, begun: Instant, answer: reqwest::Result<Response>) {
        let Ok(mut answer) = answer else { return self.ended("no answer") };
        let status = answer.status();
        loop {
            match answer.chunk().await {
                Ok(Some(_)) => (),
                Ok(None) if status.is_success() => return self.done.borrow_mut().push(begun.elapsed()),
                Ok(None) => return self.ended(status.as_str()),
                Err(_) => return self.ended("no whole answer"),
            }
        }
    }

    /// Notes a reply on a socket.
    pub(super) fn frame(&self, frame: &[u8]) {
        if find(frame, REPLY).is_some() {
            match find(frame, OK) {
                Some(_) => self.done.borrow_mut().push(Duration::ZERO),
                None => self.ended(code(frame).as_deref().unwrap_or("refused")),
            }
        }
    }

    /// Notes an act that failed.
    pub(super) fn ended(&self, why: &str) {
        *self.others.borrow_mut().entry(why.to_owned()).or_default() += 1;
    }

    pub(super) fn sum(self) -> Acts {
        Acts { name: self.name, done: Quantiles::of(self.done.take()), others: self.others.take() }
    }
}

fn code(frame: &[u8]) -> Option<String> {
    let frame: serde_json::Value = serde_json::from_slice(frame).ok()?;
    let code = frame["error"]["code"].as_str().map(str::to_owned);
    code.or_else(|| Some(beginning(frame.to_string().as_bytes())))
}
