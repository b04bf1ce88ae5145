//! A resume contains all missed events in position order, each once, as others received them live, without content that was
//! removed since.

use crate::support::{Client, Person, Server, config, essence, in_order, names, position, roomy};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
use config::{Config, SocketSettings};
use serde_json::{Value, json};
use std::{
    fs,
    path::{Path, PathBuf},
};
use testkit::{Engine, Home, each_mix};
use uuid::Uuid;

/// Changes of every kind that a member can see, by others and by themselves on another device.
async fn a_lot_happens(a: &mut Client, b: &mut Client, ana: &Person, ben: &Person, cleo: &Person) -> String {
    let room = a.group(&[ben.id], "Before").await;
    let first = a.say(&room, "first").await["id"].clone();
    let second = b.say(&room, "second").await["id"].clone();
    let of = |user: Uuid| json!({"conversationId": room, "userId": user});
    a.ok("conversation.add", of(cleo.id)).await;
    a.ok("message.edit", json!({"messageId": first, "content": "first, better"})).await;
    b.ok("message.react", json!({"messageId": first, "emoji": "👍"})).await;
    b.ok("message.react", json!({"messageId": first, "emoji": "🎉"})).await;
    b.ok("message.unreact", json!({"messageId": first, "emoji": "👍"})).await;
    b.ok("message.delivered", json!({"conversationId": room, "upTo": 1})).await;
    b.ok("message.read", json!({"conversationId": room, "upTo": 2})).await;
    a.ok("message.delete", json!({"messageId": second})).await;
    a.ok("message.hide", json!({"messageId": second})).await;
    a.ok("conversation.promote", of(ben.id)).await;
    a.ok("conversation.update", json!({"conversationId": room, "title": "After"})).await;
    a.ok("conversation.demote", of(ben.id)).await;
    a.ok("conversation.kick", of(cleo.id)).await;
    b.ok("friend.request", json!({"userId": ana.id})).await;
    a.ok("friend.accept", json!({"userId": ben.id})).await;
    a.ok("friend.unfriend", json!({"userId": ben.id})).await;
    a.ok("friend.block", json!({"userId": ben.id})).await;
    a.ok("friend.unblock", json!({"userId": ben.id})).await;
    let ended = a.group(&[ben.id], "Soon over").await;
    a.ok("conversation.delete", json!({"conversationId": ended})).await;
    room
}

fn essences(pushes: &[Value]) -> Vec<Value> {
    in_order(pushes.iter().map(essence).collect())
}

/// The expected replay of pushed events, without content that a later one removed.
fn less(live: &[Value]) -> Vec<Value> {
    let live = essences(live);
    let over = live.iter().find(|push| push["event"] == "conversation.deleted").unwrap()["data"]["id"].clone();
    let received = live.iter().filter(|push| {
        let data = &push["data"];
        push["event"] == "conversation.deleted" || (data["id"] != over && data["conversationId"] != over)
    });
    let last_of = |id: &Value| {
        let same = live.iter().rev().find(|push| push["data"]["id"] == *id && push["data"]["content"].is_string());
        let gone = live.iter().find(|push| push["data"]["id"] == *id && push["data"]["deletedAt"].is_string());
        gone.or(same).map(|push| push["data"].clone())
    };
    received
        .map(|push| {
            let mut push = push.clone();
            let name = push["event"].as_str().unwrap().to_owned();
            let data = &mut push["data"];
            if name == "conversation.created" || name == "conversation.updated" {
                let titles = live.iter().rev().find(|other| other["data"]["id"] == data["id"]).unwrap();
                data["title"] = titles["data"]["title"].clone();
            }
            if let Some(last) = last_of(&data["id"]).filter(|_| name.starts_with("message.")) {
                if data["content"] != last["content"] && last["deletedAt"].is_null() {
                    data["editedAt"] = last["editedAt"].clone();
                }
                for field in ["content", "deletedAt"] {
                    data[field] = last[field].clone();
                }
                let still = last["reactions"].as_array().unwrap().clone();
                data["reactions"].as_array_mut().unwrap().retain(|reaction| still.contains(reaction));
            }
            push
        })
        .collect()
}

