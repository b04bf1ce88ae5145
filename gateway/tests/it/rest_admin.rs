//! What administrators see and do.

use crate::support::{PASSWORD, Person, Server};
use domain::{AggregateType, ConversationId, Event, conversation::ConversationEvent};
use event_store::{Append, CommandKey, NewEvent, Origin, Retention, Selection, StreamId};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use testkit::each_mix;

const NOBODY: &str = "00000000-0000-7000-8000-000000000000";

fn account(person: &Person) -> String {
    format!("/admin/accounts/{}", person.id)
}

async fn acts(server: &Server) -> Vec<String> {
    let events = server.app.store.read_after(0, &Selection::All, 1_000).await.unwrap();
    let acted = events.iter().filter(|event| event.record.event_type == "administration.acted");
    acted.map(|event| event.record.payload.clone()).collect()
}

each_mix!(only_administrators_administer, |home| async move {
    let server = Server::start(&home).await;
    let (root, ana, mia) = (server.administrator().await, server.register("ana").await, server.register("mia").await);
    server.call(&root, Method::PATCH, &account(&mia), json!({"role": "MODERATOR"})).await.expect(StatusCode::OK);
    let reads = ["dashboard", "accounts", "conversations", "projections", "dead-letters"];
    let writes = [
        (Method::PATCH, account(&ana), json!({"isBlocked": true})),
        (Method::PATCH, account(&ana), json!({"isBlocked": 7})),
        (Method::DELETE, format!("/admin/conversations/{NOBODY}"), Value::Null),
        (Method::POST, "/admin/projections/messages/rebuild".to_owned(), Value::Null),
        (Method::POST, "/admin/dead-letters/messages:1/retry".to_owned(), Value::Null),
        (Method::POST, "/admin/dead-letters/messages:1/discard".to_owned(), Value::Null),
    ];
    for who in [&ana, &mia] {
        for path in reads {
            server.get(who, &format!("/admin/{path}")).await.refused(403, "admin_only");
        }
        for (method, path, body) in &writes {
            server.call(who, method.clone(), path, body.clone()).await.refused(403, "admin_only");
        }
    }
    for path in reads {
        server.send(server.request(Method::GET, &format!("/admin/{path}"), None)).await.refused(401, "unauthenticated");
        server.get(&root, &format!("/admin/{path}")).await.expect(StatusCode::OK);
    }
    server.stop().await;
});

each_mix!(an_account_is_blocked_and_given_a_role, |home| async move {
    let server = Server::start(&home).await;
    let (root, ana, ben) = (server.administrator().await, server.register("ana").await, server.register("ben").await);
    let change =
        async |by: &Person, of: &Person, change: Value| server.call(by, Method::PATCH, &account(of), change).await;
    change(&root, &root, json!({"role": "USER"})).await.refused(403, "not_oneself");
    change(&root, &root, json!({"isBlocked": true})).await.refused(403, "not_oneself");
    let blocked = change(&root, &ana, json!({"isBlocked": true})).await.expect(StatusCode::OK);
    assert_eq!((&blocked["isBlocked"], &blocked["email"]), (&json!(true), &json!("ana@test.example")));
    server.get(&ana, "/users/me").await.refused(403, "account_blocked");
    server.anonymous("/auth/refresh", json!({"refreshToken": ana.refresh})).await.refused(403, "account_blocked");
    let credentials = json!({"email": ana.email, "password": PASSWORD});
    server.anonymous("/auth/login", credentials).await.refused(403, "account_blocked");
    let unblocked = change(&root, &ana, json!({"isBlocked": false, "role": "ADMIN"})).await.expect(StatusCode::OK);
    assert_eq!((&unblocked["isBlocked"], &unblocked["role"]), (&json!(false), &json!("ADMIN")));
    server.get(&ana, "/users/me").await.expect(StatusCode::OK);
    // The new administrator takes the first one's role.
    change(&ana, &root, json!({"role": "MODERATOR"})).await.expect(StatusCode::OK);
    change(&root, &ben, json!({"isBlocked": true})).await.refused(403, "admin_only");
    assert_eq!(change(&ana, &ben, json!({})).await.expect(StatusCode::OK)["role"], "USER", "nothing changes");
    let faults = change(&ana, &ben, json!({"isBlocked": null, "role": "KING"})).await;
    assert_eq!(faults.refused(422, "invalid").faults(), [("isBlocked", "required"), ("role", "unknown_word")]);
    let nobody = format!("/admin/accounts/{NOBODY}");
    server.call(&ana, Method::PATCH, &nobody, json!({"isBlocked": true})).await.refused(404, "not_found");

    let found = async |query: &str| {
        let list = server.get(&ana, &format!("/admin/accounts?{query}")).await.expect(StatusCode::OK);
        let items = list["items"].as_array().unwrap().iter().map(|item| item["firstName"].as_str().unwrap().to_owned());
        items.collect::<Vec<_>>()
    };
    assert_eq!(found("").await, ["ben", "ana", "root"]);
    assert_eq!(found("query=BEN@").await, ["ben"]);
    assert_eq!(found("role=MODERATOR").await, ["root"]);
    assert!(found("isBlocked=true").await.is_empty());
    assert_eq!(found("role=ADMIN&isBlocked=false").await, ["ana"]);
    server.get(&ana, "/admin/accounts?isBlocked=maybe").await.refused(422, "invalid");
    let first = server.get(&ana, "/admin/accounts?limit=2").await.expect(StatusCode::OK);
    assert_eq!(found(&format!("after={}", first["next"].as_str().unwrap())).await, ["root"]);
    server.stop().await;
});

