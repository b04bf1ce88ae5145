//! The sockets as `/asyncapi.json` describes them: in a day in which everything happens, each frame and each event is
//! valid by its schema and has no field that the schema does not name, and each message of the document is seen.

use crate::support::{
    Client, Person, Said, Server, WITNESS, config, roomy,
    sio::{Sio, Transport},
    until,
    witness::{MOVED, Witness},
};
use config::{CallSettings, Config, SocketSettings};
use domain::Timestamp;
use reqwest::Method;
use serde_json::{Value, json};
use std::{
    collections::BTreeSet,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};
use testkit::{Engine, Home};

const HOUR: Duration = Duration::from_secs(3_600);
const SOON: Duration = Duration::from_millis(300);
const DAY: i64 = 24 * 3_600 * 1_000;
/// Ahead of the true time, in milliseconds.
static AHEAD: AtomicI64 = AtomicI64::new(0);

fn clock() -> Timestamp {
    let now = Config::default().clock;
    Timestamp::from_millis(now().millis() + AHEAD.load(Ordering::Relaxed))
}

static OBSERVED: Mutex<Option<Witness>> = Mutex::new(None);

fn settings(home: &Home, ring: Duration) -> Config {
    let sockets = SocketSettings { presence_grace: Duration::from_millis(100), ..roomy() };
    let calls = CallSettings { ring, grace: HOUR, look: Duration::from_millis(20) };
    Config { sockets, calls, clock, ..config(home) }
}

fn id(value: &Value) -> &str {
    value["id"].as_str().expect("an id")
}

/// Somebody on both doors.
struct Both {
    person: Person,
    ws: Client,
    sio: Sio,
}

impl Both {
    async fn sign_on(server: &Server, person: Person, transport: Transport) -> Self {
        let ws = server.connect(&person, None).await;
        let sio = Sio::connect(server, &person, None, transport).await;
        Self { person, ws, sio }
    }

    /// Hears all that was said before now.
    async fn hear(&mut self) {
        let (_, end) = self.ws.fence().await;
        self.sio.up_to(end).await;
        self.sio.fence().await;
    }
}

/// What is asked of the server over REST in this day.
struct Rest<'s>(&'s Server);

impl Rest<'_> {
    async fn post(&self, by: &Person, path: &str, body: Value) -> Value {
        self.0.call(by, Method::POST, path, body).await.ok()
    }

    async fn patch(&self, by: &Person, path: &str, body: Value) -> Value {
        self.0.call(by, Method::PATCH, path, body).await.ok()
    }

    async fn delete(&self, by: &Person, path: &str) {
        self.0.call(by, Method::DELETE, path, json!({})).await.ok();
    }
}

async fn sign_on_and_off(server: &Server, ana: &Person) {
    let mut first = server.open(None, None, None).await.unwrap();
    first.ok("auth", json!({"token": ana.token})).await;
    let cursor = first.ok("ping", json!({})).await["cursor"].take();
    first.send_text(json!({"ping": 7, "cursor": cursor}).to_string()).await;
    first.send_text("nonsense").await;
    first.send_text(json!({"cmd": "ping", "dta": {}}).to_string()).await;
    first.group(&[], "A place of one's own").await;
    first.ok("sync", json!({"since": cursor, "limit": 5})).await;
    first.refused("message.explode", json!({})).await;
    first.refused("message.send", json!({"content": 7})).await;
}

async fn friends(server: &Server, a: &mut Both, b: &mut Both, c: &mut Both) {
    let of = |person: &Both| json!({"userId": person.person.id});
    c.ws.ok("friend.request", of(a)).await;
    c.ws.ok("friend.cancel", of(a)).await;
    c.ws.ok("friend.request", of(a)).await;
    a.ws.ok("friend.reject", of(c)).await;
    c.ws.ok("friend.request", of(b)).await;
    b.ws.ok("friend.accept", of(c)).await;
    b.ws.ok("friend.unfriend", of(c)).await;
    b.ws.ok("friend.block", of(c)).await;
    b.ws.ok("friend.unblock", of(c)).await;
    b.ws.ok("friend.request", of(a)).await;
    a.ws.ok("friend.accept", of(b)).await;
    let befriended = async || server.read(&a.person, "/friends").await["items"].as_array().map(Vec::len) == Some(1);
    until("the friendship to be seen", befriended).await;
}

