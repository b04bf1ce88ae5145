//! Calls over `/ws`: ringing, recipients, and ends by time-out.

use crate::support::{Client, Person, Server, config, names, until};
use config::{CallSettings, Config};
use serde_json::{Value, json};
use std::time::Duration;
use testkit::{Home, Mix, each_mix};

/// What rings, rings for ever; who is gone is missed soon.
fn patient(home: &Home) -> Config {
    let hour = Duration::from_secs(3_600);
    let calls = CallSettings { ring: hour, grace: hour, look: Duration::from_millis(20) };
    Config { calls, ..config(home) }
}

fn with(home: &Home, ring: Duration, grace: Duration) -> Config {
    let mut config = patient(home);
    (config.calls.ring, config.calls.grace) = (ring, grace);
    config
}

const HOUR: Duration = Duration::from_secs(3_600);
const SOON: Duration = Duration::from_millis(300);

async fn direct(client: &mut Client, with: &Person) -> String {
    let made = client.ok("conversation.create", json!({"type": "direct", "members": [with.id]})).await;
    made["id"].as_str().unwrap().to_owned()
}

/// The next push of a call.
async fn call_push(client: &mut Client) -> Value {
    loop {
        let push = client.push().await;
        if push["event"].as_str().unwrap().starts_with("call.") {
            return push;
        }
    }
}

/// The next push of this name.
async fn push_named(client: &mut Client, name: &str) -> Value {
    loop {
        let push = client.push().await;
        if push["event"] == name {
            return push;
        }
    }
}

each_mix!(a_call_rings_every_device_and_stops_on_the_others_when_one_answers, |home| async move {
    let server = Server::start_with(patient(&home)).await;
    let (ana, ben) = (server.register("ana").await, server.register("ben").await);
    let tablet = server.login(&ben).await;
    let mut a = server.connect(&ana, None).await;
    let (mut phone, mut pad) = (server.connect(&ben, None).await, server.connect(&tablet, None).await);
    let pair = direct(&mut a, &ben).await;
    let call = a.ok("call.initiate", json!({"conversationId": pair, "callType": "VIDEO"})).await;
    assert_eq!((&call["status"], &call["callerId"]), (&json!("RINGING"), &json!(ana.id)));
    assert_eq!((&call["ringing"], &call["duration"]), (&json!([ben.id]), &json!(0)));
    for device in [&mut phone, &mut pad, &mut a] {
        let ringing = call_push(device).await;
        assert_eq!((&ringing["event"], &ringing["actorId"]), (&json!("call.ringing"), &json!(ana.id)));
        assert_eq!(ringing["data"]["id"], call["id"]);
    }
    let answered = phone.ok("call.answer", json!({"conversationId": pair})).await;
    assert_eq!((&answered["id"], &answered["status"]), (&call["id"], &json!("ONGOING")));
    for device in [&mut phone, &mut pad, &mut a] {
        let received = call_push(device).await;
        assert_eq!((&received["event"], &received["actorId"]), (&json!("call.answered"), &json!(ben.id)));
        let here: Vec<_> =
            received["data"]["participants"].as_array().unwrap().iter().map(|who| &who["userId"]).collect();
        assert_eq!(here, [&json!(ana.id), &json!(ben.id)]);
    }
    // Answering on the other device as well changes nothing.
    let again = pad.ok("call.answer", json!({"callId": call["id"]})).await;
    assert_eq!((&again["status"], again.get("position")), (&json!("ONGOING"), None));
    let closed = a.ok("call.close", json!({"callId": call["id"]})).await;
    assert_eq!((&closed["status"], &closed["endReason"]), (&json!("ENDED"), &json!("hung_up")));
    for device in [&mut phone, &mut pad, &mut a] {
        let received = call_push(device).await;
        assert_eq!((&received["event"], &received["data"]["status"]), (&json!("call.closed"), &json!("ENDED")));
        let message = push_named(device, "message.sent").await;
        assert_eq!((&message["data"]["messageType"], &message["data"]["senderId"]), (&json!("CALL"), &json!(ana.id)));
        let said: Value = serde_json::from_str(message["data"]["content"].as_str().unwrap()).unwrap();
        assert_eq!((&said["callId"], &said["endReason"]), (&call["id"], &json!("hung_up")));
    }
    server.stop().await;
});

