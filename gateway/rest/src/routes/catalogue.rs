//! What each route takes, as the document says, and the refusal of all else: before a route runs, no parameter or body
//! may be left that it would not look at. The router and the document are one, so no route can be forgotten.

use super::{body::LIMIT, budget::counted_as, explorer, monitoring, paths};
use crate::{Authenticated, HttpApp, RouteBudget};
use axum::{
    Extension,
    body::{Body, HttpBody as _, to_bytes},
    extract::{FromRequestParts as _, MatchedPath, Query, Request, State},
    http::{Method, Uri, request::Parts},
    middleware::Next,
    response::{IntoResponse, Response},
};
use limits::Kind;
use operations::{auth::bearer, connection::client_ip, is_token, token_in_query};
use protocol::{
    Problem,
    request::{Nothing, likeness, parse, unknown_parameter, uuid},
};
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};
use utoipa::openapi::{
    PathItem, Paths,
    path::{Operation, ParameterIn},
};

/// The routes by their templates. Clones share them.
#[derive(Clone)]
pub(crate) struct Catalogue(Arc<BTreeMap<String, Methods>>);

/// The methods of a route.
type Methods = Vec<(Method, Takes)>;

/// What a method of a route takes.
#[derive(Clone, Debug)]
pub(super) struct Takes {
    parameters: Vec<String>,
    has_body: bool,
    asker: Asker,
    kind: Kind,
}

/// Whose budget a refusal is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asker {
    /// An account.
    Account,
    /// Anybody.
    Anybody,
    /// A socket that opens.
    Socket,
}

fn methods(item: PathItem) -> Methods {
    let PathItem { get, put, post, delete, patch, .. } = item;
    let all = [
        (Method::GET, get),
        (Method::PUT, put),
        (Method::POST, post),
        (Method::DELETE, delete),
        (Method::PATCH, patch),
    ];
    all.into_iter().filter_map(|(method, operation)| Some((method.clone(), Takes::of(&method, &operation?)))).collect()
}

impl Takes {
    fn of(method: &Method, operation: &Operation) -> Self {
        let parameters = paths::parameters(operation).filter(|parameter| parameter.parameter_in == ParameterIn::Query);
        let asker = match operation.security {
            _ if operation.tags.iter().flatten().any(|tag| tag == "sockets") => Asker::Socket,
            Some(_) => Asker::Anybody,
            None => Asker::Account,
        };
        Self {
            parameters: parameters.map(|parameter| parameter.name.clone()).collect(),
            has_body: operation.request_body.is_some(),
            asker,
            kind: counted_as(method, operation),
        }
    }

    /// That every parameter of the query is known, stands there once, and has a value.
    fn check(&self, uri: &Uri) -> Result<(), Problem> {
        if uri.query().is_none_or(str::is_empty) {
            return Ok(());
        }
        let query = Query::<Vec<(String, String)>>::try_from_uri(uri);
        let Query(pairs) = query.map_err(|_| Problem::malformed("the query of the address cannot be read"))?;
        let known: Vec<_> = self.parameters.iter().map(String::as_str).collect();
        let strangers: BTreeSet<_> = pairs.iter().map(|(name, _)| name.as_str()).collect();
        let strangers: Vec<_> = strangers.into_iter().filter(|name| !known.contains(name)).take(10).collect();
        if !strangers.is_empty() {
            let errors = strangers.into_iter().map(|name| unknown_parameter(name, &known));
            return Err(Problem::invalid(errors.collect()));
        }
        let mut seen = BTreeSet::new();
        if let Some((name, _)) = pairs.iter().find(|(name, _)| !seen.insert(name)) {
            return Err(Problem::repeated(name));
        }
        // A client that has no cursor yet may say so.
        match pairs.iter().find(|(name, value)| value.is_empty() && *name != "since") {
            Some((name, _)) => Err(Problem::field(name, "empty", "has no value: give it one, or leave it out")),
            None => Ok(()),
        }
    }
}

impl Catalogue {
    /// The routes that these paths describe.
    pub(crate) fn of(paths: Paths) -> Self {
        Self(Arc::new(paths.paths.into_iter().map(|(path, item)| (path, methods(item))).collect()))
    }

