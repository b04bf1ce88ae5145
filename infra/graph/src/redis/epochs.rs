//! Epochs and relations in Redis.

use super::{
    Redis, parse,
    script::{APPLY, BEGIN, Call, PUBLISH, RAISE},
    strange,
};
use crate::{
    Change, GraphError, Marks, Position,
    end::{End, Seen},
};
use domain::{Lane, Partition, Tier, Timestamp};
use redis::{Cmd, Pipeline, Value};
use std::{
    collections::{BTreeMap, HashMap},
    sync::atomic::Ordering::Relaxed,
};
use uuid::Uuid;

/// The most changes of one script: other commands wait meanwhile.
const CHANGES: usize = 1_000;
/// Keys scanned in one step of a sweep.
const STEP: usize = 1_000;
/// Ends read in one round trip.
const ENDS: usize = 512;
/// The version of an epoch's contents. With another number, readers and feeders see no epoch, and a feeder fills a new one.
/// 2: with blockers.
const SHAPE: u8 = 2;
/// Attempts of a read while epochs change.
const TRIES: usize = 3;
/// The mark over all lanes.
const SETTLED: &str = "settled";

impl Redis {
    pub(crate) async fn begin(&self, now: Timestamp) -> Result<u64, GraphError> {
        let arguments = vec![now.millis().max(1).to_string().into()];
        let epoch = self.link.run(Call { script: &BEGIN, keys: vec![self.keys.meta()], arguments }).await?;
        number(&parse::<String>(epoch)?)
    }

    pub(crate) async fn publish(&self, epoch: u64) -> Result<bool, GraphError> {
        let arguments = vec![epoch.to_string().into(), self.log_and_shape().into()];
        parse(self.link.run(Call { script: &PUBLISH, keys: vec![self.keys.meta()], arguments }).await?)
    }

    /// The published epoch; `None` when there is none, or it is of another log.
    pub(crate) async fn published(&self) -> Result<Option<u64>, GraphError> {
        self.epoch_in(self.link.ask_one(self.ask_for_epoch()).await?)
    }

    fn log_and_shape(&self) -> String {
        format!("{}/{SHAPE}", self.log)
    }

    fn ask_for_epoch(&self) -> Cmd {
        let mut command = redis::cmd("HMGET");
        command.arg(self.keys.meta()).arg("epoch").arg("log");
        command
    }

    fn epoch_in(&self, meta: Value) -> Result<Option<u64>, GraphError> {
        let (epoch, log): (Option<String>, Option<String>) = parse(meta)?;
        let is_ours = log.is_some_and(|log| log == self.log_and_shape());
        epoch.filter(|_| is_ours).map(|epoch| number(&epoch)).transpose()
    }

    pub(crate) async fn apply_all(&self, epoch: u64, changes: &[(Position, Change)]) -> Result<(), GraphError> {
        let mut ends: HashMap<End, Vec<Vec<u8>>> = HashMap::new();
        for (position, change) in changes {
            for (end, other) in change.ends() {
                let holds = if change.holds { "1" } else { "0" };
                ends.entry(end).or_default().extend([
                    other.as_bytes().to_vec(),
                    position.to_string().into(),
                    holds.into(),
                ]);
            }
        }
        let calls: Vec<_> = ends
            .iter()
            .flat_map(|(end, arguments)| arguments.chunks(3 * CHANGES).map(|some| (*end, some)))
            .map(|(end, arguments)| Call {
                script: &APPLY,
                keys: self.keys.end(epoch, end).into(),
                arguments: arguments.to_vec(),
            })
            .collect();
        self.link.run_all(&calls).await?;
        self.note_ended(epoch, changes);
        Ok(())
    }

    pub(crate) async fn save_marks(&self, epoch: u64, marks: &Marks) -> Result<(), GraphError> {
        let lanes = marks.lanes.iter().map(|(lane, position)| (name(*lane), *position));
        let marks = lanes.chain([(SETTLED.to_owned(), marks.settled)]);
        let arguments = marks.flat_map(|(name, position)| [name.into(), position.to_string().into()]).collect();
        self.link.run(Call { script: &RAISE, keys: vec![self.keys.marks(epoch)], arguments }).await?;
        Ok(())
    }

    pub(crate) async fn marks(&self, epoch: u64) -> Result<Marks, GraphError> {
        let answer = self.link.ask_one(Cmd::hgetall(self.keys.marks(epoch))).await?;
        let mut marks = Marks::default();
        for (name, position) in parse::<BTreeMap<String, Position>>(answer)? {
            if name == SETTLED {
                marks.settled = position;
            } else {
                marks.lanes.insert(lane(&name).ok_or_else(|| strange(&name))?, position);
            }
        }
        Ok(marks)
    }

