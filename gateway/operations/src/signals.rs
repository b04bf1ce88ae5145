//! Custom signals between clients.

use super::{Answer, Operation, Request};
use async_trait::async_trait;
use axum::http::StatusCode;
use broker::Signal;
use domain::{ConversationId, text::limits::SIGNAL_NAME};
use limits::Kind;
use protocol::{
    Problem,
    request::{Faults, Nothing, Parse},
    vocabulary::is_reserved,
};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

/// The largest payload, in bytes of JSON.
const MAX_PAYLOAD: usize = 8 * 1024;

/// What to tell the others of a conversation.
#[derive(Clone, Debug, ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct NewSignal {
    /// 1 to 64 letters, digits, `_`, `.`, `:` and `-`; not what the server itself tells.
    #[schema(value_type = String)]
    pub name: SignalName,
    /// Any JSON of at most 8 KiB; null when absent.
    #[schema(value_type = Value, required = false)]
    pub payload: Payload,
    /// Whether the sending socket does not receive it: true when absent. The sender's other sockets always do.
    #[schema(value_type = Option<bool>)]
    pub exclude_self: bool,
}

/// The name of a custom signal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignalName(String);

/// The payload of a custom signal.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Payload(Value);

/// A custom signal, as clients receive it.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CustomSignal {
    /// The conversation.
    pub conversation_id: Uuid,
    /// The sender.
    pub from_user_id: Uuid,
    /// The name.
    pub name: String,
    /// Whatever its sender put in.
    pub payload: Value,
}

impl Parse for SignalName {
    fn parse(value: &Value, faults: &mut Faults) -> Option<Self> {
        let name = faults.text(value)?;
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "_.:-".contains(c);
        match name.len() {
            0 => faults.fault("empty", "must not be empty"),
            length if length > SIGNAL_NAME => faults.fault("too_long", format!("must be at most {SIGNAL_NAME} bytes")),
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

/// `signal.send`.
pub struct SendSignal;

#[async_trait]
impl Operation for SendSignal {
    const NAME: &'static str = "signal.send";
    const SUMMARY: &'static str =
        "Tells the others in a conversation something of one's own, which the server does not look into.";
    const BUDGET: Kind = Kind::Signal;

    type Target = ConversationId;
    type Body = NewSignal;
    type Output = Nothing;

    async fn run(
        conversation: ConversationId,
        NewSignal { name: SignalName(name), payload, exclude_self }: NewSignal,
        request: &Request<'_>,
    ) -> Result<Answer, Problem> {
        if is_reserved(&name) {
            let detail = format!("{name:?} is what the server itself tells");
            return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "reserved_name", detail));
        }
        let user = request.app.commands.may_signal(&request.context(), conversation).await?;
        let Payload(payload) = payload;
        let custom = CustomSignal { conversation_id: conversation.0, from_user_id: user.0, name, payload };
        let data = serde_json::to_value(custom).map_err(Problem::internal)?;
        let worth = i64::try_from(request.app.config.sockets.signals_worth.as_millis()).unwrap_or(i64::MAX);
        let signal = Signal {
            scope: Some(conversation.0),
            from_session: exclude_self.then_some(request.caller.session.0),
            from_socket: request.caller.socket.filter(|_| exclude_self),
            except: request.app.presences.blocked_either_way(user).await?,
            ..Signal::new("custom", data, (request.app.clock)().millis().saturating_add(worth))
        };
        request.app.signals.tell(signal).await;
        Ok(Answer::sent())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::request::parse;
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