async fn messages(rest: &Rest<'_>, root: &Person, a: &mut Both, b: &mut Both) {
    let room = a.ws.group(&[b.person.id], "Room").await;
    let here = json!({"conversationId": room});
    let first = a.ws.say(&room, "first @all *bold*").await["id"].clone();
    let reply = json!({
        "conversationId": room, "content": "second", "replyTo": first, "mentions": [a.person.id],
        "guid": "01993e5c-9d02-7e6f-b1a4-6f5d2c7a8e90", "messageType": "TEXT",
    });
    let second = b.ws.ok("message.send", reply).await["id"].clone();
    a.ws.ok("message.edit", json!({"messageId": first, "content": "better"})).await;
    b.ws.ok("message.react", json!({"messageId": first, "emoji": "👍"})).await;
    b.ws.ok("message.react", json!({"messageId": first, "emoji": "🎉"})).await;
    b.ws.ok("message.unreact", json!({"messageId": first, "emoji": "👍"})).await;
    a.ws.ok("message.pin", json!({"messageId": first})).await;
    a.ws.ok("message.unpin", json!({"messageId": first})).await;
    b.ws.ok("message.delivered", json!({"conversationId": room, "upTo": 1})).await;
    b.ws.ok("message.read", json!({"conversationId": room, "upTo": first})).await;
    a.ws.ok("typing.start", here.clone()).await;
    a.ws.ok("typing.stop", here.clone()).await;
    let signal = json!({"conversationId": room, "name": MOVED, "payload": [1], "excludeSelf": false});
    a.ws.ok("signal.send", signal).await;
    a.ws.ok("message.hide", json!({"messageId": second})).await;
    for (reason, verdict) in [
        ("spam", json!({"status": "RESOLVED"})),
        ("abuse", json!({"status": "REJECTED", "rejectedReason": "it is none"})),
    ] {
        let said = b.ws.say(&room, reason).await;
        let report = rest.post(&a.person, "/reports", json!({"messageId": said["id"], "reason": reason})).await;
        rest.patch(root, &format!("/admin/reports/{}", id(&report)), verdict).await;
    }
    b.ws.ok("message.delete", json!({"messageId": second})).await;
    let until = json!({"conversationId": room, "until": "2999-01-01T00:00:00Z"});
    b.ws.ok("conversation.mute", until).await;
    for act in ["unmute", "archive", "unarchive"] {
        b.ws.ok(&format!("conversation.{act}"), here.clone()).await;
    }
    rest.delete(&b.person, &format!("/conversations/{room}/history")).await;
}

async fn groups(rest: &Rest<'_>, a: &mut Both, b: &mut Both, c: &mut Both) {
    let room = a.ws.group(&[b.person.id], "Before").await;
    let here = json!({"conversationId": room});
    let of = |person: &Both| json!({"conversationId": room, "userId": person.person.id});
    a.ws.ok("conversation.update", json!({"conversationId": room, "title": "After", "approval": true})).await;
    for decision in ["approve", "reject"] {
        c.ws.ok("conversation.join", here.clone()).await;
        a.ws.ok(&format!("conversation.{decision}"), of(c)).await;
        if decision == "approve" {
            c.ws.ok("conversation.leave", here.clone()).await;
        }
    }
    a.ws.ok("conversation.promote", of(b)).await;
    a.ws.ok("conversation.demote", of(b)).await;
    let invites = format!("/conversations/{room}/invites");
    let invite = rest.post(&a.person, &invites, json!({})).await;
    rest.delete(&a.person, &format!("{invites}/{}", invite["code"].as_str().unwrap())).await;
    a.ws.ok("conversation.delete", here).await;

    let open = json!({"type": "group", "members": [c.person.id], "joining": "open"});
    let open = a.ws.ok("conversation.create", open).await;
    let of = |person: &Both| json!({"conversationId": open["id"], "userId": person.person.id});
    b.ws.ok("conversation.join", json!({"conversationId": open["id"]})).await;
    a.ws.ok("conversation.kick", of(b)).await;
    let friends = json!({"reachableBy": {"messages": "friends", "groups": "friends", "calls": "friends"}});
    rest.0.prefers(&c.person, friends).await;
    let other = a.ws.group(&[b.person.id], "Other").await;
    a.ws.ok("conversation.add", json!({"conversationId": other, "userId": c.person.id})).await;
    c.ws.ok("conversation.join", json!({"conversationId": other})).await;
    rest.0
        .prefers(&c.person, json!({"reachableBy": {"messages": "everyone", "groups": "everyone", "calls": "everyone"}}))
        .await;
    let third = a.ws.group(&[], "Third").await;
    a.ws.ok("conversation.add", json!({"conversationId": third, "userId": c.person.id})).await;
}

