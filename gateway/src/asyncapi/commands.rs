//! The commands.

use super::reference;
use serde_json::{Map, Value, json};

/// A command as documented.
pub struct Documented {
    /// Its name.
    pub name: &'static str,
    /// What it does.
    pub summary: &'static str,
    /// The fields of its data.
    fields: &'static [Field],
}

/// A field of a command's data.
struct Field {
    name: &'static str,
    kind: Kind,
    required: bool,
}

#[derive(Clone, Copy)]
enum Kind {
    Id,
    Ids,
    Text,
    Flag,
    Number,
    SeqOrId,
    Attachments,
}

const fn must(name: &'static str, kind: Kind) -> Field {
    Field { name, kind, required: true }
}

const fn may(name: &'static str, kind: Kind) -> Field {
    Field { name, kind, required: false }
}

const fn command(name: &'static str, summary: &'static str, fields: &'static [Field]) -> Documented {
    Documented { name, summary, fields }
}

const CONVERSATION: Field = must("conversationId", Kind::Id);
const MESSAGE: Field = must("messageId", Kind::Id);
const USER: Field = must("userId", Kind::Id);
const REACTION: &[Field] = &[MESSAGE, must("emoji", Kind::Text)];
const RECEIPT: &[Field] = &[CONVERSATION, must("upTo", Kind::SeqOrId)];
const MEMBER: &[Field] = &[CONVERSATION, USER];
const PERSON: &[Field] = &[USER];

/// All commands.
pub const COMMANDS: [Documented; 29] = [
    command("auth", "Shows the credentials: the first frame.", &[must("token", Kind::Text), may("since", Kind::Text)]),
    command("ping", "Answers the cursor.", &[]),
    command("sync", "What was missed since a cursor.", &[must("since", Kind::Text), may("limit", Kind::Number)]),
    command(
        "message.send",
        "Posts a message.",
        &[
            CONVERSATION,
            may("guid", Kind::Id),
            may("messageType", Kind::Text),
            may("content", Kind::Text),
            may("attachments", Kind::Attachments),
            may("replyTo", Kind::Id),
            may("mentions", Kind::Ids),
        ],
    ),
    command("message.edit", "Replaces the text of an own message.", &[MESSAGE, must("content", Kind::Text)]),
    command("message.delete", "Removes a message for everybody.", &[MESSAGE]),
    command("message.hide", "Removes a message for oneself.", &[MESSAGE]),
    command("message.react", "Reacts to a message.", REACTION),
    command("message.unreact", "Takes a reaction back.", REACTION),
    command("message.read", "Everything up to a message has been seen.", RECEIPT),
    command("message.delivered", "Everything up to a message has reached this device.", RECEIPT),
    command(
        "conversation.create",
        "Opens a direct or group conversation.",
        &[
            must("type", Kind::Text),
            may("title", Kind::Text),
            may("avatarUrl", Kind::Text),
            must("members", Kind::Ids),
            may("approval", Kind::Flag),
        ],
    ),
    command(
        "conversation.update",
        "Changes a group's settings.",
        &[CONVERSATION, may("title", Kind::Text), may("avatarUrl", Kind::Text), may("approval", Kind::Flag)],
    ),
    command("conversation.join", "Joins a group, or asks to.", &[CONVERSATION]),
    command("conversation.leave", "Leaves a group.", &[CONVERSATION]),
    command("conversation.delete", "Ends a group for everybody.", &[CONVERSATION]),
    command("conversation.add", "Makes somebody a member.", MEMBER),
    command("conversation.kick", "Removes a member.", MEMBER),
    command("conversation.promote", "Makes a member a lead.", MEMBER),
    command("conversation.demote", "Makes a lead a plain member.", MEMBER),
    command("conversation.approve", "Lets somebody in who asked.", MEMBER),
    command("conversation.reject", "Turns somebody down who asked.", MEMBER),
    command("friend.request", "Asks somebody to be friends.", PERSON),
    command("friend.accept", "Accepts a request.", PERSON),
    command("friend.reject", "Turns a request down.", PERSON),
    command("friend.cancel", "Takes the own request back.", PERSON),
    command("friend.block", "Blocks somebody.", PERSON),
    command("friend.unblock", "Lifts the own block.", PERSON),
    command("friend.unfriend", "Ends a friendship.", PERSON),
];

impl Documented {
    /// The schema of its frame.
    pub(super) fn payload(&self) -> Value {
        let properties: Map<_, _> =
            self.fields.iter().map(|field| (field.name.to_owned(), field.kind.schema())).collect();
        let required: Vec<_> = self.fields.iter().filter(|field| field.required).map(|field| field.name).collect();
        let data = json!({"type": "object", "required": required, "properties": properties});
        json!({
            "allOf": [reference(&["components", "schemas", "Command"])],
            "properties": {"cmd": {"const": self.name}, "data": data},
        })
    }
}

impl Kind {
    fn schema(self) -> Value {
        let id = json!({"type": "string", "format": "uuid"});
        match self {
            Self::Id => id,
            Self::Ids => json!({"type": "array", "items": id}),
            Self::Text => json!({"type": "string"}),
            Self::Flag => json!({"type": "boolean"}),
            Self::Number => json!({"type": "integer", "minimum": 0}),
            Self::SeqOrId => json!({"oneOf": [{"type": "integer", "minimum": 0}, id]}),
            Self::Attachments => json!({"type": "array", "items": {
                "type": "object",
                "required": ["fileUrl"],
                "properties": {
                    "fileUrl": {"type": "string"},
                    "thumbUrl": {"type": "string"},
                    "name": {"type": "string"},
                    "size": {"type": "integer", "minimum": 0},
                    "mime": {"type": "string"},
                },
            }}),
        }
    }
}