each_mix!(a_refusal_stops_the_other_devices_and_the_caller, |home| async move {
    let server = Server::start_with(patient(&home)).await;
    let (ana, ben) = (server.register("ana").await, server.register("ben").await);
    let tablet = server.login(&ben).await;
    let mut a = server.connect(&ana, None).await;
    let (mut phone, mut pad) = (server.connect(&ben, None).await, server.connect(&tablet, None).await);
    let pair = direct(&mut a, &ben).await;
    let call = a.ok("call.initiate", json!({"conversationId": pair, "callType": "VOICE"})).await;
    call_push(&mut phone).await;
    phone.ok("call.refuse", json!({"callId": call["id"], "signalData": {"busy": true}})).await;
    for device in [&mut a, &mut pad] {
        let received = push_named(device, "call.refused").await;
        assert_eq!((&received["data"]["status"], &received["data"]["refused"]), (&json!("REFUSED"), &json!([ben.id])));
        let beside = device.signal().await;
        assert_eq!((&beside["data"]["kind"], &beside["data"]["payload"]), (&json!("end"), &json!({"busy": true})));
    }
    assert_eq!(a.refused("call.answer", json!({"callId": call["id"]})).await["code"], "call_ended");
    assert_eq!(phone.refused("call.answer", json!({"conversationId": pair})).await["code"], "not_found");
    assert_eq!(a.refused("call.close", json!({})).await["errors"][0]["field"], "callId");
    server.stop().await;
});

each_mix!(two_who_call_each_other_meet, |home| async move {
    let server = Server::start_with(patient(&home)).await;
    let (ana, ben) = (server.register("ana").await, server.register("ben").await);
    let (mut a, mut b) = (server.connect(&ana, None).await, server.connect(&ben, None).await);
    let pair = direct(&mut a, &ben).await;
    let offer = |from: &str| json!({"conversationId": pair, "callType": "VIDEO", "signalData": {"sdp": from}});
    let (to_a, to_b) = (a.issue("call.initiate", offer("ana")).await, b.issue("call.initiate", offer("ben")).await);
    let (by_a, by_b) = (a.reply(&to_a).await, b.reply(&to_b).await);
    assert_eq!(by_a["ok"]["id"], by_b["ok"]["id"], "one call: {by_a} {by_b}");
    for (client, from) in [(&mut a, "ben"), (&mut b, "ana")] {
        assert_eq!(call_push(client).await["event"], "call.ringing");
        let answered = call_push(client).await;
        assert_eq!((&answered["event"], &answered["data"]["status"]), (&json!("call.answered"), &json!("ONGOING")));
        let received = client.signal().await;
        let kind_and_sdp = (&received["data"]["kind"], &received["data"]["payload"]["sdp"]);
        assert_eq!(kind_and_sdp, (&json!("offer"), &json!(from)), "of the other, never one's own");
        assert_eq!(received["data"]["callId"], by_a["ok"]["id"]);
    }
    server.stop().await;
});

each_mix!(what_is_sent_beside_comes_right_after_its_event, |home| async move {
    let server = Server::start_with(patient(&home)).await;
    let (ana, ben) = (server.register("ana").await, server.register("ben").await);
    let tablet = server.login(&ana).await;
    let (mut a, mut b) = (server.connect(&ana, None).await, server.connect(&ben, None).await);
    let mut pad = server.connect(&tablet, None).await;
    let pair = direct(&mut a, &ben).await;
    let new = json!({"conversationId": pair, "callType": "VIDEO", "signalData": {"sdp": "offer of ana"}});
    let call = a.ok("call.initiate", new).await;
    for device in [&mut b, &mut pad] {
        call_push(device).await;
        let received = device.signal().await;
        assert_eq!((&received["signal"], &received["data"]["callId"]), (&json!("call.signal"), &call["id"]));
        let (from, kind) = (&received["data"]["fromUserId"], &received["data"]["kind"]);
        assert_eq!((from, kind), (&json!(ana.id), &json!("offer")));
        assert_eq!(received["data"]["payload"], json!({"sdp": "offer of ana"}));
    }
    b.ok("call.answer", json!({"callId": call["id"], "signalData": "answer of ben"})).await;
    let received = a.signal().await;
    assert_eq!((&received["data"]["kind"], &received["data"]["payload"]), (&json!("answer"), &json!("answer of ben")));
    // None of it is stored: a later resume contains the events alone.
    let since = a.cursor.clone();
    b.ok("call.close", json!({"callId": call["id"], "signalData": {"why": "bye"}})).await;
    assert_eq!(a.signal().await["data"]["payload"], json!({"why": "bye"}));
    let mut later = server.connect(&ana, Some(&since)).await;
    assert!(later.fence().await.0.iter().all(|push| !push.to_string().contains("bye")));
    let huge = json!({"conversationId": pair, "callType": "VIDEO", "signalData": "x".repeat(17_000)});
    assert_eq!(a.refused("call.initiate", huge).await["code"], "payload_too_large");
    server.stop().await;
});

