//! What was taken back is served nowhere again: each way of taking something back, at each door.

mod scene;

use crate::support::{names, until};
use domain::Timestamp;
use reqwest::Method;
use scene::{Scene, upload};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicI64, Ordering};
use testkit::each_mix;

static NOW: AtomicI64 = AtomicI64::new(1_795_460_818_000);

/// A clock that moves only when the test moves it.
fn clock() -> Timestamp {
    Timestamp::from_millis(NOW.load(Ordering::Relaxed))
}

/// Ways of taking something back.
const WAYS: [&str; 20] = [
    "deleted",
    "edited",
    "edited, then deleted",
    "removed by a moderator",
    "hidden by the reader",
    "hidden by the reader, then edited",
    "attachment deleted",
    "reaction taken back",
    "history cleared",
    "conversation deleted",
    "reader kicked",
    "title replaced",
    "sender erased",
    "who reacted erased",
    "story deleted",
    "story edited",
    "comment deleted",
    "friendship ended",
    "blocked",
    "blocked by who commented",
];

each_mix!(what_was_taken_back_is_served_nowhere_again, |home| async move {
    for ring_events in [10_000, 2] {
        let mut scene = Scene::new(&home, ring_events).await;
        for (n, way) in WAYS.into_iter().enumerate() {
            let secret = match way {
                "reaction taken back" => "🪿".to_owned(),
                "who reacted erased" => "🫎".to_owned(),
                _ => format!("secret{ring_events}x{n}"),
            };
            let page = scene.server.read(&scene.ben, "/sync").await;
            let since = page["cursor"].as_str().unwrap().to_owned();
            let paths = scene.take_back(way, &secret).await;
            if way.ends_with("erased") {
                // Read models forget after the log.
                let search = format!("/messages/search?q={secret}");
                let is_gone = async || {
                    let message = scene.read(&paths[0], 0).await.1;
                    !scene.read(&search, 0).await.1.contains("harmless") && !message.contains(&secret)
                };
                until("it to be forgotten", is_gone).await;
            }
            for (door, text) in scene.served(&since, paths, &secret).await {
                // A search for it repeats nothing of it; who is gone was called so.
                assert!(!text.contains(&secret), "{way}, ring of {ring_events}: {door}: {text}");
            }
        }
        scene.server.stop().await;
    }
});

each_mix!(an_expired_story_is_not_replayed, |home| async move {
    let mut scene = Scene::new(&home, 10_000).await;
    scene.befriend().await;
    let since = scene.server.read(&scene.ben, "/sync").await["cursor"].as_str().unwrap().to_owned();
    let story = scene.a.ok("story.post", json!({"content": "Sun"})).await;
    scene.b.ok("story.like", json!({"storyId": story["id"]})).await;
    let shown = scene.read(&format!("/sync?since={since}"), 0).await.1;
    assert!(shown.contains("Sun"), "{shown}");
    let end = Timestamp::parse(story["expiresAt"].as_str().unwrap()).unwrap();
    NOW.fetch_max(end.millis(), Ordering::Relaxed);
    for (door, text) in scene.served(&since, vec![], "Sun").await {
        assert!(!text.contains("Sun"), "{door}: {text}");
    }
    scene.server.stop().await;
});

each_mix!(what_is_unread_is_still_there, |home| async move {
    let mut scene = Scene::new(&home, 10_000).await;
    let (room, path) = (scene.room.clone(), format!("/conversations/{}", scene.room));
    let mut said = Vec::new();
    for n in 0..5 {
        said.push(scene.a.say(&room, &format!("message {n}")).await);
    }
    let of = |n: usize| json!({"messageId": said[n]["id"]});
    let mut last = 0;
    for (n, unread) in [(4, 4), (0, 3), (3, 2)] {
        last = scene.a.ok("message.delete", of(n)).await["position"].as_u64().unwrap();
        let one = scene.server.read_at(&scene.ben, &path, last).await;
        assert_eq!((&one["unread"], &one["lastSeq"]), (&json!(unread), &json!(5)), "{one}");
        // Of what is gone nothing is shown but that it was there.
        let last_message = &one["lastMessage"];
        assert_eq!((&last_message["id"], &last_message["content"]), (&said[4]["id"], &Value::Null));
        assert!(last_message["deletedAt"].is_string());
        let list = scene.server.read_at(&scene.ben, "/conversations", last).await;
        let listed = list["items"].as_array().unwrap().iter().find(|item| item["id"] == room.as_str()).unwrap();
        assert_eq!(listed, &one);
    }
    let hidden = scene.b.ok("message.hide", of(2)).await["position"].as_u64().unwrap();
    let one = scene.server.read_at(&scene.ben, &path, hidden.max(last)).await;
    assert_eq!(one["unread"], json!(1));
    // What is both hidden and deleted is gone once.
    let last = scene.a.ok("message.delete", of(2)).await["position"].as_u64().unwrap();
    assert_eq!(scene.server.read_at(&scene.ben, &path, last).await["unread"], json!(1));
    let last = scene.a.ok("message.delete", of(1)).await["position"].as_u64().unwrap();
    let one = scene.server.read_at(&scene.ben, &path, last).await;
    assert_eq!(one["unread"], json!(0));
    scene.server.stop().await;
});