    /// Reads one end of the published epoch.
    pub(crate) async fn read(&self, end: End) -> Result<Seen, GraphError> {
        self.read_all(&[end]).await?.pop().ok_or(GraphError::Rebuilding)
    }

    /// Reads many ends of the published epoch.
    pub(crate) async fn read_all(&self, ends: &[End]) -> Result<Vec<Seen>, GraphError> {
        let mut all = Vec::with_capacity(ends.len());
        for ends in ends.chunks(ENDS) {
            let (settled, answers) = self.ask_ends("HKEYS", ends).await?;
            for answer in answers {
                let others = parse::<Vec<[u8; 16]>>(answer)?.into_iter().map(Uuid::from_bytes).collect();
                all.push(Seen { settled, others });
            }
        }
        Ok(all)
    }

    /// The sizes of many ends, and the position up to which they are complete.
    pub(crate) async fn sizes(&self, ends: &[End]) -> Result<(Position, Vec<u64>), GraphError> {
        let (mut settled, mut sizes) = (Position::MAX, Vec::with_capacity(ends.len()));
        for ends in ends.chunks(ENDS) {
            let (known, answers) = self.ask_ends("HLEN", ends).await?;
            settled = settled.min(known);
            sizes.extend(answers.into_iter().map(parse::<u64>).collect::<Result<Vec<_>, _>>()?);
        }
        Ok((settled, sizes))
    }

    /// Runs the same command on some ends of the published epoch, in one round trip while that is the epoch of the last read.
    /// The epoch is read *after* the relations, so that it was published and complete when they were read; the mark before
    /// them, so that they include all changes up to it.
    async fn ask_ends(&self, what: &'static str, ends: &[End]) -> Result<(Position, Vec<Value>), GraphError> {
        let mut epoch = match self.epoch.load(Relaxed) {
            0 => self.published().await?,
            epoch => Some(epoch),
        };
        for _ in 0..TRIES {
            let Some(known) = epoch else { break };
            let mut pipeline = Pipeline::with_capacity(ends.len() + 2);
            pipeline.cmd("HGET").arg(self.keys.marks(known)).arg(SETTLED);
            for end in ends {
                let [holding, _] = self.keys.end(known, *end);
                pipeline.cmd(what).arg(holding);
            }
            pipeline.add_command(self.ask_for_epoch());
            let mut answers = self.link.ask(pipeline).await?;
            if answers.len() != ends.len() + 2 {
                return Err(strange(&answers.len()));
            }
            epoch = self.epoch_in(answers.pop().unwrap_or(Value::Nil))?;
            self.epoch.store(epoch.unwrap_or(0), Relaxed);
            if epoch == Some(known) {
                let settled = parse::<Option<_>>(answers.remove(0))?.unwrap_or_default();
                return Ok((settled, answers));
            }
        }
        Err(GraphError::Rebuilding)
    }

    /// Unlinks the keys of epochs before the published one. Keys with an expiry would have to be touched again and again.
    pub(crate) async fn sweep(&self) -> Result<u64, GraphError> {
        let Some(current) = self.published().await? else { return Ok(0) };
        let mut swept = 0;
        let mut cursor = String::from("0");
        loop {
            let mut scan = redis::cmd("SCAN");
            scan.arg(&cursor).arg("MATCH").arg(self.keys.of_epochs()).arg("COUNT").arg(STEP);
            let (next, keys): (String, Vec<Vec<u8>>) = parse(self.link.ask_one(scan).await?)?;
            let is_old = |key: &Vec<u8>| self.keys.epoch_of(key).is_some_and(|epoch| epoch < current);
            let mut pipeline = Pipeline::new();
            // One command each: they are in different slots.
            keys.iter().filter(|key| is_old(key)).for_each(|key| {
                pipeline.cmd("UNLINK").arg(key);
            });
            if !pipeline.is_empty() {
                swept += pipeline.len() as u64;
                self.link.ask(pipeline).await?;
            }
            cursor = next;
            if cursor == "0" {
                return Ok(swept);
            }
        }
    }
}

fn number(text: &str) -> Result<u64, GraphError> {
    text.parse().map_err(|_| strange(&text))
}

/// A lane's mark: `high.3`.
fn name(lane: Lane) -> String {
    format!("{}.{}", lane.tier.as_str(), lane.partition.0)
}

fn lane(name: &str) -> Option<Lane> {
    let (tier, partition) = name.split_once('.')?;
    let tier = Tier::DURABLE.into_iter().find(|known| known.as_str() == tier)?;
    Some(Lane { tier, partition: Partition(partition.parse().ok()?) })
}