each_mix!(conversations_are_seen_from_outside_and_ended, |home| async move {
    let server = Server::start(&home).await;
    let (root, ana, ben) = (server.administrator().await, server.register("ana").await, server.register("ben").await);
    let room = server.conversation(&ana, "group", &[&ben]).await;
    let pair = server.conversation(&ana, "direct", &[&ben]).await;
    let sent = server.text(&ana, &room, "a secret").await;
    let list = server.get(&root, "/admin/conversations").await.expect(StatusCode::OK);
    let [direct, group] = list["items"].as_array().unwrap().as_slice() else { panic!("{list}") };
    assert_eq!((&direct["id"], &direct["type"], &direct["messageCount"]), (&json!(pair), &json!("direct"), &json!(0)));
    assert_eq!((&group["memberCount"], &group["messageCount"]), (&json!(2), &json!(1)));
    assert_eq!(group["lastActivity"], sent["createdAt"]);
    assert!(!list.to_string().contains("a secret"));
    let groups = server.get(&root, "/admin/conversations?type=group&limit=1").await.expect(StatusCode::OK);
    assert_eq!((&groups["items"][0]["id"], &groups["next"]), (&json!(room), &Value::Null));
    server.get(&root, "/admin/conversations?type=secret").await.refused(422, "invalid");

    for conversation in [&room, &pair] {
        let path = format!("/admin/conversations/{conversation}");
        server.call(&root, Method::DELETE, &path, Value::Null).await.expect(StatusCode::NO_CONTENT);
        server.call(&root, Method::DELETE, &path, Value::Null).await.refused(404, "not_found");
        server.get(&ana, &format!("/conversations/{conversation}")).await.refused(404, "not_found");
    }
    let again = json!({"type": "direct", "members": [ben.id]});
    server.post(&ana, "/conversations", again).await.refused(409, "already_exists");
    assert_eq!(server.get(&root, "/admin/conversations").await.expect(StatusCode::OK)["items"], json!([]));
    server.stop().await;
});

each_mix!(the_dashboard_counts, |home| async move {
    let server = Server::start(&home).await;
    let (root, ana, ben) = (server.administrator().await, server.register("ana").await, server.register("ben").await);
    let room = server.conversation(&ana, "group", &[&ben]).await;
    server.text(&ana, &room, "one").await;
    server.text(&ben, &room, "two").await;
    server.post(&ana, "/reports", json!({"userId": ben.id, "reason": "spam"})).await.expect(StatusCode::CREATED);
    server.call(&root, Method::PATCH, &account(&ben), json!({"isBlocked": true})).await.expect(StatusCode::OK);
    let dashboard = server.get(&root, "/admin/dashboard").await.expect(StatusCode::OK);
    assert_eq!(dashboard["accounts"], json!({"total": 3, "blocked": 1, "moderators": 0, "admins": 1}));
    assert_eq!(dashboard["conversations"], json!({"total": 1, "direct": 0, "groups": 1}));
    assert_eq!(dashboard["messages"]["total"], 2);
    assert!(dashboard["messages"]["today"].as_u64().unwrap() <= 2);
    assert_eq!([&dashboard["online"], &dashboard["openReports"], &dashboard["deadLetters"]], [0, 1, 0]);
    assert_eq!(dashboard["headPosition"], server.head().await);
    let names: Vec<_> = dashboard["projections"].as_array().unwrap().iter().map(|one| one["name"].as_str()).collect();
    assert!(names.contains(&Some("messages")) && names.contains(&Some("reports")));
    server.stop().await;
});

