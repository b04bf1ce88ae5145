//! Stories, over REST.

use crate::support::{Person, Server, config};
use config::{Config, Role};
use domain::Timestamp;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use std::{
    sync::atomic::{AtomicI64, Ordering},
    time::Duration,
};
use testkit::{Home, each_mix};

static NOW: AtomicI64 = AtomicI64::new(1_795_460_818_000);

/// A clock that moves only when the test moves it.
fn clock() -> Timestamp {
    Timestamp::from_millis(NOW.load(Ordering::Relaxed))
}

fn by_our_clock(home: &Home) -> Config {
    Config { clock, ..config(home) }
}

async fn befriend(server: &Server, one: &Person, other: &Person) {
    server.post(one, "/friends", json!({"userId": other.id})).await.expect(StatusCode::CREATED);
    server.post(other, &format!("/friends/{}/accept", one.id), Value::Null).await.expect(StatusCode::OK);
}

/// Ana, her friends Ben and Cyd, and Eve, with whom they share a group.
async fn four(server: &Server) -> [Person; 4] {
    let mut people = Vec::new();
    for name in ["ana", "ben", "cyd", "eve"] {
        people.push(server.register(name).await);
    }
    befriend(server, &people[0], &people[1]).await;
    befriend(server, &people[2], &people[0]).await;
    server.conversation(&people[3], "group", &[&people[0], &people[1], &people[2]]).await;
    people.try_into().expect("four")
}

async fn post(server: &Server, by: &Person, body: Value) -> Value {
    server.post(by, "/stories", body).await.expect(StatusCode::CREATED)
}

fn path(story: &Value, what: &str) -> String {
    format!("/stories/{}{what}", story["id"].as_str().expect("an id"))
}

/// The contents of a list of stories.
async fn contents(server: &Server, viewer: &Person, path: &str) -> Vec<String> {
    let list = server.get(viewer, path).await.expect(StatusCode::OK);
    let items = list["items"].as_array().unwrap().iter();
    items.map(|story| story["content"].as_str().unwrap().to_owned()).collect()
}

/// Everything that can be done with a story, as somebody who may not see it.
async fn finds_nothing(server: &Server, who: &Person, story: &Value) {
    for what in ["", "/comments"] {
        server.get(who, &path(story, what)).await.refused(404, "not_found");
    }
    for (method, what, body) in [
        (Method::PATCH, "", json!({"content": "mine"})),
        (Method::DELETE, "", Value::Null),
        (Method::POST, "/like", Value::Null),
        (Method::DELETE, "/like", Value::Null),
        (Method::POST, "/view", Value::Null),
        (Method::POST, "/comments", json!({"content": "hi"})),
    ] {
        server.call(who, method, &path(story, what), body).await.refused(404, "not_found");
    }
}

each_mix!(a_story_from_its_posting_to_its_end, |home| async move {
    let server = Server::start_with(by_our_clock(&home)).await;
    let [ana, ben, cyd, eve] = four(&server).await;
    let sun = server.file(&ana).await;
    let story = post(&server, &ana, json!({"content": "Sun", "mediaUrl": sun["fileUrl"]})).await;
    assert_eq!(story["author"], json!({"id": ana.id, "firstName": "ana", "lastName": "Test"}));
    let end = Timestamp::parse(story["expiresAt"].as_str().unwrap()).unwrap();
    assert_eq!(end.millis() - clock().millis(), 24 * 60 * 60 * 1_000);
    assert_eq!(story["createdAt"], json!(clock()));
    let counts = ["likeCount", "liked", "commentCount", "viewCount"].map(|field| story[field].clone());
    assert_eq!(counts, [json!(0), json!(false), json!(0), json!(0)]);
    assert_eq!(server.get(&ana, &path(&story, "")).await.expect(StatusCode::OK), story);

    for friend in [&ben, &cyd] {
        let liked = server.post(friend, &path(&story, "/like"), Value::Null).await.expect(StatusCode::OK);
        assert_eq!((&liked["liked"], liked.get("viewCount")), (&json!(true), None), "views are the author's to know");
        server.post(friend, &path(&story, "/view"), Value::Null).await.expect(StatusCode::NO_CONTENT);
        server.post(friend, &path(&story, "/view"), Value::Null).await.expect(StatusCode::NO_CONTENT);
    }
    server.post(&ben, &path(&story, "/like"), Value::Null).await.expect(StatusCode::OK);
    let unliked = server.call(&cyd, Method::DELETE, &path(&story, "/like"), Value::Null).await.expect(StatusCode::OK);
    assert_eq!((&unliked["liked"], &unliked["likeCount"]), (&json!(false), &json!(1)));
    let own = server.get(&ana, &path(&story, "")).await.expect(StatusCode::OK);
    assert_eq!((&own["likeCount"], &own["viewCount"]), (&json!(1), &json!(2)));

    let edit = json!({"content": "Rain", "mediaUrl": null});
    let edited = server.call(&ana, Method::PATCH, &path(&story, ""), edit.clone()).await.expect(StatusCode::OK);
    assert_eq!((&edited["content"], &edited["mediaUrl"]), (&json!("Rain"), &Value::Null));
    assert!(edited["editedAt"].is_string());
    server.call(&ben, Method::PATCH, &path(&story, ""), edit).await.refused(403, "author_only");
    server.call(&ben, Method::DELETE, &path(&story, ""), Value::Null).await.refused(403, "author_only");
    finds_nothing(&server, &eve, &story).await;

    NOW.store(end.millis(), Ordering::Relaxed);
    for person in [&ana, &ben] {
        finds_nothing(&server, person, &story).await;
        assert!(contents(&server, person, "/stories").await.is_empty());
    }
    server.stop().await;
});

