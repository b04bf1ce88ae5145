//! What every request carries: its id, where it comes from, who sends it, and which position it speaks of.

use super::{POSITION, body::Body};
use crate::{Authenticated, HttpApp, RouteBudget};
use axum::{
    extract::{FromRequestParts, Path, RawPathParams, rejection::RawPathParamsRejection},
    http::{HeaderMap, request::Parts},
};
use commands::{Context, EntryPermit};
use domain::{AggregateType, ConversationId, UserId, id::PairId, user::Role};
use event_store::{Position, StreamId};
use limits::Kind;
use operations::{
    App,
    auth::require,
    check_key,
    connection::{RequestId, client_ip},
    invalid_key,
};
use projections::{Extent, Projection};
use protocol::{
    Problem,
    request::{UUID_FORM, uuid},
};
use realtime::Caller;
use std::{marker::PhantomData, net::IpAddr, str::FromStr};
use uuid::Uuid;

/// What a header says beyond ASCII depends on who reads it.
fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let Some(value) = headers.get("idempotency-key") else { return Ok(None) };
    let key = value.to_str().map_err(|_| invalid_key("in a header, an idempotency key is visible ASCII"))?;
    check_key(Some(key))?;
    Ok(Some(key.to_owned()))
}

/// A signed-in caller who wants to change something.
pub(super) struct Writer {
    caller: Caller,
    key: Option<String>,
    _permit: Option<EntryPermit>,
}

impl Writer {
    pub(super) fn request<'a>(&'a self, app: &'a App) -> Result<operations::Request<'a>, Problem> {
        operations::Request::new(app, &self.caller, self.key.clone())
    }
}

impl FromRequestParts<HttpApp> for Writer {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &HttpApp) -> Result<Self, Problem> {
        let Authenticated(caller) = Authenticated::from_request_parts(parts, app).await?;
        let permit = app.admit(RouteBudget::of(parts).tier(), caller.correlation_id)?;
        Ok(Self { caller, key: idempotency_key(&parts.headers)?, _permit: permit })
    }
}

/// A caller who is nobody yet and wants to change something.
pub(super) struct Stranger {
    pub context: Context,
    pub(super) ip: Option<IpAddr>,
}

impl FromRequestParts<HttpApp> for Stranger {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &HttpApp) -> Result<Self, Problem> {
        app.limits.admit(RouteBudget::of(parts), client_ip(parts, &app.config.trusted_proxies), None).await?;
        Self::of(parts, app)
    }
}

impl Stranger {
    fn of(parts: &Parts, app: &App) -> Result<Self, Problem> {
        let ip = client_ip(parts, &app.config.trusted_proxies);
        let key = idempotency_key(&parts.headers)?;
        let RequestId(correlation_id) = RequestId::of(parts);
        Ok(Self { context: Context { actor: None, key, correlation_id, causation_id: None }, ip })
    }
}

/// A stranger who may turn out to be known: whether their address has room for them is judged when that is found out.
pub(super) struct Returning {
    stranger: Stranger,
    kind: Kind,
    admitted: Result<(), Problem>,
}

impl Returning {
    /// The stranger and what they ask, if their address has room. A `known` account has a budget of its own beyond it,
    /// so that strangers who share its address cannot keep it out.
    pub(super) async fn admit<T>(
        self,
        app: &App,
        body: Result<Body<T>, Problem>,
        known: impl FnOnce(&T, Option<IpAddr>) -> Option<UserId>,
    ) -> Result<(Stranger, T), Problem> {
        let Self { stranger, kind, admitted } = self;
        let Err(refused) = admitted else { return body.map(|Body(asked)| (stranger, asked)) };
        let Ok(Body(asked)) = body else { return Err(refused) };
        let known = known(&asked, stranger.ip).ok_or(refused)?;
        app.limits.admit(kind, None, Some(known)).await?;
        Ok((stranger, asked))
    }
}