each_mix!(a_projection_is_rebuilt_in_the_background, |home| async move {
    let server = Server::start(&home).await;
    let (root, ana) = (server.administrator().await, server.register("ana").await);
    let room = server.conversation(&ana, "group", &[]).await;
    server.text(&ana, &room, "kept").await;
    let before = server.head().await;
    let request = || {
        let request = server.request(Method::POST, "/admin/projections/messages/rebuild", Some(&root.token));
        server.send(request.header("Idempotency-Key", "once"))
    };
    let reply = request().await;
    assert_eq!(reply.position(), before + 1, "it is noted");
    let begun = reply.expect(StatusCode::ACCEPTED);
    assert_eq!((&begun["name"], begun["rebuild"].is_object()), (&json!("messages"), true));
    let of_messages = |list: &Value| {
        let items = list["items"].as_array().unwrap().iter();
        items.clone().find(|item| item["name"] == "messages").cloned().unwrap()
    };
    let ended = |list: &Value| of_messages(list)["rebuild"]["state"] != "running";
    let rebuilt = of_messages(&server.get_until(&root, "/admin/projections", ended).await);
    assert_eq!(
        (&rebuilt["rebuild"]["state"], &rebuilt["rebuild"]["error"]),
        (&json!("done"), &Value::Null),
        "{rebuilt}"
    );
    assert!(rebuilt["rebuild"]["events"].as_u64().unwrap() >= before && rebuilt["rebuild"]["finishedAt"].is_string());
    // The same key again does not rebuild again.
    let again = request().await.expect(StatusCode::ACCEPTED);
    assert_eq!(again["rebuild"], rebuilt["rebuild"]);
    assert_eq!(acts(&server).await.len(), 1);
    let messages = server.get(&ana, &format!("/conversations/{room}/messages")).await.expect(StatusCode::OK);
    assert_eq!(messages["items"][0]["content"], "kept");
    server.text(&ana, &room, "and on").await;
    server.post(&root, "/admin/projections/nothing/rebuild", Value::Null).await.refused(404, "not_found");
    server.stop().await;
});

each_mix!(one_projection_is_rebuilt_at_a_time, |home| async move {
    let server = Server::start(&home).await;
    let root = server.administrator().await;
    let read_models = sql::Database::connect(&server.app.config.read_location(), 1).await.unwrap();
    let rebuilds = projections::Rebuilds::new(read_models);
    assert!(rebuilds.begin(projections::Projection::Users, 1).await.unwrap(), "as another server would");
    server.post(&root, "/admin/projections/messages/rebuild", Value::Null).await.refused(409, "rebuild_running");
    let same = server.post(&root, "/admin/projections/users/rebuild", Value::Null).await.expect(StatusCode::ACCEPTED);
    assert_eq!(same["rebuild"]["state"], "running");
    assert!(acts(&server).await.is_empty());
    server.stop().await;
});

