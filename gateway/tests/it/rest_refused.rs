//! What is not understood is refused by name: at every route of the document, and in words from which one learns.

use crate::support::{Reply, Server, document};
use reqwest::{Method, StatusCode, header::HeaderValue};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;
use testkit::{Engine, Home, each_mix};

const NOBODY: &str = "01900000-0000-7000-8000-00000000dead";
/// A name that is like no other.
const STRANGE: &str = "qqqq";

/// A path of a template, about things that are not there.
fn filled(template: &str) -> String {
    let segments = template.split('/').map(|segment| match segment {
        "{aggregateType}" => "message",
        "{emoji}" => "a",
        "{position}" => "1",
        segment if segment.starts_with('{') => NOBODY,
        segment => segment,
    });
    segments.collect::<Vec<_>>().join("/")
}

/// The names of the fields of an operation's body, if that is JSON.
fn fields_of(operation: &Value) -> Option<BTreeSet<String>> {
    fn reference(schema: &Value) -> Option<&str> {
        let one_of = schema["oneOf"].as_array().into_iter().flatten();
        schema["$ref"].as_str().or_else(|| one_of.filter_map(reference).next())
    }
    let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
    let schema = document().pointer(reference(schema)?.trim_start_matches('#')).expect("a schema");
    Some(schema["properties"].as_object().into_iter().flat_map(Map::keys).cloned().collect())
}

