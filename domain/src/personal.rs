//! Personal values inside events: texts and names of a person.
//!
//! In memory it is plain. Before it is stored, the event store seals the marked value with its subject's
//! data key (I6). Once that key is destroyed, `get` returns `None`.

use crate::UserId;
use serde::{Deserialize, Deserializer, Serialize, Serializer, ser::SerializeMap};
use serde_json::Value;

/// The field name that marks an unsealed personal value in an event's JSON:
/// `{"$personal": "<subject>", "value": …}`.
pub const PERSONAL: &str = "$personal";
/// The field name that marks a sealed value: `{"$sealed": "<subject>", "box": "…"}`.
pub const SEALED: &str = "$sealed";

/// A value that is unreadable once the data key of `subject` is destroyed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Personal<T> {
    subject: UserId,
    value: Option<T>,
}

impl<T> Personal<T> {
    /// A value known in the clear.
    pub const fn new(subject: UserId, value: T) -> Self {
        Self { subject, value: Some(value) }
    }

    /// A value whose key was destroyed.
    #[must_use]
    pub const fn forgotten(subject: UserId) -> Self {
        Self { subject, value: None }
    }

    /// The owner of the value.
    pub const fn subject(&self) -> UserId {
        self.subject
    }

    /// The value; `None` once its key was destroyed.
    pub const fn get(&self) -> Option<&T> {
        self.value.as_ref()
    }
}

impl<T: Serialize> Serialize for Personal<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(2))?;
        map.serialize_entry(PERSONAL, &self.subject)?;
        map.serialize_entry("value", &self.value)?;
        map.end()
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Personal<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(bound(deserialize = "T: Deserialize<'de>"))]
        struct Stored<T> {
            #[serde(rename = "$personal", alias = "$sealed")]
            subject: UserId,
            #[serde(default = "Option::default")]
            value: Option<T>,
        }
        let stored = Stored::<T>::deserialize(deserializer)?;
        Ok(Self { subject: stored.subject, value: stored.value })
    }
}

/// Replaces each marked personal value in `json` by the result of `seal(subject, value)`.
///
/// # Errors
/// The first error of `seal`.
pub fn seal_each<E>(json: &mut Value, seal: &mut impl FnMut(UserId, &Value) -> Result<Value, E>) -> Result<(), E> {
    replace_each(json, PERSONAL, &mut |subject, object| seal(subject, object.get("value").unwrap_or(&Value::Null)))
}

/// Replaces each sealed value in `json` by the result of `open(subject, sealed object)`.
///
/// # Errors
/// The first error of `open`.
pub fn open_each<E>(json: &mut Value, open: &mut impl FnMut(UserId, &Value) -> Result<Value, E>) -> Result<(), E> {
    replace_each(json, SEALED, open)
}

fn replace_each<E>(
    json: &mut Value,
    marker: &str,
    replace: &mut impl FnMut(UserId, &Value) -> Result<Value, E>,
) -> Result<(), E> {
    let subject = json.get(marker).and_then(Value::as_str).and_then(|text| text.parse().ok());
    if let Some(subject) = subject {
        *json = replace(subject, json)?;
        return Ok(());
    }
    match json {
        Value::Object(fields) => fields.values_mut().try_for_each(|field| replace_each(field, marker, replace)),
        Value::Array(items) => items.iter_mut().try_for_each(|item| replace_each(item, marker, replace)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use std::convert::Infallible;
    use uuid::Uuid;

    #[test]
    fn survives_json_and_reads_as_forgotten_when_still_sealed() {
        let subject = UserId(Uuid::from_u128(7));
        let name = Personal::new(subject, "Ana".to_owned());
        let json = serde_json::to_value(&name).unwrap();
        assert_eq!(json, json!({"$personal": subject, "value": "Ana"}));
        assert_eq!(serde_json::from_value::<Personal<String>>(json).unwrap(), name);
        let sealed = json!({"$sealed": subject, "box": "…"});
        assert_eq!(serde_json::from_value::<Personal<String>>(sealed).unwrap(), Personal::forgotten(subject));
    }

    #[test]
    fn every_marked_value_is_replaced_wherever_it_stands() {
        let subject = UserId(Uuid::from_u128(7));
        let mut json =
            json!({"a": {"$personal": subject, "value": 1}, "b": [{"$personal": subject, "value": 2}], "c": 3});
        seal_each::<Infallible>(&mut json, &mut |who, value| Ok(json!({"$sealed": who, "box": value}))).unwrap();
        assert_eq!(json, json!({"a": {"$sealed": subject, "box": 1}, "b": [{"$sealed": subject, "box": 2}], "c": 3}));
    }
}