each_mix!(a_dead_letter_is_tried_again_and_given_up, |home| async move {
    let server = Server::start(&home).await;
    let (root, ana) = (server.administrator().await, server.register("ana").await);
    let room: ConversationId = server.conversation(&ana, "group", &[]).await.parse().unwrap();
    // The creation cannot be applied twice; later events of the stream wait behind it.
    let stream = StreamId::new(AggregateType::Conversation, room);
    let first = server.app.store.load(stream, 0).await.unwrap().remove(0);
    let created = server.app.store.open_event(&first).await.unwrap().clone();
    let joined = Event::from(ConversationEvent::MemberJoined { user: root.id.into(), invite: None, at: None });
    let events = [created, joined].into_iter().enumerate();
    let append = Append {
        origin: Origin::default(),
        key: CommandKey { owner: "test".to_owned(), key: "twice".to_owned() },
        request_hash: [0; 32],
        retention: Retention::Week,
        tier: domain::Tier::High,
        guards: vec![],
        claims: vec![],
        secrets: vec![],
        events: events.map(|(n, event)| NewEvent { stream, sequence: n as u64 + 2, event }).collect(),
    };
    let last = server.app.store.append(append).await.unwrap().position.unwrap();
    let parked = |list: &Value| list["items"].as_array().unwrap().len() == 2;
    let list = server.get_until(&root, "/admin/dead-letters", parked).await;
    let id = format!("conversations:{}", last - 1);
    let letter = &list["items"][0];
    assert_eq!((&letter["id"], &letter["type"]), (&json!(id), &json!("conversation.created")));
    assert_eq!((&letter["aggregateId"], &list["items"][1]["state"]), (&json!(room), &json!("behind")));
    assert!(!letter["error"].as_str().unwrap().is_empty());
    let first = server.get(&root, "/admin/dead-letters?limit=1").await.expect(StatusCode::OK);
    let after = format!("/admin/dead-letters?limit=1&after={}", first["next"].as_str().unwrap());
    let second = server.get(&root, &after).await.expect(StatusCode::OK);
    assert_eq!((&second["items"][0]["position"], &second["next"]), (&json!(last), &Value::Null));
    server.get(&root, "/admin/dead-letters?after=x").await.refused(422, "invalid");

    let act =
        async |id: &str, act: &str| server.post(&root, &format!("/admin/dead-letters/{id}/{act}"), Value::Null).await;
    for unknown in ["messages:1", "nothing:1", "x", &format!("conversations:{last}")] {
        act(unknown, "retry").await.refused(404, "not_found");
    }
    act(&id, "retry").await.expect(StatusCode::NO_CONTENT);
    assert_eq!(server.get(&root, "/admin/dead-letters").await.expect(StatusCode::OK)["items"][0]["id"], json!(id));
    let request = || {
        let request = server.request(Method::POST, &format!("/admin/dead-letters/{id}/discard"), Some(&root.token));
        server.send(request.header("Idempotency-Key", "once"))
    };
    request().await.expect(StatusCode::NO_CONTENT);
    request().await.expect(StatusCode::NO_CONTENT);
    assert_eq!(server.get(&root, "/admin/dead-letters").await.expect(StatusCode::OK)["items"], json!([]));
    let members = server.get(&root, &format!("/conversations/{room}")).await.expect(StatusCode::OK);
    assert_eq!(members["memberCount"], 2, "what was behind it is applied");
    let acts = acts(&server).await;
    assert_eq!(acts.len(), 2, "{acts:?}");
    assert!(acts[0].contains("dead_letter.retry") && acts[1].contains("dead_letter.discard") && acts[1].contains(&id));
    server.stop().await;
});

each_mix!(pages_of_dead_letters_end_by_bytes, |home| async move {
    let server = Server::start(&home).await;
    let root = server.administrator().await;
    let config = &server.app.config;
    let read_models = sql::Database::connect(&config.read_location(), 1).await.unwrap();
    let log = sql::Database::connect(&config.log_location(), 1).await.unwrap();
    let large = "x".repeat(300 << 10);
    let stream = uuid::Uuid::nil();
    // Events at odd positions, reactions at even ones; the log is not so long yet that one is due.
    for position in (1_000_001..1_000_011).step_by(2) {
        let park = "INSERT INTO parked (projection, position, aggregate_type, aggregate_id, event_type, state, error, \
                    attempts, parked_at) VALUES ('messages', $1, 'message', $2, 'message.sent', 'poison', $3, 3, 0)";
        read_models.execute(sql::query(park).bind(position).bind(stream).bind(large.as_str())).await.unwrap();
        let park = "INSERT INTO parked_reactions (reactor, position, aggregate_type, aggregate_id, event_type, error, \
                    attempts, parked_at, build) VALUES ('test', $1, 'message', $2, 'message.sent', 'x', 3, 0, 'test')";
        log.execute(sql::query(park).bind(position + 1).bind(stream)).await.unwrap();
    }
    let (mut all, mut sizes, mut after) = (Vec::new(), Vec::new(), String::new());
    loop {
        let page = server.get(&root, &format!("/admin/dead-letters?limit=200{after}")).await.expect(StatusCode::OK);
        let items = page["items"].as_array().unwrap();
        all.extend(items.iter().map(|letter| letter["position"].as_u64().unwrap()));
        sizes.push(items.len());
        match page["next"].as_str() {
            Some(next) => after = format!("&after={next}"),
            None => break,
        }
    }
    assert_eq!(all, (1_000_001..1_000_011).collect::<Vec<_>>(), "none is passed over");
    // Three of 300 KiB, and the small ones between them.
    assert_eq!(sizes, [5, 5]);
    server.stop().await;
});
