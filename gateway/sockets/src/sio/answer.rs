//! The answers to what clients emit: events in the words of the clients that were there before, and acknowledgements.

use super::ask::{Ask, Row, error};
use crate::session::Answered;
use domain::Timestamp;
use engine_io::{
    joined,
    socket_io::{ack, event},
};
use protocol::Problem;
use serde_json::{Map, Value, json};
use uuid::Uuid;

/// Where the token of a Socket.IO client belongs.
const TOKEN: &str = "it belongs into the option `auth: {token: \"<token>\"}` of the client, without `Bearer`";

/// The frame that answers what was asked; `None` when there is nothing to say.
pub(super) fn answer(ask: Ask, answered: Answered) -> Option<String> {
    let (user, now) = (answered.user.0, answered.now);
    match answered.outcome() {
        Ok(ok) => done(ask, ok, user, now),
        Err(problem) => {
            let problem = problem.for_token_in(TOKEN);
            let problem = ask.row.names().iter().fold(problem, |problem, (ours, theirs)| problem.renamed(ours, theirs));
            Some(refused(&ask, &problem))
        }
    }
}

impl Row {
    /// The fields that its client calls otherwise than the command does, with what it calls them.
    const fn names(&self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::JoinGroup { .. } => &[("conversationId", "groupId")],
            Self::BroadcastEvent => &[("name", "event")],
            Self::Quiet(_) => &[("upTo", "messageId")],
            _ => &[],
        }
    }
}

fn done(Ask { ack: id, row }: Ask, ok: Value, user: Uuid, now: Timestamp) -> Option<String> {
    let (events, callback) = match row {
        Row::Connect => return None,
        Row::Cmd(_) => (vec![], json!({"ok": ok})),
        Row::SendMessage { guid } => {
            let message = ok["id"].clone();
            let temporary = guid.map_or_else(|| message.clone(), Value::from);
            let events = vec![
                event("messageQueued", &json!({"tempId": temporary, "status": "queued", "timestamp": now})),
                event(
                    "messageProcessed",
                    &json!({
                        "tempId": temporary, "messageId": message, "status": "success", "position": ok["position"],
                    }),
                ),
            ];
            let callback = json!({
                "tempId": temporary, "messageId": message, "position": ok["position"], "message": ok,
            });
            (events, callback)
        }
        Row::DeleteMessage { message } => {
            let queued = json!({"messageId": message, "status": "queued", "timestamp": now});
            (vec![event("deleteMessageQueued", &queued)], json!({"messageId": message, "ok": ok}))
        }
        Row::JoinGroup { group } => {
            let joined = json!({"groupId": group, "status": ok["myStatus"]});
            (vec![event("joinedGroup", &joined)], json!({"groupId": group, "ok": ok}))
        }
        Row::Heartbeat => {
            let beat = json!({"timestamp": now, "cursor": ok["cursor"]});
            (vec![event("heartbeat", &beat)], json!({"ok": beat}))
        }
        Row::Ping => {
            let pong = json!({"timestamp": now, "userId": user, "cursor": ok["cursor"]});
            (vec![event("pong", &pong)], json!({"ok": pong}))
        }
        Row::OnlineUsers => (vec![event("onlineUsers", &ok)], json!({"ok": ok})),
        Row::CallUser { .. } | Row::Call { .. } | Row::BroadcastEvent | Row::Quiet(_) | Row::Unread(_) => {
            (vec![], json!({"ok": ok}))
        }
    };
    let callback = id.map(|id| ack(id, &successful(callback)));
    joined(events.into_iter().chain(callback))
}

fn successful(callback: Value) -> Value {
    let mut fields = match callback {
        Value::Object(fields) => fields,
        _ => Map::new(),
    };
    fields.insert("status".to_owned(), "success".into());
    Value::Object(fields)
}

