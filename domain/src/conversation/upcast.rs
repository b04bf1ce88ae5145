//! Older versions of a conversation's events.

use serde_json::{Map, Value};

/// `conversation.created` from 1 to 2: version 1 had no approval; anybody could join.
pub(super) fn without_approval(fields: &mut Map<String, Value>) {
    fields.insert("approval".to_owned(), Value::Bool(false));
}
