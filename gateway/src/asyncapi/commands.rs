//! The commands.

use super::reference;
use serde_json::{Map, Value, json};

/// A command as documented.
pub struct Documented {
    /// Its name.
    pub name: &'static str,
    /// What it does.
    pub summary: &'static str,
    /// Whom and what it is about: the path parameters of its REST twin.
    ids: &'static [&'static str],
    /// The schema of its other fields: the body of its REST twin.
    body: Option<&'static str>,
    /// The schema of its `ok`: the body of its REST twin's response; `None` for a position alone.
    pub(super) answer: Option<&'static str>,
}

const fn command(
    name: &'static str,
    ids: &'static [&'static str],
    body: Option<&'static str>,
    answer: Option<&'static str>,
    summary: &'static str,
) -> Documented {
    Documented { name, summary, ids, body, answer }
}

const ROOM: &[&str] = &["conversationId"];
const MEMBER: &[&str] = &["conversationId", "userId"];
const MESSAGE: &[&str] = &["messageId"];
const USER: &[&str] = &["userId"];
const CONVERSATION: Option<&str> = Some("Conversation");
const MESSAGED: Option<&str> = Some("Message");
const FRIENDSHIP: Option<&str> = Some("Friendship");
const RECEIPT: Option<&str> = Some("Receipt");
const CALL: Option<&str> = Some("Call");
const STORY: &[&str] = &["storyId"];
const SHOWN: Option<&str> = Some("Story");

/// All commands.
pub const COMMANDS: [Documented; 47] = [
    command("auth", &[], Some("Auth"), Some("SignedOn"), "Shows the credentials; the first frame."),
    command("ping", &[], None, Some("CursorNow"), "Answers the cursor."),
    command("sync", &[], Some("Sync"), Some("SyncPage"), "What was missed since a cursor."),
    command("message.send", ROOM, Some("NewMessage"), MESSAGED, "Posts a message."),
    command("message.edit", MESSAGE, Some("EditedMessage"), MESSAGED, "Replaces the text of an own message."),
    command("message.delete", MESSAGE, None, None, "Removes a message for everybody."),
    command("message.hide", MESSAGE, None, None, "Removes a message for oneself."),
    command("message.react", MESSAGE, Some("Emoji"), MESSAGED, "Reacts to a message."),
    command("message.unreact", MESSAGE, Some("Emoji"), MESSAGED, "Takes a reaction back."),
    command("message.read", ROOM, Some("MarkedUpTo"), RECEIPT, "Everything up to a message has been seen."),
    command("message.delivered", ROOM, Some("MarkedUpTo"), RECEIPT, "Everything up to a message has arrived."),
    command("conversation.create", &[], Some("NewConversation"), CONVERSATION, "Opens a conversation."),
    command("conversation.update", ROOM, Some("SettingsUpdate"), CONVERSATION, "Changes a group's settings."),
    command("conversation.delete", ROOM, None, None, "Ends a group for everybody."),
    command(
        "conversation.join",
        ROOM,
        None,
        CONVERSATION,
        "Joins a group that is open, or asks to where a lead approves.",
    ),
    command("conversation.leave", ROOM, None, None, "Leaves a group, or takes back that one asked to join."),
    command("conversation.add", MEMBER, None, CONVERSATION, "Makes somebody a member."),
    command("conversation.kick", MEMBER, None, CONVERSATION, "Removes a member."),
    command("conversation.promote", MEMBER, None, CONVERSATION, "Makes a member a lead."),
    command("conversation.demote", MEMBER, None, CONVERSATION, "Makes a lead a plain member."),
    command("conversation.approve", MEMBER, None, CONVERSATION, "Lets somebody in who asked."),
    command("conversation.reject", MEMBER, None, CONVERSATION, "Turns somebody down who asked."),
    command("conversation.mute", ROOM, Some("Silence"), CONVERSATION, "Hears nothing of a conversation."),
    command("conversation.unmute", ROOM, None, CONVERSATION, "Hears of a conversation again."),
    command("conversation.archive", ROOM, None, CONVERSATION, "Puts a conversation away, for oneself."),
    command("conversation.unarchive", ROOM, None, CONVERSATION, "Takes a conversation out again."),
    command("friend.request", USER, None, FRIENDSHIP, "Asks somebody to be friends."),
    command("friend.accept", USER, None, FRIENDSHIP, "Accepts a request."),
    command("friend.reject", USER, None, None, "Turns a request down."),
    command("friend.cancel", USER, None, None, "Takes the own request back."),
    command("friend.block", USER, None, FRIENDSHIP, "Blocks somebody."),
    command("friend.unblock", USER, None, None, "Lifts the own block."),
    command("friend.unfriend", USER, None, None, "Ends a friendship."),
    command("call.initiate", &[], Some("NewCall"), CALL, "Calls the others of a conversation, or joins its call."),
    command("call.answer", &[], Some("CallMeant"), CALL, "Joins a call."),
    command("call.refuse", &[], Some("CallMeant"), CALL, "Does not want to join a call."),
    command("call.close", &[], Some("CallMeant"), CALL, "Hangs up, or takes a call back."),
    command("call.signal", &[], Some("NewCallSignal"), None, "Tells another device in a call."),
    command("story.post", &[], Some("NewStory"), SHOWN, "Shows a story for a day."),
    command("story.like", STORY, None, SHOWN, "Likes a story."),
    command("story.unlike", STORY, None, SHOWN, "Takes a like back."),
    command("story.comment", STORY, Some("NewComment"), Some("Comment"), "Comments on a story."),
    command("typing.start", ROOM, None, None, "Tells the others in a conversation that one types."),
    command("typing.stop", ROOM, None, None, "Tells them that one has stopped."),
    command("presence.set", &[], Some("NewPresence"), Some("Presence"), "Chooses how one wants to be seen."),
    command(
        "presence.subscribe",
        &[],
        Some("WatchedUsers"),
        Some("List_Presence"),
        "How people are here; whatever changes later is told to this socket, for as long as the caller may see it.",
    ),
    command("signal.send", ROOM, Some("NewSignal"), None, "Tells the others in a conversation something of one's own."),
];

impl Documented {
    /// The schema of its frame.
    pub(super) fn payload(&self) -> Value {
        json!({
            "allOf": [reference(&["components", "schemas", "Command"])],
            "properties": {"cmd": {"const": self.name}, "data": self.data()},
        })
    }

    fn data(&self) -> Value {
        let id = json!({"type": "string", "format": "uuid"});
        let properties: Map<_, _> = self.ids.iter().map(|name| ((*name).to_owned(), id.clone())).collect();
        let ids = json!({"type": "object", "required": self.ids, "properties": properties});
        match self.body {
            Some(body) => json!({"allOf": [ids, reference(&["components", "schemas", body])]}),
            None => ids,
        }
    }

    /// The schema of the reply when it was done.
    pub(super) fn reply(&self) -> Value {
        let position = json!({
            "type": "object",
            "description": "The position of the command's last event; absent when nothing changed.",
            "properties": {"position": {"type": "integer"}},
        });
        let answer = self.answer.map(|answer| reference(&["components", "schemas", answer]));
        let parts: Vec<_> = answer.into_iter().chain([position]).collect();
        json!({"type": "object", "required": ["reply", "ok"], "properties": {
            "reply": {"description": "The id of the command."},
            "ok": {"allOf": parts},
        }})
    }
}
