//! Leases in Redis, in [`PARTS`] by user. The leases of a part share a slot with an index by their ends, so that
//! [`Graph::expire`](crate::Graph::expire) does not check every user.

use super::{
    Redis,
    keys::{PARTS, part_of},
    parse,
    script::{Call, EXPIRE, LEASE, RELEASE},
    strange,
};
use crate::{GraphError, leases::Name};
use domain::{SessionId, UserId};
use redis::{Pipeline, Value};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};
use uuid::Uuid;

/// How long a part's keys outlive the last renewal of a lease in it, if no process drops expired leases: far longer than any
/// lease.
const KEPT_MILLIS: u64 = 3_600_000;
/// The most users of one script.
const USERS: usize = 500;
/// The longest lease, in milliseconds: its end is exact in Lua's numbers, and has 16 digits.
const LONGEST: u128 = 1 << 52;

impl Redis {
    pub(crate) async fn renew(
        &self,
        sessions: &[(UserId, SessionId)],
        node: Uuid,
        lasts: Duration,
    ) -> Result<(), GraphError> {
        let lasts = lasts.as_millis().min(LONGEST).to_string();
        let head = [KEPT_MILLIS.to_string().into(), node.as_bytes().to_vec(), lasts.into()];
        let calls: Vec<_> = cut(sessions)
            .map(|(part, arguments)| {
                let arguments = head.iter().cloned().chain(arguments).collect();
                Call { script: &LEASE, keys: self.keys.leases(part).into(), arguments }
            })
            .collect();
        self.link.run_all(&calls).await?;
        Ok(())
    }

    pub(crate) async fn release(&self, sessions: &[(UserId, SessionId)], node: Uuid) -> Result<(), GraphError> {
        let calls: Vec<_> = cut(sessions)
            .map(|(part, arguments)| {
                let arguments = [node.as_bytes().to_vec()].into_iter().chain(arguments).collect();
                Call { script: &RELEASE, keys: self.keys.leases(part).into(), arguments }
            })
            .collect();
        self.link.run_all(&calls).await?;
        Ok(())
    }

    /// The unexpired leases by the clock of Redis; users without one are left out.
    pub(crate) async fn held(&self, users: &[UserId]) -> Result<BTreeMap<UserId, BTreeSet<Name>>, GraphError> {
        let mut parts: BTreeMap<u8, Vec<UserId>> = BTreeMap::new();
        for user in users {
            parts.entry(part_of(*user)).or_default().push(*user);
        }
        let mut pipeline = Pipeline::with_capacity(parts.len() + 1);
        for (part, users) in &parts {
            let [leases, _] = self.keys.leases(*part);
            let fetch = pipeline.cmd("HMGET").arg(leases);
            users.iter().for_each(|user| {
                fetch.arg(user.0.as_bytes());
            });
        }
        if pipeline.is_empty() {
            return Ok(BTreeMap::new());
        }
        pipeline.cmd("TIME");
        let mut answers = self.link.ask(pipeline).await?;
        let (seconds, micros) = parse::<(i64, i64)>(answers.pop().unwrap_or(Value::Nil))?;
        let now = seconds * 1_000 + micros / 1_000;
        let mut held = BTreeMap::new();
        for (users, answer) in parts.values().zip(answers) {
            for (user, leases) in users.iter().zip(parse::<Vec<Option<Vec<u8>>>>(answer)?) {
                let leases = holding(&leases.unwrap_or_default(), now)?;
                if !leases.is_empty() {
                    held.insert(*user, leases);
                }
            }
        }
        Ok(held)
    }

    /// The number of users with leases, including expired ones that were not dropped yet.
    pub(crate) async fn count_held(&self) -> Result<u64, GraphError> {
        let mut pipeline = Pipeline::with_capacity(usize::from(PARTS));
        for part in 0..PARTS {
            let [leases, _] = self.keys.leases(part);
            pipeline.cmd("HLEN").arg(leases);
        }
        self.link.ask(pipeline).await?.into_iter().map(parse::<u64>).sum()
    }

    pub(crate) async fn expire(&self) -> Result<BTreeSet<UserId>, GraphError> {
        let mut gone = BTreeSet::new();
        let mut parts: Vec<u8> = (0..PARTS).collect();
        while !parts.is_empty() {
            let arguments: Vec<Vec<u8>> = vec![USERS.to_string().into()];
            let call = |part: &u8| Call {
                script: &EXPIRE,
                keys: self.keys.leases(*part).into(),
                arguments: arguments.clone(),
            };
            let answers = self.link.run_all(&parts.iter().map(call).collect::<Vec<_>>()).await?;
            let mut unfinished = Vec::new();
            for (part, answer) in parts.into_iter().zip(answers) {
                let mut answer = parse::<Vec<Value>>(answer)?.into_iter();
                if parse::<usize>(answer.next().unwrap_or(Value::Nil))? == USERS {
                    unfinished.push(part);
                }
                for user in answer {
                    gone.insert(UserId(Uuid::from_bytes(parse(user)?)));
                }
            }
            parts = unfinished;
        }
        Ok(gone)
    }
}

/// The sessions by part, as arguments of a script.
fn cut(sessions: &[(UserId, SessionId)]) -> impl Iterator<Item = (u8, Vec<Vec<u8>>)> {
    let mut parts: BTreeMap<u8, Vec<Vec<u8>>> = BTreeMap::new();
    for (user, session) in sessions {
        let arguments = parts.entry(part_of(*user)).or_default();
        arguments.extend([user.0.as_bytes().to_vec(), session.0.as_bytes().to_vec()]);
    }
    parts.into_iter().flat_map(|(part, arguments)| {
        let chunks: Vec<_> = arguments.chunks(2 * USERS).map(<[_]>::to_vec).collect();
        chunks.into_iter().map(move |arguments| (part, arguments))
    })
}

/// Decodes a user's unexpired leases. The scripts write 48 bytes each: session, process, end in 16 digits.
fn holding(mut leases: &[u8], now: i64) -> Result<BTreeSet<Name>, GraphError> {
    let mut holding = BTreeSet::new();
    while let Some((lease, rest)) = leases.split_first_chunk::<48>() {
        let id = |at: usize| Uuid::from_slice(&lease[at..at + 16]).map_err(|error| strange(&error));
        let until = std::str::from_utf8(&lease[32..]).ok().and_then(|until| until.parse::<i64>().ok());
        let until = until.ok_or_else(|| strange(&"a lease without an end"))?;
        if until > now {
            holding.insert((SessionId(id(0)?), id(16)?));
        }
        leases = rest;
    }
    Ok(holding)
}