    /// What the matched route of a request takes, if it is described.
    fn taken(&self, parts: &Parts) -> Option<&Takes> {
        self.described(&parts.method, parts.extensions.get::<MatchedPath>()?.as_str())
    }

    fn described(&self, method: &Method, template: &str) -> Option<&Takes> {
        let methods = self.0.get(template)?;
        let method = if method == Method::HEAD { &Method::GET } else { method };
        methods.iter().find(|(other, _)| other == method).map(|(_, takes)| takes)
    }

    /// Whether a route is charged to [`Kind::Public`]: its description says so, or it is a file of a page.
    pub(super) fn is_public(&self, method: &Method, template: &str) -> bool {
        match self.described(method, template) {
            Some(takes) => takes.kind == Kind::Public,
            None => template.starts_with(explorer::PATH) || monitoring::FILES.contains(&template),
        }
    }

    /// The methods that a route takes, as the header `Allow` lists them.
    pub(super) fn allowed(&self, template: &str) -> Option<String> {
        let methods = self.0.get(template)?;
        let mut names: Vec<_> = methods.iter().map(|(method, _)| method.as_str()).collect();
        // Engine.IO takes none.
        if names.contains(&"GET") && !template.starts_with("/socket.io") {
            names.insert(0, "HEAD");
        }
        names.push("OPTIONS");
        Some(names.join(", "))
    }

    /// The path that was probably meant by one that leads nowhere.
    pub(super) fn meant(&self, path: &str) -> Option<String> {
        if path.len() > LONGEST {
            return None;
        }
        let given: Vec<_> = segments(path).collect();
        let near = self.0.keys().filter_map(|template| {
            let wanted: Vec<_> = segments(template).collect();
            (wanted.len() == given.len() && !given.is_empty()).then_some(())?;
            let mut likenesses = wanted.iter().zip(&given).map(|(wanted, given)| match wanted.starts_with('{') {
                true => Some(0.0),
                false => Some(likeness(wanted, &given.to_lowercase())).filter(|alike| *alike >= ALIKE),
            });
            let likeness: f64 = likenesses.try_fold(0.0, |sum, alike| Some(sum + alike?))?;
            Some((likeness, template, wanted))
        });
        let (likeness, template, wanted) = near.max_by(|(one, ..), (other, ..)| one.total_cmp(other))?;
        let words =
            wanted.iter().zip(given).map(|(wanted, given)| if wanted.starts_with('{') { given } else { *wanted });
        let slash = if template.ends_with('/') { "/" } else { "" };
        let meant: String = words.flat_map(|word| ["/", word]).chain([slash]).collect();
        (likeness > 0.0 && meant != path).then_some(meant)
    }

    /// The path of a request for the log. Anything may stand where a route has a parameter, or in a path without a route: a
    /// code, a token, what people say. Of that, ids alone are kept.
    pub(super) fn logged(&self, template: Option<&str>, path: &str) -> String {
        let given = path.split('/').take(SEGMENTS);
        let kept: Vec<_> = match template {
            Some(template) => template.split('/').zip(given).map(|(wanted, given)| filled(wanted, given)).collect(),
            None => given.map(|given| if self.is_word(given) || is_id(given) { given } else { "…" }).collect(),
        };
        kept.join("/")
    }

    /// Whether a segment is a word of a route, or empty.
    fn is_word(&self, segment: &str) -> bool {
        let mut words = self.0.keys().flat_map(|template| template.split('/')).chain([&explorer::PATH[1..]]);
        words.any(|word| word == segment && !word.starts_with('{'))
    }
}

/// A segment of a path as its template has it, or the id that fills it.
fn filled<'a>(wanted: &'a str, given: &'a str) -> &'a str {
    let is_position = wanted == "{position}" && given.len() < 20 && given.bytes().all(|byte| byte.is_ascii_digit());
    if wanted.starts_with('{') && (is_id(given) || is_position) { given } else { wanted }
}

fn is_id(segment: &str) -> bool {
    uuid(segment).is_some()
}

/// The most segments of a path that are logged: more than any route has.
const SEGMENTS: usize = 12;
/// The longest path to which another is proposed, in bytes.
const LONGEST: usize = 200;
/// How like a word of a route a word of a path must be to be meant for it, from 0 to 1.
const ALIKE: f64 = 0.7;