each_mix!(who_sees_whose_stories, |home| async move {
    let server = Server::start_with(by_our_clock(&home)).await;
    let [ana, ben, cyd, eve] = four(&server).await;
    let all = post(&server, &ana, json!({"content": "for friends", "audience": "friends"})).await;
    let some = post(&server, &ana, json!({"content": "for Cyd and Eve", "audience": [cyd.id, eve.id]})).await;
    post(&server, &ben, json!({"content": "by Ben"})).await;
    assert_eq!(contents(&server, &ana, "/stories").await, ["by Ben", "for Cyd and Eve", "for friends"]);
    assert_eq!(contents(&server, &ben, "/stories").await, ["by Ben", "for friends"]);
    assert_eq!(contents(&server, &cyd, "/stories").await, ["for Cyd and Eve", "for friends"]);
    assert_eq!(contents(&server, &eve, "/stories").await, ["for Cyd and Eve"]);
    let of_ana = format!("/users/{}/stories", ana.id);
    assert_eq!(contents(&server, &ben, &of_ana).await, ["for friends"]);
    assert_eq!(contents(&server, &eve, &of_ana).await, ["for Cyd and Eve"]);
    server.get(&ana, &format!("/users/{}/stories", some["id"].as_str().unwrap())).await.refused(404, "not_found");
    finds_nothing(&server, &ben, &some).await;
    finds_nothing(&server, &eve, &all).await;

    let page = server.get(&ana, "/stories?limit=2").await.expect(StatusCode::OK);
    let next = page["next"].as_str().expect("more");
    assert_eq!(contents(&server, &ana, &format!("/stories?limit=2&after={next}")).await, ["for friends"]);
    server.get(&ana, "/stories?after=nothing").await.refused(422, "invalid");

    // A block in either direction, and the end of a friendship.
    server.post(&eve, &format!("/friends/{}/block", ana.id), Value::Null).await.expect(StatusCode::OK);
    server.post(&ana, &format!("/friends/{}/block", cyd.id), Value::Null).await.expect(StatusCode::OK);
    server.post(&ben, &format!("/friends/{}/unfriend", ana.id), Value::Null).await.expect(StatusCode::NO_CONTENT);
    for person in [&ben, &cyd, &eve] {
        finds_nothing(&server, person, &all).await;
        finds_nothing(&server, person, &some).await;
    }
    server.get(&cyd, &of_ana).await.refused(404, "not_found");
    for person in [&ben, &eve] {
        assert!(contents(&server, person, &of_ana).await.is_empty());
    }
    let named = json!({"content": "x", "audience": [eve.id]});
    server.post(&ana, "/stories", named).await.refused(404, "not_found");
    befriend(&server, &ben, &ana).await;
    assert_eq!(contents(&server, &ben, &of_ana).await, ["for friends"], "friends again");
    server.call(&ana, Method::DELETE, &path(&all, ""), Value::Null).await.expect(StatusCode::NO_CONTENT);
    finds_nothing(&server, &ana, &all).await;
    server.stop().await;
});

each_mix!(a_comment_that_the_read_models_do_not_show_yet_is_not_said_to_be_none, |home| async move {
    let server = Server::start(&home).await;
    let ana = server.register("ana").await;
    let story = server.post(&ana, "/stories", json!({"content": "sun"})).await.expect(StatusCode::CREATED);
    server.stop().await;
    // Nobody fills the read models here.
    let alone = Config { role: Role::Gateway, wait: Duration::from_millis(1), ..config(&home) };
    let server = Server::start_with(alone).await;
    let comments = format!("/stories/{}/comments", story["id"].as_str().unwrap());
    let comment = server.post(&ana, &comments, json!({"content": "oh"})).await.expect(StatusCode::CREATED);
    let comment = format!("/stories/comments/{}", comment["id"].as_str().unwrap());
    let delete = server.request(Method::DELETE, &comment, Some(&ana.token));
    server.send(delete).await.refused(503, "read_models_behind");
    server.stop().await;
    let server = Server::start(&home).await;
    let delete = server.request(Method::DELETE, &comment, Some(&ana.token));
    assert!(server.send(delete).await.status.is_success());
    server.stop().await;
});

