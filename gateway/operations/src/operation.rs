//! The trait of commands: each is one type, from which the doors and the documents derive everything.

use super::{Answer, Request};
use async_trait::async_trait;
use domain::{CallId, CommentId, ConversationId, MessageId, StoryId, Tier, UserId};
use limits::Kind;
use protocol::{Described, Problem, request::Parse};
use utoipa::openapi::HttpMethod;
use uuid::Uuid;

/// A command of a signed-in client: a type without a value, whose request is a target and a body.
///
/// Boxed, its future is compiled once, here, and not by each door.
#[async_trait]
pub trait Operation: 'static {
    /// Its name on the sockets, such as `message.send`.
    const NAME: &'static str;
    /// Its description in both documents. The first sentence is the summary.
    const SUMMARY: &'static str;
    /// The budget it is charged to, at every door: one unit. `run` charges any further units.
    const BUDGET: Kind;
    /// The tier by which an overloaded server refuses it on the sockets; a route has that of its budget. `None`: it does not.
    const TIER: Option<Tier> = Self::BUDGET.tier();
    /// Its REST route, if the request consists of the id in the path and the body. Other routes have a handler in `rest/`.
    const ROUTE: Option<Route> = None;
    /// Whether it is a command of the sockets.
    const ON_SOCKETS: bool = true;
    /// Whether the socket that ran it receives its events under the names of the earlier Socket.IO clients, too.
    const ECHOES: bool = true;

    /// The resource it addresses: the id in the path of its route, a field on the sockets.
    type Target: Target;
    /// Its other fields: the body of its route.
    type Body: Parse + Described + Send;
    /// The resource in its answer.
    type Output: Described;

    /// The commands of the same socket that run before it.
    fn order(target: &Self::Target, _body: &Self::Body) -> Order {
        target.order()
    }

    /// Runs it.
    async fn run(target: Self::Target, body: Self::Body, request: &Request<'_>) -> Result<Answer, Problem>;
}

/// The commands of the same socket that run before a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Earlier ones with the same key.
    Of(Uuid),
    /// Earlier ones without a key, such as those that create something.
    Socket,
    /// None: it runs beside all others.
    Free,
}

/// A resource that a command can address.
pub trait Target: Sized + Send {
    /// Its field in a socket's command; `None` if the command addresses no resource.
    const FIELD: Option<&'static str>;

    /// The resource with this id.
    fn of(id: Uuid) -> Self;

    /// The order of a command on this resource: after earlier ones on it. A command without a target is ordered after earlier
    /// ones without a key.
    fn order(&self) -> Order;
}

impl Target for () {
    const FIELD: Option<&'static str> = None;

    fn of(_: Uuid) -> Self {}

    fn order(&self) -> Order {
        Order::Socket
    }
}

macro_rules! targets {
    ($($name:ident $field:literal),*) => {$(
        impl Target for $name {
            const FIELD: Option<&'static str> = Some($field);

            fn of(id: Uuid) -> Self {
                id.into()
            }

            fn order(&self) -> Order {
                Order::Of(self.0)
            }
        }
    )*};
}
targets!(
    CallId "callId",
    CommentId "commentId",
    ConversationId "conversationId",
    MessageId "messageId",
    StoryId "storyId",
    UserId "userId"
);

/// A command's REST route.
#[derive(Clone)]
pub struct Route {
    /// `Post`, `Put`, `Patch` or `Delete`.
    pub method: HttpMethod,
    /// The path template; it has at most one parameter, an id.
    pub path: &'static str,
    /// The `operationId`.
    pub id: &'static str,
    /// The tag of its section.
    pub tag: &'static str,
    /// The success status of an answer with a resource. Without one it is 204.
    pub status: u16,
    /// Another success status with the same resource, and its description.
    pub other: Option<(u16, &'static str)>,
    /// Whether the body is optional.
    pub may_lack_body: bool,
}

impl Route {
    const fn of(method: HttpMethod, path: &'static str, id: &'static str, tag: &'static str) -> Self {
        Self { method, path, id, tag, status: 200, other: None, may_lack_body: false }
    }

    /// A POST with status 200, or 204.
    #[must_use]
    pub const fn post(path: &'static str, id: &'static str, tag: &'static str) -> Self {
        Self::of(HttpMethod::Post, path, id, tag)
    }

    /// The same of a PUT.
    #[must_use]
    pub const fn put(path: &'static str, id: &'static str, tag: &'static str) -> Self {
        Self::of(HttpMethod::Put, path, id, tag)
    }

    /// The same of a PATCH.
    #[must_use]
    pub const fn patch(path: &'static str, id: &'static str, tag: &'static str) -> Self {
        Self::of(HttpMethod::Patch, path, id, tag)
    }

    /// The same of a DELETE.
    #[must_use]
    pub const fn delete(path: &'static str, id: &'static str, tag: &'static str) -> Self {
        Self::of(HttpMethod::Delete, path, id, tag)
    }

    /// The status is 201.
    #[must_use]
    pub const fn creates(self) -> Self {
        Self { status: 201, ..self }
    }

    /// The status is 201, or 200 as described.
    #[must_use]
    pub const fn creates_or(self, when: &'static str) -> Self {
        Self { status: 201, other: Some((200, when)), ..self }
    }

    /// The body is optional.
    #[must_use]
    pub const fn may_lack_body(self) -> Self {
        Self { may_lack_body: true, ..self }
    }
}