fn segments(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter(|segment| !segment.is_empty())
}

/// Refuses what the route does not take. Engine.IO has parameters of its own, and its clients add theirs.
pub(super) async fn understood(
    State(app): State<HttpApp>,
    Extension(catalogue): Extension<Catalogue>,
    request: Request,
    next: Next,
) -> Response {
    let (mut parts, mut body) = request.into_parts();
    let takes = catalogue.taken(&parts);
    if let Some(Takes { kind, .. }) = takes {
        parts.extensions.insert(RouteBudget(*kind));
    }
    let takes = takes.filter(|_| !parts.uri.path().starts_with("/socket.io"));
    let Some(takes) = takes else { return next.run(Request::from_parts(parts, body)).await };
    let mut checked = match (token_in_query(&parts.uri), takes.asker) {
        // The socket says so itself.
        (Err(_), Asker::Socket) => Ok(()),
        (Err(problem), _) if !takes.parameters.iter().any(|name| is_token(name)) => {
            let ip = client_ip(&parts, &app.config.trusted_proxies);
            return app.limits.admit(Kind::Refused, ip, None).await.err().unwrap_or(problem).into_response();
        }
        _ => takes.check(&parts.uri),
    };
    // Of who shows no credentials nothing is read that needs them.
    let is_read = match takes.asker {
        Asker::Account => bearer(&parts.headers).is_some(),
        Asker::Anybody => true,
        Asker::Socket => false,
    };
    if checked.is_ok() && !takes.has_body && is_read && !body.is_end_stream() {
        checked = nothing(&app, body).await;
        body = Body::empty();
    }
    match checked {
        Ok(()) => next.run(Request::from_parts(parts, body)).await,
        Err(problem) => refused(&app, &mut parts, takes.asker, problem).await.into_response(),
    }
}

/// That a body says nothing, where none is taken: it is absent, or an object without fields.
async fn nothing(app: &HttpApp, body: Body) -> Result<(), Problem> {
    let none = || Problem::malformed("this takes no body");
    let bytes = tokio::time::timeout(app.config.patience, to_bytes(body, LIMIT)).await;
    let bytes = bytes.map_err(|_| none())?.map_err(|_| none())?;
    if bytes.trim_ascii().is_empty() {
        return Ok(());
    }
    match serde_json::from_slice(&bytes) {
        Ok(Value::Null) => Ok(()),
        Ok(value @ Value::Object(_)) => parse::<Nothing>(&value).map(drop),
        _ => Err(none()),
    }
}

