//! Rights that end: with the event that ended them, on every node, for whatever was under way.

use crate::support::{Client, End, Person, Server, config, roomy, sio::Transport, until};
use config::{CallSettings, Config, SocketSettings};
use domain::Timestamp;
use serde_json::{Value, json};
use std::time::Duration;
use testkit::{Home, Mix, each_mix};
use uuid::Uuid;

const HOUR: Duration = Duration::from_secs(3_600);

async fn people<const N: usize>(server: &Server, names: [&str; N]) -> [Person; N] {
    let mut people = Vec::new();
    for name in names {
        people.push(server.register(name).await);
    }
    people.try_into().ok().unwrap()
}

async fn push_named(client: &mut Client, name: &str) -> Value {
    loop {
        let push = client.push().await;
        if push["event"] == name {
            return push;
        }
    }
}

/// The texts of what `client` hears of `of`, until it hears the last of `fence`.
async fn texts(client: &mut Client, of: &Person, fence: &Person, last: &str) -> Vec<Value> {
    let mut texts = Vec::new();
    loop {
        let presence = client.presence().await;
        if presence["userId"] == json!(of.id) {
            texts.push(presence["text"].clone());
        }
        if presence["userId"] == json!(fence.id) && presence["text"] == last {
            return texts;
        }
    }
}

each_mix!(a_watch_ends_with_the_last_tie, |home| async move {
    let server = Server::start(&home).await;
    let [ana, ben, cleo] = people(&server, ["ana", "ben", "cleo"]).await;
    let (mut a, mut b, mut c) =
        (server.connect(&ana, None).await, server.connect(&ben, None).await, server.connect(&cleo, None).await);
    server.befriend(&ben, &cleo).await;
    server.befriend(&ana, &cleo).await;
    let mut round = 0;
    for how in ["unfriend", "kick", "leave", "delete"] {
        let room = match how {
            "unfriend" => {
                server.befriend(&ana, &ben).await;
                String::new()
            }
            _ => a.group(&[ben.id, cleo.id], how).await,
        };
        b.fence().await;
        b.ok("presence.subscribe", json!({"userIds": [ana.id, cleo.id]})).await;
        let mut say = async |a: &mut Client, c: &mut Client, b: &mut Client| {
            round += 1;
            let word = format!("{how} {round}");
            a.ok("presence.set", json!({"status": "busy", "text": word})).await;
            // Cleo is a friend of both: once she has received Ana's presence, all others have.
            while c.presence().await["text"] != json!(word) {}
            c.ok("presence.set", json!({"status": "busy", "text": word})).await;
            (texts(b, &ana, &cleo, &word).await, word)
        };
        match how {
            "unfriend" => drop(a.ok("friend.unfriend", json!({"userId": ben.id})).await),
            "kick" => drop(a.ok("conversation.kick", json!({"conversationId": room, "userId": ben.id})).await),
            "leave" => drop(b.ok("conversation.leave", json!({"conversationId": room})).await),
            _ => drop(a.ok("conversation.delete", json!({"conversationId": room})).await),
        }
        b.fence().await;
        let (arrived, word) = say(&mut a, &mut c, &mut b).await;
        assert!(!arrived.contains(&json!(word)), "{how}: {arrived:?}");
        assert_eq!(server.presences(&ben, &[ana.id]).await[0]["status"], "offline", "{how}");
    }
    server.stop().await;
});

each_mix!(a_watch_goes_on_by_another_tie, |home| async move {
    let server = Server::start(&home).await;
    let [ana, ben] = people(&server, ["ana", "ben"]).await;
    let (mut a, mut b) = (server.connect(&ana, None).await, server.connect(&ben, None).await);
    server.befriend(&ana, &ben).await;
    let room = a.group(&[ben.id], "Room").await;
    b.fence().await;
    b.ok("presence.subscribe", json!({"userIds": [ana.id]})).await;
    a.ok("conversation.kick", json!({"conversationId": room, "userId": ben.id})).await;
    a.ok("presence.set", json!({"status": "busy", "text": "still a friend"})).await;
    while b.presence().await["text"] != "still a friend" {}
    server.stop().await;
});

fn typing(room: &str, user: Uuid) -> Value {
    json!({"signal": "typing", "data": {"conversationId": room, "userId": user, "isTyping": true}})
}

