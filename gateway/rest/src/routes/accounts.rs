//! Registration, sign-in and sessions.

use super::{
    answer::written,
    body::Body,
    budget::counted,
    page::Parameters,
    request::{Id, Oneself, ReaderOf, Returning, Stranger, Writer},
};
use crate::HttpApp;
use axum::{Json, extract::State, http::StatusCode, response::Response};
use commands::{Password, Register, SignIn};
use domain::{
    AggregateType, SessionId, Timestamp, UserId,
    session::Device,
    text::{DisplayName, EmailAddress, PhoneNumber},
    user::{Preferences, Profile, Role},
};
use event_store::StreamId;
use limits::Kind;
use operations::{Answer, App, DONE, end_session, sign_out};
use protocol::{
    Problem,
    request::{Faults, Parse},
    resource::{List, OwnUser, Session, SignedIn},
};
use serde_json::Value;
use std::net::IpAddr;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

pub(super) fn routes() -> OpenApiRouter<HttpApp> {
    OpenApiRouter::new()
        .routes(counted(Kind::Register, routes!(register)))
        .routes(counted(Kind::Login, routes!(login)))
        .routes(counted(Kind::Refresh, routes!(refresh)))
        .routes(counted(Kind::Account, routes!(logout)))
        .routes(routes!(sessions))
        .routes(counted(Kind::Account, routes!(end)))
}

/// An account to open.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
struct Registration {
    /// The address to sign in with; unique however it is written: by NFKC case folding and IDNA (UTS 46).
    #[schema(value_type = String)]
    email: EmailAddress,
    /// 8 to 128 characters (in NFKC); none of the common passwords, and not made of the person's own words.
    #[schema(value_type = String)]
    password: Password,
    /// At most 100 characters, as all names in NFC and without invisible ones.
    #[schema(value_type = String)]
    first_name: DisplayName,
    /// At most 100 characters.
    #[schema(value_type = String)]
    last_name: DisplayName,
    /// A telephone number.
    #[schema(value_type = Option<String>)]
    phone: Option<PhoneNumber>,
    /// What the device calls itself.
    #[schema(value_type = Option<String>)]
    device: Option<Device>,
    /// The one-time token that the first start printed: makes an administrator.
    bootstrap_token: Option<String>,
}

impl Parse for Registration {
    fn parse(value: &Value, faults: &mut Faults) -> Option<Self> {
        let mut object = faults.object(value)?;
        let (email, password) = (object.required("email"), object.required("password"));
        let (first_name, last_name) = (object.required("firstName"), object.required("lastName"));
        let (phone, device) = (object.optional("phone"), object.optional("device"));
        let bootstrap_token = object.optional("bootstrapToken");
        Some(Self {
            email: email?,
            password: password?,
            first_name: first_name?,
            last_name: last_name?,
            phone,
            device,
            bootstrap_token,
        })
    }
}

/// An address to sign in with: it may have been registered under earlier rules.
struct Claimed(EmailAddress);

impl Parse for Claimed {
    fn parse(value: &Value, faults: &mut Faults) -> Option<Self> {
        let text = faults.text(value)?;
        faults.checked(EmailAddress::claimed(text)).map(Self)
    }
}

/// Credentials.
#[derive(ToSchema)]
struct Credentials {
    /// The address of the account, in any way of writing it.
    #[schema(value_type = String)]
    email: EmailAddress,
    /// Its password.
    password: String,
    /// What the device calls itself.
    #[schema(value_type = Option<String>)]
    device: Option<Device>,
}

impl Parse for Credentials {
    fn parse(value: &Value, faults: &mut Faults) -> Option<Self> {
        let mut object = faults.object(value)?;
        let (email, password, device) =
            (object.required::<Claimed>("email"), object.required("password"), object.optional("device"));
        Some(Self { email: email?.0, password: password?, device })
    }
}

/// A session to renew.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
struct Renewal {
    /// The newest refresh token of the session.
    refresh_token: String,
}

impl Parse for Renewal {
    fn parse(value: &Value, faults: &mut Faults) -> Option<Self> {
        Some(Self { refresh_token: faults.object(value)?.required("refreshToken")? })
    }
}

/// Opens an account, and signs in with it.
#[utoipa::path(
    post, path = "/auth/register", operation_id = "register", tag = "auth", security(()),
    request_body = Registration, responses((status = 201, body = SignedIn))
)]
async fn register(
    State(app): State<HttpApp>,
    stranger: Stranger,
    Body(request): Body<Registration>,
) -> Result<Response, Problem> {
    let bootstrap = request.bootstrap_token.is_some();
    if let Some(token) = &request.bootstrap_token {
        app.bootstrap.check(token)?;
    }
    let Registration { email, password, first_name, last_name, phone, device, .. } = request;
    let preferences = Preferences::default();
    let request = Register {
        profile: Profile { first_name, last_name, email, phone, avatar_url: None, preferences },
        password,
        role: if bootstrap { Role::Admin } else { Role::User },
        device: from_here(device, stranger.ip),
        bootstrap,
    };
    let signed_in =
        signing_in("register", app.commands.register(&stranger.context, request).await.map_err(Problem::from))?;
    answered(&app, StatusCode::CREATED, signed_in).await
}

