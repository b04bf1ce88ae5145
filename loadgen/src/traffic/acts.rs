//! What people do beside posting messages, as clients saw it: edits, reactions, read markers, requests and the like.

use crate::stats::{Latencies, Quantiles};
use serde::Serialize;
use std::{
    collections::{BTreeMap, HashMap},
    time::Instant,
};

/// A command that a member is to send.
#[derive(Clone, Debug)]
pub(crate) struct Act {
    pub(crate) name: &'static str,
    /// Its latency counts from here.
    pub(crate) due: Instant,
    pub(crate) cmd: &'static str,
    /// JSON.
    pub(crate) data: String,
    pub(crate) change: Change,
}

/// What a command changes of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    Nothing,
    /// The message's text becomes that of the revision.
    Text {
        number: usize,
        revision: u32,
    },
    /// The message has one reaction more.
    Reaction {
        number: usize,
    },
}

/// The changes of a message: those that were acknowledged, and those that were sent. What is read back lies between.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Changed {
    /// The last revisions.
    pub(crate) revision: [u32; 2],
    /// The numbers of reactions.
    pub(crate) reactions: [usize; 2],
}

#[derive(Default)]
pub(crate) struct Acts {
    kinds: BTreeMap<&'static str, Kind>,
    /// Sent and not answered.
    open: HashMap<usize, Open>,
    sent: usize,
    changed: HashMap<usize, Changed>,
    /// What was due earlier is not counted.
    since: Option<Instant>,
    faults: Vec<String>,
}

struct Open {
    name: &'static str,
    due: Instant,
    change: Change,
}

#[derive(Default)]
struct Kind {
    offered: usize,
    done: Latencies,
    refused: BTreeMap<String, usize>,
    unanswered: usize,
    held_back: usize,
}

/// The figures of one kind.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Done {
    pub(crate) name: &'static str,
    pub(crate) offered: usize,
    /// From when it was due to its answer, of those that were carried out.
    pub(crate) latency: Quantiles,
    /// By code.
    pub(crate) refused: BTreeMap<String, usize>,
    /// Sent on a socket that ended before the answer.
    pub(crate) unanswered: usize,
    /// Not sent: there was nothing to do it to, or no socket.
    pub(crate) held_back: usize,
}

impl Acts {
    /// Counts what is due from now on, and forgets what was counted before.
    pub(crate) fn measure(&mut self, now: Instant) {
        self.kinds.clear();
        self.since = Some(now);
    }

    /// Notes a command that is sent. Returns its number.
    pub(crate) fn send(&mut self, act: &Act) -> usize {
        let Act { name, due, change, .. } = *act;
        self.count(name, due, |kind| kind.offered += 1);
        match change {
            Change::Nothing => (),
            Change::Text { number, revision } => self.changed(number).revision[1] = revision,
            Change::Reaction { number } => self.changed(number).reactions[1] += 1,
        }
        self.sent += 1;
        self.open.insert(self.sent, Open { name, due, change });
        self.sent
    }

    /// Notes the answer to a command: `refusal` is its code.
    pub(crate) fn answer(&mut self, sent: usize, refusal: Option<&str>, now: Instant) {
        let Some(Open { name, due, change }) = self.open.remove(&sent) else {
            return self.fault(format!("command {sent} was answered, and not waited for"));
        };
        self.answered(name, due, refusal, now);
        match change {
            Change::Text { number, revision } if refusal.is_none() => {
                let acknowledged = &mut self.changed(number).revision[0];
                *acknowledged = revision.max(*acknowledged);
            }
            Change::Reaction { number } if refusal.is_none() => self.changed(number).reactions[0] += 1,
            _ => (),
        }
    }

    /// Notes the end of a socket with commands that were not answered.
    pub(crate) fn lose(&mut self, sent: impl IntoIterator<Item = usize>) {
        for sent in sent {
            if let Some(Open { name, due, .. }) = self.open.remove(&sent) {
                self.count(name, due, |kind| kind.unanswered += 1);
            }
        }
    }

