//! Conversations and who is in them.

use super::{
    answer::written,
    body::{Body, OptionalBody},
    page::Parameters,
    request::{Id, Reader, Writer},
};
use crate::{
    App, Problem,
    limits::Kind,
    operations::{self, InConversation, MemberChange, NewConversation, SettingsUpdate, Silence},
    request::Nothing,
    resource::{Conversation, List, Member},
};
use axum::{Json, extract::State, response::Response};
use domain::ConversationId;
use projections::queries::MemberFilter;
use utoipa_axum::{router::OpenApiRouter, routes};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(one, update, delete))
        .routes(routes!(members))
        .routes(routes!(add))
        .routes(routes!(kick))
        .routes(routes!(promote))
        .routes(routes!(demote))
        .routes(routes!(approve))
        .routes(routes!(reject))
        .routes(routes!(join))
        .routes(routes!(leave))
        .routes(routes!(mute))
        .routes(routes!(unmute))
        .routes(routes!(archive))
        .routes(routes!(unarchive))
        .routes(routes!(clear))
}

/// One's conversations, by latest activity.
#[utoipa::path(
    get, path = "/conversations", tag = "conversations",
    params(
        ("archived" = Option<bool>, Query, description = "only the archived ones, or (when absent) only the others"),
        ("limit" = Option<u32>, Query), ("after" = Option<String>, Query),
    ),
    responses((status = 200, body = List<Conversation>))
)]
async fn list(
    State(app): State<App>,
    Reader(caller): Reader,
    parameters: Parameters,
) -> Result<Json<List<Conversation>>, Problem> {
    let archived = parameters.one_of("archived", &[("false", false), ("true", true)])?;
    let page = parameters.page()?;
    let _turn = app.costly(&caller, Kind::Read, page.cost()).await?;
    Ok(Json(List::of(app.queries.conversations(caller.user, archived, (app.clock)(), &page).await?)))
}

/// Opens a conversation. The direct one of a pair exists once: asked for again, it is answered as it is.
#[utoipa::path(
    post, path = "/conversations", tag = "conversations", request_body = NewConversation,
    responses((status = 201, body = Conversation), (status = 200, body = Conversation, description = "it was there"))
)]
async fn create(
    State(app): State<App>,
    writer: Writer,
    Body(request): Body<NewConversation>,
) -> Result<Response, Problem> {
    Ok(written(&app, operations::create(&writer.call(&app)?, request).await?).await)
}

/// A conversation.
#[utoipa::path(
    get, path = "/conversations/{id}", tag = "conversations",
    params(("id" = Uuid, Path)), responses((status = 200, body = Conversation))
)]
async fn one(
    State(app): State<App>,
    Reader(caller): Reader,
    Id(conversation): Id<ConversationId>,
) -> Result<Json<Conversation>, Problem> {
    Ok(Json(app.queries.conversation(caller.user, conversation, (app.clock)()).await?.into()))
}

/// Changes a group's settings.
#[utoipa::path(
    patch, path = "/conversations/{id}", tag = "conversations",
    params(("id" = Uuid, Path)), request_body = SettingsUpdate, responses((status = 200, body = Conversation))
)]
async fn update(
    State(app): State<App>,
    writer: Writer,
    Id(conversation): Id<ConversationId>,
    Body(body): Body<SettingsUpdate>,
) -> Result<Response, Problem> {
    let request = InConversation { conversation, body };
    Ok(written(&app, operations::update(&writer.call(&app)?, request).await?).await)
}

/// Who is in a conversation, or has asked to be. All members see who asks, as all are told of it; leads decide.
#[utoipa::path(
    get, path = "/conversations/{id}/members", tag = "conversations",
    params(
        ("id" = Uuid, Path), ("status" = Option<String>, Query, description = "`active` (when absent) or `pending`"),
        ("limit" = Option<u32>, Query), ("after" = Option<String>, Query),
    ),
    responses((status = 200, body = List<Member>))
)]
async fn members(
    State(app): State<App>,
    Reader(caller): Reader,
    Id(conversation): Id<ConversationId>,
    parameters: Parameters,
) -> Result<Json<List<Member>>, Problem> {
    let filter =
        parameters.one_of("status", &[("active", MemberFilter::Active), ("pending", MemberFilter::Pending)])?;
    Ok(Json(List::of(app.queries.members(caller.user, conversation, filter, &parameters.page()?).await?)))
}