/// Signs in.
#[utoipa::path(
    post, path = "/auth/login", operation_id = "login", tag = "auth", security(()),
    request_body = Credentials, responses((status = 200, body = SignedIn))
)]
async fn login(
    State(app): State<App>,
    returning: Returning,
    body: Result<Body<Credentials>, Problem>,
) -> Result<Response, Problem> {
    let known = |asked: &Credentials, ip| app.commands.known_at(&asked.email, ip);
    let (stranger, Credentials { email, password, device }) = returning.admit(&app, body, known).await?;
    let (password, device) = (Password::claimed(&password), from_here(device, stranger.ip));
    let signed_in = app.commands.sign_in(&stranger.context, SignIn { email, password, device }).await;
    let signed_in = signing_in("password", signed_in.map_err(Problem::from))?;
    answered(&app, StatusCode::OK, signed_in).await
}

/// Exchanges a refresh token for the next pair. The old one works for a moment longer, for a client that lost the
/// answer; used after that, it ends the session.
#[utoipa::path(
    post, path = "/auth/refresh", operation_id = "refreshTokens", tag = "auth", security(()),
    request_body = Renewal, responses((status = 200, body = SignedIn))
)]
async fn refresh(
    State(app): State<App>,
    returning: Returning,
    body: Result<Body<Renewal>, Problem>,
) -> Result<Response, Problem> {
    let known = |asked: &Renewal, _| app.commands.holder_of(&asked.refresh_token);
    let (stranger, request) = returning.admit(&app, body, known).await?;
    let signed_in = app.commands.refresh(&stranger.context, &request.refresh_token).await;
    let signed_in = signed_in.map_err(|error| Problem::from(error).for_token_in("it belongs into `refreshToken`"));
    let signed_in = signing_in("refresh", signed_in)?;
    answered(&app, StatusCode::OK, signed_in).await
}

/// Ends the session that asks.
#[utoipa::path(post, path = "/auth/logout", operation_id = "logout", tag = "auth", responses((status = 204)))]
async fn logout(State(app): State<App>, writer: Writer) -> Result<Response, Problem> {
    Ok(written(&app, sign_out(&writer.request(&app)?).await?).await)
}

/// One's signed-in devices.
#[utoipa::path(
    get, path = "/auth/sessions", operation_id = "listSessions", tag = "auth",
    params(("limit" = Option<u32>, Query), ("after" = Option<String>, Query)),
    responses((status = 200, body = List<Session>))
)]
async fn sessions(
    State(app): State<App>,
    ReaderOf(caller, _): ReaderOf<Oneself>,
    parameters: Parameters,
) -> Result<Json<List<Session>>, Problem> {
    let page = app.queries.sessions(caller.user, &parameters.page()?).await?;
    let items = page.items.into_iter().map(|row| Session::of(row, caller.session)).collect();
    Ok(Json(List { items, next: page.next }))
}

/// Ends one of one's sessions.
#[utoipa::path(
    delete, path = "/auth/sessions/{id}", operation_id = "endSession", tag = "auth",
    params(("id" = Uuid, Path)), responses((status = 204))
)]
async fn end(State(app): State<App>, writer: Writer, Id(session): Id<SessionId>) -> Result<Response, Problem> {
    Ok(written(&app, end_session(&writer.request(&app)?, session).await?).await)
}

/// Counts a sign-in that was not refused before: by its budget or its shape.
fn signing_in<T>(way: &'static str, outcome: Result<T, Problem>) -> Result<T, Problem> {
    let word = outcome.as_ref().map_or_else(|problem| problem.code, |_| DONE);
    metrics::counter!("chatchit_sign_ins_total", "way" => way, "outcome" => word).increment(1);
    outcome
}

fn from_here(device: Option<Device>, ip: Option<IpAddr>) -> Device {
    Device { ip: ip.map(|ip| ip.to_string()), ..device.unwrap_or_default() }
}

async fn answered(app: &App, status: StatusCode, signed_in: commands::SignedIn) -> Result<Response, Problem> {
    let commands::SignedIn { user_id, user, session, refresh_token, receipt, .. } = signed_in;
    let body = SignedIn {
        user: OwnUser::of(user_id, &user, opened_at(app, user_id).await?),
        access_token: app.tokens.issue(user_id, session, (app.clock)()).map_err(Problem::internal)?,
        refresh_token,
        expires_in: app.tokens.lifetime().as_secs(),
    };
    let body = serde_json::to_value(body).map_err(Problem::internal)?;
    let (position, scope) = (receipt.position, receipt.scope);
    Ok(written(app, Answer { status: status.as_u16(), body, position, scope }).await)
}

/// When the account was opened: its first event tells, whether or not the read models know of it yet.
async fn opened_at(app: &App, user: UserId) -> Result<Timestamp, Problem> {
    let first = app.store.load_many(&[(StreamId::new(AggregateType::User, user), 1)]).await?;
    Ok(first.first().map(|event| event.record.recorded_at).unwrap_or_default())
}