each_mix!(an_export_tells_of_oneself_alone, |home| async move {
    let mut scene = Scene::new(&home, 10_000).await;
    scene.befriend().await;
    let room = scene.room.clone();
    let of = |thing: &Value| thing["id"].as_str().unwrap().to_owned();
    // What others wrote, and what moderators see and do.
    let said = scene.a.say(&room, "others said").await;
    scene.a.ok("message.react", json!({"messageId": said["id"], "emoji": "🦤"})).await;
    let mut reports = Vec::new();
    let story = scene.a.ok("story.post", json!({"content": "others posted"})).await;
    for (what, id) in [("messageId", of(&said)), ("storyId", of(&story)), ("userId", scene.ana.id.to_string())] {
        let report = json!({what: id, "reason": "own reason", "notes": "own notes"});
        reports.push(of(&scene.write(&scene.ben, Method::POST, "/reports", report).await));
    }
    let verdicts =
        [json!({"status": "RESOLVED"}), json!({"status": "REJECTED", "rejectedReason": "shown to the reporter"})];
    for (report, verdict) in reports.iter().zip(&verdicts) {
        scene.write(&scene.root, Method::PATCH, &format!("/admin/reports/{report}"), verdict.clone()).await;
    }
    let own = scene.b.ok("story.post", json!({"content": "own story"})).await;
    for n in 0..2 {
        let comment = json!({"storyId": own["id"], "content": format!("others commented {n}")});
        let comment = scene.a.ok("story.comment", comment).await;
        if n == 0 {
            let path = format!("/stories/comments/{}", of(&comment));
            scene.write(&scene.ana, Method::DELETE, &path, json!({})).await;
        }
    }
    scene.a.ok("story.like", json!({"storyId": own["id"]})).await;
    scene.b.ok("story.comment", json!({"storyId": story["id"], "content": "own comment"})).await;
    let mine = scene.b.say(&room, "own text").await;
    scene.b.ok("message.edit", json!({"messageId": mine["id"], "content": "own text, edited"})).await;
    scene.a.ok("message.delete", json!({"messageId": said["id"]})).await;
    let upload = upload(&scene.server, &scene.ben, "own file").await;
    let attached = json!({
        "conversationId": room, "messageType": "FILE", "content": "", "attachments": [{"fileUrl": upload["fileUrl"]}],
    });
    scene.b.ok("message.send", attached).await;
    let (_, position) = scene.b.fence().await;
    let (status, text) = scene.read("/users/me/export", position).await;
    assert_eq!(status, 200);
    for others in ["others said", "🦤", "others posted", "others commented", "evidence", "decidedBy"] {
        assert!(!text.contains(others), "{others}: {text}");
    }
    assert!(!text.contains(&scene.root.id.to_string()), "who moderated: {text}");
    for own in ["own reason", "own notes", "shown to the reporter", "own story", "own comment", "own text, edited"] {
        assert!(text.contains(own), "{own}: {text}");
    }
    let export: Value = serde_json::from_str(&text).unwrap();
    let sections = operations::export::Section::ALL;
    let fields = export.as_object().unwrap();
    assert_eq!(fields.len(), sections.len() + 2, "each section, the profile, and when");
    for section in sections {
        let items = fields[section.name()].as_array().unwrap();
        let me = json!(scene.ben.id);
        for item in items {
            let author = match section.name() {
                "messages" | "reactions" | "readMarkers" | "sessions" | "presence" | "conversations" => None,
                "friendships" | "calls" | "files" => None,
                "stories" | "storyComments" => Some(&item["author"]["id"]),
                "reports" => Some(&item["reporterId"]),
                "events" => {
                    let kind = item["data"]["type"].as_str().unwrap();
                    assert!(kind.starts_with("account.") || kind.starts_with("session."), "{kind}");
                    None
                }
                unknown => panic!("whose is what stands in {unknown}?"),
            };
            assert!(author.is_none_or(|author| *author == me), "{item}");
        }
    }
    scene.server.stop().await;
});

each_mix!(a_withdrawn_request_or_like_is_not_replayed, |home| async move {
    for ring_events in [10_000, 2] {
        let mut scene = Scene::new(&home, ring_events).await;
        let cyd = scene.server.register(&format!("cyd{ring_events}")).await;
        let mut c = scene.server.connect(&cyd, None).await;
        scene.befriend().await;
        let since = scene.server.read(&scene.ben, "/sync").await["cursor"].as_str().unwrap().to_owned();
        c.ok("friend.request", json!({"userId": scene.ben.id})).await;
        c.ok("friend.cancel", json!({"userId": scene.ben.id})).await;
        let story = scene.b.ok("story.post", json!({"content": "Sun"})).await;
        let id = json!({"storyId": story["id"]});
        scene.a.ok("story.like", id.clone()).await;
        scene.a.ok("story.unlike", id.clone()).await;
        scene.a.ok("story.like", id).await;
        let (_, last) = scene.a.fence().await;
        let received = |pushes: &[Value]| {
            let concerned = |name: &&str| name.starts_with("friend.") || name.starts_with("story.");
            names(pushes).into_iter().filter(concerned).map(str::to_owned).collect::<Vec<_>>()
        };
        let want = ["friend.cancelled", "story.posted", "story.liked", "story.unliked", "story.liked"];
        let synced = scene.server.read_at(&scene.ben, &format!("/sync?since={since}"), last).await;
        assert_eq!(received(synced["events"].as_array().unwrap()), want, "of a like that was given again");
        let mut back = scene.server.connect(&scene.ben, Some(&since)).await;
        assert_eq!(received(&back.fence().await.0), want);
        // Taken back for good.
        let id = json!({"storyId": story["id"]});
        scene.a.ok("story.unlike", id).await;
        scene.a.fence().await;
        let want = ["friend.cancelled", "story.posted", "story.unliked", "story.unliked"];
        let mut back = scene.server.connect(&scene.ben, Some(&since)).await;
        assert_eq!(received(&back.fence().await.0), want);
        scene.server.stop().await;
    }
});
