//! Running a group, through each way in: who asks is let in or turned down, leads come and go, and one always stays.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod sio_support;
mod ws_support;

use reqwest::Method;
use serde_json::{Value, json};
use sio_support::{Sio, Transport};
use testkit::each_mix;
use ws_support::{Client, Person, Server, in_order, names, soon};

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
                let request = request.bearer_auth(&person.token).json(&data);
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
    let page = server.get(&format!("/conversations/{room}/members?status=pending"), person).await;
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
        let group = server.post("/conversations", Some(&ana.token), group).await;
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
        let now = server.get(&format!("/conversations/{room}"), &ana).await;
        assert_eq!((&now["myRole"], &now["memberCount"]), (&json!("lead"), &json!(2)));
    }
    server.stop().await;
});
