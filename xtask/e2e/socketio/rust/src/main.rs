//! Rust's `rust_socketio`, with default options.

use futures_util::FutureExt as _;
use rust_socketio::{
    Event, Payload,
    asynchronous::{Client, ClientBuilder, ReconnectSettings},
};
use serde_json::{Value, json};
use std::{
    env,
    error::Error,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::io::{AsyncBufReadExt as _, BufReader, stdin};

/// How long an acknowledgement may take.
const PATIENCE: Duration = Duration::from_secs(15);

/// The access token, and the cursor to resume from.
#[derive(Clone)]
struct Credentials {
    token: String,
    cursor: Arc<Mutex<Option<Value>>>,
}

impl Credentials {
    fn auth(&self) -> Value {
        match &*self.cursor.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(cursor) => json!({"token": self.token, "since": cursor}),
            None => json!({"token": self.token}),
        }
    }

    fn note(&self, cursor: &Value) {
        *self.cursor.lock().unwrap_or_else(PoisonError::into_inner) = Some(cursor.clone());
    }
}

fn tell(event: &str, data: Value) {
    println!("{}", json!({"event": event, "data": data}));
}

fn first(payload: Payload) -> Value {
    match payload {
        Payload::Text(values) => values.into_iter().next().unwrap_or_default(),
        other => json!(format!("{other:?}")),
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let [door, token, conversation] = ["DOOR", "TOKEN", "CONVERSATION"].map(env::var);
    let (door, conversation) = (door?, conversation?);
    let credentials = Credentials { token: token?, cursor: Arc::default() };
    let mut client = ClientBuilder::new(door).auth(credentials.auth());
    let again = credentials.clone();
    client = client.on_reconnect(move || {
        let mut settings = ReconnectSettings::new();
        settings.auth(again.auth());
        async move { settings }.boxed()
    });
    for name in ["hello", "messageComing"] {
        let credentials = credentials.clone();
        client = client.on(name, move |payload: Payload, _: Client| {
            let data = first(payload);
            credentials.note(&data["cursor"]);
            tell(name, data);
            async {}.boxed()
        });
    }
    for (event, name) in [(Event::Connect, "connect"), (Event::Close, "disconnect"), (Event::Error, "error")] {
        client = client.on(event, move |payload: Payload, _: Client| {
            tell(name, first(payload));
            async {}.boxed()
        });
    }
    let client = client.connect().await?;
    let mut lines = BufReader::new(stdin()).lines();
    while let Some(line) = lines.next_line().await? {
        let asked: Value = serde_json::from_str(&line)?;
        let message = json!({"conversationId": conversation, "messageType": "TEXT", "content": asked["content"]});
        let acknowledged = |payload: Payload, _: Client| {
            // What an acknowledgement carries is an array of its arguments.
            let answer = match first(payload) {
                Value::Array(arguments) => arguments.into_iter().next().unwrap_or_default(),
                answer => answer,
            };
            tell("ack", answer);
            async {}.boxed()
        };
        client.emit_with_ack("sendMessage", message, PATIENCE, acknowledged).await?;
    }
    client.disconnect().await?;
    Ok(())
}
