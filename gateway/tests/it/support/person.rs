//! People, and their clients.

use super::{
    Client, Door, Reply,
    sio::{Sio, Transport},
};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use uuid::Uuid;

pub(crate) const PASSWORD: &str = "correct horse";

/// A signed-in person, and the gateway that their clients use.
#[derive(Clone, Debug)]
pub(crate) struct Person {
    pub(crate) door: Door,
    pub(crate) name: String,
    pub(crate) id: Uuid,
    pub(crate) email: String,
    pub(crate) token: String,
    pub(crate) refresh: String,
}

/// The body of a registration.
pub(crate) fn registration(name: &str) -> Value {
    json!({"email": format!("{name}@test.example"), "password": PASSWORD, "firstName": name, "lastName": "Test"})
}

impl Person {
    /// The person of an answer to a registration, a login or a refresh.
    pub(crate) fn of(door: &Door, answer: &Value) -> Self {
        let text = |value: &Value| value.as_str().expect("text").to_owned();
        Self {
            door: *door,
            name: text(&answer["user"]["firstName"]),
            id: text(&answer["user"]["id"]).parse().expect("an id"),
            email: text(&answer["user"]["email"]),
            token: text(&answer["accessToken"]),
            refresh: text(&answer["refreshToken"]),
        }
    }

    /// The same person at another gateway.
    pub(crate) fn at(&self, door: &Door) -> Self {
        Self { door: *door, ..self.clone() }
    }

    /// Sends a request. `null` is no body.
    pub(crate) async fn call(&self, method: Method, path: &str, body: Value) -> Reply {
        let request = self.door.request(method, path, Some(&self.token));
        self.door.send(if body.is_null() { request } else { request.json(&body) }).await
    }

    pub(crate) async fn get(&self, path: &str) -> Reply {
        self.call(Method::GET, path, Value::Null).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Reply {
        self.call(Method::POST, path, body).await
    }

    /// Reads something that shows the event at `position`.
    pub(crate) async fn read_at(&self, path: &str, position: u64) -> Value {
        let request = self.door.request(Method::GET, path, Some(&self.token));
        self.door.send(request.header("x-chatchit-position", position)).await.ok()
    }

    /// Reads again until the answer is as wanted.
    pub(crate) async fn get_until(&self, path: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let look = async || Some(self.get(path).await.expect(StatusCode::OK)).filter(&wanted);
        testkit::until_some(path, look).await
    }

    /// Connects to `/ws`, without or with a cursor.
    pub(crate) async fn connect(&self, since: Option<&str>) -> Client {
        let mut client = self.door.open(Some(&self.token), None, since).await.expect("an upgrade");
        client.hello().await;
        client
    }

    /// Connects to `/socket.io/`, without or with a cursor.
    pub(crate) async fn sio(&self, since: Option<&str>, transport: Transport) -> Sio {
        Sio::connect(&self.door, self, since, transport).await
    }

    /// Connects to `/ws` with a receive window so small that the server soon notices a client that does not read.
    pub(crate) async fn connect_narrow(&self) -> Client {
        let headers = [("authorization", Some(format!("Bearer {}", self.token)))];
        let mut client = self.door.dial("/ws", &headers, Some(4 * 1024)).await.expect("an upgrade");
        client.hello().await;
        client
    }
}