impl FromRequestParts<HttpApp> for Returning {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &HttpApp) -> Result<Self, Problem> {
        let (stranger, kind) = (Stranger::of(parts, app)?, RouteBudget::of(parts));
        let admitted = app.limits.admit(kind, stranger.ip, None).await;
        Ok(Self { stranger, kind, admitted })
    }
}

/// A signed-in caller who wants to see something that is made of any scopes: no older than the position they name.
pub(super) struct Reader(pub(super) Caller);

impl FromRequestParts<HttpApp> for Reader {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &HttpApp) -> Result<Self, Problem> {
        Ok(Self(reader::<Everything>(parts, app).await?))
    }
}

/// The same of an answer that is made of few scopes: the other partitions are not waited for. The names of the people in
/// it are as they have come.
pub(super) struct ReaderOf<W>(pub(super) Caller, pub(super) PhantomData<W>);

impl<W: Reads> FromRequestParts<HttpApp> for ReaderOf<W> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &HttpApp) -> Result<Self, Problem> {
        Ok(Self(reader::<W>(parts, app).await?, PhantomData))
    }
}

/// Who reads, once the read models have come to the position they name, in what the answer is made of. After a while the
/// answer is 503 `read_models_behind`.
async fn reader<W: Reads>(parts: &mut Parts, app: &HttpApp) -> Result<Caller, Problem> {
    let Authenticated(caller) = Authenticated::from_request_parts(parts, app).await?;
    let Some(wanted) = parts.headers.get(POSITION) else { return Ok(caller) };
    let position = wanted.to_str().ok().and_then(|text| text.parse().ok());
    let malformed = || Problem::malformed("X-ChatChit-Position must be a position: a whole number");
    let position: u64 = position.ok_or_else(malformed)?;
    if app.progress.has_settled(position, &Projection::ALL) {
        return Ok(caller);
    }
    let extent = match W::scopes(parts, app, &caller).await? {
        Some(scopes) => Extent::of(scopes, app.store.partitions()),
        None => Extent::Whole,
    };
    if !app.progress.wait_in(&extent, position, &Projection::ALL, app.config.wait).await {
        return Err(Problem::unavailable("read_models_behind", "the read models are not there yet", 1));
    }
    Ok(caller)
}

/// What an answer is made of.
pub(super) trait Reads {
    /// The scopes; `None`: any.
    fn scopes(
        parts: &mut Parts,
        app: &HttpApp,
        caller: &Caller,
    ) -> impl Future<Output = Result<Option<Vec<Uuid>>, Problem>> + Send;
}

/// Any scope.
struct Everything;

impl Reads for Everything {
    async fn scopes(_: &mut Parts, _: &HttpApp, _: &Caller) -> Result<Option<Vec<Uuid>>, Problem> {
        Ok(None)
    }
}

/// The caller.
pub(super) struct Oneself;

impl Reads for Oneself {
    async fn scopes(_: &mut Parts, _: &HttpApp, caller: &Caller) -> Result<Option<Vec<Uuid>>, Problem> {
        Ok(Some(vec![caller.user.0]))
    }
}

/// The person in the path, and how the caller stands to them.
pub(super) struct Somebody;

impl Reads for Somebody {
    async fn scopes(parts: &mut Parts, app: &HttpApp, caller: &Caller) -> Result<Option<Vec<Uuid>>, Problem> {
        let Id(user) = Id::<UserId>::from_request_parts(parts, app).await?;
        Ok(Some(vec![user.0, PairId::of(caller.user, user).0]))
    }
}

/// The conversation in the path.
pub(super) struct OneConversation;

impl Reads for OneConversation {
    async fn scopes(parts: &mut Parts, app: &HttpApp, _: &Caller) -> Result<Option<Vec<Uuid>>, Problem> {
        let Id(conversation) = Id::<ConversationId>::from_request_parts(parts, app).await?;
        Ok(Some(vec![conversation.0]))
    }
}

