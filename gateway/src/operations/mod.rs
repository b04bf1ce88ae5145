//! What a signed-in client can ask for, whichever door it comes through: each operation runs one command and answers
//! the resource it changed.

mod account;
mod administration;
mod answer;
mod calls;
mod conversations;
mod files;
mod friends;
mod invites;
mod keep;
mod messages;
mod path;
mod presence;
mod profile;
mod receipts;
mod reports;
mod sessions;
mod signals;
mod stories;
mod typing;

pub use account::{Farewell, PasswordChange, change_password, deactivate, erase};
pub use administration::{
    AccountUpdate, Fate, change_account, rebuild, release, remove_conversation, remove_message, remove_story,
};
pub use answer::Answer;
pub use calls::{
    AttachedData, CallMeant, NewCall, NewCallSignal, answer_call, call_signal, close_call, initiate, refuse_call,
};
pub use conversations::{MemberChange, NewConversation, SettingsUpdate, create, delete, join, leave, update};
pub use conversations::{add, appoint, approve, demote, kick, promote, reject};
pub use files::upload;
pub use friends::{accept, befriend, block, cancel, turn_down, unblock, unfriend};
pub use invites::{NewInvite, accept_invite, invite, revoke_invite};
pub use keep::{Silence, archive, clear, mute, unarchive, unmute};
pub use messages::{EditedMessage, NewMessage, delete_message, edit, hide, react, send, unreact};
pub use path::{InConversation, OnMessage, OnStory, WithEmoji, WithUser};
pub(crate) use presence::PEOPLE_PER_READ;
pub use presence::{NewPresence, WatchedUsers, distinct, set_presence, watch};
pub use profile::{ProfileUpdate, update_profile};
pub use receipts::{MarkedUpTo, delivered, read};
pub use reports::{Decision, NewReport, NewVerdict, decide_report, file_report};
pub use sessions::{end_session, sign_out};
pub use signals::{CustomSignal, NewSignal, send_signal};
pub use stories::{
    NewAudience, NewComment, NewStory, StoryUpdate, comment_on_story, delete_comment, delete_story, edit_story,
    like_story, post_story, unlike_story, view_story,
};
pub use typing::{Typing, start_typing, stop_typing};

use crate::{
    App, Problem,
    limits::{Kind, beyond_one},
    request,
};
use axum::http::StatusCode;
use commands::{Actor, Context};
use domain::{SessionId, UserId};
use event_store::Receipt;
use projections::Projection;
use serde_json::Value;
use std::net::IpAddr;
use uuid::Uuid;

/// The longest idempotency key, in bytes.
const LONGEST_KEY: usize = 255;

/// Who asks, and through which request.
#[derive(Clone, Copy, Debug)]
pub struct Caller {
    /// The user.
    pub user: UserId,
    /// The device they are signed in with.
    pub session: SessionId,
    /// Names this request in the log and the audit trail.
    pub correlation_id: Uuid,
    /// Where they call from.
    pub ip: Option<IpAddr>,
}

/// One request of a caller.
pub struct Call<'a> {
    app: &'a App,
    caller: &'a Caller,
    key: Option<String>,
}

impl<'a> Call<'a> {
    /// Takes what an act costs that concerns so many people, of which one was admitted, from the caller's budget.
    ///
    /// # Errors
    /// 429 `rate_limited`.
    async fn pay_for_people(&self, kind: Kind, people: usize) -> Result<(), Problem> {
        self.app.limits.charge(kind, self.caller.ip, Some(self.caller.user), beyond_one(people)).await
    }

    /// A request with the idempotency key that came with it.
    ///
    /// # Errors
    /// When the key is none.
    pub fn new(app: &'a App, caller: &'a Caller, key: Option<String>) -> Result<Self, Problem> {
        check_key(key.as_deref())?;
        Ok(Self { app, caller, key })
    }

    fn context(&self) -> Context {
        let Caller { user, session, correlation_id, .. } = *self.caller;
        let actor = Some(Actor { user, session: Some(session) });
        Context { actor, key: self.key.clone(), correlation_id, causation_id: None }
    }

    /// Whether the read models show what was stored, after waiting a while.
    async fn is_shown(&self, receipt: &Receipt) -> bool {
        match receipt.position {
            Some(position) => self.app.progress.wait(position, &Projection::ALL, self.app.config.wait).await,
            None => true,
        }
    }
}

/// An idempotency key is 1 to 255 visible characters.
///
/// # Errors
/// `invalid_idempotency_key`.
pub fn check_key(key: Option<&str>) -> Result<(), Problem> {
    let good = |key: &str| (1..=LONGEST_KEY).contains(&key.len()) && !key.chars().any(char::is_control);
    if key.is_none_or(good) {
        return Ok(());
    }
    let detail = format!("an idempotency key is 1 to {LONGEST_KEY} bytes without control characters");
    Err(Problem::new(StatusCode::BAD_REQUEST, "invalid_idempotency_key", detail))
}

macro_rules! commands {
    ($($name:literal => $operation:path),* $(,)?) => {
        /// The names of all commands.
        pub const COMMANDS: &[&str] = &[$($name),*];

        async fn dispatch(call: &Call<'_>, cmd: &str, data: &Value) -> Result<Answer, Problem> {
            match cmd {
                $($name => $operation(call, request::parse(data)?).await,)*
                _ => {
                    let detail = format!("there is no command {cmd:?}");
                    Err(Problem::new(StatusCode::BAD_REQUEST, "unknown_command", detail))
                }
            }
        }
    };
}

commands! {
    "message.send" => send,
    "message.edit" => edit,
    "message.delete" => delete_message,
    "message.hide" => hide,
    "message.react" => react,
    "message.unreact" => unreact,
    "message.read" => read,
    "message.delivered" => delivered,
    "conversation.create" => create,
    "conversation.update" => update,
    "conversation.delete" => delete,
    "conversation.join" => join,
    "conversation.leave" => leave,
    "conversation.add" => add,
    "conversation.kick" => kick,
    "conversation.promote" => promote,
    "conversation.demote" => demote,
    "conversation.approve" => approve,
    "conversation.reject" => reject,
    "conversation.mute" => mute,
    "conversation.unmute" => unmute,
    "conversation.archive" => archive,
    "conversation.unarchive" => unarchive,
    "friend.request" => befriend,
    "friend.accept" => accept,
    "friend.reject" => turn_down,
    "friend.cancel" => cancel,
    "friend.block" => block,
    "friend.unblock" => unblock,
    "friend.unfriend" => unfriend,
    "call.initiate" => initiate,
    "call.answer" => answer_call,
    "call.refuse" => refuse_call,
    "call.close" => close_call,
    "call.signal" => call_signal,
    "story.post" => post_story,
    "story.like" => like_story,
    "story.unlike" => unlike_story,
    "story.comment" => comment_on_story,
    "typing.start" => start_typing,
    "typing.stop" => stop_typing,
    "presence.set" => set_presence,
    "signal.send" => send_signal,
}

/// Runs one command of the protocol by its name, such as `message.send`.
///
/// # Errors
/// The [`Problem`] to answer: `unknown_command`, bad fields, or a refusal.
pub async fn run(app: &App, caller: &Caller, cmd: &str, key: Option<String>, data: Value) -> Result<Answer, Problem> {
    dispatch(&Call::new(app, caller, key)?, cmd, &data).await
}
