//! People one may know.

use crate::support::{Person, Server, until};
use reqwest::StatusCode;
use serde_json::{Value, json};
use testkit::each_mix;

async fn befriend(server: &Server, one: &Person, other: &Person) {
    server.post(one, "/friends", json!({"userId": other.id})).await.expect(StatusCode::CREATED);
    server.post(other, &format!("/friends/{}/accept", one.id), Value::Null).await.expect(StatusCode::OK);
}

async fn suggested(server: &Server, person: &Person, query: &str) -> (Vec<(String, u64)>, Value) {
    let page = server.get(person, &format!("/friends/suggestions{query}")).await.expect(StatusCode::OK);
    let items = page["items"].as_array().unwrap().iter();
    let items = items
        .map(|item| (item["user"]["firstName"].as_str().unwrap().to_owned(), item["mutualCount"].as_u64().unwrap()));
    (items.collect(), page["next"].clone())
}

each_mix!(those_with_the_most_mutual_friends_stand_first, |home| async move {
    let server = Server::start(&home).await;
    let mut people = Vec::new();
    for name in ["me", "f1", "f2", "twice", "once", "asked", "asking", "blocked", "blocking"] {
        people.push(server.register(name).await);
    }
    let [me, f1, f2, twice, once, asked, asking, blocked, blocking] = <[Person; 9]>::try_from(people).unwrap();
    for (one, other) in [(&me, &f1), (&me, &f2), (&f1, &f2), (&f1, &twice), (&f2, &twice), (&f1, &once)] {
        befriend(&server, one, other).await;
    }
    for other in [&asked, &asking, &blocked, &blocking] {
        befriend(&server, &f1, other).await;
    }
    server.post(&me, "/friends", json!({"userId": asked.id})).await.expect(StatusCode::CREATED);
    server.post(&asking, "/friends", json!({"userId": me.id})).await.expect(StatusCode::CREATED);
    server.post(&me, &format!("/friends/{}/block", blocked.id), Value::Null).await.expect(StatusCode::OK);
    let reply = server.post(&blocking, &format!("/friends/{}/block", me.id), Value::Null).await;
    let position = reply.position();
    reply.expect(StatusCode::OK);
    // The hub tells the graph's cache; until it has handled the last event, the answer may be an older one.
    let want = (vec![("twice".to_owned(), 2), ("once".to_owned(), 1)], Value::Null);
    until("the hub to handle it", async || server.app.hub.marks().high >= position).await;
    assert_eq!(suggested(&server, &me, "").await, want);
    let (first, next) = suggested(&server, &me, "?limit=1").await;
    assert_eq!(first, want.0[..1]);
    let (second, end) = suggested(&server, &me, &format!("?limit=1&after={}", next.as_str().unwrap())).await;
    assert_eq!((&second[..], end), (&want.0[1..], Value::Null));
    server.get(&me, "/friends/suggestions?after=nonsense").await.refused(422, "invalid");
    // To one who blocks, one is not suggested either.
    assert!(!suggested(&server, &blocking, "").await.0.iter().any(|(name, _)| name == "me"));
    let stranger = server.register("stranger").await;
    assert_eq!(suggested(&server, &stranger, "").await, (vec![], Value::Null));
    server.stop().await;
});
