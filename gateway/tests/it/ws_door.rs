//! Credentials, limits and closes.

use crate::support::{DEADLINE, End, Server, config, roomy, until};
use commands::{Actor, Context};
use config::SocketSettings;
use domain::{
    AggregateType, Personal, Tier, UserId,
    user::{Role, UserEvent},
};
use event_store::{Append, CommandKey, NewEvent, Origin, Retention, Secret, StreamId};
use serde_json::{Value, json};
use std::time::Duration;
use testkit::each_mix;
use tokio_tungstenite::tungstenite::{
    Message,
    protocol::frame::{
        Frame,
        coding::{Data, OpCode},
    },
};
use uuid::Uuid;

each_mix!(credentials_come_as_header_subprotocol_or_first_frame, |home| async move {
    let server = Server::start(&home).await;
    let ana = server.register("ana").await;
    let mut header = server.open(Some(&ana.token), None, None).await.unwrap();
    assert_eq!(header.hello().await["userId"], json!(ana.id));
    let offered = format!("chatchit.v1, bearer.{}", ana.token);
    let mut browser = server.open(None, Some(&offered), None).await.unwrap();
    assert_eq!(browser.response.headers()["sec-websocket-protocol"], "chatchit.v1");
    assert_eq!(browser.hello().await["userId"], json!(ana.id));
    let mut plain = server.open(None, None, None).await.unwrap();
    plain.send_text(json!({"id": "0", "cmd": "auth", "data": {"token": ana.token}}).to_string()).await;
    assert_eq!(plain.hello().await["userId"], json!(ana.id));
    assert_eq!(plain.reply("0").await["ok"]["userId"], json!(ana.id));
    assert_eq!(plain.ok("auth", json!({"token": ana.token})).await["userId"], json!(ana.id));
    server.stop().await;
});

each_mix!(bad_credentials_are_refused_at_each_door, |home| async move {
    let with = |credentials_within| config::Config {
        sockets: SocketSettings { credentials_within, ..roomy() },
        ..config(&home)
    };
    let server = Server::start_with(with(DEADLINE)).await;
    let hasty = Server::start_with(with(Duration::from_millis(500))).await;
    let ana = server.register("ana").await;
    let refusal = server.open(Some("nonsense"), None, None).await.err().unwrap();
    assert_eq!(refusal.status(), 401);
    let in_query = server.open_at(&format!("/ws?token={}", ana.token), &[]).await.err().unwrap();
    assert_eq!(in_query.status(), 400);
    let mut browser = server.open(None, Some("chatchit.v1, bearer.nonsense"), None).await.unwrap();
    assert_eq!(browser.end().await, End::Closed(4001));
    let mut silent = hasty.open(None, None, None).await.unwrap();
    assert_eq!(silent.end().await, End::Closed(1008));
    for first in [json!({"id": "1", "cmd": "ping"}), json!({"ping": 1}), json!({"cmd": "auth"}), json!([])] {
        let mut rude = server.open(None, None, None).await.unwrap();
        rude.send_text(first.to_string()).await;
        assert_eq!(rude.end().await, End::Closed(1008), "{first}");
    }
    let mut wrong = server.open(None, None, None).await.unwrap();
    wrong.send_text(json!({"id": "0", "cmd": "auth", "data": {"token": "nonsense"}}).to_string()).await;
    assert_eq!(wrong.reply("0").await["error"]["code"], "invalid_token");
    assert_eq!(wrong.end().await, End::Closed(4001));
    tokio::join!(server.stop(), hasty.stop());
});

each_mix!(only_listed_pages_may_connect_where_a_list_is_set, |home| async move {
    let allowed_origins = vec!["https://chat.example".to_owned()];
    let server = Server::start_with(config::Config { allowed_origins, ..config(&home) }).await;
    let ana = server.register("ana").await;
    let from = |origin: Option<&str>| {
        [("authorization", Some(format!("Bearer {}", ana.token))), ("origin", origin.map(str::to_owned))]
    };
    assert!(server.open_at("/ws", &from(None)).await.is_ok());
    assert!(server.open_at("/ws", &from(Some("https://chat.example"))).await.is_ok());
    let refusal = server.open_at("/ws", &from(Some("https://evil.example"))).await.err().unwrap();
    assert_eq!(refusal.status(), 403);
    server.stop().await;
});

