//! The closed lists: which words a field or a parameter can have.

use super::{field_mut, is_nullable};
use domain::{
    AggregateType,
    call::{CallStatus, CallType, EndReason as CallEnd},
    conversation::{ConversationType, Joining},
    message::MessageType,
    report::ReportStatus,
    session::EndReason as SessionEnd,
    user::Role,
};
use serde_json::{Map, Value, json};

type Words = &'static [&'static str];

const ROLE: Words = &[Role::User.as_str(), Role::Moderator.as_str(), Role::Admin.as_str()];
const CONVERSATION: Words = &[ConversationType::Direct.as_str(), ConversationType::Group.as_str()];
const JOINING: Words = &[Joining::Invite.as_str(), Joining::Approval.as_str(), Joining::Open.as_str()];
const MEMBER_ROLE: Words = &["lead", "member"];
const MEMBER_STATUS: Words = &["active", "pending", "invited"];
const MESSAGE: Words = &[
    MessageType::Text.as_str(),
    MessageType::Image.as_str(),
    MessageType::File.as_str(),
    MessageType::Video.as_str(),
    MessageType::Call.as_str(),
];
const NEW_MESSAGE: Words =
    &[MessageType::Text.as_str(), MessageType::Image.as_str(), MessageType::File.as_str(), MessageType::Video.as_str()];
const CALL: Words = &[CallType::Voice.as_str(), CallType::Video.as_str()];
const CALL_STATUS: Words = &[
    CallStatus::Ringing.as_str(),
    CallStatus::Ongoing.as_str(),
    CallStatus::Ended.as_str(),
    CallStatus::Missed.as_str(),
    CallStatus::Refused.as_str(),
];
const CALL_END: Words = &[
    CallEnd::Cancelled.as_str(),
    CallEnd::HungUp.as_str(),
    CallEnd::Refused.as_str(),
    CallEnd::NoAnswer.as_str(),
    CallEnd::ConnectionLost.as_str(),
    CallEnd::Removed.as_str(),
];
const SESSION_END: Words = &[
    SessionEnd::Logout.as_str(),
    SessionEnd::Revoked.as_str(),
    SessionEnd::TokenReuse.as_str(),
    SessionEnd::PasswordChanged.as_str(),
    SessionEnd::Deactivated.as_str(),
    SessionEnd::Erased.as_str(),
    SessionEnd::Expired.as_str(),
    SessionEnd::Superseded.as_str(),
];
const REPORT: Words =
    &[ReportStatus::Pending.as_str(), ReportStatus::Resolved.as_str(), ReportStatus::Rejected.as_str()];
const VERDICT: Words = &[ReportStatus::Resolved.as_str(), ReportStatus::Rejected.as_str()];
const WISHED: Words = &["online", "away", "busy", "invisible"];
const TIER: Words = &["high", "medium"];
const PARKED: Words = &["waiting", "given_up", "unreadable", "behind"];

