//! Older versions of a message's events.

use crate::personal::PERSONAL;
use serde_json::{Map, Value, json};

/// `message.reacted`, `message.unreacted` from 1 to 2: version 1 had the emoji in the clear.
pub(super) fn seal_emoji(fields: &mut Map<String, Value>) {
    if let (Some(user), Some(emoji)) = (fields.get("user").cloned(), fields.remove("emoji")) {
        fields.insert("emoji".to_owned(), json!({ PERSONAL: user, "value": emoji }));
    }
}