each_mix!(signals_reach_one_device_of_one_participant, |home| async move {
    let server = Server::start_with(Config { rate_limits: true, ..patient(&home) }).await;
    let [ana, ben, cleo] = [server.register("ana").await, server.register("ben").await, server.register("cleo").await];
    let tablet = server.login(&ben).await;
    let (mut a, mut c) = (server.connect(&ana, None).await, server.connect(&cleo, None).await);
    let (mut phone, mut pad) = (server.connect(&ben, None).await, server.connect(&tablet, None).await);
    let room = a.group(&[ben.id], "Room").await;
    let call = a.ok("call.initiate", json!({"conversationId": room, "callType": "VIDEO"})).await;
    call_push(&mut phone).await;
    phone.ok("call.answer", json!({"callId": call["id"]})).await;
    let signal = |to: &Person, kind: &str, payload: Value| json!({"callId": call["id"], "toUserId": to.id, "kind": kind, "payload": payload});
    // To all devices of somebody: it tells from which it comes.
    phone.ok("call.signal", signal(&ana, "offer", json!({"sdp": 1}))).await;
    let received = a.signal().await;
    assert_eq!((&received["data"]["fromUserId"], &received["data"]["kind"]), (&json!(ben.id), &json!("offer")));
    let device = received["data"]["fromSessionId"].clone();
    // To that device alone, then to both.
    let mut to_one = signal(&ben, "answer", json!({"sdp": 2}));
    to_one["toSessionId"] = device;
    a.ok("call.signal", to_one).await;
    a.ok("call.signal", signal(&ben, "candidate", json!(3))).await;
    assert_eq!(phone.signal().await["data"]["payload"], json!({"sdp": 2}));
    assert_eq!(phone.signal().await["data"]["payload"], 3);
    assert_eq!(pad.signal().await["data"]["payload"], 3, "not what was for the other device");
    // One's own other device.
    phone.ok("call.signal", signal(&ben, "end", Value::Null)).await;
    assert_eq!(pad.signal().await["data"]["kind"], "end");

    let code = |problem: Value| problem["code"].as_str().unwrap().to_owned();
    assert_eq!(code(a.refused("call.signal", signal(&cleo, "offer", json!(1))).await), "not_in_call");
    assert_eq!(code(c.refused("call.signal", signal(&ana, "offer", json!(1))).await), "not_found");
    let huge = signal(&ben, "offer", json!("x".repeat(17_000)));
    assert_eq!(code(a.refused("call.signal", huge).await), "payload_too_large");
    let wrong = a.refused("call.signal", json!({"callId": call["id"], "toUserId": ben.id, "kind": "shout"})).await;
    assert_eq!(wrong["errors"][0]["field"], "kind");
    let mut refused = None;
    // Many at once, so that even a slow machine asks faster than the budget fills.
    for _ in 0..100 {
        let mut asked = Vec::new();
        for _ in 0..20 {
            asked.push(c.issue("call.signal", signal(&ana, "candidate", json!(1))).await);
        }
        for id in asked {
            let reply = c.reply(&id).await;
            if reply["error"]["code"] == "too_many_signals" {
                refused = Some(reply);
            }
        }
        if refused.is_some() {
            break;
        }
    }
    let refused = refused.unwrap();
    assert_eq!((&refused["error"]["status"], &refused["error"]["temporary"]), (&json!(429), &json!(true)));
    a.ok("call.close", json!({"callId": call["id"]})).await;
    assert_eq!(code(phone.refused("call.signal", signal(&ana, "offer", json!(1))).await), "call_ended");
    server.stop().await;
});