each_mix!(across_a_block_typing_is_not_published, |home| async move {
    let server = Server::start(&home).await;
    let [ana, ben, cleo] = people(&server, ["ana", "ben", "cleo"]).await;
    let (mut a, mut b, mut c) =
        (server.connect(&ana, None).await, server.connect(&ben, None).await, server.connect(&cleo, None).await);
    let room = c.group(&[ana.id, ben.id], "Room").await;
    a.ok("friend.block", json!({"userId": ben.id})).await;
    for client in [&mut a, &mut b] {
        client.fence().await;
    }
    let custom = |n: u64| json!({"conversationId": room, "name": "n", "payload": n});
    // In either direction; the third hears both, and messages go as before.
    for n in [1, 2] {
        let (typist, other, who) = if n == 1 { (&mut a, &mut b, &ana) } else { (&mut b, &mut a, &ben) };
        typist.ok("typing.start", json!({"conversationId": room})).await;
        typist.ok("signal.send", custom(n)).await;
        assert_eq!(c.signal().await, typing(&room, who.id));
        assert_eq!(c.signal().await["data"]["payload"], json!(n));
        c.ok("signal.send", custom(n + 10)).await;
        assert_eq!(other.signal().await["data"]["payload"], json!(n + 10), "the first signal");
        assert_eq!(typist.signal().await["data"]["payload"], json!(n + 10));
        typist.say(&room, "sent to all").await;
        while push_named(other, "message.sent").await["data"]["content"] != "sent to all" {}
        // The end of the typing is published to the third alone, too.
        assert_eq!(c.signal().await["data"]["isTyping"], false);
    }
    server.stop().await;
});

each_mix!(who_is_invisible_is_not_there_in_any_answer, |home| async move {
    let server = Server::start(&home).await;
    let [ana, ben, cleo] = people(&server, ["ana", "ben", "cleo"]).await;
    let (mut a, mut b) = (server.connect(&ana, None).await, server.connect(&ben, None).await);
    server.befriend(&ana, &ben).await;
    let direct = |with: &Person| json!({"type": "direct", "members": [with.id]});
    let pair = a.ok("conversation.create", direct(&ben)).await["id"].as_str().unwrap().to_owned();
    let absent = a.ok("conversation.create", direct(&cleo)).await["id"].as_str().unwrap().to_owned();
    b.fence().await;
    let message = a.say(&pair, "hello").await;
    push_named(&mut b, "message.sent").await;
    b.ok("presence.set", json!({"status": "invisible"})).await;

    let call = |conversation: &str| json!({"conversationId": conversation, "callType": "VOICE"});
    let (to_hidden, to_absent) =
        (a.refused("call.initiate", call(&pair)).await, a.refused("call.initiate", call(&absent)).await);
    let same = |problem: &Value| ["status", "code", "title", "detail"].map(|field| problem[field].clone());
    assert_eq!(same(&to_hidden), same(&to_absent));
    assert_eq!(to_hidden["code"], "user_not_online");

    b.ok("typing.start", json!({"conversationId": pair})).await;
    let seq = message["seq"].clone();
    let marked = b.ok("message.delivered", json!({"conversationId": pair, "upTo": seq})).await;
    assert_eq!(marked["deliveredSeq"], 0, "nothing has arrived");
    b.ok("signal.send", json!({"conversationId": pair, "name": "own", "payload": 1})).await;
    assert_eq!(a.signal().await["signal"], "custom", "one's own signal arrives, and nothing before it");
    let (arrived, _) = a.fence().await;
    assert!(arrived.iter().all(|push| push["event"] != "receipt.delivered"), "{arrived:?}");

    b.ok("presence.set", json!({"status": "online"})).await;
    b.ok("typing.start", json!({"conversationId": pair})).await;
    assert_eq!(a.signal().await, typing(&pair, ben.id));
    b.ok("message.delivered", json!({"conversationId": pair, "upTo": seq})).await;
    assert_eq!(push_named(&mut a, "receipt.delivered").await["data"]["seq"], seq);
    let ringing = a.ok("call.initiate", call(&pair)).await;
    assert_eq!(ringing["status"], "RINGING");
    server.stop().await;
});

fn patient(home: &Home) -> Config {
    Config { calls: CallSettings { ring: HOUR, grace: HOUR, look: Duration::from_millis(20) }, ..config(home) }
}

