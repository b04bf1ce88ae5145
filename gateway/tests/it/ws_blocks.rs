//! Blocks hold on every path, and the one who is blocked cannot tell: what they get is what they would get if the
//! other were not there, or had never had to do with them.

use crate::support::{Client, Person, Server, in_order, names, soon};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use testkit::each_mix;
use uuid::Uuid;

/// What a request is answered: its status and its word, or what was made.
async fn asks(server: &Server, person: &Person, method: Method, path: &str, body: Value) -> (u16, Value) {
    let request = reqwest::Client::new().request(method, format!("http://{}{path}", server.address));
    let request = request.bearer_auth(&person.token);
    let request = if body.is_null() { request } else { request.json(&body) };
    let response = soon(path, request.send()).await.unwrap();
    let status = response.status().as_u16();
    (status, serde_json::from_str(&response.text().await.unwrap()).unwrap_or_default())
}

/// A problem without what differs from request to request.
fn plain((status, mut body): (u16, Value)) -> (u16, Value) {
    if let Some(fields) = body.as_object_mut() {
        fields.remove("requestId");
    }
    (status, body)
}

struct Scene {
    server: Server,
    /// She blocks.
    ana: Person,
    /// He is blocked.
    bob: Person,
    /// She has nothing to do with either.
    cyd: Person,
    direct: String,
    group: String,
    invite: String,
}

impl Scene {
    /// Ana and Bob were friends who wrote to each other, and share a group with Cyd; then Ana blocked Bob.
    async fn new(home: &testkit::Home) -> (Self, Client, Client) {
        let server = Server::start(home).await;
        let [ana, bob, cyd] =
            [server.register("ana").await, server.register("bob").await, server.register("cyd").await];
        server.befriend(&ana, &bob).await;
        let direct = json!({"type": "direct", "members": [bob.id]});
        let direct = server.write(&ana, "/conversations", direct).await["id"].as_str().unwrap().to_owned();
        let group = json!({"type": "group", "title": "Us", "members": [bob.id, cyd.id]});
        let group = server.write(&ana, "/conversations", group).await["id"].as_str().unwrap().to_owned();
        let other = json!({"type": "group", "title": "Other", "members": []});
        let other = server.write(&ana, "/conversations", other).await["id"].as_str().unwrap().to_owned();
        let invite = server.write(&ana, &format!("/conversations/{other}/invites"), json!({})).await;
        let invite = invite["code"].as_str().unwrap().to_owned();
        let (mut a, mut b) = (server.connect(&ana, None).await, server.connect(&bob, None).await);
        for (client, text) in [(&mut a, "hello"), (&mut b, "hi")] {
            client.say(&direct, text).await;
        }
        a.fence().await;
        b.fence().await;
        let scene = Self { server, ana, bob, cyd, direct, group, invite };
        (scene, a, b)
    }

    async fn get(&self, person: &Person, path: &str) -> (u16, Value) {
        asks(&self.server, person, Method::GET, path, Value::Null).await
    }

    async fn post(&self, person: &Person, path: &str, body: Value) -> (u16, Value) {
        asks(&self.server, person, Method::POST, path, body).await
    }

    /// What one is answered concerning `whom`, on every path that names a person.
    async fn concerning(&self, person: &Person, whom: Uuid) -> Vec<(&'static str, (u16, Value))> {
        let with = json!({"userId": whom});
        let group = json!({"type": "group", "title": "New", "members": [self.cyd.id, whom]});
        let add = format!("/conversations/{}/add", self.own_group(person).await);
        let mut answers = vec![
            ("profile", self.get(person, &format!("/users/{whom}")).await),
            ("friend request", self.post(person, "/friends", with.clone()).await),
            ("group", self.post(person, "/conversations", group).await),
            ("add", self.post(person, &add, with).await),
        ];
        for act in ["cancel", "accept", "reject", "unfriend", "unblock"] {
            let answer = self.post(person, &format!("/friends/{whom}/{act}"), Value::Null).await;
            answers.push((act, answer));
        }
        answers.into_iter().map(|(path, answer)| (path, plain(answer))).collect()
    }

    async fn own_group(&self, person: &Person) -> String {
        let group = json!({"type": "group", "title": "Own", "members": []});
        let (_, made) = self.post(person, "/conversations", group).await;
        made["id"].as_str().unwrap().to_owned()
    }

