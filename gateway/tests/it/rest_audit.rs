//! The audit log over REST.

use crate::support::{Person, Server, config};
use audit::SignedHead;
use config::{Config, Role};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use sql::{Database, Engine, query};
use std::time::Duration;
use testkit::{each_engine, each_mix};
use uuid::Uuid;

pub(crate) async fn ok(server: &Server, person: &Person, path: &str) -> Value {
    server.get(person, path).await.expect(StatusCode::OK)
}

fn positions(page: &Value) -> Vec<u64> {
    page["items"].as_array().unwrap().iter().map(|event| event["position"].as_u64().unwrap()).collect()
}

fn types(events: &Value) -> Vec<&str> {
    events.as_array().unwrap().iter().map(|event| event["type"].as_str().unwrap()).collect()
}

each_mix!(administrators_alone_read_the_log_and_that_is_recorded, |home| async move {
    let server = Server::start(&home).await;
    let (root, ana) = (server.administrator().await, server.register("ana").await);
    let room = server.conversation(&ana, "group", &[]).await;
    let said = server.text(&ana, &room, "meet me at the mill").await;
    let said = said["position"].as_u64().unwrap();
    let paths = [
        "/admin/audit/events".to_owned(),
        format!("/admin/audit/events/{said}"),
        format!("/admin/audit/conversation/{room}"),
        format!("/admin/audit/conversations/{room}/viewers"),
        "/admin/audit/export".to_owned(),
        "/admin/audit/head".to_owned(),
        "/admin/audit/verify".to_owned(),
    ];
    let before = server.head().await;
    for path in &paths {
        server.get(&ana, path).await.refused(403, "admin_only");
        server.send(server.request(Method::GET, path, None)).await.refused(401, "unauthenticated");
    }
    assert_eq!(server.head().await, before, "who may not read leaves no trace of having read");
    for path in &paths {
        let answer = server.request(Method::GET, path, Some(&root.token)).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
    }
    let read = ok(&server, &root, &format!("/admin/audit/events?type=audit.read&scope={}", root.id)).await;
    let what = |event: &Value| event["payload"]["what"].as_str().unwrap().to_owned();
    let what: Vec<_> = read["items"].as_array().unwrap().iter().map(what).collect();
    assert_eq!(what, ["verify", "head", "export", "viewers", "state", "event", "events"]);
    assert_eq!(read["items"][5]["payload"]["filters"], json!({"position": said.to_string()}));
    assert_eq!(read["items"][5]["actorId"], json!(root.id));
    server.stop().await;
});

each_mix!(pages_and_files_of_events_end_by_bytes, |home| async move {
    let server = Server::start(&home).await;
    let (root, ana) = (server.administrator().await, server.register("ana").await);
    let room = server.conversation(&ana, "group", &[]).await;
    let text = "\u{e9}".repeat(4_000);
    let mut sent = Vec::new();
    for n in 0..130 {
        let message = server.text(&ana, &room, &format!("{text}{n}")).await;
        sent.push(message["position"].as_u64().unwrap());
    }
    let path = format!("/admin/audit/events?type=message.sent&scope={room}&limit=200");
    let (mut walked, mut pages, mut after) = (Vec::new(), 0, String::new());
    loop {
        let page = ok(&server, &root, &format!("{path}{after}")).await;
        assert!(page.to_string().len() < 2 << 20);
        walked.extend(positions(&page));
        pages += 1;
        match page["next"].as_str() {
            Some(next) => after = format!("&after={next}"),
            None => break,
        }
    }
    walked.reverse();
    assert_eq!(walked, sent);
    assert!((2..=3).contains(&pages), "{pages}");
    let path = format!("/admin/audit/export?type=message.sent&scope={room}");
    let file = server.request(Method::GET, &path, Some(&root.token)).send().await.unwrap().text().await.unwrap();
    let lines = file.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["position"].as_u64().unwrap());
    assert_eq!(lines.collect::<Vec<_>>(), sent);
    server.stop().await;
});

