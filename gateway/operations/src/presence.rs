//! The caller's presence preference, and the users they watch.

use super::{Answer, Operation, Request, Route};
use async_trait::async_trait;
use domain::{Timestamp, UserId, text::StatusText};
use limits::Kind;
use protocol::{
    Problem, Schemas,
    request::{Faults, Parse},
    resource::{List, Presence},
};
use realtime::{
    hub::Wished,
    presence::{PreferredStatus, PresencePreference},
};
use serde_json::Value;
use std::{borrow::Cow, collections::HashSet};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{RefOr, Schema},
};

/// People that a socket may watch.
const MAX_WATCHED: usize = 500;
/// How many people one asks for at the cost of one read.
pub const PEOPLE_PER_READ: usize = 10;
/// How often it is begun anew when something comes between: a block, a change.
const ATTEMPTS: u32 = 8;

/// How one wants to be seen.
#[derive(Clone, Debug, ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct NewPresence {
    /// `online` or `away`: this device. `busy` or `invisible`: the person, until they choose again; `online` ends it.
    #[schema(value_type = String, example = "busy")]
    pub status: PreferredStatus,
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

/// `presence.set`.
pub struct SetPresence;

#[async_trait]
impl Operation for SetPresence {
    const NAME: &'static str = "presence.set";
    const SUMMARY: &'static str =
        "Chooses how one wants to be seen. The answer shows oneself as others see one, and what was chosen.";
    const BUDGET: Kind = Kind::Signal;
    const ROUTE: Option<Route> = Some(Route::put("/presence", "setPresence", "presence"));

    type Target = ();
    type Body = NewPresence;
    type Output = Presence;

    async fn run(
        (): (),
        NewPresence { status, text, until }: NewPresence,
        request: &Request<'_>,
    ) -> Result<Answer, Problem> {
        if let Some(text) = &text {
            request.app.commands.check_status(&request.context(), text.as_str()).await?;
        }
        let own = request.app.presences.choose(request.caller, PresencePreference { status, text, until }).await?;
        if status == PreferredStatus::Invisible {
            request.app.typing.stop_all(request.caller.user).await;
        }
        Answer::read(&own)
    }
}

/// A whole list of how people are here.
pub struct Watched;

impl PartialSchema for Watched {
    fn schema() -> RefOr<Schema> {
        List::<Presence>::schema()
    }
}

impl ToSchema for Watched {
    fn name() -> Cow<'static, str> {
        // A derived name does not have the type of the items.
        "List_Presence".into()
    }

    fn schemas(schemas: &mut Schemas) {
        List::<Presence>::schemas(schemas);
    }
}

/// `presence.subscribe`.
pub struct WatchPresence;

#[async_trait]
impl Operation for WatchPresence {
    const NAME: &'static str = "presence.subscribe";
    const SUMMARY: &'static str = "The presence of people. Later changes are sent to this socket, for as long as the caller may \
        see them.";
    const BUDGET: Kind = Kind::Read;

    type Target = ();
    type Body = WatchedUsers;
    type Output = Watched;

    async fn run((): (), WatchedUsers { user_ids }: WatchedUsers, request: &Request<'_>) -> Result<Answer, Problem> {
        let (app, caller, watcher) = (request.app, request.caller, request.socket()?.watcher);
        let wanted = distinct(user_ids, MAX_WATCHED)?;
        let extra = u32::try_from(wanted.len() / PEOPLE_PER_READ).unwrap_or(u32::MAX);
        app.limits.charge(Self::BUDGET, caller.ip, Some(caller.user), extra).await?;
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
            let received = watcher.received();
            let items = app.presences.visible_presences(caller, &wanted, &seen).await?;
            // A change received meanwhile may be newer than this.
            if watcher.received() == received || attempt == ATTEMPTS {
                return Answer::read(&List::whole(items));
            }
        }
        Err(Problem::unavailable("contended", "too much changes at once", 1))
    }
}
