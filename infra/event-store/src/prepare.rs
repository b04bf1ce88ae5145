//! Prepares an append in its caller's task: checks, seals, serialises and digests it, so that the writer only numbers and
//! stores.

use crate::{
    Append, AppendError, Claim, CommandKey, Guard, NewEvent, OpenError, Record, Retention, Secret,
    keyring::{DataKey, Keyring},
    seal::{Fault, seal},
};
use domain::{AudienceChange, Event, Lane, Partition, Timestamp};
use sql::Database;
use std::collections::HashMap;
use uuid::Uuid;

/// A prepared command.
#[derive(Debug)]
pub(crate) struct Prepared {
    pub(crate) key: CommandKey,
    pub(crate) request_hash: [u8; 32],
    pub(crate) forever: bool,
    pub(crate) accepted_at: Timestamp,
    /// The caller's guards and, for each stream written, the version its first event follows.
    pub(crate) guards: Vec<Guard>,
    /// The number of `guards` for written streams; they come first.
    pub(crate) written: usize,
    pub(crate) claims: Vec<Claim>,
    pub(crate) data_keys: Vec<(Uuid, Vec<u8>)>,
    /// The other secrets.
    pub(crate) secrets: Vec<Secret>,
    /// The people whose values the events contain, except those whose data key this command creates.
    pub(crate) sealed_for: Vec<Uuid>,
    pub(crate) events: Vec<PreparedEvent>,
}

/// A prepared event.
#[derive(Clone, Debug)]
pub(crate) struct PreparedEvent {
    /// Complete except for position, scope_seq and digest.
    pub(crate) record: Record,
    pub(crate) event: Event,
    pub(crate) content: [u8; 32],
    pub(crate) counts: bool,
    /// Its recipients, and their change of the audience: 1 join, -1 leave, 0 none.
    pub(crate) inbox: Vec<(Uuid, i16)>,
}

/// The environment of a preparation.
pub(crate) struct Preparation<'s> {
    pub(crate) database: &'s Database,
    pub(crate) keyring: &'s Keyring,
    pub(crate) partitions: u16,
    pub(crate) now: Timestamp,
}