macro_rules! plain {
    ($(#[$doc:meta])* $method:ident $name:ident, $path:literal, $($response:tt)*) => {
        $(#[$doc])*
        #[utoipa::path(
            $method, path = $path, tag = "conversations",
            params(("id" = Uuid, Path)), responses($($response)*)
        )]
        async fn $name(
            State(app): State<App>,
            writer: Writer,
            Id(conversation): Id<ConversationId>,
        ) -> Result<Response, Problem> {
            let request = InConversation { conversation, body: Nothing };
            Ok(written(&app, operations::$name(&writer.call(&app)?, request).await?).await)
        }
    };
}

plain!(
    /// Ends a group for everybody.
    delete delete, "/conversations/{id}", (status = 204)
);
plain!(
    /// Joins a group whose `joining` is `open`, or asks to where it is `approval`. To everybody else there is no such
    /// group: one by invite, one from which a lead removed them, one with a lead of which a block stands between them.
    post join, "/conversations/{id}/join", (status = 200, body = Conversation)
);
plain!(
    /// Leaves a group, or takes back that one asked to join.
    post leave, "/conversations/{id}/leave", (status = 204)
);

plain!(
    /// Hears of a conversation again.
    post unmute, "/conversations/{id}/unmute", (status = 200, body = Conversation)
);
plain!(
    /// Puts a conversation away, for oneself. A later message brings it back, unless it is muted.
    post archive, "/conversations/{id}/archive", (status = 200, body = Conversation)
);
plain!(
    /// Takes a conversation out again.
    post unarchive, "/conversations/{id}/unarchive", (status = 200, body = Conversation)
);
plain!(
    /// Clears the history for oneself: what was said so far is seen no more. To the others it is all there.
    delete clear, "/conversations/{id}/history", (status = 204)
);

/// Hears nothing of a conversation, for good or until a time.
#[utoipa::path(
    post, path = "/conversations/{id}/mute", tag = "conversations", params(("id" = Uuid, Path)),
    request_body = Option<Silence>, responses((status = 200, body = Conversation))
)]
async fn mute(
    State(app): State<App>,
    writer: Writer,
    Id(conversation): Id<ConversationId>,
    OptionalBody(body): OptionalBody<Silence>,
) -> Result<Response, Problem> {
    let request = InConversation { conversation, body };
    Ok(written(&app, operations::mute(&writer.call(&app)?, request).await?).await)
}

macro_rules! on_member {
    ($(#[$doc:meta])* $name:ident, $path:literal) => {
        $(#[$doc])*
        #[utoipa::path(
            post, path = $path, tag = "conversations", params(("id" = Uuid, Path)),
            request_body = MemberChange, responses((status = 200, body = Conversation))
        )]
        async fn $name(
            State(app): State<App>,
            writer: Writer,
            Id(conversation): Id<ConversationId>,
            Body(body): Body<MemberChange>,
        ) -> Result<Response, Problem> {
            let request = InConversation { conversation, body };
            Ok(written(&app, operations::$name(&writer.call(&app)?, request).await?).await)
        }
    };
}

on_member!(
    /// Makes somebody a member. Whom a lead removed or has blocked, a lead alone adds; who has left, a friend alone.
    add, "/conversations/{id}/add"
);
on_member!(
    /// Removes a member.
    kick, "/conversations/{id}/kick"
);
on_member!(
    /// Makes a member a lead. An administrator who is not in the group may, too.
    promote, "/conversations/{id}/promote"
);
on_member!(
    /// Makes a lead a plain member.
    demote, "/conversations/{id}/demote"
);
on_member!(
    /// Lets somebody in who asked.
    approve, "/conversations/{id}/approve"
);
on_member!(
    /// Turns somebody down who asked.
    reject, "/conversations/{id}/reject"
);