each_mix!(events_are_filtered_paged_and_opened, |home| async move {
    let server = Server::start(&home).await;
    let (root, ana, ben) = (server.administrator().await, server.register("ana").await, server.register("ben").await);
    let room = server.conversation(&ana, "group", &[&ben]).await;
    let mut sent = Vec::new();
    for n in 0..5 {
        let by = if n % 2 == 0 { &ana } else { &ben };
        sent.push(server.text(by, &room, &format!("number {n}")).await["position"].as_u64().unwrap());
    }
    sent.reverse();
    let path = format!("/admin/audit/events?type=message.sent&scope={room}");
    let all = ok(&server, &root, &path).await;
    assert_eq!((positions(&all), &all["next"]), (sent.clone(), &Value::Null));
    assert!(all["indexedTo"].as_u64().unwrap() >= sent[0]);
    let newest = &all["items"][0];
    assert_eq!(newest["payload"]["content"], json!({"$personal": ana.id, "value": {"body": "number 4"}}));
    for (field, value) in [
        ("aggregateType", json!("message")),
        ("sequence", json!(1)),
        ("version", json!(1)),
        ("scope", json!(room)),
        ("scopeSeq", json!(5)),
        ("actorId", json!(ana.id)),
        ("causationId", Value::Null),
        ("tier", json!("high")),
    ] {
        assert_eq!(newest[field], value, "{field}");
    }
    assert_eq!(newest["digest"].as_str().unwrap().len(), 64);

    let first = ok(&server, &root, &format!("{path}&limit=2")).await;
    let next = first["next"].as_str().unwrap().to_owned();
    let second = ok(&server, &root, &format!("{path}&limit=2&after={next}")).await;
    let third = ok(&server, &root, &format!("{path}&limit=2&after={}", second["next"].as_str().unwrap())).await;
    assert_eq!([positions(&first), positions(&second), positions(&third)].concat(), sent);
    assert_eq!(third["next"], Value::Null);
    // A token is good for its own question, and as it was given.
    let other = format!("/admin/audit/events?type=message.sent&after={next}");
    server.get(&root, &other).await.refused(422, "invalid");
    let tampered = server.get(&root, &format!("{path}&after=B{}", &next[1..])).await;
    assert_eq!(tampered.refused(422, "invalid").faults(), [("after", "malformed")]);

    let unknown = server.request(Method::GET, "/admin/audit/events?aggregateType=null", Some(&root.token));
    server.send(unknown).await.refused(422, "invalid");
    let by_ben = ok(&server, &root, &format!("/admin/audit/events?actor={}&aggregateType=message", ben.id)).await;
    assert_eq!(positions(&by_ben), [sent[1], sent[3]]);
    let correlation = newest["correlationId"].as_str().unwrap();
    let of_request = ok(&server, &root, &format!("/admin/audit/events?correlationId={correlation}")).await;
    assert_eq!(positions(&of_request), [sent[0]]);
    let message = newest["aggregateId"].as_str().unwrap();
    let path = format!("/admin/audit/events?aggregateType=message&aggregateId={message}");
    assert_eq!(positions(&ok(&server, &root, &path).await), [sent[0]]);
    let between = format!("type=message.sent&fromPosition={}&toPosition={}", sent[3], sent[1]);
    assert_eq!(positions(&ok(&server, &root, &format!("/admin/audit/events?{between}")).await), sent[1..4]);
    let (from, to) = (all["items"][3]["at"].as_str().unwrap(), all["items"][1]["at"].as_str().unwrap());
    let timed = ok(&server, &root, &format!("/admin/audit/events?type=message.sent&from={from}&to={to}")).await;
    let found = positions(&timed);
    assert!(sent[1..4].iter().all(|position| found.contains(position)), "{found:?}");

    for (query, field) in [
        ("actor=me", "actor"),
        ("type=Message%20Sent", "type"),
        ("aggregateId=1", "aggregateId"),
        ("from=yesterday", "from"),
        ("toPosition=-1", "toPosition"),
        ("limit=0", "limit"),
    ] {
        let refused = server.get(&root, &format!("/admin/audit/events?{query}")).await;
        assert_eq!(refused.refused(422, "invalid").faults()[0].0, field);
    }
    server.app.store.destroy_data_key(ana.id).await.unwrap();
    let forgotten = ok(&server, &root, &format!("/admin/audit/events?type=message.sent&actor={}", ana.id)).await;
    let content = &forgotten["items"][0]["payload"]["content"];
    assert_eq!(content, &json!({"$personal": ana.id, "value": null, "forgotten": true}));
    server.stop().await;
});