macro_rules! one_stream {
    ($($(#[$doc:meta])* $name:ident: $aggregate:ident),*) => {$(
        $(#[$doc])*
        pub(super) struct $name;

        impl Reads for $name {
            async fn scopes(parts: &mut Parts, app: &HttpApp, _: &Caller) -> Result<Option<Vec<Uuid>>, Problem> {
                let Id(id) = Id::<Uuid>::from_request_parts(parts, app).await?;
                let scope = app.store.scope_of(StreamId::new(AggregateType::$aggregate, id)).await?;
                Ok(Some(scope.into_iter().collect()))
            }
        }
    )*};
}
one_stream!(
    /// The message in the path: what is known of it is all in its conversation's scope.
    OneMessage: Message,
    /// The call in the path, likewise.
    OneCall: Call
);

/// Somebody who asks, whatever for.
pub(super) trait Asks {
    /// The caller.
    fn caller(&self) -> &Caller;
}

impl Asks for Reader {
    fn caller(&self) -> &Caller {
        &self.0
    }
}

impl Asks for Writer {
    fn caller(&self) -> &Caller {
        &self.caller
    }
}

/// The caller is a moderator or an administrator.
pub(super) struct AsModerator<T>(pub(super) T);

/// The caller is an administrator.
pub(super) struct AsAdmin<T>(pub(super) T);

macro_rules! as_staff {
    ($($name:ident: $role:ident),*) => {$(
        impl<T: FromRequestParts<HttpApp, Rejection = Problem> + Asks + Send> FromRequestParts<HttpApp> for $name<T> {
            type Rejection = Problem;

            async fn from_request_parts(parts: &mut Parts, app: &HttpApp) -> Result<Self, Problem> {
                let asks = T::from_request_parts(parts, app).await?;
                require(app, asks.caller(), Role::$role).await?;
                Ok(Self(asks))
            }
        }
    )*};
}
as_staff!(AsModerator: Moderator, AsAdmin: Admin);

/// The one id in a path. What is no id is refused as in a body, whatever there is.
pub(super) struct Id<T>(pub(super) T);

impl<T: From<Uuid> + Send> FromRequestParts<HttpApp> for Id<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &HttpApp) -> Result<Self, Problem> {
        let path = RawPathParams::from_request_parts(parts, app).await;
        first_id(path).map(|id| Self(id.into()))
    }
}

/// The first id in a path.
pub(super) fn first_id(path: Result<RawPathParams, RawPathParamsRejection>) -> Result<Uuid, Problem> {
    let path = path.map_err(|_| Problem::malformed("the address is not UTF-8"))?;
    let (name, text) = path.iter().next().ok_or_else(Problem::not_found)?;
    id_in_path(name, text)
}

/// An id that stands in a path under this name.
pub(super) fn id_in_path(name: &str, text: &str) -> Result<Uuid, Problem> {
    uuid(text).ok_or_else(|| Problem::field(name, "malformed", format!("must be {UUID_FORM}")))
}

/// A position in a path. What is none is refused, as an id is.
pub(super) struct At(pub(super) Position);

impl FromRequestParts<HttpApp> for At {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &HttpApp) -> Result<Self, Problem> {
        let path = Path::<String>::from_request_parts(parts, app).await;
        let position = path.ok().and_then(|Path(text)| text.parse().ok()).map(Self);
        position.ok_or_else(|| Problem::field("position", "malformed", "must be a position: a whole number"))
    }
}

/// The one name in a path. What is no such name names nothing.
pub(super) struct Name<T>(pub(super) T);

impl<T: FromStr + Send> FromRequestParts<HttpApp> for Name<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &HttpApp) -> Result<Self, Problem> {
        let path = Path::<String>::from_request_parts(parts, app).await;
        let name = path.ok().and_then(|Path(text)| text.parse().ok());
        name.map(Self).ok_or_else(Problem::not_found)
    }
}
