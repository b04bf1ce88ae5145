//! How the caller wants to be seen, and whom they want to hear of.

use super::{Answer, Call, Caller};
use crate::{
    App, Problem,
    hub::{Watcher, Wished},
    limits::Kind,
    presence::{Wish, WishedStatus},
    request::{Faults, Parse, parse},
    resource::List,
};
use axum::http::StatusCode;
use domain::{Timestamp, UserId, text::StatusText};
use serde_json::Value;
use std::collections::HashSet;
use utoipa::ToSchema;

/// People that a socket may watch.
const MAX_WATCHED: usize = 500;
/// How many people one asks for at the cost of one read.
pub(crate) const PEOPLE_PER_READ: usize = 10;
/// How often it is begun anew when something comes between: a block, a change.
const ATTEMPTS: u32 = 8;

/// How one wants to be seen.
#[derive(Clone, Debug, ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct NewPresence {
    /// `online` or `away`: this device. `busy` or `invisible`: the person, until they choose again; `online` ends it.
    #[schema(value_type = String, example = "busy")]
    pub status: WishedStatus,
    /// In one's own words: at most 140 characters in one line. Absent: none, but `away` keeps what was said before.
    #[schema(value_type = Option<String>)]
    pub text: Option<StatusText>,
    /// When what was chosen, and the text, lapse by themselves.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub until: Option<Timestamp>,
}

/// Whom a socket wants to hear of.
#[derive(Clone, Debug, ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct WatchedUsers {
    /// At most 500; they take the place of those named before.
    #[schema(value_type = Vec<Uuid>)]
    pub user_ids: Vec<UserId>,
}

impl Parse for WishedStatus {
    fn parse(value: &Value, faults: &mut Faults) -> Option<Self> {
        let known = [Self::Online, Self::Away, Self::Busy, Self::Invisible];
        let text = faults.text(value)?;
        known
            .into_iter()
            .find(|word| word.as_str() == text)
            .or_else(|| faults.fault("unknown_word", format!("must be one of {}", known.map(Self::as_str).join(", "))))
    }
}

/// An empty text is none.
#[derive(Debug)]
struct Words(Option<StatusText>);

impl Parse for Words {
    fn parse(value: &Value, faults: &mut Faults) -> Option<Self> {
        match faults.text(value)? {
            "" => Some(Self(None)),
            text => faults.checked(StatusText::parse(text)).map(|text| Self(Some(text))),
        }
    }
}

impl Parse for NewPresence {
    fn parse(value: &Value, faults: &mut Faults) -> Option<Self> {
        let mut object = faults.object(value)?;
        let status = object.required("status");
        let text = object.optional::<Words>("text").and_then(|Words(text)| text);
        let until = object.optional("until");
        Some(Self { status: status?, text, until })
    }
}

impl Parse for WatchedUsers {
    fn parse(value: &Value, faults: &mut Faults) -> Option<Self> {
        let user_ids: Vec<UserId> = faults.object(value)?.required("userIds")?;
        Some(Self { user_ids })
    }
}

/// Each once, in the order in which they were named.
///
/// # Errors
/// When there are more than `most`.
pub fn distinct(users: Vec<UserId>, most: usize) -> Result<Vec<UserId>, Problem> {
    let mut known = HashSet::new();
    let users: Vec<_> = users.into_iter().filter(|user| known.insert(*user)).collect();
    if users.len() > most {
        return Err(Problem::field("userIds", "too_many", format!("must be at most {most} people")));
    }
    Ok(users)
}

/// The caller wants to be seen so.
///
/// # Errors
/// The [`Problem`] to answer.
pub async fn set_presence(call: &Call<'_>, request: NewPresence) -> Result<Answer, Problem> {
    let NewPresence { status, text, until } = request;
    if let Some(text) = &text {
        call.app.commands.hear_status(&call.context(), text.as_str()).await?;
    }
    let own = call.app.presences.choose(call.caller, Wish { status, text, until }).await?;
    if status == WishedStatus::Invisible {
        call.app.typing.stop_all(call.caller.user).await;
    }
    let body = serde_json::to_value(own).map_err(Problem::internal)?;
    Ok(Answer { status: StatusCode::OK.as_u16(), body, position: None })
}

/// A socket of the caller wants to hear how these people are here. Answers how they are now; whatever changes later is
/// told.
///
/// # Errors
/// The [`Problem`] to answer.
pub async fn watch(app: &App, caller: &Caller, watcher: &Watcher, data: &Value) -> Result<Answer, Problem> {
    let WatchedUsers { user_ids } = parse(data)?;
    let wanted = distinct(user_ids, MAX_WATCHED)?;
    let extra = u32::try_from(wanted.len() / PEOPLE_PER_READ).unwrap_or(u32::MAX);
    app.limits.charge(Kind::Read, caller.ip, Some(caller.user), extra).await?;
    for attempt in 1..=ATTEMPTS {
        let partings = watcher.partings();
        let seen = app.presences.visible(caller.user, &wanted).await?;
        match watcher.watch(&seen, partings) {
            Wished::Granted => (),
            Wished::Stale => continue,
            Wished::Full => {
                return Err(Problem::unavailable("too_many_watched", "too many people are watched here", 30));
            }
        }
        let told = watcher.told();
        let items = app.presences.shown(caller, &wanted, &seen).await?;
        // What it was told meanwhile may be newer than this.
        if watcher.told() == told || attempt == ATTEMPTS {
            let body = serde_json::to_value(List::whole(items)).map_err(Problem::internal)?;
            return Ok(Answer { status: StatusCode::OK.as_u16(), body, position: None });
        }
    }
    Err(Problem::unavailable("contended", "too much changes at once", 1))
}
