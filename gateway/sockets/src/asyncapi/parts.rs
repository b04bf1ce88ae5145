//! Parts that recur in the document.

use serde_json::{Value, json};

/// A message of the document.
pub(super) fn said(name: &str, summary: &str, payload: Value) -> Value {
    json!({
        "name": name, "title": name, "summary": summary, "description": summary, "contentType": "application/json",
        "payload": payload,
    })
}

/// A reference to another place in the document.
pub(super) fn reference(path: &[&str]) -> Value {
    let path: String = path.iter().map(|segment| format!("/{}", segment.replace('/', "~1"))).collect();
    json!({"$ref": format!("#{path}")})
}