each_mix!(a_bad_frame_is_answered_and_the_socket_lives, |home| async move {
    let server = Server::start(&home).await;
    let ana = server.register("ana").await;
    let mut client = server.connect(&ana, None).await;
    for text in ["", "nonsense", "[1]", "{}", r#"{"cmd":7}"#, "{\"cmd\":\"ping\"", "\u{0}"] {
        client.send_text(text).await;
        let received = client.frame().await.unwrap();
        assert_eq!((&received["reply"], &received["error"]["code"]), (&Value::Null, &json!("malformed")), "{text:?}");
    }
    assert_eq!(client.refused("message.explode", json!({})).await["code"], "unknown_command");
    let missing = client.refused("message.send", json!({"conversationId": 7})).await;
    assert_eq!((&missing["status"], &missing["errors"][0]["field"]), (&json!(422), &json!("conversationId")));
    assert!(client.refused("message.send", json!([])).await["requestId"].is_string());
    assert_eq!(client.refused("message.send", json!([])).await["errors"][0]["field"], "data");
    client.send_text(r#"{"id":"bare","cmd":"sync"}"#).await;
    let seen = client.reply("bare").await;
    assert!(seen["ok"]["cursor"].is_string(), "a command without data: {seen}");
    client.send_text(r#"{"ping":"x"}"#).await;
    assert_eq!(client.frame().await.unwrap()["error"]["errors"][0]["field"], "ping");
    let deep = format!("{}{}", "[".repeat(5_000), "]".repeat(5_000));
    client.send_text(format!(r#"{{"id":"deep","cmd":"ping","data":{deep}}}"#)).await;
    assert_eq!(client.frame().await.unwrap()["error"]["code"], "malformed");
    assert!(client.ok("ping", json!({})).await["cursor"].is_string());
    server.stop().await;
});

each_mix!(what_is_no_websocket_learns_what_to_upgrade_to, |home| async move {
    let server = Server::start(&home).await;
    let version_8 = [
        ("connection", "Upgrade"),
        ("upgrade", "websocket"),
        ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
        ("sec-websocket-version", "8"),
    ];
    for headers in [&[][..], &version_8] {
        let request = server.request(reqwest::Method::GET, "/ws", None);
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 426);
        let seen = ["upgrade", "connection", "sec-websocket-version"].map(|name| response.headers()[name].clone());
        assert_eq!(seen, ["websocket", "upgrade", "13"]);
        assert_eq!(response.json::<Value>().await.unwrap()["code"], "upgrade_required");
    }
    server.stop().await;
});

each_mix!(frames_beyond_the_limits_close_the_socket, |home| async move {
    let settings = SocketSettings { frames_per_second: 1, frames_at_once: 20, ..SocketSettings::default() };
    let server = Server::start_with(config::Config { sockets: settings, rate_limits: true, ..config(&home) }).await;
    let ana = server.register("ana").await;
    let mut fits = server.connect(&ana, None).await;
    let filler = |bytes: usize| format!("{}{}", json!({"id": "1", "cmd": "ping"}), " ".repeat(bytes));
    fits.send_text(filler(60_000)).await;
    assert!(fits.reply("1").await["ok"].is_object());
    let mut big = server.connect(&ana, None).await;
    big.send_text(filler(70_000)).await;
    assert_eq!(big.end().await, End::Closed(1009));
    let mut binary = server.connect(&ana, None).await;
    binary.send(Message::Binary(vec![1, 2, 3].into())).await;
    assert_eq!(binary.end().await, End::Closed(1003));
    let mut broken = server.connect(&ana, None).await;
    broken.send(Message::Frame(Frame::message(vec![0xff, 0xfe], OpCode::Data(Data::Text), true))).await;
    assert_eq!(broken.end().await, End::Closed(1007));
    let mut flood = server.connect(&ana, None).await;
    for n in 0..60 {
        flood.send_text(json!({"ping": n}).to_string()).await;
    }
    assert_eq!(flood.end().await, End::Closed(4029));
    server.stop().await;
});

each_mix!(the_end_of_a_session_closes_its_sockets, |home| async move {
    let server = Server::start(&home).await;
    let phone = server.register("ana").await;
    let laptop = server.login(&phone).await;
    let mut on_phone = server.connect(&phone, None).await;
    let mut on_laptop = server.connect(&laptop, None).await;
    server.write(&phone, "/auth/logout", json!({})).await;
    assert_eq!(on_phone.end().await, End::Closed(4009));
    assert!(on_laptop.ok("ping", json!({})).await["cursor"].is_string());
    let refusal = server.open(Some(&phone.token), None, None).await.err().unwrap();
    assert_eq!(refusal.status(), 401);
    server.stop().await;
});

each_mix!(a_blocked_account_is_notified_and_disconnected, |home| async move {
    let server = Server::start(&home).await;
    let ana = server.register("ana").await;
    let mut client = server.connect(&ana, None).await;
    let commands = &server.app.commands;
    let boss = UserId(Uuid::from_u128(7));
    let admin = UserEvent::Registered { role: Role::Admin, profile: Personal::forgotten(boss) };
    let stream = StreamId::new(AggregateType::User, boss);
    let append = Append {
        origin: Origin::default(),
        key: CommandKey { owner: "test".to_owned(), key: "boss".to_owned() },
        request_hash: [0; 32],
        retention: Retention::Week,
        tier: Tier::Medium,
        guards: vec![],
        claims: vec![],
        secrets: vec![Secret::DataKey { subject: boss.0 }],
        events: vec![NewEvent { stream, sequence: 1, event: admin.into() }],
    };
    server.app.store.append(append).await.unwrap();
    let actor = Some(Actor { user: boss, session: None });
    let context = Context { actor, key: None, correlation_id: Uuid::nil(), causation_id: None };
    commands.block_account(&context, UserId(ana.id), true).await.unwrap();
    let received = client.push().await;
    assert_eq!((&received["event"], &received["data"]["isBlocked"]), (&json!("account.blocked"), &json!(true)));
    assert_eq!(client.end().await, End::Closed(4001));
    let refusal = server.open(Some(&ana.token), None, None).await.err().unwrap();
    assert!(refusal.status().is_client_error());
    server.stop().await;
});

each_mix!(a_token_closes_its_socket_when_it_expires, |home| async move {
    let access_expired = Duration::from_secs(10);
    let server = Server::start_with(config::Config { access_expired, ..config(&home) }).await;
    let ana = server.register("ana").await;
    let mut client = server.connect(&ana, None).await;
    assert_eq!(client.end().await, End::Closed(4001));
    server.stop().await;
});

each_mix!(one_socket_too_many_closes_the_oldest, |home| async move {
    let server = Server::start(&home).await;
    let ana = server.register("ana").await;
    let mut clients = Vec::new();
    for _ in 0..11 {
        clients.push(server.connect(&ana, None).await);
    }
    assert_eq!(clients.remove(0).end().await, End::Closed(4009));
    for client in &mut clients {
        assert!(client.ok("ping", json!({})).await["cursor"].is_string());
    }
    server.stop().await;
});

each_mix!(a_client_that_does_not_answer_pings_is_gone, |home| async move {
    let settings = SocketSettings { heartbeat: Duration::from_millis(50), ..roomy() };
    let server = Server::start_with(config::Config { sockets: settings, ..config(&home) }).await;
    let ana = server.register("ana").await;
    let mut unread = server.connect(&ana, None).await;
    until("the server to give up", async || server.app.hub.sockets() == 0).await;
    assert_eq!(unread.end().await, End::Closed(1001));
    server.stop().await;
});

each_mix!(a_server_that_restarts_says_so, |home| async move {
    let server = Server::start(&home).await;
    let (ana, ben) = (server.register("ana").await, server.register("ben").await);
    let mut clients = [server.connect(&ana, None).await, server.connect(&ben, None).await];
    let ends = async {
        for client in &mut clients {
            assert_eq!(client.end().await, End::Closed(1012));
        }
    };
    tokio::join!(server.stop(), ends);
});