each_mix!(comments_are_read_by_those_who_see_the_story, |home| async move {
    let server = Server::start_with(by_our_clock(&home)).await;
    let [ana, ben, cyd, eve] = four(&server).await;
    let sun = server.file(&ana).await;
    let story = post(&server, &ana, json!({"mediaUrl": sun["fileUrl"]})).await;
    assert_eq!(story["content"], "", "a picture speaks for itself");
    let comments = path(&story, "/comments");
    let mut said = Vec::new();
    for (by, text) in [(&ben, "one"), (&cyd, "two"), (&ana, "three")] {
        said.push(server.post(by, &comments, json!({"content": text})).await.expect(StatusCode::CREATED));
    }
    assert_eq!(said[0]["author"], json!({"id": ben.id, "firstName": "ben", "lastName": "Test"}));
    assert_eq!((&said[0]["storyId"], &said[0]["content"]), (&story["id"], &json!("one")));
    let page = server.get(&ben, &format!("{comments}?limit=2")).await.expect(StatusCode::OK);
    assert_eq!(page["items"], json!([said[2], said[1]]), "newest first");
    let next = page["next"].as_str().expect("more");
    let rest = server.get(&ben, &format!("{comments}?limit=2&after={next}")).await.expect(StatusCode::OK);
    assert_eq!((&rest["items"], &rest["next"]), (&json!([said[0]]), &Value::Null));

    let delete = async |by: &Person, comment: &Value| {
        let path = format!("/stories/comments/{}", comment["id"].as_str().unwrap());
        server.call(by, Method::DELETE, &path, Value::Null).await
    };
    delete(&cyd, &said[0]).await.refused(403, "not_your_comment");
    delete(&eve, &said[0]).await.refused(404, "not_found");
    delete(&ben, &said[0]).await.expect(StatusCode::NO_CONTENT);
    delete(&ana, &said[1]).await.expect(StatusCode::NO_CONTENT);
    delete(&ana, &said[1]).await.refused(404, "not_found");
    delete(&ana, &story).await.refused(404, "not_found");
    let own = server.get(&ana, &path(&story, "")).await.expect(StatusCode::OK);
    assert_eq!(own["commentCount"], 1);
    assert_eq!(server.get(&cyd, &comments).await.expect(StatusCode::OK)["items"], json!([said[2]]));
    let key =
        |request: reqwest::RequestBuilder| request.header("idempotency-key", "again").json(&json!({"content": "x"}));
    let request = || key(server.request(Method::POST, &comments, Some(&ben.token)));
    let first = server.send(request()).await.expect(StatusCode::CREATED);
    assert_eq!(server.send(request()).await.expect(StatusCode::CREATED), first, "said once");
    server.stop().await;
});

each_mix!(bad_stories_are_refused_with_all_their_faults, |home| async move {
    let server = Server::start_with(by_our_clock(&home)).await;
    let ana = server.register("ana").await;
    for (body, faults) in [
        (json!({}), vec![("content", "required")]),
        (json!({"content": " "}), vec![("content", "empty")]),
        (json!({"content": 7, "mediaUrl": "ftp://x"}), vec![("mediaUrl", "malformed"), ("content", "wrong_type")]),
        (json!({"content": "x", "audience": "everybody"}), vec![("audience", "unknown_word")]),
        (json!({"content": "x", "audience": ["nobody"]}), vec![("audience[0]", "malformed")]),
        (json!({"content": "x", "audience": []}), vec![("audience", "empty")]),
        (json!({"content": "x", "audience": [ana.id]}), vec![("audience", "empty")]),
        (json!({"content": "x", "audience": {}}), vec![("audience", "wrong_type")]),
        (json!({"content": "x".repeat(8_193)}), vec![("content", "too_long")]),
    ] {
        let reply = server.post(&ana, "/stories", body.clone()).await;
        assert_eq!(reply.refused(422, "invalid").faults(), faults, "{body}");
    }
    let story = post(&server, &ana, json!({"content": "x"})).await;
    let comment = server.post(&ana, &path(&story, "/comments"), json!({"content": "\n"})).await;
    assert_eq!(comment.refused(422, "invalid").faults(), [("content", "empty")]);
    let emptied = server.call(&ana, Method::PATCH, &path(&story, ""), json!({"content": ""})).await;
    assert_eq!(emptied.refused(422, "invalid").faults(), [("content", "empty")]);
    let same = server.call(&ana, Method::PATCH, &path(&story, ""), json!({})).await.expect(StatusCode::OK);
    assert_eq!(same, story, "nothing changes");
    server.get(&ana, "/stories/no-id").await.refused(422, "invalid");
    let nobody = server.send(server.request(Method::GET, "/stories", None)).await;
    nobody.refused(401, "unauthenticated");
    server.stop().await;
});