/// The words of a field: schema, field, words.
pub(super) const FIELDS: &[(&str, &str, Words)] = &[
    ("AccountUpdate", "role", ROLE),
    ("User", "role", ROLE),
    ("UserPush", "role", ROLE),
    ("Conversation", "type", CONVERSATION),
    ("ConversationPush", "type", CONVERSATION),
    ("ExportedConversation", "type", CONVERSATION),
    ("NewConversation", "type", CONVERSATION),
    ("WatchedConversation", "type", CONVERSATION),
    ("Conversation", "joining", JOINING),
    ("ConversationPush", "joining", JOINING),
    ("NewConversation", "joining", JOINING),
    ("SettingsUpdate", "joining", JOINING),
    ("WatchedConversation", "joining", JOINING),
    ("ExportedConversation", "role", MEMBER_ROLE),
    ("Member", "role", MEMBER_ROLE),
    ("MemberPush", "role", MEMBER_ROLE),
    ("MyMembership", "myRole", MEMBER_ROLE),
    ("Member", "status", MEMBER_STATUS),
    ("MemberPush", "status", MEMBER_STATUS),
    ("MyMembership", "myStatus", MEMBER_STATUS),
    ("ExportedConversation", "status", &["active", "pending", "invited", "left"]),
    ("ExportedMessage", "messageType", MESSAGE),
    ("Message", "messageType", MESSAGE),
    ("MessagePush", "messageType", MESSAGE),
    ("ReportEvidence", "messageType", MESSAGE),
    ("NewMessage", "messageType", NEW_MESSAGE),
    ("Call", "callType", CALL),
    ("NewCall", "callType", CALL),
    ("Call", "status", CALL_STATUS),
    ("Call", "endReason", CALL_END),
    ("ExportedSession", "endReason", SESSION_END),
    ("Report", "status", REPORT),
    ("NewVerdict", "status", VERDICT),
    ("ReportTarget", "type", &["user", "message", "story"]),
    ("EndedStory", "reason", &["deleted", "expired"]),
    ("FriendshipPush", "status", &["pending", "accepted", "blocked"]),
    ("NewPresence", "status", WISHED),
    ("Presence", "chosen", WISHED),
    ("ExportedPresence", "chosen", &["busy", "invisible"]),
    ("DeadLetter", "state", PARKED),
    ("ProjectionPassed", "parked", PARKED),
    ("RebuildState", "state", &["running", "done", "failed"]),
    ("Health", "status", &["ok", "degraded"]),
    ("FirstPage", "status", &["ok", "degraded", "unavailable"]),
    ("ProcessState", "role", &["all", "gateway", "worker"]),
    ("EngineState", "engine", &["database", "rabbitmq", "redis"]),
    ("QueueStats", "engine", &["rabbitmq", "in-process"]),
    ("CacheStats", "engine", &["redis", "memory"]),
    ("AuditEvent", "tier", TIER),
    ("TierStats", "tier", TIER),
    ("PartitionStats", "tier", TIER),
    ("TierLatency", "tier", TIER),
    ("TierLag", "tier", TIER),
];

/// The words of a parameter: route, parameter, words.
const PARAMETERS: &[(&str, &str, Words)] = &[
    ("/admin/accounts", "role", ROLE),
    ("/admin/audit/export", "format", &["ndjson", "csv"]),
    ("/admin/conversations", "type", CONVERSATION),
    ("/admin/reports", "status", REPORT),
    ("/conversations/{id}/members", "status", MEMBER_STATUS),
    ("/friends/requests", "direction", &["in", "out"]),
    ("/messages/{id}", "for", &["everyone", "me"]),
    ("/socket.io/", "EIO", &["4"]),
    ("/socket.io/", "transport", &["polling", "websocket"]),
];

/// Puts the words into the schemas that are there.
pub(super) fn tell(schemas: &mut Map<String, Value>) {
    for (schema, field, words) in FIELDS {
        if let Some(field) = schemas.get_mut(*schema).and_then(|schema| field_mut(schema, field)) {
            let mut known: Vec<_> = words.iter().map(|word| json!(word)).collect();
            known.extend(is_nullable(field).then_some(Value::Null));
            field["enum"] = known.into();
        }
    }
    if let Some(away) = schemas.get_mut("Health").and_then(|health| field_mut(health, "away")) {
        away["items"]["enum"] = json!(["rabbitmq", "redis"]);
    }
    if let Some(word) = schemas.get_mut("NewAudience").and_then(|audience| audience.pointer_mut("/oneOf/0")) {
        word["enum"] = json!(["friends"]);
    }
}

/// The words of a parameter of a route, if they are a closed list.
pub fn of_parameter(route: &str, name: &str) -> Option<Vec<&'static str>> {
    if name == "aggregateType" {
        return Some(AggregateType::ALL.iter().map(|aggregate| aggregate.as_str()).collect());
    }
    let words = PARAMETERS.iter().find(|(of, parameter, _)| (*of, *parameter) == (route, name));
    words.map(|(_, _, words)| words.to_vec())
}
