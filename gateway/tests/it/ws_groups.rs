//! Running a group, through each way in: who asks is let in or turned down, leads come and go, and one always stays.

use crate::support::{
    Client, Person, Server, in_order, names,
    sio::{Sio, Transport},
    soon,
};
use reqwest::Method;
use serde_json::{Value, json};
use testkit::each_mix;

/// A way in.
enum Way {
    Rest(Person),
    Plain(Box<Client>),
    SocketIo(Box<Sio>),
}

impl Way {
    /// The word of the refusal, or `ok`.
    async fn does(&mut self, server: &Server, cmd: &str, data: Value) -> String {
        let answer = match self {
            Self::Rest(person) => {
                let (_, act) = cmd.split_once('.').unwrap();
                let path = format!("/conversations/{}/{act}", data["conversationId"].as_str().unwrap());
                let request = reqwest::Client::new().request(Method::POST, format!("http://{}{path}", server.address));
                let body = json!({"userId": data["userId"]});
                let body = if data["userId"].is_null() { json!({}) } else { body };
                let request = request.bearer_auth(&person.token).json(&body);
                let response = soon(&path, request.send()).await.unwrap();
                let failed = !response.status().is_success();
                let body: Value = serde_json::from_str(&response.text().await.unwrap()).unwrap_or_default();
                if failed { json!({"error": body}) } else { json!({"ok": body}) }
            }
            Self::Plain(client) => {
                let id = client.issue(cmd, data).await;
                client.reply(&id).await
            }
            Self::SocketIo(client) => client.ask("cmd", json!({"cmd": cmd, "data": data})).await,
        };
        answer["error"]["code"].as_str().unwrap_or("ok").to_owned()
    }
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    Rest,
    Plain,
    SocketIo,
}

async fn way(server: &Server, person: &Person, kind: Kind) -> Way {
    match kind {
        Kind::Rest => Way::Rest(person.clone()),
        Kind::Plain => Way::Plain(Box::new(server.connect(person, None).await)),
        Kind::SocketIo => Way::SocketIo(Box::new(Sio::connect(server, person, None, Transport::WebSocket).await)),
    }
}

async fn asked(server: &Server, person: &Person, room: &str) -> Vec<Value> {
    let page = server.read(person, &format!("/conversations/{room}/members?status=pending")).await;
    page["items"].as_array().unwrap().iter().map(|member| member["user"]["id"].clone()).collect()
}

each_mix!(a_group_is_run_the_same_through_each_way_in, |home| async move {
    let server = Server::start(&home).await;
    for kind in [Kind::Rest, Kind::Plain, Kind::SocketIo] {
        let [ana, ben, cyd, dan] = [
            server.register(&format!("ana{kind:?}")).await,
            server.register(&format!("ben{kind:?}")).await,
            server.register(&format!("cyd{kind:?}")).await,
            server.register(&format!("dan{kind:?}")).await,
        ];
        let mut hears = server.connect(&ana, None).await;
        let group = json!({"type": "group", "title": "Us", "members": [ben.id], "approval": true});
        let group = server.write(&ana, "/conversations", group).await;
        let room = group["id"].as_str().unwrap().to_owned();
        let mut ways = [
            way(&server, &ana, kind).await,
            way(&server, &ben, kind).await,
            way(&server, &cyd, kind).await,
            way(&server, &dan, kind).await,
        ];
        let people = [&ana, &ben, &cyd, &dan];
        let steps: [(usize, &str, Option<usize>, &str); 24] = [
            (2, "join", None, "ok"),
            (3, "join", None, "ok"),
            (1, "approve", Some(2), "lead_only"),
            (2, "approve", Some(2), "not_found"),
            (2, "mute", None, "not_found"),
            (0, "approve", Some(2), "ok"),
            (0, "approve", Some(2), "no_request"),
            (0, "reject", Some(3), "ok"),
            (0, "reject", Some(3), "no_request"),
            (1, "promote", Some(1), "lead_only"),
            (1, "add", Some(3), "lead_only"),
            (0, "promote", Some(3), "not_member"),
            (0, "promote", Some(1), "ok"),
            (1, "demote", Some(0), "ok"),
            (1, "demote", Some(1), "last_lead"),
            (0, "kick", Some(2), "lead_only"),
            (1, "kick", Some(1), "invalid"),
            (1, "kick", Some(2), "ok"),
            (2, "leave", None, "not_found"),
            (2, "kick", Some(0), "not_found"),
            (1, "leave", None, "ok"),
            (0, "promote", Some(1), "not_member"),
            (0, "add", Some(3), "ok"),
            (3, "kick", Some(0), "lead_only"),
        ];
        for (n, (who, act, whom, want)) in steps.into_iter().enumerate() {
            if n == 2 {
                // All members see who asks; leads alone decide.
                for member in [&ana, &ben] {
                    let want = [json!(dan.id), json!(cyd.id)];
                    assert_eq!(asked(&server, member, &room).await, want);
                }
            }
            let mut data = json!({"conversationId": room});
            if let Some(whom) = whom {
                data["userId"] = json!(people[whom].id);
            }
            let word = ways[who].does(&server, &format!("conversation.{act}"), data).await;
            assert_eq!(word, want, "{kind:?}: step {n}, {act}");
        }
        let (pushes, _) = hears.fence().await;
        let pushes = in_order(pushes);
        let members: Vec<_> = names(&pushes).into_iter().filter(|name| name.starts_with("member.")).collect();
        let want = [
            "member.requested",
            "member.requested",
            "member.approved",
            "member.rejected",
            "member.promoted",
            "member.demoted",
            "member.kicked",
            // Who came first of those who stay leads.
            "member.promoted",
            "member.left",
            "member.added",
        ];
        assert_eq!(members, want);
        let now = server.read(&ana, &format!("/conversations/{room}")).await;
        assert_eq!((&now["myRole"], &now["memberCount"]), (&json!("lead"), &json!(2)));
    }
    server.stop().await;
});