impl Preparation<'_> {
    /// Prepares an append; also returns the data keys it creates.
    pub(crate) async fn prepare(&self, append: &Append) -> Result<(Prepared, HashMap<Uuid, DataKey>), AppendError> {
        if [&append.key.owner, &append.key.key].into_iter().any(|text| text.contains('\0')) {
            return Err(AppendError::Broken("an idempotency key cannot contain a zero byte".to_owned()));
        }
        let mut guards = written(&append.events)?;
        let written = guards.len();
        guards.extend_from_slice(&append.guards);
        let (fresh, data_keys) = self.data_keys(&append.secrets).await?;
        let mut events = Vec::with_capacity(append.events.len());
        let mut sealed_for = Vec::new();
        for new in &append.events {
            events.push(self.event(append, new, &fresh, &mut sealed_for).await?);
        }
        sealed_for.retain(|subject| !fresh.contains_key(subject));
        let secrets = append.secrets.iter().filter(|secret| !matches!(secret, Secret::DataKey { .. }));
        let prepared = Prepared {
            key: append.key.clone(),
            request_hash: append.request_hash,
            forever: append.retention == Retention::Forever,
            accepted_at: self.now,
            guards,
            written,
            claims: append.claims.clone(),
            data_keys,
            secrets: secrets.cloned().collect(),
            sealed_for,
            events,
        };
        Ok((prepared, fresh))
    }

    /// Generates the wanted data keys that do not exist yet: in the clear, and wrapped.
    async fn data_keys(
        &self,
        secrets: &[Secret],
    ) -> Result<(HashMap<Uuid, DataKey>, Vec<(Uuid, Vec<u8>)>), AppendError> {
        let (mut fresh, mut wrapped) = (HashMap::new(), Vec::new());
        for secret in secrets {
            let Secret::DataKey { subject } = secret else { continue };
            if fresh.contains_key(subject) || self.stored_key(*subject).await?.is_some() {
                continue;
            }
            let broken = || AppendError::Broken(format!("failed to create a data key for {subject}"));
            let key = DataKey::random().map_err(|_| broken())?;
            wrapped.push((*subject, self.keyring.wrap(*subject, &key).ok_or_else(broken)?));
            fresh.insert(*subject, key);
        }
        Ok((fresh, wrapped))
    }

    async fn event(
        &self,
        append: &Append,
        new: &NewEvent,
        fresh: &HashMap<Uuid, DataKey>,
        sealed_for: &mut Vec<Uuid>,
    ) -> Result<PreparedEvent, AppendError> {
        let NewEvent { stream, sequence, event } = new;
        let kind = event.event_type();
        if event.aggregate_type() != stream.aggregate {
            return Err(AppendError::Broken(format!("{} is no event of {stream}", kind.name)));
        }
        let scope = event.scope(stream.id);
        let mut record = Record {
            position: 0,
            aggregate_type: stream.aggregate.as_str().to_owned(),
            aggregate_id: stream.id,
            sequence: *sequence,
            event_type: kind.name.to_owned(),
            event_version: kind.version,
            payload: self.payload(new, fresh, sealed_for).await?,
            metadata: "{}".to_owned(),
            scope,
            scope_seq: 0,
            lane: Lane { tier: kind.tier, partition: Partition::of(scope, self.partitions) },
            origin: append.origin.clone(),
            command_key: append.key.key.clone(),
            recorded_at: self.now,
            digest: [0; 32],
        };
        let content = record.content_digest();
        record.digest = content;
        Ok(PreparedEvent { record, event: event.clone(), content, counts: kind.counts, inbox: inbox(new) })
    }

    /// The event's JSON with its personal values sealed; adds their subjects to `sealed_for`.
    async fn payload(
        &self,
        new: &NewEvent,
        fresh: &HashMap<Uuid, DataKey>,
        sealed_for: &mut Vec<Uuid>,
    ) -> Result<String, AppendError> {
        let broken = |error: &dyn std::fmt::Display| AppendError::Broken(format!("{}: {error}", new.stream));
        let mut json = serde_json::to_value(&new.event).map_err(|error| broken(&error))?;
        let at_hand = |subject| fresh.get(&subject).copied().or_else(|| self.keyring.cached(subject));
        loop {
            let key_of = |subject| {
                if !sealed_for.contains(&subject) {
                    sealed_for.push(subject);
                }
                at_hand(subject)
            };
            match seal(&mut json, new.stream, key_of) {
                Ok(()) => return Ok(json.to_string()),
                Err(Fault::Missing(subject)) => {
                    let key = self.stored_key(subject).await?;
                    let key = key.ok_or_else(|| broken(&format_args!("{subject} has no data key")))?;
                    let key = key.ok_or(AppendError::Forgotten(subject))?;
                    self.keyring.keep(subject, key);
                }
                Err(Fault::Cipher(subject)) => {
                    return Err(broken(&format_args!("a value of {subject} cannot be sealed")));
                }
            }
        }
    }

    /// The subject's key. `None`: it never existed; `Some(None)`: it was destroyed.
    async fn stored_key(&self, subject: Uuid) -> Result<Option<Option<DataKey>>, AppendError> {
        self.keyring.load(self.database, subject).await.map_err(|error| match error {
            OpenError::Read(error) => AppendError::Unavailable(error.to_string()),
            error => AppendError::Broken(error.to_string()),
        })
    }
}

/// A guard for each written stream: the version before its first event. Sequences of a stream must be consecutive, since the
/// database checks only the first.
fn written(events: &[NewEvent]) -> Result<Vec<Guard>, AppendError> {
    let mut guards: Vec<Guard> = Vec::new();
    let mut last = HashMap::new();
    for NewEvent { stream, sequence, .. } in events {
        let expected = last.insert(*stream, *sequence);
        if expected.is_none() && *sequence > 0 {
            guards.push(Guard { stream: *stream, version: sequence - 1 });
        } else if expected.is_none_or(|expected| *sequence != expected + 1) {
            return Err(AppendError::Broken(format!("the sequences of {stream} are not consecutive")));
        }
    }
    Ok(guards)
}

/// The recipients of an event, each once; a join or leave wins over none.
fn inbox(new: &NewEvent) -> Vec<(Uuid, i16)> {
    let mut inbox: Vec<(Uuid, i16)> = Vec::new();
    for about in new.event.recipients(new.stream.id) {
        let presence = match about.change {
            AudienceChange::Join => 1,
            AudienceChange::Leave => -1,
            AudienceChange::None => 0,
        };
        match inbox.iter_mut().find(|(user, _)| *user == about.user.0) {
            Some((_, known)) if *known == 0 => *known = presence,
            Some(_) => {}
            None => inbox.push((about.user.0, presence)),
        }
    }
    inbox
}
