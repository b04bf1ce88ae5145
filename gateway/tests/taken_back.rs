//! What was taken back is served nowhere again: each way of taking something back, at each door.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod sio_support;
mod ws_support;

use domain::Timestamp;
use gateway::{Config, hub::HubSettings};
use reqwest::Method;
use serde_json::{Value, json};
use sio_support::{Sio, Transport};
use std::sync::atomic::{AtomicI64, Ordering};
use testkit::{Home, each_mix};
use ws_support::{Client, Person, Server, config, names, roomy, soon, until};

static NOW: AtomicI64 = AtomicI64::new(1_795_460_818_000);

/// Stands still until it is moved on.
fn clock() -> Timestamp {
    Timestamp::from_millis(NOW.load(Ordering::Relaxed))
}

/// Ways of taking something back.
const WAYS: [&str; 19] = [
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
];

/// Who writes, and who reads.
struct Scene {
    server: Server,
    root: Person,
    ana: Person,
    ben: Person,
    a: Client,
    b: Client,
    /// A group of both.
    room: String,
}

impl Scene {
    async fn new(home: &Home, ring_events: usize) -> Self {
        let hub = HubSettings { ring_events, ..roomy() };
        let server = Server::start_with(Config { hub, clock, ..config(home) }).await;
        let token = server.app.bootstrap.offered(&server.app.store).await.unwrap();
        let root = match token {
            Some(token) => {
                let body = json!({
                    "email": "root@example.org", "password": "a good password", "firstName": "root",
                    "lastName": "Test", "bootstrapToken": token,
                });
                server.post("/auth/register", None, body).await;
                let root = Person { name: "root".to_owned(), id: uuid::Uuid::nil(), token: String::new() };
                server.login(&root).await
            }
            None => {
                let root = Person { name: "root".to_owned(), id: uuid::Uuid::nil(), token: String::new() };
                server.login(&root).await
            }
        };
        let ana = server.register(&format!("ana{ring_events}")).await;
        let ben = server.register(&format!("ben{ring_events}")).await;
        let mut a = server.connect(&ana, None).await;
        let b = server.connect(&ben, None).await;
        let room = a.group(&[ben.id], "Room").await;
        Self { server, root, ana, ben, a, b, room }
    }

    async fn write(&self, by: &Person, method: Method, path: &str, body: Value) -> Value {
        self.server.write(method, path, Some(&by.token), body).await
    }

    /// What a door answers, whatever that is.
    async fn read(&self, path: &str, position: u64) -> (u16, String) {
        let request = reqwest::Client::new().get(format!("http://{}{path}", self.server.address));
        let request = request.bearer_auth(&self.ben.token).header("x-chatchit-position", position);
        let response = soon(path, request.send()).await.unwrap();
        (response.status().as_u16(), response.text().await.unwrap())
    }

    async fn befriend(&self) {
        let friends = self.server.get("/friends", &self.ana).await;
        if friends["items"] != json!([]) {
            return;
        }
        self.server.befriend(&self.ana, &self.ben).await;
        let are = async || {
            let friends = self.server.get("/friends", &self.ana).await;
            friends["items"].as_array().is_some_and(|items| !items.is_empty())
        };
        until("a friend", are).await;
    }