/// The frame that says that it was refused.
fn refused(Ask { ack: id, row }: &Ask, problem: &Problem) -> String {
    let named_error = |name: &str, more: Value| {
        let mut fields = json!({"message": problem.detail, "code": problem.code, "problem": problem});
        if let (Value::Object(fields), Value::Object(more)) = (&mut fields, more) {
            fields.extend(more);
        }
        event(name, &fields)
    };
    let named = match row {
        Row::Connect => return format!("44{}", json!({"message": problem.detail, "data": problem})),
        Row::SendMessage { guid } => named_error("sendMessageError", json!({"tempId": guid})),
        Row::DeleteMessage { message } => named_error("deleteMessageError", json!({"messageId": message})),
        Row::CallUser { conversation } if problem.code == "user_not_online" => {
            event("userNotOnline", &json!({"conversationId": conversation}))
        }
        Row::CallUser { conversation } => named_error("callUserError", json!({"conversationId": conversation})),
        Row::Call { error } => named_error(error, json!({})),
        Row::JoinGroup { group } => named_error("joinGroupError", json!({"groupId": group})),
        Row::BroadcastEvent => named_error("broadcastEventError", json!({})),
        Row::Cmd(cmd) => return failed(*id, cmd.as_str().into(), problem),
        Row::Heartbeat => return failed(*id, "heartbeat".into(), problem),
        Row::Ping => return failed(*id, "ping".into(), problem),
        Row::OnlineUsers => return failed(*id, "getOnlineUsers".into(), problem),
        Row::Quiet(name) => return failed(*id, (*name).into(), problem),
        Row::Unread(name) => return failed(*id, name.clone(), problem),
    };
    let callback = id.map(|id| failed(Some(id), Value::Null, problem));
    joined([named].into_iter().chain(callback)).unwrap_or_default()
}