each_mix!(nobody_there_nobody_rings, |home| async move {
    let server = Server::start_with(patient(&home)).await;
    let (ana, ben) = (server.register("ana").await, server.register("ben").await);
    let mut a = server.connect(&ana, None).await;
    let pair = direct(&mut a, &ben).await;
    let new = json!({"conversationId": pair, "callType": "VIDEO"});
    let refused = a.refused("call.initiate", new.clone()).await;
    assert_eq!((&refused["status"], &refused["code"]), (&json!(409), &json!("user_not_online")));
    assert!(!names(&a.fence().await.0).iter().any(|name| name.starts_with("call.")), "nothing is stored");
    let mut b = server.connect(&ben, None).await;
    let call = a.ok("call.initiate", new.clone()).await;
    assert_eq!(call_push(&mut b).await["event"], "call.ringing");
    // A disconnected person is shown as online for a while, and receives no ringing.
    a.ok("call.close", json!({"callId": call["id"]})).await;
    drop(b);
    until("the socket to go", async || server.app.hub.sockets() == 1).await;
    assert_eq!(a.refused("call.initiate", new).await["code"], "user_not_online");
    server.stop().await;
});

each_mix!(what_nobody_answers_is_missed, |home| async move {
    let server = Server::start_with(with(&home, SOON, HOUR)).await;
    let (ana, ben) = (server.register("ana").await, server.register("ben").await);
    let (mut a, mut b) = (server.connect(&ana, None).await, server.connect(&ben, None).await);
    let pair = direct(&mut a, &ben).await;
    let call = a.ok("call.initiate", json!({"conversationId": pair, "callType": "VIDEO"})).await;
    for client in [&mut a, &mut b] {
        let missed = push_named(client, "call.missed").await;
        assert_eq!((&missed["data"]["id"], &missed["data"]["endReason"]), (&call["id"], &json!("no_answer")));
        assert_eq!((&missed["data"]["status"], &missed["actorId"]), (&json!("MISSED"), &Value::Null));
    }
    let message = push_named(&mut b, "message.sent").await;
    assert!(message["data"]["content"].as_str().unwrap().contains("\"MISSED\""));
    let next = a.ok("call.initiate", json!({"conversationId": pair, "callType": "VIDEO"})).await;
    assert_ne!(next["id"], call["id"], "the conversation is free again");
    server.stop().await;
});

each_mix!(a_deadline_survives_a_restart, |home| async move {
    let server = Server::start_with(patient(&home)).await;
    let (ana, ben) = (server.register("ana").await, server.register("ben").await);
    let mut a = server.connect(&ana, None).await;
    let b = server.connect(&ben, None).await;
    let pair = direct(&mut a, &ben).await;
    let call = a.ok("call.initiate", json!({"conversationId": pair, "callType": "VIDEO"})).await;
    assert_eq!(call_push(&mut a).await["event"], "call.ringing");
    let since = a.cursor.clone();
    drop((a, b));
    server.stop().await;
    // While no process is there it comes due.
    let server = Server::start_with(with(&home, SOON, HOUR)).await;
    let mut a = server.connect(&ana, Some(&since)).await;
    let missed = call_push(&mut a).await;
    assert_eq!((&missed["event"], &missed["data"]["id"]), (&json!("call.missed"), &call["id"]));
    server.stop().await;
});

each_mix!(who_is_gone_leaves_the_call, |home| async move {
    let server = Server::start_with(with(&home, HOUR, SOON)).await;
    let [ana, ben, cleo] = [server.register("ana").await, server.register("ben").await, server.register("cleo").await];
    let (mut a, mut b) = (server.connect(&ana, None).await, server.connect(&ben, None).await);
    let mut c = server.connect(&cleo, None).await;
    let room = a.group(&[ben.id, cleo.id], "Room").await;
    let call = a.ok("call.initiate", json!({"conversationId": room, "callType": "VIDEO"})).await;
    for client in [&mut b, &mut c] {
        client.ok("call.answer", json!({"callId": call["id"]})).await;
    }
    drop(c);
    let left = push_named(&mut a, "call.left").await;
    let gone = left["data"]["participants"].as_array().unwrap().iter().find(|who| !who["leftAt"].is_null());
    assert_eq!((&gone.unwrap()["userId"], &left["data"]["status"]), (&json!(cleo.id), &json!("ONGOING")));
    let mut c = server.connect(&cleo, None).await;
    c.ok("call.answer", json!({"callId": call["id"]})).await;
    drop((b, c));
    let closed = push_named(&mut a, "call.closed").await;
    assert_eq!((&closed["data"]["endReason"], &closed["actorId"]), (&json!("connection_lost"), &Value::Null));
    // Who calls and goes rings nobody for ever.
    let mut b = server.connect(&ben, None).await;
    let call = b.ok("call.initiate", json!({"conversationId": room, "callType": "VIDEO"})).await;
    drop(b);
    let closed = push_named(&mut a, "call.closed").await;
    assert_eq!((&closed["data"]["id"], &closed["data"]["endReason"]), (&call["id"], &json!("connection_lost")));
    server.stop().await;
});