each_mix!(an_event_is_shown_with_its_causes_and_effects, |home| async move {
    let server = Server::start(&home).await;
    let (root, ana, ben) = (server.administrator().await, server.register("ana").await, server.register("ben").await);
    let room = server.conversation(&ana, "group", &[]).await;
    let left = server.post(&ana, &format!("/conversations/{room}/leave"), Value::Null).await.position();
    // Nobody is left: a reactor deletes it.
    let path = format!("/admin/audit/events/{left}");
    let is_done = |answer: &Value| {
        let reactors = answer["passed"]["reactors"].as_array().unwrap();
        answer["effects"][0]["type"] == "conversation.deleted"
            && reactors.iter().all(|reactor| reactor["passed"] == true)
            && answer["passed"]["graph"]["passed"] == true
    };
    let explained = server.get_until(&root, &path, is_done).await;
    assert_eq!(explained["event"]["type"], "member.left");
    assert_eq!(explained["command"]["actorId"], json!(ana.id));
    assert_eq!(types(&explained["command"]["events"]), ["conversation.deleted"]);
    assert_eq!((&explained["causes"], &explained["moreEffects"]), (&json!([]), &json!(false)));
    let projections = explained["passed"]["projections"].as_array().unwrap();
    assert_eq!(projections.len(), 1);
    assert_eq!((&projections[0]["name"], &projections[0]["passed"]), (&json!("conversations"), &json!(true)));
    assert_eq!(projections[0]["parked"], Value::Null);
    assert_eq!(explained["passed"]["auditIndex"]["passed"], true);

    let deleted = explained["effects"][0]["position"].as_u64().unwrap();
    let explained = ok(&server, &root, &format!("/admin/audit/events/{deleted}")).await;
    assert_eq!(explained["causes"][0]["position"], left);
    assert_eq!(explained["event"]["causationId"], left);

    let room = server.conversation(&ana, "group", &[&ben]).await;
    let said = server.text(&ana, &room, "hello").await["position"].as_u64().unwrap();
    server.post(&ben, &format!("/conversations/{room}/read"), json!({"upTo": 1})).await;
    let explained = ok(&server, &root, &format!("/admin/audit/events/{said}")).await;
    let markers = explained["markers"].as_array().unwrap();
    assert_eq!(markers.len(), 1, "{explained}");
    assert_eq!((&markers[0]["userId"], &markers[0]["readSeq"]), (&json!(ben.id), &json!(1)));
    assert!(markers[0]["readAt"].is_string());
    for nothing in ["0", "99999999"] {
        server.get(&root, &format!("/admin/audit/events/{nothing}")).await.refused(404, "not_found");
    }
    let reply = server.get(&root, "/admin/audit/events/x").await;
    assert_eq!(reply.refused(422, "invalid").faults(), [("position", "malformed")]);
    server.stop().await;
});

each_engine!(states_and_audiences_are_shown_as_they_were, |home| async move {
    let server = Server::start(&home).await;
    let (root, ana, ben) = (server.administrator().await, server.register("ana").await, server.register("ben").await);
    let created = json!({"type": "group", "members": [ben.id]});
    let created = server.post(&ana, "/conversations", created).await;
    let (opened, created) = (created.position(), created.expect(StatusCode::CREATED));
    let room = created["id"].as_str().unwrap();
    let said = server.text(&ana, room, "one").await;
    let (message, sent) = (said["id"].as_str().unwrap(), said["position"].as_u64().unwrap());
    let edit = server.call(&ana, Method::PATCH, &format!("/messages/{message}"), json!({"content": "two"})).await;
    let edited = edit.position();
    let state = async |at: &str| ok(&server, &root, &format!("/admin/audit/message/{message}{at}")).await;
    let body = |answer: &Value| answer["state"]["sent"]["content"]["body"].clone();
    let now = state("").await;
    assert_eq!((body(&now), &now["version"], &now["position"]), (json!("two"), &json!(2), &json!(edited)));
    let then = state(&format!("?at={sent}")).await;
    assert_eq!((body(&then), &then["version"]), (json!("one"), &json!(1)));
    let by_time = state(&format!("?at={}", now["at"].as_str().unwrap())).await;
    assert_eq!(body(&by_time), "two");
    for (path, status, code) in [
        (format!("message/{message}?at=1"), 404, "not_found"),
        (format!("message/{room}"), 404, "not_found"),
        (format!("massage/{message}"), 404, "not_found"),
        ("message/x".to_owned(), 422, "invalid"),
        (format!("message/{message}?at=soon"), 422, "invalid"),
    ] {
        server.get(&root, &format!("/admin/audit/{path}")).await.refused(status, code);
    }

    let kicked = server.post(&ana, &format!("/conversations/{room}/kick"), json!({"userId": ben.id})).await.position();
    let viewers = async |at: &str| {
        let answer = ok(&server, &root, &format!("/admin/audit/conversations/{room}/viewers{at}")).await;
        let who = |viewer: &Value| {
            assert_eq!(viewer["since"]["position"], opened);
            (viewer["userId"].as_str().unwrap().to_owned(), viewer["until"]["position"].as_u64())
        };
        let mut who: Vec<_> = answer["items"].as_array().unwrap().iter().map(who).collect();
        who.sort();
        who
    };
    let of = |left: Option<u64>| {
        let mut both = vec![(ana.id.to_string(), None), (ben.id.to_string(), left)];
        both.sort();
        both
    };
    assert_eq!(viewers("").await, [(ana.id.to_string(), None)]);
    assert_eq!(viewers(&format!("?at={}", kicked + 1)).await, [(ana.id.to_string(), None)]);
    assert_eq!(viewers(&format!("?at={kicked}")).await, of(Some(kicked)), "the event by which they left is theirs");
    assert_eq!(viewers(&format!("?at={}", kicked - 1)).await, of(None));
    assert_eq!(viewers(&format!("?at={}", opened - 1)).await, []);
    assert_eq!(viewers("?at=2020-01-01T00:00:00Z").await, []);
    let nowhere = format!("/admin/audit/conversations/{}/viewers", Uuid::nil());
    server.get(&root, &nowhere).await.refused(404, "not_found");
    server.stop().await;
});