/// Somebody watches, goes away and comes back; their other device never left.
async fn resumes(server: &Server, restart: Option<Config>) -> Option<Server> {
    let (ana, ben, cleo) = (server.register("ana").await, server.register("ben").await, server.register("cleo").await);
    let mut gone = server.connect(&ana, None).await;
    let mut stays = server.connect(&ana, None).await;
    let mut b = server.connect(&ben, None).await;
    drop(gone.fence().await);
    let (_, fence) = stays.fence().await;
    gone.pushes_to(fence).await;
    let cursor = gone.cursor.clone();
    drop(gone);
    a_lot_happens(&mut stays, &mut b, &ana, &ben, &cleo).await;
    let (live, end) = stays.fence().await;
    assert!(names(&live).len() > 25);
    let started = match restart {
        Some(config) => {
            drop((stays, b));
            Some(Server::start_with(config).await)
        }
        None => None,
    };
    let server = started.as_ref().unwrap_or(server);
    let mut back = server.open(Some(&ana.token), None, Some(&cursor)).await.unwrap();
    let hello = back.hello().await;
    assert_eq!((&hello["recovered"], &hello["cursor"]), (&json!(true), &json!(cursor)));
    let missed = back.pushes_to(end).await;
    assert!(missed.iter().map(position).is_sorted_by(|a, b| a < b), "in position order, each once");
    let live_less = less(&live);
    assert_eq!(missed.iter().map(essence).collect::<Vec<_>>(), live_less);
    // The same through REST and the command, in pages.
    for page in [1, 7, 200] {
        let mut since = cursor.clone();
        let mut synced = Vec::new();
        loop {
            let answer = back.ok("sync", json!({"since": since, "limit": page})).await;
            assert_eq!(answer["recovered"], true);
            synced.extend(answer["events"].as_array().unwrap().iter().map(essence));
            since = answer["cursor"].as_str().unwrap().to_owned();
            if answer["more"] == false {
                break;
            }
        }
        assert_eq!(synced, live_less, "in pages of {page}");
    }
    // From each cursor on the way, exactly the rest follows.
    for at in (0..missed.len()).step_by(6) {
        let since = missed[at]["cursor"].as_str().unwrap();
        let mut client = server.connect(&ana, Some(since)).await;
        let rest = if at + 1 < missed.len() { client.pushes_to(end).await } else { Vec::new() };
        assert_eq!(essences(&rest), essences(&missed[at + 1..]));
    }
    // The live cursors are as good.
    for at in (0..live.len()).step_by(5) {
        let mut client = server.connect(&ana, Some(live[at]["cursor"].as_str().unwrap())).await;
        let rest = if at + 1 < live.len() { client.pushes_to(end).await } else { Vec::new() };
        let known: Vec<_> = live[..=at].iter().map(position).collect();
        let want: Vec<_> = live_less.iter().filter(|push| !known.contains(&position(push))).cloned().collect();
        assert_eq!(essences(&rest), want);
    }
    started
}

each_mix!(what_was_missed_comes_from_the_ring, |home| async move {
    let server = Server::start(&home).await;
    resumes(&server, None).await;
    server.stop().await;
});

each_mix!(what_the_ring_forgot_comes_from_the_store, |home| async move {
    let settings = SocketSettings { ring_events: 3, ..roomy() };
    let server = Server::start_with(Config { sockets: settings, ..config(&home) }).await;
    resumes(&server, None).await;
    server.stop().await;
});

each_mix!(a_restart_changes_nothing, |home| async move {
    let server = Server::start(&home).await;
    let restarted = resumes(&server, Some(config(&home))).await;
    server.stop().await;
    restarted.unwrap().stop().await;
});

each_mix!(a_cursor_that_was_not_given_to_this_person_by_this_log_is_not_recovered, |home| async move {
    let server = Server::start(&home).await;
    let ana = server.register("ana").await;
    let mut client = server.connect(&ana, None).await;
    client.fence().await;
    let altered = |at: usize| {
        let mut bytes = BASE64.decode(&client.cursor).unwrap();
        bytes[at] ^= 1;
        BASE64.encode(bytes)
    };
    let ben = server.register("ben").await;
    let mut theirs = server.connect(&ben, None).await;
    theirs.fence().await;
    // As they were before they were authenticated.
    let old = BASE64.encode([&[1][..], &[0; 32]].concat());
    for since in [altered(8), altered(16), altered(40), theirs.cursor.clone(), old, "nonsense".to_owned()] {
        let mut client = server.open(Some(&ana.token), None, Some(&since)).await.unwrap();
        let hello = client.hello().await;
        assert_eq!(hello["recovered"], false, "{since}");
        assert_ne!(hello["cursor"], json!(since));
        let (pushes, _) = client.fence().await;
        assert_eq!(names(&pushes), ["conversation.created", "message.sent", "message.reacted"], "only what is new");
        let synced = client.ok("sync", json!({"since": since})).await;
        assert_eq!((&synced["recovered"], &synced["events"]), (&json!(false), &json!([])));
    }
    server.stop().await;
});