async fn calls(a: &mut Both, b: &mut Both, c: &mut Both) {
    let room = a.ws.group(&[b.person.id, c.person.id], "Call").await;
    let new = json!({"conversationId": room, "callType": "VIDEO", "signalData": {"sdp": "offer"}});
    let call = a.ws.ok("call.initiate", new.clone()).await["id"].clone();
    b.ws.ok("call.answer", json!({"callId": call, "signalData": "answer"})).await;
    c.ws.ok("call.answer", json!({"conversationId": room})).await;
    let candidate = json!({"callId": call, "toUserId": b.person.id, "kind": "candidate", "payload": [1, 2]});
    a.ws.ok("call.signal", candidate).await;
    c.ws.ok("call.close", json!({"callId": call})).await;
    a.ws.ok("call.close", json!({"callId": call, "signalData": {"why": "bye"}})).await;
    let pair = a.ws.ok("conversation.create", json!({"type": "direct", "members": [b.person.id]})).await;
    let call = a.ws.ok("call.initiate", json!({"conversationId": pair["id"], "callType": "VOICE"})).await;
    b.ws.ok("call.refuse", json!({"callId": call["id"]})).await;
}

async fn stories(rest: &Rest<'_>, a: &mut Both, b: &mut Both) {
    a.ws.ok("story.post", json!({"content": "one who passes"})).await;
    let story = a.ws.ok("story.post", json!({"content": "Sun", "audience": "friends"})).await;
    let this = json!({"storyId": story["id"]});
    b.ws.ok("story.like", this.clone()).await;
    b.ws.ok("story.unlike", this).await;
    let comment = b.ws.ok("story.comment", json!({"storyId": story["id"], "content": "Nice"})).await;
    let path = format!("/stories/{}", id(&story));
    rest.post(&b.person, &format!("{path}/view"), json!({})).await;
    rest.patch(&a.person, &path, json!({"content": "Rain"})).await;
    rest.delete(&b.person, &format!("/stories/comments/{}", id(&comment))).await;
    rest.delete(&a.person, &path).await;
}

/// The events of the clients that were there before, done and refused, with and without a callback.
async fn old_words(root: &Person, a: &mut Both, b: &mut Both) {
    let absent = a.ws.ok("conversation.create", json!({"type": "direct", "members": [root.id]})).await;
    let room = a.ws.group(&[b.person.id], "Old").await;
    let open = a.ws.ok("conversation.create", json!({"type": "group", "members": [], "joining": "open"})).await;
    let (a, b) = (&mut a.sio, &mut b.sio);
    let sent = json!({"conversationId": room, "messageType": "TEXT", "content": "hello"});
    let message = a.ask("sendMessage", sent).await["messageId"].take();
    b.ask("messageRead", json!({"messageId": message, "conversationId": room})).await;
    b.ask("deleteMessage", json!({"messageId": message, "deleteForEveryone": false})).await;
    a.ask("deleteMessage", json!({"messageId": message, "conversationId": room})).await;
    b.ask("typing", json!({"conversationId": room, "isTyping": true})).await;
    b.ask("presence", json!({"status": "busy", "text": "at work", "until": "2999-01-01T00:00:00Z"})).await;
    let cursor = b.ask("heartbeat", json!({})).await["ok"]["cursor"].take();
    b.ask("ping", json!({"cursor": cursor})).await;
    b.ask("getOnlineUsers", json!({})).await;
    b.ask("joinGroup", json!({"groupId": open["id"]})).await;
    a.ask("broadcastEvent", json!({"event": MOVED, "payload": [1], "conversationId": room, "excludeSelf": true})).await;
    a.ask("cmd", json!({"cmd": "message.send", "key": "k", "data": {"conversationId": room, "content": "once"}})).await;
    let new = json!({"conversationId": room, "callType": "VOICE", "signalData": {"sdp": "offer"}});
    let call = a.ask("callUser", new.clone()).await["ok"]["id"].take();
    let this = json!({"callId": call});
    b.ask("answerCall", json!({"callId": call, "conversationId": room, "signalData": [1]})).await;
    let to = a.event("callAccepted").await["answeredBy"].take();
    a.ask("callSignal", json!({"callId": call, "toUserId": to, "kind": "offer", "payload": "x"})).await;
    a.ask("closeCall", this).await;
    let call = a.ask("callUser", new).await["ok"]["id"].take();
    b.ask("refuseCall", json!({"callId": call})).await;

    let nothing = json!({
        "messageId": room, "conversationId": call, "groupId": call, "callId": room, "callType": "VOICE", "content": "x",
        "event": "x", "status": "nonsense",
    });
    for event in [
        "sendMessage",
        "deleteMessage",
        "callUser",
        "answerCall",
        "refuseCall",
        "closeCall",
        "joinGroup",
        "broadcastEvent",
        "presence",
        "callSignal",
        "typing",
        "messageRead",
    ] {
        let refused = a.ask(event, nothing.clone()).await;
        assert_eq!(refused["status"], "error", "{event}");
        a.emit(event, nothing.clone()).await;
    }
    let nobody = a.ask("callUser", json!({"conversationId": absent["id"], "callType": "VOICE"})).await;
    assert_eq!(nobody["error"]["code"], "user_not_online");
    a.emit("explode", json!({})).await;
    assert_eq!(a.ask("cmd", json!({"cmd": "message.explode"})).await["status"], "error");
}

