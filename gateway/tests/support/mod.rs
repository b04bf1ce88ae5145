//! A running server and people who speak REST to it. Every answer is compared with the OpenAPI document: a status
//! that the document does not name for its route fails the test.

#![allow(dead_code, clippy::allow_attributes, reason = "each test binary uses its own share")]

use gateway::{Application, Config, rest};
use reqwest::{
    Method, StatusCode,
    header::{HeaderMap, HeaderValue},
};
use serde_json::{Value, json};
use std::{net::SocketAddr, sync::OnceLock, time::Duration};
use testkit::Home;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// Until what is waited for.
pub(crate) const DEADLINE: Duration = Duration::from_secs(60);

/// A configuration for `home`, with passwords that are cheap to hash.
pub(crate) fn config(home: &Home) -> Config {
    Config {
        port: 0,
        wait: DEADLINE,
        data: home.folder().join("data"),
        database_url: home.database_url(),
        rabbitmq_url: home.rabbitmq_url(),
        redis_url: home.redis_url(),
        namespace: home.namespace().to_owned(),
        rate_limits: false,
        password_cost: commands::PasswordCost { memory_kib: 8, iterations: 1, parallelism: 1 },
        ..Config::default()
    }
}

/// Waits until it is so.
pub(crate) async fn until(what: &str, is_so: impl AsyncFn() -> bool) {
    let asking = async {
        while !is_so().await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(DEADLINE, asking).await.unwrap_or_else(|_| panic!("waited in vain for {what}"));
}

/// A running server.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) app: gateway::App,
    client: reqwest::Client,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

/// What a request was answered.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

/// Somebody signed in.
#[derive(Clone, Debug)]
pub(crate) struct Person {
    pub(crate) id: String,
    pub(crate) email: String,
    pub(crate) token: String,
    pub(crate) refresh: String,
}

pub(crate) const PASSWORD: &str = "correct horse";

impl Server {
    pub(crate) async fn start(home: &Home) -> Self {
        Self::start_with(config(home)).await
    }

    pub(crate) async fn start_with(config: Config) -> Self {
        let application = Application::build(config).await.expect("the server starts");
        let (address, app) = (application.local_addr(), application.app().clone());
        let stop = CancellationToken::new();
        let stopped = stop.clone();
        let task =
            tokio::spawn(async move { application.run(stopped).await.expect("the server ends when it is told to") });
        Self { address, app, client: reqwest::Client::new(), stop, task }
    }

    /// Stops it, and waits until it has.
    pub(crate) async fn stop(self) {
        self.stop.cancel();
        tokio::time::timeout(DEADLINE, self.task).await.expect("the server stops").expect("the server does not panic");
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(crate) fn request(&self, method: Method, path: &str, token: Option<&str>) -> reqwest::RequestBuilder {
        let request = self.client.request(method, self.url(path)).timeout(DEADLINE);
        token.into_iter().fold(request, |request, token| request.bearer_auth(token))
    }

    /// Sends a request and reads the answer, which must be one that the document names.
    pub(crate) async fn send(&self, request: reqwest::RequestBuilder) -> Reply {
        let request = request.build().expect("a request");
        let (method, path) = (request.method().clone(), request.url().path().to_owned());
        let response = self.client.execute(request).await.expect("an answer");
        let (status, headers) = (response.status(), response.headers().clone());
        let text = response.text().await.expect("a body");
        let body = if text.is_empty() { Value::Null } else { serde_json::from_str(&text).expect("JSON") };
        assert!(headers.contains_key("x-request-id"), "{method} {path} answered without x-request-id");
        let reply = Reply { status, headers, body };
        assert_documented(&method, &path, &reply);
        reply
    }

    pub(crate) async fn get(&self, person: &Person, path: &str) -> Reply {
        self.send(self.request(Method::GET, path, Some(&person.token))).await
    }

    /// Reads again until the answer is as wanted.
    pub(crate) async fn get_until(&self, person: &Person, path: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let asking = async {
            loop {
                let answer = self.get(person, path).await.expect(StatusCode::OK);
                if wanted(&answer) {
                    return answer;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(DEADLINE, asking).await.unwrap_or_else(|_| panic!("waited in vain at {path}"))
    }

    pub(crate) async fn call(&self, person: &Person, method: Method, path: &str, body: Value) -> Reply {
        let request = self.request(method, path, Some(&person.token));
        self.send(if body.is_null() { request } else { request.json(&body) }).await
    }

    pub(crate) async fn post(&self, person: &Person, path: &str, body: Value) -> Reply {
        self.call(person, Method::POST, path, body).await
    }

    pub(crate) async fn anonymous(&self, path: &str, body: Value) -> Reply {
        self.send(self.request(Method::POST, path, None).json(&body)).await
    }

    pub(crate) async fn register(&self, name: &str) -> Person {
        let reply = self.anonymous("/auth/register", registration(name)).await;
        Person::of(&reply.expect(StatusCode::CREATED))
    }

    /// Opens a conversation and answers its id.
    pub(crate) async fn conversation(&self, by: &Person, kind: &str, others: &[&Person]) -> String {
        let members: Vec<_> = others.iter().map(|person| &person.id).collect();
        let reply = self.post(by, "/conversations", json!({"type": kind, "members": members})).await;
        reply.expect(StatusCode::CREATED)["id"].as_str().expect("an id").to_owned()
    }

    /// Posts a text and answers the message.
    pub(crate) async fn text(&self, by: &Person, conversation: &str, content: &str) -> Value {
        let path = format!("/conversations/{conversation}/messages");
        self.post(by, &path, json!({"messageType": "TEXT", "content": content})).await.expect(StatusCode::CREATED)
    }

    /// The log's last position.
    pub(crate) async fn head(&self) -> u64 {
        self.app.store.head().await.expect("the head").position
    }
}

pub(crate) fn registration(name: &str) -> Value {
    json!({"email": format!("{name}@test.example"), "password": PASSWORD, "firstName": name, "lastName": "Test"})
}

impl Person {
    pub(crate) fn of(answer: &Value) -> Self {
        let text = |value: &Value| value.as_str().expect("text").to_owned();
        Self {
            id: text(&answer["user"]["id"]),
            email: text(&answer["user"]["email"]),
            token: text(&answer["accessToken"]),
            refresh: text(&answer["refreshToken"]),
        }
    }
}

impl Reply {
    /// The body, when the status is this one.
    #[track_caller]
    pub(crate) fn expect(self, status: StatusCode) -> Value {
        assert_eq!(self.status, status, "{}", self.body);
        self.body
    }

    /// That the answer is this problem.
    #[track_caller]
    pub(crate) fn refused(&self, status: u16, code: &str) -> &Self {
        assert_eq!((self.status.as_u16(), self.body["code"].as_str()), (status, Some(code)), "{}", self.body);
        assert_eq!(self.body["status"], status);
        assert_eq!(self.headers["content-type"], "application/problem+json");
        let request_id = self.headers["x-request-id"].to_str().expect("text");
        assert_eq!(self.body["requestId"], request_id);
        assert!(Uuid::parse_str(request_id).is_ok());
        for field in ["type", "title", "detail"] {
            assert!(self.body[field].is_string(), "{field} is missing in {}", self.body);
        }
        assert!(self.body["temporary"].is_boolean());
        self
    }

    /// The fields at fault with their words.
    pub(crate) fn faults(&self) -> Vec<(&str, &str)> {
        let errors = self.body["errors"].as_array().into_iter().flatten();
        errors.map(|error| (error["field"].as_str().unwrap(), error["code"].as_str().unwrap())).collect()
    }

    pub(crate) fn position(&self) -> u64 {
        self.headers["x-chatchit-position"].to_str().unwrap().parse().expect("a position")
    }

    pub(crate) fn header(&self, name: &str) -> Option<&HeaderValue> {
        self.headers.get(name)
    }
}

/// The document as it is served.
pub(crate) fn document() -> &'static Value {
    static DOCUMENT: OnceLock<Value> = OnceLock::new();
    DOCUMENT.get_or_init(|| serde_json::to_value(rest::document()).expect("a document"))
}

/// The template of the document that a path fits, the most literal first.
pub(crate) fn template_of(path: &str) -> Option<&'static str> {
    let fits = |template: &str| {
        let (mut wanted, mut given) = (template.split('/'), path.split('/'));
        loop {
            match (wanted.next(), given.next()) {
                (None, None) => return true,
                (Some(part), Some(value)) if part == value || part.starts_with('{') => (),
                _ => return false,
            }
        }
    };
    let paths = document()["paths"].as_object().expect("paths");
    paths
        .keys()
        .map(String::as_str)
        .filter(|template| fits(template))
        .min_by_key(|template| template.matches('{').count())
}

fn assert_documented(method: &Method, path: &str, reply: &Reply) {
    let Some(template) = template_of(path) else {
        let is_nowhere = ["unknown_route", "rate_limited"].iter().any(|code| reply.body["code"] == **code);
        assert!(is_nowhere, "{method} {path} is answered and not documented");
        return;
    };
    let operation = &document()["paths"][template][method.as_str().to_lowercase()];
    if operation.is_null() {
        assert_eq!(reply.body["code"], "wrong_method", "{method} {path} is answered and not documented");
        return;
    }
    let status = reply.status.as_str();
    assert!(
        !operation["responses"][status].is_null(),
        "{method} {template} answered {status}, which is not documented"
    );
}