each_mix!(the_first_frame_resumes_too, |home| async move {
    let server = Server::start(&home).await;
    let ana = server.register("ana").await;
    let mut client = server.connect(&ana, None).await;
    let since = client.cursor.clone();
    let (live, end) = client.fence().await;
    let mut back = server.open(None, None, None).await.unwrap();
    let auth = json!({"id": "0", "cmd": "auth", "data": {"token": ana.token, "since": since}});
    back.send_text(auth.to_string()).await;
    assert_eq!(back.hello().await["recovered"], true);
    assert_eq!(essences(&back.pushes_to(end).await), essences(&live));
    server.stop().await;
});

each_mix!(who_was_kicked_while_away_hears_of_it_last, |home| async move {
    for ring_events in [1_000, 2] {
        let settings = SocketSettings { ring_events, ..roomy() };
        let server = Server::start_with(Config { sockets: settings, ..config(&home) }).await;
        let ana = server.register(&format!("ana{ring_events}")).await;
        let ben = server.register(&format!("ben{ring_events}")).await;
        let mut a = server.connect(&ana, None).await;
        let room = a.group(&[ben.id], "Room").await;
        let mut b = server.connect(&ben, None).await;
        let (_, _) = b.fence().await;
        let since = b.cursor.clone();
        drop(b);
        let message = a.say(&room, "still here").await;
        a.ok("message.react", json!({"messageId": message["id"], "emoji": "👋"})).await;
        a.ok("conversation.kick", json!({"conversationId": room, "userId": ben.id})).await;
        a.ok("message.edit", json!({"messageId": message["id"], "content": "behind his back"})).await;
        a.say(&room, "gone").await;
        let mut b = server.connect(&ben, Some(&since)).await;
        let (pushes, _) = b.fence().await;
        assert_eq!(names(&pushes)[..1], ["member.kicked"], "nothing that was said there");
        assert_eq!(names(&pushes)[1..], ["conversation.created", "message.sent", "message.reacted"]);
        // After a reload, events from then on are pushed, not those missed.
        a.ok("conversation.add", json!({"conversationId": room, "userId": ben.id})).await;
        a.say(&room, "again").await;
        let live: Vec<_> = b.fence().await.0;
        assert_eq!(names(&live)[..2], ["member.added", "message.sent"]);
        drop(b);
        let mut b = server.connect(&ben, Some(&since)).await;
        let replayed = b.fence().await.0;
        assert_eq!(names(&replayed)[..3], ["message.sent", "message.reacted", "member.kicked"]);
        assert_eq!(replayed[0]["data"]["content"], "behind his back", "who is in sees the texts as they are");
        assert_eq!(essences(&replayed[6..8]), essences(&live[..2]));
        server.stop().await;
    }
});

/// What lies in a folder, its own folders left out.
fn files(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.filter(|path| path.is_file()).map(|path| (path.clone(), fs::read(path).unwrap())).collect()
}

#[tokio::test]
async fn a_log_that_lost_its_end_and_grew_another_is_noticed() {
    let home = Home::new(Engine::Sqlite).await;
    let server = Server::start(&home).await;
    let ana = server.register("ana").await;
    let mut a = server.connect(&ana, None).await;
    a.fence().await;
    let kept = a.cursor.clone();
    server.stop().await;
    let backup = files(home.folder());

    let server = Server::start(&home).await;
    let mut a = server.connect(&ana, None).await;
    let (_, end) = a.fence().await;
    let lost = a.cursor.clone();
    server.stop().await;
    for (path, _) in files(home.folder()) {
        fs::remove_file(path).unwrap();
    }
    backup.into_iter().for_each(|(path, bytes)| fs::write(path, bytes).unwrap());

    // Restored, it goes beyond where the client was.
    let server = Server::start(&home).await;
    let mut a = server.connect(&ana, None).await;
    a.fence().await;
    assert!(a.fence().await.1 > end);
    for (since, recovered) in [(&lost, false), (&kept, true)] {
        let mut back = server.open(Some(&ana.token), None, Some(since)).await.unwrap();
        assert_eq!(back.hello().await["recovered"], recovered);
        assert_eq!(a.ok("sync", json!({"since": since})).await["recovered"], recovered);
    }
    server.stop().await;
    // The same from the store alone, which remembers no stamps.
    let server = Server::start(&home).await;
    for (since, recovered) in [(&lost, false), (&kept, true)] {
        let mut back = server.open(Some(&ana.token), None, Some(since)).await.unwrap();
        assert_eq!(back.hello().await["recovered"], recovered);
    }
    server.stop().await;
}
