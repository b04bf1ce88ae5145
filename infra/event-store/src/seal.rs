//! Sealing personal values before an event is stored, and opening them when it is read.

use crate::{RecordedEvent, StreamId, keyring::DataKey};
use base64::{Engine, engine::general_purpose::STANDARD};
use domain::{UserId, personal};
use serde_json::{Value, json};
use uuid::Uuid;

/// Binds a sealed value to its subject and stream, so that it cannot be opened elsewhere.
fn aad(subject: Uuid, aggregate: &str, stream: Uuid) -> Vec<u8> {
    [subject.as_bytes(), aggregate.as_bytes(), stream.as_bytes()].concat()
}

/// The failure to seal or open a value.
#[derive(Debug, PartialEq)]
pub(crate) enum Fault {
    /// This subject's key is not available.
    Missing(Uuid),
    /// Encryption or decryption failed.
    Cipher(Uuid),
}

/// Seals each personal value of `json`. After [`Fault::Missing`] it can be called again with that key: sealed values stay
/// sealed.
pub(crate) fn seal(
    json: &mut Value,
    stream: StreamId,
    mut key: impl FnMut(Uuid) -> Option<DataKey>,
) -> Result<(), Fault> {
    personal::seal_each(json, &mut |UserId(subject), value| {
        let key = key(subject).ok_or(Fault::Missing(subject))?;
        let aad = aad(subject, stream.aggregate.as_str(), stream.id);
        let sealed = key.seal(value.to_string().as_bytes(), &aad).ok_or(Fault::Cipher(subject))?;
        Ok(json!({ personal::SEALED: subject, "box": STANDARD.encode(sealed) }))
    })
}

/// Opens each sealed value of the event's payload; those of `forgotten` subjects stay sealed, which decodes as forgotten.
/// After [`Fault::Missing`] call it again with that key, or with the subject among the forgotten.
pub(crate) fn open(
    json: &mut Value,
    event: &RecordedEvent,
    forgotten: &[Uuid],
    key: impl Fn(Uuid) -> Option<DataKey>,
) -> Result<(), Fault> {
    personal::open_each(json, &mut |UserId(subject), sealed| {
        if forgotten.contains(&subject) {
            return Ok(sealed.clone());
        }
        let key = key(subject).ok_or(Fault::Missing(subject))?;
        let aad = aad(subject, &event.record.aggregate_type, event.record.aggregate_id);
        let value = sealed
            .get("box")
            .and_then(Value::as_str)
            .and_then(|text| STANDARD.decode(text).ok())
            .and_then(|bytes| key.open(&bytes, &aad))
            .and_then(|plain| serde_json::from_slice::<Value>(&plain).ok())
            .ok_or(Fault::Cipher(subject))?;
        Ok(json!({ personal::PERSONAL: subject, "value": value }))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::AggregateType;

    #[test]
    fn sealing_continues_once_a_missing_key_is_available() {
        let (ana, ben) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let stream = StreamId { aggregate: AggregateType::User, id: ana };
        let key = DataKey::random().unwrap();
        let mut json = json!([{ "$personal": ana, "value": 1 }, { "$personal": ben, "value": 2 }]);
        assert_eq!(seal(&mut json, stream, |subject| (subject == ana).then_some(key)), Err(Fault::Missing(ben)));
        let half = json[0].clone();
        assert_eq!(seal(&mut json, stream, |_| Some(key)), Ok(()));
        assert_eq!(json[0], half);
        assert!(json[1].get("$sealed").is_some());
    }
}