    pub(crate) fn hold_back(&mut self, name: &'static str, due: Instant) {
        self.count(name, due, |kind| kind.held_back += 1);
    }

    /// Notes a request and its answer.
    pub(crate) fn request(&mut self, name: &'static str, due: Instant, refusal: Option<&str>, now: Instant) {
        self.count(name, due, |kind| kind.offered += 1);
        self.answered(name, due, refusal, now);
    }

    /// All commands are answered.
    pub(crate) fn is_settled(&self) -> bool {
        self.open.is_empty()
    }

    /// What happened to a message, to note more of it.
    pub(crate) fn changed(&mut self, number: usize) -> &mut Changed {
        self.changed.entry(number).or_default()
    }

    pub(crate) fn has_changes(&self) -> bool {
        !self.changed.is_empty()
    }

    /// What happened to a message; `None` if it is as it was sent.
    pub(crate) fn change_of(&self, number: usize) -> Option<Changed> {
        self.changed.get(&number).copied()
    }

    pub(crate) fn fault(&mut self, fault: String) {
        self.faults.push(fault);
    }

    pub(crate) fn faults(&self) -> &[String] {
        &self.faults
    }

    pub(crate) fn figures(&self) -> Vec<Done> {
        let done = |(name, kind): (&&'static str, &Kind)| Done {
            name,
            offered: kind.offered,
            latency: kind.done.quantiles(),
            refused: kind.refused.clone(),
            unanswered: kind.unanswered,
            held_back: kind.held_back,
        };
        self.kinds.iter().map(done).collect()
    }

    fn answered(&mut self, name: &'static str, due: Instant, refusal: Option<&str>, now: Instant) {
        self.count(name, due, |kind| match refusal {
            None => kind.done.record(now - due),
            Some(code) => *kind.refused.entry(code.to_owned()).or_default() += 1,
        });
    }

    fn count(&mut self, name: &'static str, due: Instant, change: impl FnOnce(&mut Kind)) {
        if self.since.is_none_or(|since| due >= since) {
            change(self.kinds.entry(name).or_default());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Act, Acts, Change, Changed};
    use std::time::{Duration, Instant};

    #[test]
    fn what_was_acknowledged_and_what_was_sent_bound_what_may_be_read() {
        let (mut acts, due) = (Acts::default(), Instant::now());
        let act = |change| Act { name: "x", due, cmd: "x", data: String::new(), change };
        let edits = [1, 2].map(|revision| acts.send(&act(Change::Text { number: 7, revision })));
        let reactions = [(); 2].map(|()| acts.send(&act(Change::Reaction { number: 7 })));
        let now = due + Duration::from_millis(3);
        acts.answer(edits[0], None, now);
        acts.answer(edits[1], Some("unavailable"), now);
        acts.answer(reactions[0], None, now);
        acts.lose([reactions[1]]);
        assert_eq!(acts.change_of(7), Some(Changed { revision: [1, 2], reactions: [1, 2] }));
        let figures = acts.figures();
        let [done] = &figures[..] else { panic!("one kind") };
        assert_eq!((done.offered, done.latency.count, done.refused["unavailable"], done.unanswered), (4, 2, 1, 1));
        assert!(acts.is_settled() && acts.faults().is_empty());
    }

    #[test]
    fn what_was_due_before_the_measurement_is_not_counted() {
        let (mut acts, begun) = (Acts::default(), Instant::now());
        let later = begun + Duration::from_secs(1);
        acts.request("history", begun, None, later);
        acts.measure(later);
        acts.request("history", begun, None, later);
        acts.request("history", later, Some("unavailable"), later);
        let figures = acts.figures();
        assert_eq!((figures.len(), figures[0].offered, figures[0].latency.count), (1, 1, 0));
    }
}