/// The one name that is refused as unknown, and the known ones that the refusal lists.
fn refused(reply: &Reply) -> (String, BTreeSet<String>) {
    let errors = reply.refused(422, "unknown_field").body["errors"].as_array().unwrap().iter();
    let unknown: Vec<_> = errors.filter(|error| error["code"] == "unknown_field").collect();
    assert_eq!(unknown.len(), 1, "{}", reply.body);
    let detail = unknown[0]["detail"].as_str().unwrap();
    let known = detail.split_once("known are ").map_or("", |(_, known)| known).split(", ");
    (
        unknown[0]["field"].as_str().unwrap().to_owned(),
        known.filter(|name| !name.is_empty()).map(str::to_owned).collect(),
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn every_route_refuses_a_parameter_and_a_field_that_it_does_not_know() {
    let home = Home::new(Engine::Sqlite).await;
    let server = Server::start(&home).await;
    let root = server.administrator().await;
    let before = server.head().await;
    let (mut queries, mut bodies) = (0, 0);
    for (template, item) in document()["paths"].as_object().unwrap() {
        // Engine.IO has parameters of its own, and its clients add theirs.
        if template == "/socket.io/" {
            continue;
        }
        for (method, operation) in item.as_object().unwrap() {
            let (method, path) = (Method::from_bytes(method.to_uppercase().as_bytes()).unwrap(), filled(template));
            let parameters = operation["parameters"].as_array().into_iter().flatten();
            let parameters = parameters.filter(|parameter| parameter["in"] == "query");
            let documented: BTreeSet<_> =
                parameters.map(|parameter| parameter["name"].as_str().unwrap().to_owned()).collect();
            let asked = format!("{path}?{STRANGE}=1");
            let reply = server.send(server.request(method.clone(), &asked, Some(&root.token))).await;
            assert_eq!(refused(&reply), (STRANGE.to_owned(), documented), "{method} {template}");
            queries += 1;

            let fields = fields_of(operation);
            if template == "/ws" || operation["requestBody"].is_object() && fields.is_none() {
                continue;
            }
            let fields = fields.unwrap_or_default();
            let mut body: Map<_, _> = fields.iter().map(|name| (name.clone(), Value::Null)).collect();
            body.insert(STRANGE.to_owned(), json!(1));
            let reply = server.call(&root, method.clone(), &path, Value::Object(body)).await;
            assert_eq!(refused(&reply), (STRANGE.to_owned(), fields), "{method} {template}");
            bodies += 1;
        }
    }
    assert!(queries > 100 && bodies > 100, "{queries}, {bodies}");
    assert_eq!(server.head().await, before, "something was done");
    server.get(&root, "/users/me").await.expect(StatusCode::OK);
    server.stop().await;
}

each_mix!(what_is_misspelt_does_not_do_something_else, |home| async move {
    let server = Server::start(&home).await;
    let (ana, ben) = (server.register("ana").await, server.register("ben").await);
    let group = server.conversation(&ana, "group", &[&ben]).await;
    let message = server.text(&ana, &group, "hello").await;
    let id = message["id"].as_str().unwrap();
    let before = server.head().await;
    let (messages, edit) = (format!("/conversations/{group}/messages"), format!("/messages/{id}"));
    let (invites, mute) = (format!("/conversations/{group}/invites"), format!("/conversations/{group}/mute"));
    for (method, path, body, field, meant) in [
        (
            Method::POST,
            "/conversations",
            json!({"type": "group", "members": [], "aproval": true}),
            "aproval",
            "approval",
        ),
        (Method::POST, messages.as_str(), json!({"content": "x", "reply_to": id}), "reply_to", "replyTo"),
        (Method::POST, messages.as_str(), json!({"contnet": "x"}), "contnet", "content"),
        (
            Method::POST,
            messages.as_str(),
            json!({"attachments": [{"fileUrl": "/a", "fileurl": 1}]}),
            "attachments[0].fileurl",
            "fileUrl",
        ),
        (Method::PATCH, edit.as_str(), json!({"content": "hello", "contents": []}), "contents", "content"),
        (Method::POST, invites.as_str(), json!({"expiresIn": 60}), "expiresIn", "expiresAt"),
        (Method::POST, mute.as_str(), json!({"untill": "2099-01-01T00:00:00Z"}), "untill", "until"),
    ] {
        let reply = server.call(&ana, method, path, body).await;
        let errors = reply.refused(422, "unknown_field").body["errors"].as_array().unwrap();
        let error = errors.iter().find(|error| error["code"] == "unknown_field").unwrap();
        assert_eq!(error["field"], field);
        assert!(error["detail"].as_str().unwrap().ends_with(&format!("did you mean {meant:?}?")), "{error}");
        assert!(reply.body["detail"].as_str().unwrap().contains(&format!("{field}: ")), "{}", reply.body);
    }
    let mentions = server.call(&ana, Method::PATCH, edit.as_str(), json!({"content": "hello", "mentions": []})).await;
    assert_eq!(mentions.refused(422, "unknown_field").faults(), [("mentions", "unknown_field")]);
    let for_me = server.call(&ana, Method::DELETE, &format!("{edit}?For=me"), Value::Null).await;
    assert_eq!(for_me.refused(422, "unknown_field").faults(), [("For", "unknown_field")]);
    for query in ["?for=", "?for=me&for=everyone"] {
        let reply = server.call(&ana, Method::DELETE, &format!("{edit}{query}"), Value::Null).await;
        reply.refused(422, "invalid");
    }
    let body = server.call(&ana, Method::DELETE, edit.as_str(), json!({"for": "me"})).await;
    assert_eq!(body.refused(422, "unknown_field").faults(), [("for", "unknown_field")]);
    assert_eq!(server.head().await, before, "something was done");
    server.call(&ana, Method::DELETE, &format!("{edit}?for=me"), json!({})).await.expect(StatusCode::NO_CONTENT);
    server.stop().await;
});

each_mix!(what_is_not_as_the_document_says_is_refused_and_what_is_so_is_taken, |home| async move {
    let server = Server::start(&home).await;
    let root = server.administrator().await;
    let group = server.conversation(&root, "group", &[]).await;
    server.text(&root, &group, "hello").await;
    for name in ["scope", "aggregateId", "from", "fromPosition"] {
        let reply = server.get(&root, &format!("/admin/audit/events?{name}=")).await;
        assert_eq!(reply.refused(422, "invalid").faults(), [(name, "empty")]);
    }
    for path in ["/chat/queue/stats", "/chat/cache/stats", "/conversations"] {
        let request = server.request(Method::GET, path, Some(&root.token)).header("x-chatchit-position", "{}");
        server.send(request).await.refused(400, "malformed");
    }
    // Of bytes that are no ASCII, each reader makes something else.
    for key in [&b"caf\xe9"[..], "caf\u{e9}".as_bytes()] {
        let key = HeaderValue::from_bytes(key).unwrap();
        let request = server.request(Method::POST, "/conversations", Some(&root.token)).header("idempotency-key", key);
        let reply = server.send(request.json(&json!({"type": "group", "members": []}))).await;
        reply.refused(400, "invalid_idempotency_key");
    }
    let read = format!("/conversations/{group}/read");
    for (up_to, fits) in [("1.0", true), ("1e0", true), ("1.5", false), ("-0.5", false), ("1e300", false)] {
        let request = server.request(Method::POST, &read, Some(&root.token)).header("content-type", "application/json");
        let reply = server.send(request.body(format!("{{\"upTo\":{up_to}}}"))).await;
        assert_eq!(reply.status.as_u16(), if fits { 200 } else { 422 }, "{up_to}: {}", reply.body);
    }
    server.stop().await;
});

each_mix!(a_limit_is_from_1_to_200_everywhere, |home| async move {
    let server = Server::start(&home).await;
    let root = server.administrator().await;
    let group = server.conversation(&root, "group", &[]).await;
    let message = server.text(&root, &group, "hello").await;
    let mut lists = 0;
    let root_id = root.id.to_string();
    for (template, item) in document()["paths"].as_object().unwrap() {
        let parameters = item["get"]["parameters"].as_array().into_iter().flatten();
        let Some(limit) = parameters.into_iter().find(|parameter| parameter["name"] == "limit") else { continue };
        assert_eq!((&limit["schema"]["minimum"], &limit["schema"]["maximum"]), (&json!(1), &json!(200)), "{template}");
        let about = match template.as_str() {
            _ if template.contains("/users/{id}") => root_id.as_str(),
            _ if template.starts_with("/messages/{id}") => message["id"].as_str().unwrap(),
            _ => &group,
        };
        let path = template.replace("{id}", about);
        for wrong in ["0", "201", "-1", "x", "1.5", "99999999999999999999"] {
            let needed = if template.ends_with("/search") {
                "q=a&"
            } else if template == "/users" {
                "query=a&"
            } else {
                ""
            };
            let reply = server.get(&root, &format!("{path}?{needed}limit={wrong}")).await;
            assert_eq!(reply.refused(422, "invalid").faults()[0].0, "limit", "{template} {wrong}");
            assert!(reply.body["detail"].as_str().unwrap().contains("limit: must be a whole number from 1 to 200"));
        }
        lists += 1;
    }
    assert!(lists > 15, "{lists}");
    let path = format!("/conversations/{group}/messages?limit=200");
    server.get(&root, &path).await.expect(StatusCode::OK);
    server.stop().await;
});

#[tokio::test(flavor = "multi_thread")]
async fn refusals_say_what_would_do() {
    let home = Home::new(Engine::Sqlite).await;
    let server = Server::start(&home).await;
    let (ana, ben) = (server.register("ana").await, server.register("ben").await);
    let group = server.conversation(&ana, "group", &[]).await;
    let detail = |reply: &Reply| reply.body["detail"].as_str().unwrap().to_owned();

    let sent = async |body: &[u8]| {
        let request = server.request(Method::POST, "/friends", Some(&ana.token));
        server.send(request.header("Content-Type", "application/json").body(body.to_vec())).await
    };
    for (body, said) in
        [(&b""[..], "the body is empty"), (b" \n", "the body is empty"), (b"\xef\xbb\xbf{}", "byte order mark")]
    {
        assert!(detail(sent(body).await.refused(400, "malformed")).contains(said));
    }
    let twice = sent(format!(r#"{{"userId":"{0}","userId":"{0}"}}"#, ben.id).as_bytes()).await;
    assert_eq!(twice.refused(422, "invalid").faults(), [("userId", "repeated")]);
    let twice = server.get(&ana, "/conversations?limit=1&limit=2").await;
    assert_eq!(twice.refused(422, "invalid").faults(), [("limit", "repeated")]);

    let members = json!({"type": "group", "members": [ben.id, ben.id, ana.id, NOBODY]});
    let reply = server.post(&ana, "/conversations", members).await;
    assert_eq!(reply.refused(404, "not_found").faults(), [("members[3]", "not_found")]);
    assert!(detail(&reply).starts_with("members[3]: "));
    let blocks = server.post(&ben, &format!("/friends/{}/block", ana.id), Value::Null).await;
    blocks.expect(StatusCode::OK);
    let blocked = server.post(&ana, "/conversations", json!({"type": "group", "members": [ben.id]})).await;
    let nobody = server.post(&ana, "/conversations", json!({"type": "group", "members": [NOBODY]})).await;
    let received = |reply: &Reply| ["status", "detail", "errors"].map(|field| reply.body[field].clone());
    assert_eq!(received(&blocked), received(&nobody), "which of the two it is, is nobody's business");

    let up_to = server.post(&ana, &format!("/conversations/{group}/read"), json!({"upTo": "1"})).await;
    assert!(detail(up_to.refused(422, "invalid")).contains("a number (a seq), or the id"));
    let none = server.send(server.request(Method::GET, "/users/me", None)).await;
    assert!(detail(none.refused(401, "unauthenticated")).contains("`Authorization: Bearer "));
    let wrong = server.send(server.request(Method::GET, "/users/me", Some("\"x\""))).await;
    assert!(detail(wrong.refused(401, "invalid_token")).contains("`Authorization: Bearer "));
    let in_query =
        server.send(server.request(Method::GET, &format!("/users/me?access_token={}", ana.token), None)).await;
    assert!(detail(in_query.refused(400, "token_in_query")).contains("`Authorization: Bearer "));
    // Without credentials nothing else is said.
    server.send(server.request(Method::GET, "/users/me?page=2", None)).await.refused(401, "unauthenticated");

    for (path, meant) in
        [("/conversations/", "/conversations"), ("//conversations", "/conversations"), ("/friend", "/friends")]
    {
        let reply = server.get(&ana, path).await;
        assert!(detail(reply.refused(404, "unknown_route")).ends_with(&format!("did you mean {meant}?")), "{path}");
    }
    let method = server.call(&ana, Method::PUT, "/conversations", Value::Null).await;
    assert_eq!(detail(method.refused(405, "wrong_method")), "this route takes HEAD, GET, POST, OPTIONS, not PUT");
    let options = server.request(Method::OPTIONS, "/conversations", None).send().await.unwrap();
    assert_eq!(options.status(), StatusCode::NO_CONTENT);
    assert_eq!(options.headers()["allow"].to_str().unwrap(), "HEAD, GET, POST, OPTIONS");
    let nowhere = server.request(Method::OPTIONS, "/nowhere", None).send().await.unwrap();
    assert_eq!(nowhere.status(), StatusCode::NOT_FOUND);
    server.stop().await;
}