/// Charges the refusal to the caller's budget. A request without valid credentials learns nothing where they are needed.
async fn refused(app: &HttpApp, parts: &mut Parts, asker: Asker, problem: Problem) -> Problem {
    let ip = client_ip(parts, &app.config.trusted_proxies);
    let admitted = match asker {
        Asker::Account => Authenticated::from_request_parts(parts, app).await.map(drop),
        Asker::Socket => app.limits.admit(Kind::Connect, ip, None).await,
        // What is public was counted already.
        Asker::Anybody => match RouteBudget::of(parts) {
            Kind::Public => Ok(()),
            kind => app.limits.admit(kind, ip, None).await,
        },
    };
    admitted.err().unwrap_or(problem)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::routes;
    use operations::Operations;
    use utoipa::openapi::{
        HttpMethod,
        path::{OperationBuilder, PathItem},
    };

    fn catalogue() -> Catalogue {
        let mut paths = routes::documented::<Operations>().into_openapi().paths;
        // Of those at which sockets open.
        for path in ["/ws", "/socket.io/"] {
            let operation = OperationBuilder::new().tag("sockets").build();
            paths.paths.insert(path.to_owned(), PathItem::new(HttpMethod::Get, operation));
        }
        Catalogue::of(paths)
    }

    #[test]
    fn what_was_meant_is_proposed() {
        let catalogue = catalogue();
        for (path, want) in [
            ("/conversations/", Some("/conversations")),
            ("//conversations", Some("/conversations")),
            ("/conversation", Some("/conversations")),
            ("/Users/me", Some("/users/me")),
            ("/socket.io", Some("/socket.io/")),
            ("/conversations/1/message", Some("/conversations/1/messages")),
            ("/messages/1/reactions/x/", Some("/messages/1/reactions/x")),
            ("/nowhere", None),
            ("/", None),
            ("/users/a/b/c", None),
        ] {
            assert_eq!(catalogue.meant(path).as_deref(), want, "{path}");
        }
    }

    #[test]
    fn secrets_and_contents_of_a_path_are_not_logged() {
        let catalogue = catalogue();
        let id = "0193a2b4-0000-7000-8000-000000000000";
        for (template, path, want) in [
            (
                Some("/conversations/{id}/invites/{code}"),
                format!("/conversations/{id}/invites/secret"),
                "/conversations/ID/invites/{code}",
            ),
            (
                Some("/messages/{id}/reactions/{emoji}"),
                format!("/messages/{id}/reactions/%E2%9D%A4"),
                "/messages/ID/reactions/{emoji}",
            ),
            (Some("/files/{id}"), "/files/a.token".to_owned(), "/files/{id}"),
            (Some("/admin/audit/events/{position}"), "/admin/audit/events/17".to_owned(), "/admin/audit/events/17"),
            (None, "/invites/secret".to_owned(), "/invites/…"),
            (None, "/invites/secret/accept/".to_owned(), "/invites/…/accept/"),
            (None, "/invite/secret".to_owned(), "/…/…"),
            (None, "/files/links/a.token/".to_owned(), "/files/links/…/"),
            (None, format!("/messages/{id}/reactions/%F0%9F%91%8D/"), "/messages/ID/reactions/…/"),
            (None, "/{code}\n".to_owned(), "/…"),
            (None, "/api-docs/x/y".to_owned(), "/api-docs/…/…"),
        ] {
            assert_eq!(catalogue.logged(template, &path), want.replace("ID", id), "{path}");
        }
        assert!(catalogue.logged(None, &"/x".repeat(30_000)).len() < 100);
    }

    #[test]
    fn every_parameter_has_a_value() {
        let catalogue = catalogue();
        let checked = |uri: &'static str| {
            let takes = catalogue.described(&Method::GET, "/admin/accounts").unwrap();
            takes.check(&Uri::from_static(uri)).map_err(|problem| problem.errors[0].clone())
        };
        assert!(checked("/admin/accounts?query=a&limit=1").is_ok());
        for uri in
            ["/admin/accounts?query=", "/admin/accounts?after=", "/admin/accounts?limit=", "/admin/accounts?role"]
        {
            assert_eq!(checked(uri).unwrap_err().code, "empty", "{uri}");
        }
        let takes = catalogue.described(&Method::GET, "/sync").unwrap();
        assert!(takes.check(&Uri::from_static("/sync?since=")).is_ok());
        let unknown = checked("/admin/accounts?nope=1").unwrap_err();
        assert!(unknown.detail.starts_with("there is no such parameter here; known are "), "{}", unknown.detail);
    }

    #[test]
    fn every_route_says_what_it_takes() {
        let catalogue = catalogue();
        let takes = |path: &str, method: Method| {
            let methods = &catalogue.0[path];
            methods.iter().find(|(other, _)| *other == method).unwrap().1.clone()
        };
        let list = takes("/conversations", Method::GET);
        assert_eq!((list.parameters, list.has_body), (vec!["archived".into(), "limit".into(), "after".into()], false));
        assert!(takes("/conversations", Method::POST).has_body);
        let kind = |path: &str, method| takes(path, method).kind;
        assert_eq!(kind("/conversations", Method::GET), Kind::Read);
        assert_eq!(kind("/conversations", Method::POST), Kind::Create);
        assert_eq!(kind("/files/links", Method::POST), Kind::Read);
        let asker = |path: &str, method| takes(path, method).asker;
        assert_eq!(asker("/conversations", Method::GET), Asker::Account);
        assert_eq!(asker("/auth/login", Method::POST), Asker::Anybody);
        assert_eq!(asker("/ws", Method::GET), Asker::Socket);
        assert_eq!(catalogue.allowed("/conversations").unwrap(), "HEAD, GET, POST, OPTIONS");
    }
}