/// All but those of the fence.
fn of_members(pushes: Vec<Value>) -> Vec<Value> {
    let is_own = |push: &Value| {
        let data = &push["data"];
        data["title"] == "fence" || data["content"] == "fence"
    };
    in_order(pushes).into_iter().filter(|push| !is_own(push) && push["event"] != "receipt.read").collect()
}

each_mix!(the_invited_see_nothing_until_they_join, |home| async move {
    let server = Server::start(&home).await;
    for kind in [Kind::Rest, Kind::Plain, Kind::SocketIo] {
        let [ana, ben, cyd] = [
            server.register(&format!("ana{kind:?}")).await,
            server.register(&format!("ben{kind:?}")).await,
            server.register(&format!("cyd{kind:?}")).await,
        ];
        let friends = json!({"reachableBy": {"messages": "friends", "groups": "friends", "calls": "friends"}});
        server.prefers(&ben, friends).await;
        let mut hears = server.connect(&ben, None).await;
        let group = json!({"type": "group", "title": "Us", "members": [ben.id, cyd.id]});
        let group = server.write(&ana, "/conversations", group).await;
        assert_eq!(group["memberCount"], 2);
        let room = group["id"].as_str().unwrap().to_owned();
        let said = json!({"messageType": "TEXT", "content": "a secret"});
        let path = format!("/conversations/{room}/messages");
        let said = server.write(&ana, &path, said).await;

        let (pushes, position) = hears.fence().await;
        let pushes = of_members(pushes);
        assert_eq!(names(&pushes), ["member.invited"]);
        let received = &pushes[0]["data"];
        assert_eq!((&received["conversationId"], &received["userId"]), (&json!(room), &json!(ben.id)));
        assert_eq!((&received["member"]["status"], &received["memberCount"]), (&json!("invited"), &json!(2)));
        let mine = server.read_at(&ben, &format!("/conversations/{room}"), position).await;
        assert_eq!((&mine["myStatus"], &mine["title"]), (&json!("invited"), &json!("Us")));
        assert_eq!((&mine["lastMessage"], &mine["lastSeq"], &mine["unread"]), (&Value::Null, &json!(0), &json!(0)));
        let listed = server.read(&ben, "/conversations").await;
        assert!(listed["items"].as_array().unwrap().iter().any(|listed| listed["myStatus"] == "invited"));
        let members = server.read(&cyd, &format!("/conversations/{room}/members?status=invited")).await;
        assert_eq!(members["items"][0]["user"]["id"], json!(ben.id));
        for hidden in [path.clone(), format!("/messages/{}", said["id"].as_str().unwrap())] {
            let request = reqwest::Client::new().get(format!("http://{}{hidden}", server.address));
            let response = soon(&hidden, request.bearer_auth(&ben.token).send()).await.unwrap();
            assert_eq!(response.status(), 404, "{hidden}");
        }

        let mut ways = [way(&server, &ana, kind).await, way(&server, &ben, kind).await];
        let here = json!({"conversationId": room});
        let whom = json!({"conversationId": room, "userId": ben.id});
        assert_eq!(ways[1].does(&server, "conversation.leave", here.clone()).await, "ok");
        assert_eq!(ways[0].does(&server, "conversation.add", whom.clone()).await, "has_left");
        let other = server.write(&ana, "/conversations", json!({"type": "group", "members": []})).await;
        let here = json!({"conversationId": other["id"]});
        let whom = json!({"conversationId": other["id"], "userId": ben.id});
        assert_eq!(ways[0].does(&server, "conversation.add", whom).await, "ok");
        assert_eq!(ways[1].does(&server, "conversation.join", here).await, "ok");
        let (pushes, position) = hears.fence().await;
        let want = ["member.left", "member.invited", "member.joined"];
        assert_eq!(names(&of_members(pushes)), want, "{kind:?}");
        let now = server.read_at(&ben, &format!("/conversations/{}", other["id"].as_str().unwrap()), position).await;
        assert_eq!((&now["myStatus"], &now["memberCount"]), (&json!("active"), &json!(2)));
    }
    server.stop().await;
});
