//! Presence: preferences, publication, and its audience.

use crate::support::{Client, Person, Server, config, roomy, until};
use config::{Config, SocketSettings};
use serde_json::{Value, json};
use std::time::Duration;
use testkit::{Engine, Home, Mix, each_mix};
use uuid::Uuid;

/// A server on which those who go are soon gone.
async fn brisk(home: &Home) -> Server {
    leasing(home, SocketSettings::default().lease).await
}

/// The same, which looks often at its leases, and on which those of one that was killed soon end.
async fn brief(home: &Home) -> Server {
    leasing(home, Duration::from_secs(3)).await
}

async fn leasing(home: &Home, lease: Duration) -> Server {
    let sockets = SocketSettings { presence_grace: Duration::from_millis(300), lease, ..roomy() };
    Server::start_with(Config { sockets, ..config(home) }).await
}

async fn people<const N: usize>(server: &Server, names: [&str; N]) -> Vec<Person> {
    let mut people = Vec::new();
    for name in names {
        people.push(server.register(name).await);
    }
    people
}

/// Whom it is about and how they are.
fn status(presence: &Value) -> (Uuid, &str) {
    (presence["userId"].as_str().unwrap().parse().unwrap(), presence["status"].as_str().unwrap())
}

async fn received(client: &mut Client, user: &Person, wanted: &str) -> Value {
    let presence = client.presence().await;
    assert_eq!(status(&presence), (user.id, wanted), "{presence}");
    presence
}

/// How somebody is whom one may not see, who never was, or who is not there.
fn nobody(user: Uuid) -> Value {
    json!({"userId": user, "status": "offline", "text": null, "until": null, "lastSeen": null})
}

each_mix!(the_best_device_counts_and_a_choice_outlives_reconnects_and_restarts, |home| async move {
    let server = Server::start(&home).await;
    let [ana, ben] = people(&server, ["ana", "ben"]).await.try_into().ok().unwrap();
    server.befriend(&ana, &ben).await;
    let mut b = server.connect(&ben, None).await;
    b.fence().await;
    let mut a = server.connect(&ana, None).await;
    received(&mut b, &ana, "online").await;
    let phone = server.login(&ana).await;
    let mut p = server.connect(&phone, None).await;
    let user = domain::UserId(ana.id);
    let devices = async || server.app.graph.graph().sessions(user).await.unwrap().len();
    until("both devices to be here", async || devices().await == 2).await;
    a.ok("presence.set", json!({"status": "away"})).await;
    assert_eq!(status(&p.presence().await), (ana.id, "online"), "one device shows what was chosen on the other");
    let own = p.ok("presence.set", json!({"status": "away"})).await;
    assert_eq!((&own["status"], &own["chosen"]), (&json!("away"), &json!("away")));
    received(&mut b, &ana, "away").await;
    p.ok("presence.set", json!({"status": "online"})).await;
    received(&mut b, &ana, "online").await;
    a.ok("presence.set", json!({"status": "busy", "text": "writing", "until": "2999-01-01T00:00:00Z"})).await;
    let busy = received(&mut b, &ana, "busy").await;
    assert_eq!((&busy["text"], &busy["until"]), (&json!("writing"), &json!("2999-01-01T00:00:00.000Z")));

    drop((a, p));
    let mut p = server.connect(&phone, None).await;
    assert_eq!(server.presences(&ben, &[ana.id]).await[0], busy, "within the grace, she is still here");
    p.ok("presence.set", json!({"status": "busy", "text": "still"})).await;
    assert_eq!(received(&mut b, &ana, "busy").await["text"], "still", "and nothing was published meanwhile");
    drop((p, b));
    server.stop().await;

    let server = Server::start(&home).await;
    let _p = server.connect(&phone, None).await;
    let mut b = server.connect(&ben, None).await;
    let watched = b.ok("presence.subscribe", json!({"userIds": [ana.id]})).await;
    let now = if watched["items"][0]["status"] == "busy" { watched["items"][0].clone() } else { b.presence().await };
    assert_eq!((status(&now), &now["text"]), ((ana.id, "busy"), &json!("still")));
    server.stop().await;
});