each_mix!(a_kick_and_a_block_end_being_in_a_call, |home| async move {
    let server = Server::start_with(patient(&home)).await;
    let [ana, ben, cleo] = [server.register("ana").await, server.register("ben").await, server.register("cleo").await];
    let (mut a, mut b) = (server.connect(&ana, None).await, server.connect(&ben, None).await);
    let mut c = server.connect(&cleo, None).await;
    let room = a.group(&[ben.id, cleo.id], "Room").await;
    let call = a.ok("call.initiate", json!({"conversationId": room, "callType": "VIDEO"})).await;
    for client in [&mut b, &mut c] {
        client.ok("call.answer", json!({"callId": call["id"]})).await;
    }
    a.ok("conversation.kick", json!({"conversationId": room, "userId": cleo.id})).await;
    let left = push_named(&mut b, "call.left").await;
    assert_eq!(left["data"]["status"], "ONGOING");
    let end = json!({"callId": call["id"], "toUserId": ana.id, "kind": "end"});
    assert_eq!(c.refused("call.signal", end).await["code"], "not_found");
    a.ok("call.close", json!({"callId": call["id"]})).await;
    let pair = direct(&mut a, &ben).await;
    let call = a.ok("call.initiate", json!({"conversationId": pair, "callType": "VIDEO"})).await;
    b.ok("call.answer", json!({"callId": call["id"]})).await;
    b.ok("friend.block", json!({"userId": ana.id})).await;
    loop {
        let closed = push_named(&mut a, "call.closed").await;
        if closed["data"]["id"] == call["id"] {
            assert_eq!((&closed["data"]["endReason"], &closed["actorId"]), (&json!("hung_up"), &json!(ben.id)));
            break;
        }
    }
    server.stop().await;
});

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_goes_over_two_gateways() {
    let home = Home::mix(Mix::PRODUCTION).await;
    let (one, two) = (Server::start_with(patient(&home)).await, Server::start_with(patient(&home)).await);
    let (ana, ben) = (one.register("ana").await, two.register("ben").await);
    let mut a = one.connect(&ana, None).await;
    let pair = direct(&mut a, &ben).await;
    let new = json!({"conversationId": pair, "callType": "VIDEO", "signalData": "offer"});
    assert_eq!(a.refused("call.initiate", new.clone()).await["code"], "user_not_online");
    let mut b = two.connect(&ben, None).await;
    let user = domain::UserId(ben.id);
    until("the lease", async || !one.app.graph.graph().nodes(&[user]).await.unwrap().is_empty()).await;
    let call = a.ok("call.initiate", new).await;
    assert_eq!(call_push(&mut b).await["event"], "call.ringing");
    assert_eq!(b.signal().await["data"]["payload"], "offer");
    b.ok("call.answer", json!({"conversationId": pair, "signalData": "answer"})).await;
    assert_eq!(push_named(&mut a, "call.answered").await["data"]["status"], "ONGOING");
    assert_eq!(a.signal().await["data"]["payload"], "answer");
    for n in 0..20 {
        let candidate = json!({"callId": call["id"], "toUserId": ana.id, "kind": "candidate", "payload": n});
        b.ok("call.signal", candidate).await;
    }
    for n in 0..20 {
        assert_eq!(a.signal().await["data"]["payload"], n, "in order, none lost");
    }
    b.ok("call.close", json!({"callId": call["id"]})).await;
    assert_eq!(push_named(&mut a, "call.closed").await["data"]["endReason"], "hung_up");
    tokio::join!(one.stop(), two.stop());
}