    /// Who is found, seen online, suggested, or asked.
    async fn sees_anywhere(&self, person: &Person, whom: &Person) -> Vec<&'static str> {
        let id = whom.id.to_string();
        let mut seen = Vec::new();
        for (name, path) in [
            ("search", format!("/users?query={}", whom.name)),
            ("search by address", format!("/users?query={}@test.example", whom.name)),
            ("friends", "/friends".to_owned()),
            ("requests to", "/friends/requests?direction=in".to_owned()),
            ("requests by", "/friends/requests?direction=out".to_owned()),
            ("suggestions", "/friends/suggestions".to_owned()),
            ("online", "/chat/online-users".to_owned()),
        ] {
            let (status, body) = self.get(person, &path).await;
            assert_eq!(status, 200, "{name}: {body}");
            if body.to_string().contains(&id) {
                seen.push(name);
            }
        }
        seen
    }
}

each_mix!(who_is_blocked_gets_what_they_would_of_nobody, |home| async move {
    let (scene, mut a, mut b) = Scene::new(&home).await;
    let Scene { server, ana, bob, direct, group, invite, .. } = &scene;
    let nobody = Uuid::from_u128(7);
    let (status, blocked) = scene.post(ana, &format!("/friends/{}/block", bob.id), Value::Null).await;
    assert_eq!((status, &blocked["status"], &blocked["user"]["id"]), (200, &json!("blocked"), &json!(bob.id)));
    a.fence().await;

    // Whatever names her: as if she had never been.
    let of_her = scene.concerning(bob, ana.id).await;
    let of_nobody = scene.concerning(bob, nobody).await;
    for ((path, hers), (_, nobodys)) in of_her.iter().zip(&of_nobody) {
        assert_eq!((hers, hers.0), (nobodys, 404), "{path}");
    }
    assert_eq!(scene.sees_anywhere(bob, ana).await, Vec::<&str>::new());
    let accept = plain(scene.post(bob, &format!("/invites/{invite}/accept"), Value::Null).await);
    let unheard_of = plain(scene.post(bob, "/invites/AAECAwQFBgcICQoLDA0ODw/accept", Value::Null).await);
    assert_eq!(accept, unheard_of);
    let presences = server.presences(bob, &[ana.id, nobody]).await;
    let without_id = |presence: &Value| {
        let mut presence = presence.clone();
        presence.as_object_mut().unwrap().remove("userId");
        presence
    };
    assert_eq!(without_id(&presences[0]), without_id(&presences[1]), "she is away, like nobody");

    // In the conversation of the two, he cannot write: the answer is the one for anybody who cannot be reached.
    let say = json!({"conversationId": direct, "content": "why?"});
    let typing = json!({"conversationId": direct});
    let signal = json!({"conversationId": direct, "name": "wave", "payload": {}});
    let call = json!({"conversationId": direct, "callType": "VOICE"});
    for (cmd, data) in
        [("message.send", &say), ("typing.start", &typing), ("signal.send", &signal), ("call.initiate", &call)]
    {
        let problem = b.refused(cmd, data.clone()).await;
        assert_eq!((&problem["status"], &problem["code"]), (&json!(403), &json!("cannot_message")), "{cmd}");
        let hers = a.refused(cmd, data.clone()).await;
        assert_eq!((&hers["status"], &hers["code"]), (&json!(409), &json!("blocked_by_you")), "{cmd}");
    }
    let (status, history) = scene.get(bob, &format!("/conversations/{direct}/messages")).await;
    assert_eq!((status, history["items"].as_array().unwrap().len()), (200, 2), "what was said stays");
    let first = history["items"][1]["id"].as_str().unwrap();
    let react = json!({"messageId": first, "emoji": "👍"});
    assert_eq!(b.refused("message.react", react).await["code"], "cannot_message");
    let again = json!({"type": "direct", "members": [ana.id]});
    let (status, there) = scene.post(bob, "/conversations", again).await;
    assert_eq!((status, &there["id"]), (200, &json!(direct)), "it is there as it was");

    // The other's receipts are not pushed.
    let read = json!({"conversationId": direct, "upTo": 2});
    assert_eq!(a.ok("message.read", read.clone()).await["readSeq"], 2);
    a.ok("message.delivered", read.clone()).await;
    b.ok("message.read", read).await;
    let (of_b, _) = b.fence().await;
    let names_of_b = names(&of_b);
    assert!(!names_of_b.contains(&"friend.blocked"), "{names_of_b:?}");
    let receipts: Vec<_> = of_b.iter().filter(|push| push["event"].as_str().unwrap().starts_with("receipt.")).collect();
    assert!(receipts.iter().all(|push| push["data"]["userId"] == json!(bob.id)), "{receipts:?}");
    let (of_a, _) = a.fence().await;
    let of_a = in_order(of_a);
    assert!(of_a.iter().all(|push| {
        !push["event"].as_str().unwrap().starts_with("receipt.") || push["data"]["userId"] == json!(ana.id)
    }));

    // In the group that they share, both go on as before.
    b.say(group, "to all").await;
    let (arrived, _) = a.fence().await;
    assert!(arrived.iter().any(|push| push["data"]["content"] == "to all"));
    let mention = json!({"conversationId": group, "content": "you", "mentions": [ana.id]});
    b.ok("message.send", mention).await;

    // She sees whom she blocked, and may change her mind.
    assert_eq!(scene.get(ana, &format!("/users/{}", bob.id)).await.0, 200);
    assert_eq!(scene.sees_anywhere(ana, bob).await, Vec::<&str>::new());
    let (_, list) = scene.get(ana, "/friends/blocked").await;
    assert_eq!(list["items"][0]["user"]["id"], json!(bob.id));
    for (path, body, word) in [
        ("/friends".to_owned(), json!({"userId": bob.id}), "blocked_by_you"),
        ("/conversations".to_owned(), json!({"type": "group", "title": "x", "members": [bob.id]}), "blocked_by_you"),
    ] {
        let (status, problem) = scene.post(ana, &path, body).await;
        assert_eq!((status, &problem["code"]), (409, &json!(word)), "{path}");
    }
    let (status, _) = scene.post(ana, &format!("/friends/{}/unblock", bob.id), Value::Null).await;
    assert_eq!(status, StatusCode::NO_CONTENT.as_u16());
    b.say(direct, "back again").await;
    assert_eq!(scene.get(bob, &format!("/users/{}", ana.id)).await.0, 200);
    scene.server.stop().await;
});