    /// Says something and takes it back; answers the paths at which it stood.
    async fn take_back(&mut self, way: &str, secret: &str) -> Vec<String> {
        let (room, other) = (self.room.clone(), self.ben.id);
        let of = |message: &Value| json!({"messageId": message["id"]});
        let edited = |message: &Value, text: &str| json!({"messageId": message["id"], "content": text});
        let at = |message: &Value| vec![format!("/messages/{}", message["id"].as_str().unwrap())];
        match way {
            "deleted" => {
                let message = self.a.say(&room, secret).await;
                self.a.ok("message.delete", of(&message)).await;
                at(&message)
            }
            "edited" => {
                let message = self.a.say(&room, secret).await;
                self.a.ok("message.edit", edited(&message, "harmless")).await;
                at(&message)
            }
            "edited, then deleted" => {
                let message = self.a.say(&room, "harmless").await;
                self.a.ok("message.edit", edited(&message, secret)).await;
                self.a.ok("message.delete", of(&message)).await;
                at(&message)
            }
            "removed by a moderator" => {
                let message = self.a.say(&room, secret).await;
                self.b.ok("message.react", json!({"messageId": message["id"], "emoji": "👍"})).await;
                let report = json!({"messageId": message["id"], "reason": "no"});
                self.write(&self.ben, Method::POST, "/reports", report).await;
                let path = format!("/admin/messages/{}", message["id"].as_str().unwrap());
                self.write(&self.root, Method::DELETE, &path, json!({})).await;
                at(&message)
            }
            "hidden by the reader" => {
                let message = self.a.say(&room, secret).await;
                self.b.ok("message.hide", of(&message)).await;
                at(&message)
            }
            "hidden by the reader, then edited" => {
                let message = self.a.say(&room, "harmless").await;
                self.b.ok("message.hide", of(&message)).await;
                self.a.ok("message.edit", edited(&message, secret)).await;
                let (live, _) = self.b.fence().await;
                assert!(!json!(live).to_string().contains(secret), "live: {live:?}");
                at(&message)
            }
            "attachment deleted" => {
                let file = upload(&self.server, &self.ana, secret).await;
                let message = json!({
                    "conversationId": room, "messageType": "FILE", "content": "",
                    "attachments": [{"fileUrl": file["fileUrl"], "name": file["name"]}],
                });
                let message = self.a.ok("message.send", message).await;
                self.a.ok("message.delete", of(&message)).await;
                vec![file["fileUrl"].as_str().unwrap().to_owned(), at(&message).remove(0)]
            }
            "reaction taken back" => {
                let message = self.a.say(&room, "harmless").await;
                let reaction = json!({"messageId": message["id"], "emoji": secret});
                self.a.ok("message.react", reaction.clone()).await;
                self.a.ok("message.unreact", reaction).await;
                at(&message)
            }
            "history cleared" => {
                let message = self.a.say(&room, secret).await;
                let path = format!("/conversations/{room}/history");
                self.write(&self.ben, Method::DELETE, &path, json!({})).await;
                at(&message)
            }
            "conversation deleted" | "reader kicked" => {
                let other_room = self.a.group(&[other], secret).await;
                let message = self.a.say(&other_room, secret).await;
                self.a.ok("message.edit", edited(&message, &format!("{secret}, again"))).await;
                match way {
                    "reader kicked" => {
                        let kicked = json!({"conversationId": other_room, "userId": other});
                        self.a.ok("conversation.kick", kicked).await;
                    }
                    _ => drop(self.a.ok("conversation.delete", json!({"conversationId": other_room})).await),
                }
                vec![format!("/conversations/{other_room}"), at(&message).remove(0)]
            }
            "title replaced" => {
                let renamed = |title: &str| json!({"conversationId": room, "title": title});
                self.a.ok("conversation.update", renamed(secret)).await;
                self.a.ok("conversation.update", renamed("harmless")).await;
                vec![format!("/conversations/{room}")]
            }
            "sender erased" | "who reacted erased" => {
                let eve = self.server.register(&format!("eve{secret}")).await;
                let mut e = self.server.connect(&eve, None).await;
                let other_room = e.group(&[other, self.ana.id], "harmless").await;
                let message = match way {
                    "sender erased" => e.say(&other_room, secret).await,
                    _ => {
                        let message = self.a.say(&other_room, "harmless").await;
                        e.ok("message.react", json!({"messageId": message["id"], "emoji": secret})).await;
                        // Its push tells of all reactions.
                        self.a.ok("message.react", json!({"messageId": message["id"], "emoji": "👍"})).await;
                        message
                    }
                };
                drop(e.fence().await);
                let body = json!({"password": "a good password"});
                self.write(&eve, Method::DELETE, "/users/me", body).await;
                at(&message)
            }
            "story deleted" | "story edited" | "comment deleted" | "friendship ended" | "blocked" => {
                self.befriend().await;
                let text = if way == "comment deleted" { "harmless" } else { secret };
                let story = self.a.ok("story.post", json!({"content": text})).await;
                let id = story["id"].as_str().unwrap().to_owned();
                let mut paths = vec![format!("/stories/{id}")];
                match way {
                    "story deleted" => {
                        drop(self.write(&self.ana, Method::DELETE, &format!("/stories/{id}"), json!({})).await);
                    }
                    "story edited" => {
                        let edit = json!({"content": "harmless"});
                        self.write(&self.ana, Method::PATCH, &format!("/stories/{id}"), edit).await;
                    }
                    "comment deleted" => {
                        let comment = self.b.ok("story.comment", json!({"storyId": id, "content": secret})).await;
                        let path = format!("/stories/comments/{}", comment["id"].as_str().unwrap());
                        self.write(&self.ana, Method::DELETE, &path, json!({})).await;
                        paths.push(format!("/stories/{id}/comments"));
                    }
                    "friendship ended" => drop(self.a.ok("friend.unfriend", json!({"userId": other})).await),
                    _ => {
                        self.a.ok("friend.block", json!({"userId": other})).await;
                        paths.push(format!("/users/{}/stories", self.ana.id));
                    }
                }
                paths
            }
            way => panic!("{way}"),
        }
    }