/// What the database refuses, somebody who owns it can still do.
async fn meddle(config: &Config, position: u64) {
    let log = Database::connect(&config.log_location(), 1).await.unwrap();
    let disarm = match log.engine() {
        Engine::Sqlite => "DROP TRIGGER events_no_update",
        Engine::Postgres => "ALTER TABLE events DISABLE TRIGGER ALL",
    };
    log.execute(query(disarm)).await.unwrap();
    let change = query("UPDATE events SET recorded_at = recorded_at + 1 WHERE position = $1");
    assert_eq!(log.execute(change.bind(position)).await.unwrap(), 1);
    log.close().await;
}

each_engine!(the_head_is_signed_and_the_chain_verified, |home| async move {
    let server = Server::start(&home).await;
    let (root, ana) = (server.administrator().await, server.register("ana").await);
    let room = server.conversation(&ana, "group", &[]).await;
    let said = server.text(&ana, &room, "hello").await["position"].as_u64().unwrap();
    let head = ok(&server, &root, "/admin/audit/head").await;
    for field in ["position", "chain", "at", "keyId", "signature"] {
        assert!(!head[field].is_null(), "{field}");
    }
    let mut signed: SignedHead = serde_json::from_value(head).unwrap();
    assert!(signed.position > said && server.app.heads.has_signed(&signed));
    assert_eq!(signed.incarnation, server.app.store.incarnation());
    signed.position -= 1;
    assert!(!server.app.heads.has_signed(&signed));

    let sound = ok(&server, &root, "/admin/audit/verify").await;
    assert_eq!((&sound["ok"], &sound["from"], &sound["next"]), (&json!(true), &json!(1), &Value::Null));
    assert_eq!((&sound["firstBad"], &sound["faults"]), (&Value::Null, &json!([])));
    assert_eq!(sound["to"], sound["head"]);
    server.get(&root, "/admin/audit/verify?after=AAAA").await.refused(422, "invalid");
    meddle(&config(&home), said).await;
    let bad = ok(&server, &root, "/admin/audit/verify").await;
    assert_eq!((&bad["ok"], &bad["firstBad"]), (&json!(false), &json!(said)), "{bad}");
    server.stop().await;
});

each_engine!(a_read_waits_for_the_position_it_names, |home| async move {
    let server = Server::start(&home).await;
    let (root, ana) = (server.administrator().await, server.register("ana").await);
    let room = server.conversation(&ana, "group", &[]).await;
    let said = server.text(&ana, &room, "hello").await["position"].as_u64().unwrap();
    let path = format!("/admin/audit/events?scope={room}&limit=1");
    let request = server.request(Method::GET, &path, Some(&root.token)).header("X-ChatChit-Position", said);
    let page = server.send(request).await.expect(StatusCode::OK);
    assert_eq!(positions(&page), [said]);
    let request = server.request(Method::GET, &path, Some(&root.token)).header("X-ChatChit-Position", "soon");
    server.send(request).await.refused(400, "malformed");
    server.stop().await;

    // Nobody fills the index here: what is there is answered, and what is asked for by name is not there yet.
    let alone = Config { role: Role::Gateway, wait: Duration::from_millis(1), ..config(&home) };
    let server = Server::start_with(alone).await;
    let before = ok(&server, &root, "/admin/audit/events?limit=1").await["indexedTo"].as_u64().unwrap();
    let head = server.head().await;
    assert!(before < head);
    let request = server.request(Method::GET, &path, Some(&root.token)).header("X-ChatChit-Position", head);
    server.send(request).await.refused(503, "audit_index_behind");
    server.stop().await;
});
