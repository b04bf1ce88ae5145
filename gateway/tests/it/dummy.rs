//! A command that exists in tests only. This file is all it consists of.

use crate::support::config;
use async_trait::async_trait;
use config::Config;
use domain::ConversationId;
use futures_util::{SinkExt as _, StreamExt as _};
use gateway::{Application, routes};
use limits::Kind;
use operations::{Answer, Operation, Operations, Registry, Request, Route, Visitor};
use protocol::{
    Problem,
    request::{Faults, Parse},
};
use reqwest::Client;
use serde::Serialize;
use serde_json::{Value, json};
use sockets::asyncapi;
use testkit::{Engine, Home};
use tokio_tungstenite::tungstenite::{Message, client::IntoClientRequest as _};
use tokio_util::sync::CancellationToken;
use utoipa::ToSchema;
use uuid::Uuid;

/// All operations, and one more.
struct WithEcho;

impl Registry for WithEcho {
    fn visit(visitor: &mut impl Visitor) {
        Operations::visit(visitor);
        visitor.visit::<Echo>();
    }
}

/// `dummy.echo`.
struct Echo;

/// What is to be echoed.
#[derive(ToSchema)]
struct NewEcho {
    /// The word.
    word: String,
}

impl Parse for NewEcho {
    fn parse(value: &Value, faults: &mut Faults) -> Option<Self> {
        Some(Self { word: faults.object(value)?.required("word")? })
    }
}

/// What was echoed.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Echoed {
    /// The conversation.
    conversation_id: Uuid,
    /// The word.
    word: String,
}

#[async_trait]
impl Operation for Echo {
    const NAME: &'static str = "dummy.echo";
    const SUMMARY: &'static str = "Echoes a word. It is a test's.";
    const BUDGET: Kind = Kind::Report;
    const ROUTE: Option<Route> = Some(Route::post("/conversations/{id}/echo", "echoWord", "conversations"));

    type Target = ConversationId;
    type Body = NewEcho;
    type Output = Echoed;

    async fn run(conversation: ConversationId, NewEcho { word }: NewEcho, _: &Request<'_>) -> Result<Answer, Problem> {
        Answer::read(&Echoed { conversation_id: conversation.0, word })
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_is_registered_is_at_both_doors_and_counts_as_one_kind_there() {
    let home = Home::new(Engine::Sqlite).await;
    let config = Config { rate_limits: true, ..config(&home) };
    let application = Application::build_with::<WithEcho>(config).await.unwrap();
    let address = application.local_addr();
    let stop = CancellationToken::new();
    let running = tokio::spawn(application.run(stop.clone()));
    let (client, room) = (Client::new(), Uuid::from_u128(7));
    let post = |path: String, token: &str, body: Value| {
        client.post(format!("http://{address}{path}")).bearer_auth(token).json(&body).send()
    };
    let ana =
        json!({"email": "ana@example.org", "password": "a good password", "firstName": "Ana", "lastName": "Test"});
    let ana: Value = post("/auth/register".to_owned(), "", ana).await.unwrap().json().await.unwrap();
    let token = ana["accessToken"].as_str().unwrap();

    let echo = |id: String, body: Value| post(format!("/conversations/{id}/echo"), token, body);
    let want = json!({"conversationId": room, "word": "hi"});
    let echoed = echo(room.to_string(), json!({"word": "hi"})).await.unwrap();
    assert_eq!((echoed.status().as_u16(), echoed.json::<Value>().await.unwrap()), (200, want.clone()));
    for (id, body, field) in
        [("7", json!({"word": "hi"}), "id"), (&room.to_string(), json!({"word": "hi", "wrd": 1}), "wrd")]
    {
        let refused: Value = echo(id.to_owned(), body).await.unwrap().json().await.unwrap();
        assert_eq!((&refused["status"], &refused["errors"][0]["field"]), (&json!(422), &json!(field)));
    }

    let mut upgrade = format!("ws://{address}/ws").into_client_request().unwrap();
    upgrade.headers_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
    let (mut socket, _) = tokio_tungstenite::connect_async(upgrade).await.unwrap();
    let mut ask = async |data: Value| {
        let frame = json!({"id": "1", "cmd": Echo::NAME, "data": data});
        socket.send(Message::text(frame.to_string())).await.unwrap();
        loop {
            let Some(Ok(Message::Text(text))) = socket.next().await else { continue };
            let frame: Value = serde_json::from_str(&text).unwrap();
            if frame["reply"] == "1" {
                return frame;
            }
        }
    };
    assert_eq!(ask(want.clone()).await["ok"], want);
    assert_eq!(ask(json!({"word": "hi"})).await["error"]["errors"][0]["field"], "conversationId");

    // Both doors share one budget, which is charged before the body is checked.
    let mut answered = 0;
    while echo(room.to_string(), json!({"word": "hi"})).await.unwrap().status() == 200 {
        answered += 1;
        assert!(answered < 10_000, "never limited");
    }
    let mut problem = Value::Null;
    for _ in 0..100 {
        problem = ask(json!({"wrod": "hi"})).await["error"].take();
        if problem["code"] == "rate_limited" {
            break;
        }
    }
    assert_eq!(problem["code"], "rate_limited");

    stop.cancel();
    running.await.unwrap().unwrap();
}

#[test]
fn a_command_that_is_registered_is_in_both_documents() {
    let (open, sockets) = (routes::openapi::<WithEcho>(), asyncapi::document::<WithEcho>());
    let operation = &open["paths"]["/conversations/{id}/echo"]["post"];
    let schema = |name: &str| json!(format!("#/components/schemas/{name}"));
    assert_eq!(operation["operationId"], "echoWord");
    assert_eq!(operation["summary"], "Echoes a word");
    assert_eq!(operation["x-budget"], Kind::Report.name());
    assert_eq!(operation["parameters"][0]["name"], "id");
    assert_eq!(operation["requestBody"]["content"]["application/json"]["schema"]["$ref"], schema("NewEcho"));
    let answer = &operation["responses"]["200"]["content"]["application/json"]["schema"]["$ref"];
    assert_eq!(*answer, schema("Echoed"));
    assert!(open["components"]["schemas"]["Echoed"].is_object());

    assert_eq!(sockets["operations"]["command.dummy.echo"]["x-budget"], Kind::Report.name());
    let messages = &sockets["channels"]["ws"]["messages"];
    let data = &messages["command.dummy.echo"]["payload"]["properties"]["data"];
    assert_eq!(data["required"], json!(["conversationId", "word"]));
    assert_eq!(data["additionalProperties"], false);
    let answer = &messages["reply.dummy.echo"]["payload"]["properties"]["ok"]["allOf"][0]["$ref"];
    assert_eq!(*answer, schema("Echoed"));
    assert!(sockets["components"]["schemas"]["NewEcho"].is_object());
}