    /// Everything that the reader is served: what they missed since `since`, and what they read.
    async fn served(&mut self, since: &str, mut paths: Vec<String>, secret: &str) -> Vec<(String, String)> {
        let (_, position) = self.a.fence().await;
        let mut served = Vec::new();
        let missed = self.read(&format!("/sync?limit=200&since={since}"), position).await.1;
        let page: Value = serde_json::from_str(&missed).unwrap();
        assert_eq!((&page["recovered"], &page["more"]), (&json!(true), &json!(false)), "{missed}");
        served.push(("/sync".to_owned(), missed));
        let mut back = self.server.connect(&self.ben, Some(since)).await;
        let (missed, _) = back.fence().await;
        assert!(names(&missed).len() > 2);
        served.push(("/ws".to_owned(), json!(missed).to_string()));
        let synced = back.ok("sync", json!({"since": since, "limit": 200})).await;
        served.push(("sync on /ws".to_owned(), synced.to_string()));
        let mut back = Sio::connect(&self.server, &self.ben, Some(since), Transport::WebSocket).await;
        back.fence().await;
        served.push(("Socket.IO".to_owned(), format!("{:?}", back.events())));
        let word: String = secret.chars().filter(char::is_ascii_alphanumeric).collect();
        paths.extend([
            "/conversations".to_owned(),
            "/conversations?archived=true".to_owned(),
            format!("/conversations/{}/messages", self.room),
            format!("/messages/search?q={word}"),
            format!("/users?query={word}"),
            "/stories".to_owned(),
            "/friends".to_owned(),
            "/reports/mine".to_owned(),
            "/users/me/export".to_owned(),
        ]);
        for path in paths {
            let (status, text) = self.read(&path, position).await;
            assert!(status == 200 || status == 404, "{path}: {status} {text}");
            assert!(!path.starts_with("/files/") || status == 404, "{path}");
            served.push((path, text));
        }
        served
    }
}

async fn upload(server: &Server, by: &Person, name: &str) -> Value {
    let body = format!(
        "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}.txt\"\r\n\r\n{name}\r\n--b--\r\n"
    );
    let request = reqwest::Client::new().post(format!("http://{}/files", server.address)).bearer_auth(&by.token);
    let request = request.header("content-type", "multipart/form-data; boundary=b").body(body);
    serde_json::from_str(&request.send().await.unwrap().text().await.unwrap()).unwrap()
}