each_mix!(a_call_that_ends_with_its_conversation_is_pushed_to_its_participants, |home| async move {
    let server = Server::start_with(patient(&home)).await;
    let [ana, ben, cleo, dan] = people(&server, ["ana", "ben", "cleo", "dan"]).await;
    let (mut a, mut b, mut c) =
        (server.connect(&ana, None).await, server.connect(&ben, None).await, server.connect(&cleo, None).await);
    let mut d = dan.sio(None, Transport::WebSocket).await;
    let room = a.group(&[ben.id, cleo.id, dan.id], "Room").await;
    let call = a.ok("call.initiate", json!({"conversationId": room, "callType": "VIDEO"})).await["id"].clone();
    for guest in [&mut b, &mut c] {
        guest.ok("call.answer", json!({"callId": call})).await;
    }
    d.ok("call.answer", json!({"callId": call})).await;
    let since = b.cursor.clone();
    a.ok("conversation.kick", json!({"conversationId": room, "userId": ben.id})).await;
    push_named(&mut b, "member.kicked").await;
    let left = push_named(&mut b, "call.left").await;
    assert_eq!((&left["data"]["id"], &left["actorId"]), (&call, &Value::Null));
    let signal = json!({"callId": call, "toUserId": ben.id, "kind": "candidate", "payload": 1});
    assert_eq!(a.refused("call.signal", signal).await["code"], "not_in_call");
    // A resume contains it, too, and nothing after it.
    let mut later = server.connect(&ben, Some(&since)).await;
    push_named(&mut later, "call.left").await;

    a.ok("conversation.kick", json!({"conversationId": room, "userId": dan.id})).await;
    let closed = d.event("closeCall").await;
    assert_eq!((&closed["callId"], &closed["conversationId"]), (&call, &json!(room)));
    a.ok("conversation.delete", json!({"conversationId": room})).await;
    for client in [&mut a, &mut c] {
        push_named(client, "conversation.deleted").await;
        let closed = push_named(client, "call.closed").await;
        assert_eq!((&closed["data"]["id"], &closed["data"]["endReason"]), (&call, &json!("removed")));
    }
    for client in [&mut b, &mut later] {
        let (arrived, _) = client.fence().await;
        assert!(arrived.iter().all(|push| !push["event"].as_str().unwrap().starts_with("call.")), "{arrived:?}");
    }
    server.stop().await;
});

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_that_was_signed_out_closes_nobodys_sockets() {
    let home = Home::mix(Mix::PRODUCTION).await;
    let server = Server::start(&home).await;
    let ana = server.register("ana").await;
    let gone = server.login(&ana).await;
    server.write(&gone, "/auth/logout", json!({})).await;
    server.stop().await;
    // A process that has not seen that session.
    let sockets = SocketSettings { sockets_per_user: 2, ..roomy() };
    let server = Server::start_with(Config { sockets, ..config(&home) }).await;
    let mut own = [server.connect(&ana, None).await, server.connect(&ana, None).await];
    for _ in 0..4 {
        let mut socket = server.open(None, None, None).await.expect("an upgrade");
        socket.send_text(json!({"id": "0", "cmd": "auth", "data": {"token": gone.token}}).to_string()).await;
        assert_eq!(socket.end().await, End::Closed(4001));
    }
    for client in &mut own {
        client.fence().await;
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rest_answers_pages_of_foreign_origins_nothing() {
    let home = Home::mix(Mix::EMBEDDED).await;
    let server = Server::start(&home).await;
    let ana = server.register("ana").await;
    let client = reqwest::Client::new();
    let body = json!({"email": "eve@test.example", "password": "correct horse", "firstName": "e", "lastName": "e"});
    let at = |path: &str| format!("http://{}{path}", server.address);
    let own = format!("http://{}", server.address);
    for (origin, allowed) in [("https://evil.example", false), ("null", false), (own.as_str(), true)] {
        let requests = [
            // As a simple request: no preflight, and a body of no type.
            client.post(at("/auth/register")).body(body.to_string()),
            client.get(at("/users/me")).bearer_auth(&ana.token),
            client.delete(at("/users/me/nowhere")),
            client.get(at("/livez")),
        ];
        for request in requests {
            let answer = request.header("origin", origin).send().await.unwrap();
            let status = answer.status().as_u16();
            assert_eq!(status != 403, allowed, "{origin}: {status}");
            if !allowed {
                let problem: Value = answer.json().await.unwrap();
                assert_eq!(problem["code"], "origin_not_allowed");
            }
        }
    }
    server.login(&Person { name: "eve".to_owned(), ..ana.clone() }).await;
    server.stop().await;
}

each_mix!(what_is_read_piece_by_piece_ends_with_its_session, |home| async move {
    let server = Server::start(&home).await;
    let ana = server.register("ana").await;
    let phone = server.login(&ana).await;
    let content = vec![7_u8; 24 * 1024 * 1024];
    let mut body = b"--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"big\"\r\n\r\n".to_vec();
    body.extend_from_slice(&content);
    body.extend_from_slice(b"\r\n--b--\r\n");
    let client = reqwest::Client::new();
    let at = |path: &str| format!("http://{}{path}", server.address);
    let bring = client.post(at("/files")).bearer_auth(&ana.token);
    let bring = bring.header("content-type", "multipart/form-data; boundary=b").body(body);
    let file: Value = bring.send().await.unwrap().json().await.unwrap();
    let fetch = |person: &Person| client.get(at(file["fileUrl"].as_str().unwrap())).bearer_auth(&person.token);
    let (mut ends, mut goes_on) = (fetch(&phone).send().await.unwrap(), fetch(&ana).send().await.unwrap());
    assert!(ends.chunk().await.unwrap().is_some() && goes_on.chunk().await.unwrap().is_some());
    server.write(&phone, "/auth/logout", json!({})).await;
    assert!(to_its_end(&mut ends).await.is_err(), "it breaks off");
    let mut read = 0;
    while let Some(chunk) = goes_on.chunk().await.unwrap() {
        read += chunk.len();
    }
    assert!(read > content.len() / 2, "another session's goes on");
    server.stop().await;
});

async fn to_its_end(response: &mut reqwest::Response) -> Result<(), reqwest::Error> {
    while response.chunk().await?.is_some() {}
    Ok(())
}

/// A minute ahead of everybody else.
fn ahead() -> Timestamp {
    Timestamp::from_millis((Config::default().clock)().millis() + 60_000)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_whose_clock_is_a_minute_ahead_harms_nobody() {
    let home = Home::mix(Mix::PRODUCTION).await;
    // Much shorter than the clocks are apart, and long enough to be renewed on a busy machine.
    let sockets = SocketSettings { lease: Duration::from_secs(15), ..roomy() };
    let calls =
        CallSettings { ring: Duration::from_secs(30), grace: Duration::from_secs(5), look: Duration::from_millis(20) };
    let right = Config { sockets, calls, ..config(&home) };
    let one = Server::start_with(right.clone()).await;
    let two = Server::start_with(Config { clock: ahead, ..right }).await;
    let [ana, ben] = people(&one, ["ana", "ben"]).await;
    one.befriend(&ana, &ben).await;
    let (mut a, mut b) = (one.connect(&ana, None).await, two.connect(&ben, None).await);
    let here = async || one.app.graph.graph().online(&[domain::UserId(ana.id), domain::UserId(ben.id)]).await;
    until("both to be here", async || here().await.unwrap().len() == 2).await;
    a.fence().await;
    b.fence().await;
    // Presence goes both ways, and nobody flaps.
    for n in [1, 2] {
        let (client, other, who) = if n == 1 { (&mut a, &mut b, &ana) } else { (&mut b, &mut a, &ben) };
        client.ok("presence.set", json!({"status": "busy", "text": "here"})).await;
        while other.presence().await["userId"] != json!(who.id) {}
    }
    let pair = a.ok("conversation.create", json!({"type": "direct", "members": [ben.id]})).await;
    let call = json!({"conversationId": pair["id"], "callType": "VOICE", "signalData": "offer"});
    for n in [1, 2] {
        let (caller, callee) = if n == 1 { (&mut a, &mut b) } else { (&mut b, &mut a) };
        let call = caller.ok("call.initiate", call.clone()).await["id"].clone();
        push_named(callee, "call.ringing").await;
        assert_eq!(callee.signal().await["data"]["payload"], "offer");
        callee.ok("call.answer", json!({"callId": call, "signalData": "answer"})).await;
        assert_eq!(caller.signal().await["data"]["payload"], "answer");
        // Long enough for either process to look at leases, calls and absences many times.
        let looks = async || one.app.graph.graph().stats().round_trips + two.app.graph.graph().stats().round_trips;
        let before = looks().await;
        until("many looks", async || looks().await > before + 200).await;
        assert_eq!(here().await.unwrap().len(), 2);
        let now = one.read(&ana, &format!("/calls/{}", call.as_str().unwrap())).await;
        assert_eq!(now["status"], "ONGOING");
        callee.ok("typing.start", json!({"conversationId": pair["id"]})).await;
        assert_eq!(caller.signal().await["signal"], "typing");
        caller.ok("call.close", json!({"callId": call})).await;
        push_named(callee, "call.closed").await;
    }
    for (server, viewer, other) in [(&one, &ben, &ana), (&two, &ana, &ben), (&two, &ben, &ana)] {
        assert_eq!(server.presences(viewer, &[other.id]).await[0]["status"], "busy");
    }
    tokio::join!(one.stop(), two.stop());
}