each_mix!(a_block_with_a_lead_makes_an_invitation_as_if_it_were_not, |home| async move {
    let server = Server::start(&home).await;
    let [ana, bob, cyd] = [server.register("ana").await, server.register("bob").await, server.register("cyd").await];
    server.prefers(&bob, json!({"reachableBy": {"groups": "friends"}})).await;
    let group = json!({"type": "group", "title": "Us", "joining": "approval", "members": [bob.id]});
    let group = server.write(&ana, "/conversations", group).await["id"].as_str().unwrap().to_owned();
    let path = format!("/conversations/{group}");
    server.write(&cyd, &format!("{path}/join"), json!({})).await;
    let mut sockets = [server.connect(&bob, None).await, server.connect(&cyd, None).await];
    let is_there = async |wanted: bool| {
        let count = usize::from(wanted);
        for (person, status) in [(&bob, "invited"), (&cyd, "pending")] {
            let of = format!("{path}/members?status={status}");
            assert_eq!(server.read(&ana, &of).await["items"].as_array().unwrap().len(), count, "{status}");
            let listed = server.read(person, "/conversations").await.to_string();
            assert_eq!(listed.contains(&group), wanted, "{status}");
            if wanted {
                server.get(person, &path).await.ok();
            } else {
                server.get(person, &path).await.refused(404, "not_found");
                server.post(person, &format!("{path}/join"), json!({})).await.refused(404, "not_found");
                server.post(person, &format!("{path}/leave"), json!({})).await.refused(404, "not_found");
            }
        }
    };
    is_there(true).await;
    for (by, whom) in [(&ana, &bob), (&cyd, &ana)] {
        server.write(by, &format!("/friends/{}/block", whom.id), json!({})).await;
    }
    for socket in &mut sockets {
        socket.fence().await;
    }
    is_there(false).await;
    server.post(&ana, &format!("{path}/approve"), json!({"userId": cyd.id})).await.refused(409, "no_request");
    server.call(&ana, Method::PATCH, &path, json!({"title": "Secret"})).await.expect(StatusCode::OK);
    server.call(&ana, Method::DELETE, &path, Value::Null).await.expect(StatusCode::NO_CONTENT);
    for socket in &mut sockets {
        let seen = socket.fence().await.0;
        assert!(seen.iter().all(|push| !push.to_string().contains(&group)), "{seen:?}");
    }
    server.stop().await;
});