/// An alert, as `monitoring` pushes it to administrators.
async fn alert(server: &Server, a: &mut Both) {
    let at = Timestamp::from_millis(1_795_460_818_120);
    let alert = protocol::Alert {
        rule: "EngineAway".to_owned(),
        subject: "redis".to_owned(),
        severity: protocol::Severity::Warning,
        state: protocol::AlertState::Raised,
        summary: "2 processes do not reach redis".to_owned(),
        value: 2.0,
        since: at,
        raised_at: at,
        cleared_at: None,
        runbook: "docs/runbook.md#engineaway".to_owned(),
    };
    server.app.broker.signal(broker::Signal {
        users: vec![a.person.id],
        ..broker::Signal::new("alert", serde_json::to_value(alert).unwrap(), i64::MAX)
    });
    while a.ws.signal().await["signal"] != "alert" {}
    assert_eq!(a.sio.event("alert").await["rule"], "EngineAway");
}

/// What is in the document, and not seen in this day.
const UNSEEN: [(&str, &str); 0] = [];

#[tokio::test(flavor = "multi_thread")]
async fn every_frame_is_as_the_document_says_and_every_message_of_it_is_seen() {
    *OBSERVED.lock().unwrap_or_else(PoisonError::into_inner) = Some(Witness::new());
    let hear = |said: &Said<'_>| {
        let mut arrived = OBSERVED.lock().unwrap_or_else(PoisonError::into_inner);
        arrived.iter_mut().for_each(|witness| witness.hear(said));
    };
    assert!(WITNESS.set(hear).is_ok());
    let home = Home::new(Engine::Sqlite).await;
    let server = Server::start_with(settings(&home, HOUR)).await;
    let root = server.administrator().await;
    let [ana, ben, cleo] = [server.register("ana").await, server.register("ben").await, server.register("cleo").await];
    let rest = Rest(&server);
    sign_on_and_off(&server, &ana).await;
    let mut a = Both::sign_on(&server, ana.clone(), Transport::WebSocket).await;
    let mut b = Both::sign_on(&server, ben, Transport::Upgraded).await;
    let mut c = Both::sign_on(&server, cleo, Transport::Polling).await;
    friends(&server, &mut a, &mut b, &mut c).await;
    let watched = a.ws.ok("presence.subscribe", json!({"userIds": [b.person.id]})).await;
    assert_eq!(watched["items"][0]["status"], "online");
    b.ws.ok("presence.set", json!({"status": "away"})).await;
    messages(&rest, &root, &mut a, &mut b).await;
    groups(&rest, &mut a, &mut b, &mut c).await;
    calls(&mut a, &mut b, &mut c).await;
    stories(&rest, &mut a, &mut b).await;
    old_words(&root, &mut a, &mut b).await;
    alert(&server, &mut a).await;
    rest.patch(&a.person, "/users/me", json!({"firstName": "Anna"})).await;
    a.sio.event("userOnline").await;
    for both in [&mut a, &mut b, &mut c] {
        both.hear().await;
    }

    let account = format!("/admin/accounts/{}", c.person.id);
    rest.patch(&root, &account, json!({"role": "MODERATOR"})).await;
    rest.patch(&root, &account, json!({"isBlocked": true})).await;
    c.ws.end().await;
    c.sio.end().await;
    while a.sio.event("userOffline").await["userId"] != json!(c.person.id) {}
    let pair = a.ws.ok("conversation.create", json!({"type": "direct", "members": [b.person.id]})).await;
    let cursor = a.ws.fence().await.0.last().unwrap()["cursor"].as_str().unwrap().to_owned();
    server.stop().await;
    a.sio.end().await;

    // A day later, what rings does not ring for long.
    AHEAD.store(DAY + DAY / 24, Ordering::Relaxed);
    let server = Server::start_with(settings(&home, SOON)).await;
    let mut a = Both {
        ws: server.connect(&ana, Some(&cursor)).await,
        sio: Sio::connect(&server, &ana, Some(&cursor), Transport::WebSocket).await,
        person: ana,
    };
    let _b = server.connect(&b.person, None).await;
    a.ws.ok("call.initiate", json!({"conversationId": pair["id"], "callType": "VOICE"})).await;
    a.sio.event("story.expired").await;
    a.sio.event("call.missed").await;
    a.hear().await;
    server.stop().await;

    let arrived = OBSERVED.lock().unwrap_or_else(PoisonError::into_inner).take().unwrap();
    let faults: Vec<_> = arrived.faults.iter().map(String::as_str).collect();
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
    let known: BTreeSet<_> = UNSEEN.iter().map(|(message, _)| (*message).to_owned()).collect();
    let unseen = arrived.unseen();
    assert_eq!(unseen, known, "unseen: {:#?}", unseen.difference(&known).collect::<Vec<_>>());
}