/// The frame that says that `name` failed: to the callback if there is one, else as an event.
fn failed(id: Option<u64>, name: Value, problem: &Problem) -> String {
    match id {
        Some(id) => ack(id, &json!({"status": "error", "error": problem})),
        None => error(&name, problem),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::UserId;
    use operations::Answer;

    const NOW: Timestamp = Timestamp::from_millis(1_795_460_818_120);

    fn packets_of(row: Row, id: Option<u64>, answer: Result<Value, Problem>) -> Vec<(String, Value)> {
        let answer = answer.map(|body| Answer { status: 200, body, position: Some(9), scope: None });
        let answered = Answered { answer, request: None, user: UserId(Uuid::from_u128(1)), now: NOW };
        let frame = super::answer(Ask { ack: id, row }, answered).unwrap_or_default();
        let packets =
            frame.split('\u{1e}').filter(|packet| !packet.is_empty()).map(|packet| match packet.strip_prefix("42") {
                Some(event) => serde_json::from_str(event).unwrap(),
                None => {
                    let (id, data) = packet.split_at(packet.find(['[', '{']).unwrap());
                    (id.to_owned(), serde_json::from_str(data).unwrap())
                }
            });
        packets.collect()
    }

    fn names(packets: &[(String, Value)]) -> Vec<&str> {
        packets.iter().map(|(name, _)| name.as_str()).collect()
    }

    fn problem() -> Problem {
        Problem::not_found()
    }

    #[test]
    fn a_sent_message_is_queued_and_processed_and_acknowledged() {
        let packets = packets_of(Row::SendMessage { guid: None }, Some(4), Ok(json!({"id": "m", "content": "hi"})));
        assert_eq!(names(&packets), ["messageQueued", "messageProcessed", "434"]);
        assert_eq!(packets[0].1, json!({"tempId": "m", "status": "queued", "timestamp": NOW}));
        assert_eq!(packets[1].1, json!({"tempId": "m", "messageId": "m", "status": "success", "position": 9}));
        let want = json!([{
            "status": "success", "tempId": "m", "messageId": "m", "position": 9,
            "message": {"id": "m", "content": "hi", "position": 9},
        }]);
        assert_eq!(packets[2].1, want);
        let guid = Row::SendMessage { guid: Some("g".into()) };
        assert_eq!(packets_of(guid.clone(), None, Ok(json!({"id": "m"})))[1].1["tempId"], "g");
        let wrong = Problem::field("conversationId", "malformed", "must be a UUID");
        let refused = packets_of(Row::JoinGroup { group: json!("x") }, None, Err(wrong));
        assert_eq!(refused[0].1["message"], "groupId: must be a UUID");
        assert_eq!(refused[0].1["problem"]["errors"][0]["field"], "groupId");
        let refused = packets_of(guid, Some(4), Err(problem()));
        assert_eq!(names(&refused), ["sendMessageError", "434"]);
        assert_eq!((&refused[0].1["tempId"], &refused[0].1["code"]), (&json!("g"), &json!("not_found")));
        assert_eq!(refused[1].1[0]["error"]["code"], "not_found");
    }

    #[test]
    fn each_row_says_what_the_table_says() {
        let message = || Row::DeleteMessage { message: json!("m") };
        assert_eq!(names(&packets_of(message(), None, Ok(Value::Null))), ["deleteMessageQueued"]);
        assert_eq!(names(&packets_of(message(), None, Err(problem()))), ["deleteMessageError"]);
        let group = || Row::JoinGroup { group: json!("c") };
        let joined = packets_of(group(), Some(1), Ok(json!({"myStatus": "pending"})));
        assert_eq!(joined[0], ("joinedGroup".into(), json!({"groupId": "c", "status": "pending"})));
        assert_eq!(names(&joined), ["joinedGroup", "431"]);
        assert_eq!(packets_of(group(), None, Err(problem()))[0].1["groupId"], "c");
        let pong = packets_of(Row::Ping, None, Ok(json!({"cursor": "x"})));
        assert_eq!(pong, [("pong".into(), json!({"timestamp": NOW, "userId": Uuid::from_u128(1), "cursor": "x"}))]);
        let beat = packets_of(Row::Heartbeat, None, Ok(json!({"cursor": "x"})));
        assert_eq!(beat, [("heartbeat".into(), json!({"timestamp": NOW, "cursor": "x"}))]);
        assert_eq!(names(&packets_of(Row::OnlineUsers, None, Ok(json!({"users": []})))), ["onlineUsers"]);
        for (error, name) in [("answerCallError", "answerCallError"), ("closeCallError", "closeCallError")] {
            assert_eq!(names(&packets_of(Row::Call { error }, None, Err(problem()))), [name]);
        }
        let call = || Row::CallUser { conversation: json!("c") };
        assert_eq!(names(&packets_of(call(), None, Err(problem()))), ["callUserError"]);
        let nobody = Problem::new(axum::http::StatusCode::CONFLICT, "user_not_online", "nobody can ring");
        let nobody_online = packets_of(call(), Some(2), Err(nobody));
        assert_eq!(nobody_online[0], ("userNotOnline".into(), json!({"conversationId": "c"})));
        assert_eq!(names(&nobody_online), ["userNotOnline", "432"]);
        assert_eq!(packets_of(Row::BroadcastEvent, None, Ok(Value::Null)), []);
        assert_eq!(names(&packets_of(Row::BroadcastEvent, None, Err(problem()))), ["broadcastEventError"]);
    }

    #[test]
    fn what_is_quiet_answers_a_callback_and_tells_failures() {
        assert_eq!(packets_of(Row::Quiet("typing"), None, Ok(Value::Null)), []);
        assert_eq!(names(&packets_of(Row::Quiet("typing"), Some(0), Ok(Value::Null))), ["430"]);
        let failed = packets_of(Row::Quiet("messageRead"), None, Err(problem()));
        assert_eq!((failed[0].0.as_str(), &failed[0].1["event"]), ("error", &json!("messageRead")));
        let cmd = packets_of(Row::Cmd("message.edit".into()), Some(7), Ok(json!({"id": "m"})));
        assert_eq!(cmd[0].1, json!([{"status": "success", "ok": {"id": "m", "position": 9}}]));
        let refused = packets_of(Row::Cmd("message.edit".into()), Some(7), Err(problem()));
        assert_eq!(refused[0].1[0]["error"]["status"], 404);
        let connect = packets_of(Row::Connect, None, Err(Problem::invalid_token()));
        assert_eq!((connect[0].0.as_str(), &connect[0].1["data"]["code"]), ("44", &json!("invalid_token")));
    }
}