each_mix!(who_is_invisible_looks_like_one_who_is_not_here, |home| async move {
    let server = brisk(&home).await;
    let [ana, ben] = people(&server, ["ana", "ben"]).await.try_into().ok().unwrap();
    server.befriend(&ana, &ben).await;
    let mut b = server.connect(&ben, None).await;
    b.fence().await;
    let mut a = server.connect(&ana, None).await;
    received(&mut b, &ana, "online").await;
    let own = a.ok("presence.set", json!({"status": "invisible", "text": "sh"})).await;
    assert_eq!((&own["chosen"], &own["status"], &own["text"]), (&json!("invisible"), &json!("offline"), &json!("sh")));
    let hidden = received(&mut b, &ana, "offline").await;
    assert_eq!((&hidden["text"], hidden["lastSeen"].is_string()), (&Value::Null, true));
    let mut again = server.connect(&server.login(&ana).await, None).await;
    assert_eq!(server.presences(&ben, &[ana.id]).await[0], hidden);
    assert_eq!(server.presences(&ana, &[ana.id]).await[0]["chosen"], "invisible");
    assert_eq!(server.read(&ben, "/chat/online-users").await["items"], json!([]));
    again.ok("presence.set", json!({"status": "online"})).await;
    received(&mut b, &ana, "online").await;
    drop((a, again));
    let gone = received(&mut b, &ana, "offline").await;
    assert!(gone["lastSeen"].as_str() > hidden["lastSeen"].as_str());
    server.stop().await;
});

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_comes_while_all_are_looked_at_again_is_online_at_once() {
    let home = Home::new(Engine::Sqlite).await;
    let server = brief(&home).await;
    let ben = server.register("ben").await;
    let mut b = server.connect(&ben, None).await;
    let mut sockets = Vec::new();
    for n in 0..24 {
        let friend = server.register(&format!("friend{n}")).await;
        server.befriend(&friend, &ben).await;
        b.fence().await;
        sockets.push(server.connect(&friend, None).await);
        received(&mut b, &friend, "online").await;
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_left_before_the_task_of_the_leases_died_is_offline_all_the_same() {
    let home = Home::new(Engine::Sqlite).await;
    let server = brief(&home).await;
    let [ana, ben] = people(&server, ["ana", "ben"]).await.try_into().ok().unwrap();
    server.befriend(&ana, &ben).await;
    let mut b = server.connect(&ben, None).await;
    b.fence().await;
    let a = server.connect(&ana, None).await;
    received(&mut b, &ana, "online").await;
    drop(a);
    server.app.supervisor.inject("presence");
    received(&mut b, &ana, "offline").await;
    server.stop().await;
}

each_mix!(a_choice_lapses_by_itself, |home| async move {
    let server = Server::start(&home).await;
    let [ana, ben] = people(&server, ["ana", "ben"]).await.try_into().ok().unwrap();
    server.befriend(&ana, &ben).await;
    let mut b = server.connect(&ben, None).await;
    b.fence().await;
    let mut a = server.connect(&ana, None).await;
    received(&mut b, &ana, "online").await;
    let lapse = domain::Timestamp::from_millis((server.app.clock)().millis() + 4_000);
    a.ok("presence.set", json!({"status": "busy", "text": "back soon", "until": lapse})).await;
    assert_eq!(received(&mut b, &ana, "busy").await["until"], json!(lapse));
    let after = received(&mut b, &ana, "online").await;
    assert_eq!((&after["text"], &after["until"]), (&Value::Null, &Value::Null));
    a.ok("presence.set", json!({"status": "busy", "until": "2001-01-01T00:00:00Z"})).await;
    assert_eq!(server.presences(&ben, &[ana.id]).await[0]["status"], "online", "it was over before it began");
    server.stop().await;
});

each_mix!(strangers_and_blocked_people_see_nothing, |home| async move {
    let server = brisk(&home).await;
    let [ana, ben, cleo] = people(&server, ["ana", "ben", "cleo"]).await.try_into().ok().unwrap();
    server.befriend(&ana, &ben).await;
    let (mut b, mut c) = (server.connect(&ben, None).await, server.connect(&cleo, None).await);
    b.fence().await;
    let mut a = server.connect(&ana, None).await;
    // That she was offline when they became friends may arrive first.
    while status(&b.presence().await) != (ana.id, "online") {}
    let nowhere = Uuid::from_u128(7);
    let all = [ana.id, ben.id, nowhere];
    assert_eq!(server.presences(&cleo, &all).await, all.map(nobody));
    let watched = c.ok("presence.subscribe", json!({"userIds": all})).await;
    assert_eq!(watched["items"], json!(all.map(nobody)));
    let watched = b.ok("presence.subscribe", json!({"userIds": [ana.id]})).await;
    assert_eq!(status(&watched["items"][0]), (ana.id, "online"));

    a.ok("friend.block", json!({"userId": ben.id})).await;
    b.fence().await;
    for (viewer, other) in [(&ben, ana.id), (&ana, ben.id)] {
        assert_eq!(server.presences(viewer, &[other]).await, [nobody(other)], "in either direction");
    }
    a.ok("presence.set", json!({"status": "busy"})).await;
    let room = c.group(&[ben.id], "Room").await;
    c.fence().await;
    b.fence().await;
    c.ok("presence.set", json!({"status": "busy", "text": room})).await;
    let next = loop {
        let next = b.presence().await;
        if next["text"] == json!(room) {
            break next;
        }
        assert_ne!(status(&next).0, ana.id, "nothing of her any more");
    };
    assert_eq!(status(&next), (cleo.id, "busy"));
    server.stop().await;
});

each_mix!(a_storm_of_reconnects_tells_nobody_anything, |home| async move {
    let server = Server::start(&home).await;
    let watcher = server.register("watcher").await;
    let mut w = server.connect(&watcher, None).await;
    let mut crowd = Vec::new();
    for n in 0..12 {
        crowd.push(server.register(&format!("p{n}")).await);
    }
    let room = w.group(&crowd.iter().map(|person| person.id).collect::<Vec<_>>(), "Room").await;
    w.fence().await;
    let mut clients = Vec::new();
    for person in &crowd {
        clients.push(server.connect(person, None).await);
        received(&mut w, person, "online").await;
    }
    for _ in 0..3 {
        clients.clear();
        for person in &crowd {
            clients.push(server.connect(person, None).await);
        }
    }
    clients[0].ok("presence.set", json!({"status": "busy", "text": room})).await;
    assert_eq!(received(&mut w, &crowd[0], "busy").await["text"], json!(room), "the first signal since");
    server.stop().await;
});

each_mix!(in_a_large_room_only_watched_presence_is_published, |home| async move {
    let server = brisk(&home).await;
    let [ana, ben, cleo] = people(&server, ["ana", "ben", "cleo"]).await.try_into().ok().unwrap();
    let mut others = vec![ben.id, cleo.id];
    for n in others.len()..realtime::presence::SMALL_CONVERSATION {
        others.push(server.register(&format!("p{n}")).await.id);
    }
    let mut b = server.connect(&ben, None).await;
    let mut c = server.connect(&cleo, None).await;
    b.group(&others.iter().copied().chain([ana.id]).collect::<Vec<_>>(), "Large").await;
    let small = b.group(&[cleo.id], "Small").await;
    b.fence().await;
    c.fence().await;
    let watched = c.ok("presence.subscribe", json!({"userIds": [ana.id]})).await;
    assert_eq!(watched["items"], json!([nobody(ana.id)]));
    let a = server.connect(&ana, None).await;
    loop {
        if status(&c.presence().await) == (ana.id, "online") {
            break;
        }
    }
    drop(a);
    loop {
        let presence = c.presence().await;
        if status(&presence) == (ana.id, "offline") {
            assert!(presence["lastSeen"].is_string());
            break;
        }
    }
    c.ok("presence.subscribe", json!({"userIds": []})).await;
    c.ok("presence.set", json!({"status": "busy", "text": small})).await;
    loop {
        let presence = b.presence().await;
        assert_ne!(status(&presence).0, ana.id, "he did not ask");
        if presence["text"] == json!(small) {
            break;
        }
    }
    server.stop().await;
});

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn between_gateways_presence_is_one_and_a_killed_ones_people_go_offline() {
    let home = Home::mix(Mix::PRODUCTION).await;
    let (one, two) = (brief(&home).await, brief(&home).await);
    let [ana, ben] = people(&one, ["ana", "ben"]).await.try_into().ok().unwrap();
    one.befriend(&ana, &ben).await;
    let mut b = two.connect(&ben, None).await;
    b.fence().await;
    let mut a = one.connect(&ana, None).await;
    // On a busy machine a lease may end before it is renewed: what is wanted comes all the same.
    while status(&b.presence().await) != (ana.id, "online") {}
    // Both devices count, wherever they are; and the choice is made on a third gateway's door, so to say.
    let phone = two.login(&ana).await;
    let mut p = two.connect(&phone, None).await;
    p.ok("presence.set", json!({"status": "busy"})).await;
    while status(&b.presence().await) != (ana.id, "busy") {}
    let is_busy = async || one.presences(&ben, &[ana.id]).await[0]["status"] == "busy";
    until("the same on the other", is_busy).await;
    drop(p);
    a.ok("presence.set", json!({"status": "away"})).await;
    a.ok("presence.set", json!({"status": "online"})).await;
    while status(&b.presence().await) != (ana.id, "online") {}
    one.kill().await;
    let gone = loop {
        let presence = b.presence().await;
        if status(&presence) == (ana.id, "offline") && two.presences(&ben, &[ana.id]).await[0] == presence {
            break presence;
        }
    };
    assert!(gone["lastSeen"].is_string());
    two.stop().await;
}

each_mix!(what_is_asked_and_said_is_bounded, |home| async move {
    let server = Server::start(&home).await;
    let ana = server.register("ana").await;
    let mut a = server.connect(&ana, None).await;
    let ids = |count: u128| (1..=count).map(Uuid::from_u128).collect::<Vec<_>>();
    let watched = a.ok("presence.subscribe", json!({"userIds": ids(500)})).await;
    assert_eq!(watched["items"].as_array().unwrap().len(), 500);
    let code = |problem: &Value| problem["errors"][0]["code"].as_str().unwrap().to_owned();
    assert_eq!(code(&a.refused("presence.subscribe", json!({"userIds": ids(501)})).await), "too_many");
    assert_eq!(server.presences(&ana, &ids(200)).await.len(), 200);
    for (wish, want) in [
        (json!({"status": "asleep"}), "unknown_word"),
        (json!({"text": "x"}), "required"),
        (json!({"status": "busy", "text": "x".repeat(141)}), "too_long"),
        (json!({"status": "busy", "text": "\u{202e}x"}), "control_character"),
        (json!({"status": "busy", "text": "two\nlines"}), "control_character"),
        (json!({"status": "busy", "until": "tomorrow"}), "malformed"),
    ] {
        assert_eq!(code(&a.refused("presence.set", wish.clone()).await), want, "{wish}");
    }
    let own = a.ok("presence.set", json!({"status": "busy", "text": "🙂".repeat(140)})).await;
    assert_eq!(own["text"], json!("🙂".repeat(140)));
    assert_eq!(a.ok("presence.set", json!({"status": "busy", "text": ""})).await["text"], Value::Null);
    server.stop().await;
});
