//! What clients tell each other in words of their own.

use super::{Answer, Call, InConversation};
use crate::{
    Problem,
    request::{Faults, Parse},
    vocabulary::is_reserved,
};
use axum::http::StatusCode;
use broker::Signal;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

/// How long it is worth telling, in milliseconds: the low tier's target.
const WORTH_MS: i64 = 2_000;
/// The largest payload, in bytes of JSON.
const MAX_PAYLOAD: usize = 8 * 1024;
/// The longest name, in bytes.
const MAX_NAME: usize = 64;

/// What to tell the others of a conversation.
#[derive(Clone, Debug, ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct NewSignal {
    /// 1 to 64 letters, digits, `_`, `.`, `:` and `-`; not what the server itself tells.
    #[schema(value_type = String)]
    pub name: SignalName,
    /// Any JSON of at most 8 KiB; null when absent.
    #[schema(value_type = Option<Object>)]
    pub payload: Payload,
    /// Whether the sending device is not told: true when absent. The sender's other devices always are.
    #[schema(value_type = Option<bool>)]
    pub exclude_self: bool,
}

/// The name of a custom signal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignalName(String);

/// The payload of a custom signal.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Payload(Value);

/// What clients are told.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CustomSignal {
    /// Where.
    pub conversation_id: Uuid,
    /// By whom.
    pub from_user_id: Uuid,
    /// What.
    pub name: String,
    /// Whatever its sender put in.
    #[schema(value_type = Object)]
    pub payload: Value,
}

impl Parse for SignalName {
    fn parse(value: &Value, faults: &mut Faults) -> Option<Self> {
        let name = faults.text(value)?;
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "_.:-".contains(c);
        match name.len() {
            0 => faults.fault("empty", "must not be empty"),
            length if length > MAX_NAME => faults.fault("too_long", format!("must be at most {MAX_NAME} bytes")),
            _ if !name.chars().all(is_plain) => {
                faults.fault("malformed", "must be of letters, digits, '_', '.', ':' and '-'")
            }
            _ => Some(Self(name.to_owned())),
        }
    }
}

impl Parse for Payload {
    fn parse(value: &Value, faults: &mut Faults) -> Option<Self> {
        if value.to_string().len() > MAX_PAYLOAD {
            return faults.fault("too_long", format!("must take at most {MAX_PAYLOAD} bytes as JSON"));
        }
        Some(Self(value.clone()))
    }
}

impl Parse for NewSignal {
    fn parse(value: &Value, faults: &mut Faults) -> Option<Self> {
        let mut object = faults.object(value)?;
        let name = object.required("name");
        let payload = object.optional("payload").unwrap_or_default();
        let exclude_self = object.optional("excludeSelf").unwrap_or(true);
        Some(Self { name: name?, payload, exclude_self })
    }
}

/// Tells the others of a conversation something that the server does not look into.
///
/// # Errors
/// The [`Problem`] to answer; `reserved_name` when the server itself tells something of that name.
pub async fn send_signal(call: &Call<'_>, request: InConversation<NewSignal>) -> Result<Answer, Problem> {
    let InConversation { conversation, body: NewSignal { name: SignalName(name), payload, exclude_self } } = request;
    if is_reserved(&name) {
        let detail = format!("{name:?} is what the server itself tells");
        return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "reserved_name", detail));
    }
    let user = call.app.commands.may_signal(&call.context(), conversation).await?;
    let Payload(payload) = payload;
    let custom = CustomSignal { conversation_id: conversation.0, from_user_id: user.0, name, payload };
    let signal = Signal {
        name: "custom".to_owned(),
        scope: Some(conversation.0),
        users: Vec::new(),
        from: None,
        from_session: exclude_self.then_some(call.caller.session.0),
        to_session: None,
        within: None,
        except: call.app.presences.apart(user).await?,
        told_at: None,
        data: serde_json::to_value(custom).map_err(Problem::internal)?,
        expires_at: (call.app.clock)().millis() + WORTH_MS,
    };
    call.app.signals.tell(signal).await;
    Ok(Answer::told())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::parse;
    use serde_json::json;

    #[test]
    fn names_and_payloads_are_bounded() {
        let code = |name: &str, payload: Value| {
            let parsed = parse::<NewSignal>(&json!({"name": name, "payload": payload}));
            parsed.map_or_else(|problem| problem.errors[0].code.clone(), |_| "ok".to_owned())
        };
        for (name, want) in [
            ("cursor:moved-1.x_y", "ok"),
            (&"x".repeat(64), "ok"),
            (&"x".repeat(65), "too_long"),
            ("", "empty"),
            ("two words", "malformed"),
            ("é", "malformed"),
        ] {
            assert_eq!(code(name, json!({"x": 1})), want, "{name:?}");
        }
        assert_eq!(code("big", "x".repeat(MAX_PAYLOAD - 2).into()), "ok");
        assert_eq!(code("big", "x".repeat(MAX_PAYLOAD - 1).into()), "too_long");
        assert_eq!(parse::<NewSignal>(&json!({"name": "x"})).unwrap().payload, Payload(Value::Null));
    }
}
