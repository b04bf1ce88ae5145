//! Two people in a group, one of whom takes something back.

use super::clock;
use crate::support::{
    Client, Person, Server, config, names, roomy,
    sio::{Sio, Transport},
    soon, until,
};
use config::{Config, SocketSettings};
use reqwest::Method;
use serde_json::{Value, json};
use testkit::Home;

/// Who writes, and who reads.
pub(super) struct Scene {
    pub(super) server: Server,
    pub(super) root: Person,
    pub(super) ana: Person,
    pub(super) ben: Person,
    pub(super) a: Client,
    pub(super) b: Client,
    /// A group of both.
    pub(super) room: String,
}

impl Scene {
    pub(super) async fn new(home: &Home, ring_events: usize) -> Self {
        let sockets = SocketSettings { ring_events, ..roomy() };
        let server = Server::start_with(Config { sockets, clock, ..config(home) }).await;
        let root = match server.app.bootstrap.offered(&server.app.store).await.unwrap() {
            Some(_) => server.administrator().await,
            None => server.sign_in("root@test.example").await,
        };
        let ana = server.register(&format!("ana{ring_events}")).await;
        let ben = server.register(&format!("ben{ring_events}")).await;
        let mut a = server.connect(&ana, None).await;
        let b = server.connect(&ben, None).await;
        let room = a.group(&[ben.id], "Room").await;
        Self { server, root, ana, ben, a, b, room }
    }

    pub(super) async fn write(&self, by: &Person, method: Method, path: &str, body: Value) -> Value {
        self.server.call(by, method, path, body).await.ok()
    }

    /// What a door answers, whatever that is.
    pub(super) async fn read(&self, path: &str, position: u64) -> (u16, String) {
        let request = reqwest::Client::new().get(format!("http://{}{path}", self.server.address));
        let request = request.bearer_auth(&self.ben.token).header("x-chatchit-position", position);
        let response = soon(path, request.send()).await.unwrap();
        (response.status().as_u16(), response.text().await.unwrap())
    }

    pub(super) async fn befriend(&self) {
        let friends = self.server.read(&self.ana, "/friends").await;
        if friends["items"] != json!([]) {
            return;
        }
        self.server.befriend(&self.ana, &self.ben).await;
        let are = async || {
            let friends = self.server.read(&self.ana, "/friends").await;
            friends["items"].as_array().is_some_and(|items| !items.is_empty())
        };
        until("a friend", are).await;
    }

    /// Says something and takes it back; answers the paths at which it stood.
    pub(super) async fn take_back(&mut self, way: &str, secret: &str) -> Vec<String> {
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
                let body = json!({"password": "correct horse"});
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
            "blocked by who commented" => {
                self.a.ok("friend.unblock", json!({"userId": other})).await;
                self.befriend().await;
                let story = self.b.ok("story.post", json!({"content": "harmless"})).await;
                self.a.ok("story.comment", json!({"storyId": story["id"], "content": secret})).await;
                self.a.ok("friend.block", json!({"userId": other})).await;
                vec![format!("/stories/{}/comments", story["id"].as_str().unwrap())]
            }
            way => panic!("{way}"),
        }
    }

    /// Everything that the reader is served: what they missed since `since`, and what they read.
    pub(super) async fn served(&mut self, since: &str, mut paths: Vec<String>, secret: &str) -> Vec<(String, String)> {
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
        let word = if word.is_empty() { "nothing" } else { &word };
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

pub(super) async fn upload(server: &Server, by: &Person, name: &str) -> Value {
    let body = format!(
        "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}.txt\"\r\n\r\n{name}\r\n--b--\r\n"
    );
    let request = reqwest::Client::new().post(format!("http://{}/files", server.address)).bearer_auth(&by.token);
    let request = request.header("content-type", "multipart/form-data; boundary=b").body(body);
    serde_json::from_str(&request.send().await.unwrap().text().await.unwrap()).unwrap()
}