each_mix!(what_was_taken_back_is_served_nowhere_again, |home| async move {
    for ring_events in [10_000, 2] {
        let mut scene = Scene::new(&home, ring_events).await;
        for (n, way) in WAYS.into_iter().enumerate() {
            let secret = format!("secret{ring_events}x{n}");
            let page = scene.server.get("/sync", &scene.ben).await;
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

each_mix!(a_story_whose_time_is_over_is_not_told_again, |home| async move {
    let mut scene = Scene::new(&home, 10_000).await;
    scene.befriend().await;
    let since = scene.server.get("/sync", &scene.ben).await["cursor"].as_str().unwrap().to_owned();
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
        let one = scene.server.get_at(&path, &scene.ben, last).await;
        assert_eq!((&one["unread"], &one["lastSeq"]), (&json!(unread), &json!(5)), "{one}");
        // Of what is gone nothing is shown but that it was there.
        let last_message = &one["lastMessage"];
        assert_eq!((&last_message["id"], &last_message["content"]), (&said[4]["id"], &Value::Null));
        assert!(last_message["deletedAt"].is_string());
        let list = scene.server.get_at("/conversations", &scene.ben, last).await;
        let listed = list["items"].as_array().unwrap().iter().find(|item| item["id"] == room.as_str()).unwrap();
        assert_eq!(listed, &one);
    }
    let hidden = scene.b.ok("message.hide", of(2)).await["position"].as_u64().unwrap();
    let one = scene.server.get_at(&path, &scene.ben, hidden.max(last)).await;
    assert_eq!(one["unread"], json!(1));
    // What is both hidden and deleted is gone once.
    let last = scene.a.ok("message.delete", of(2)).await["position"].as_u64().unwrap();
    assert_eq!(scene.server.get_at(&path, &scene.ben, last).await["unread"], json!(1));
    let last = scene.a.ok("message.delete", of(1)).await["position"].as_u64().unwrap();
    let one = scene.server.get_at(&path, &scene.ben, last).await;
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
    scene.a.ok("message.react", json!({"messageId": said["id"], "emoji": "others:reacted"})).await;
    let mut reports = Vec::new();
    let story = scene.a.ok("story.post", json!({"content": "others posted"})).await;
    for (what, id) in [("messageId", of(&said)), ("storyId", of(&story)), ("userId", scene.ana.id.to_string())] {
        let report = json!({what: id, "reason": "own reason", "notes": "own notes"});
        reports.push(of(&scene.write(&scene.ben, Method::POST, "/reports", report).await));
    }
    let verdicts =
        [json!({"status": "RESOLVED"}), json!({"status": "REJECTED", "rejectedReason": "told to who asked"})];
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
    for others in ["others said", "others:reacted", "others posted", "others commented", "evidence", "decidedBy"] {
        assert!(!text.contains(others), "{others}: {text}");
    }
    assert!(!text.contains(&scene.root.id.to_string()), "who moderated: {text}");
    for own in ["own reason", "own notes", "told to who asked", "own story", "own comment", "own text, edited"] {
        assert!(text.contains(own), "{own}: {text}");
    }
    let export: Value = serde_json::from_str(&text).unwrap();
    let sections = gateway::export::Section::ALL;
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

each_mix!(a_request_or_a_like_that_was_taken_back_is_not_told_again, |home| async move {
    for ring_events in [10_000, 2] {
        let mut scene = Scene::new(&home, ring_events).await;
        let cyd = scene.server.register(&format!("cyd{ring_events}")).await;
        let mut c = scene.server.connect(&cyd, None).await;
        scene.befriend().await;
        let since = scene.server.get("/sync", &scene.ben).await["cursor"].as_str().unwrap().to_owned();
        c.ok("friend.request", json!({"userId": scene.ben.id})).await;
        c.ok("friend.cancel", json!({"userId": scene.ben.id})).await;
        let story = scene.b.ok("story.post", json!({"content": "Sun"})).await;
        let id = json!({"storyId": story["id"]});
        scene.a.ok("story.like", id.clone()).await;
        scene.a.ok("story.unlike", id.clone()).await;
        scene.a.ok("story.like", id).await;
        let (_, last) = scene.a.fence().await;
        let told = |pushes: &[Value]| {
            let concerned = |name: &&str| name.starts_with("friend.") || name.starts_with("story.");
            names(pushes).into_iter().filter(concerned).map(str::to_owned).collect::<Vec<_>>()
        };
        let want = ["friend.cancelled", "story.posted", "story.liked", "story.unliked", "story.liked"];
        let synced = scene.server.get_at(&format!("/sync?since={since}"), &scene.ben, last).await;
        assert_eq!(told(synced["events"].as_array().unwrap()), want, "of a like that was given again");
        let mut back = scene.server.connect(&scene.ben, Some(&since)).await;
        assert_eq!(told(&back.fence().await.0), want);
        // Taken back for good.
        let id = json!({"storyId": story["id"]});
        scene.a.ok("story.unlike", id).await;
        scene.a.fence().await;
        let want = ["friend.cancelled", "story.posted", "story.unliked", "story.unliked"];
        let mut back = scene.server.connect(&scene.ben, Some(&since)).await;
        assert_eq!(told(&back.fence().await.0), want);
        scene.server.stop().await;
    }
});
