//! Stories over sockets: the audience of each push, and of the expiry after a restart.

use crate::support::{Server, config, essence, names, position, until};
use config::Config;
use domain::Timestamp;
use serde_json::{Value, json};
use std::sync::atomic::{AtomicI64, Ordering};
use testkit::{Home, each_mix};

static NOW: AtomicI64 = AtomicI64::new(1_795_460_818_000);

/// A clock that moves only when the test moves it.
fn clock() -> Timestamp {
    Timestamp::from_millis(NOW.load(Ordering::Relaxed))
}

fn by_our_clock(home: &Home) -> Config {
    Config { clock, ..config(home) }
}

fn of_stories(pushes: Vec<Value>) -> Vec<Value> {
    pushes.into_iter().filter(|push| push["event"].as_str().unwrap().starts_with("story.")).collect()
}

each_mix!(each_push_has_its_audience, |home| async move {
    let server = Server::start_with(by_our_clock(&home)).await;
    let [ana, ben, cyd, eve] = [
        server.register("ana").await,
        server.register("ben").await,
        server.register("cyd").await,
        server.register("eve").await,
    ];
    server.befriend(&ana, &ben).await;
    server.befriend(&ana, &cyd).await;
    let friends = async || server.read(&ana, "/friends").await["items"].as_array().map(Vec::len) == Some(2);
    until("both friends", friends).await;
    let (mut a, mut b) = (server.connect(&ana, None).await, server.connect(&ben, None).await);
    let mut phone = server.connect(&server.login(&ben).await, None).await;
    let (mut c, mut e) = (server.connect(&cyd, None).await, server.connect(&eve, None).await);
    let story = a.ok("story.post", json!({"content": "Sun"})).await;
    let id = json!({"storyId": story["id"]});
    let liked = b.ok("story.like", id.clone()).await;
    assert_eq!((&liked["liked"], &liked["likeCount"]), (&json!(true), &json!(1)));
    let said = b.ok("story.comment", json!({"storyId": story["id"], "content": "Nice"})).await;
    assert_eq!((&said["storyId"], &said["content"]), (&story["id"], &json!("Nice")));
    server.write(&cyd, &format!("/stories/{}/view", story["id"].as_str().unwrap()), json!({})).await;
    b.ok("story.unlike", id.clone()).await;
    assert_eq!(e.refused("story.like", id.clone()).await["code"], "not_found");
    assert_eq!(e.refused("story.like", json!({})).await["errors"][0]["field"], "storyId");

    let received = of_stories(a.fence().await.0);
    assert_eq!(names(&received), ["story.posted", "story.liked", "story.commented", "story.viewed", "story.unliked"]);
    let data = |n: usize| &received[n]["data"];
    assert_eq!(data(0)["authorId"], json!(ana.id));
    assert_eq!((&data(0)["content"], &data(0)["likeCount"]), (&json!("Sun"), &json!(0)));
    assert_eq!((&data(1)["userId"], &data(1)["likeCount"]), (&json!(ben.id), &json!(1)));
    assert_eq!((&data(2)["authorId"], &data(2)["content"]), (&json!(ben.id), &json!("Nice")));
    assert_eq!((&data(2)["id"], &data(2)["storyId"]), (&said["id"], &story["id"]));
    assert_eq!(data(3), &json!({"storyId": story["id"], "userId": cyd.id, "viewCount": 1}));
    assert!(received.iter().take(3).all(|push| push["data"].get("viewCount").is_none()));
    for device in [&mut b, &mut phone] {
        let received = of_stories(device.fence().await.0);
        assert_eq!(names(&received), ["story.posted", "story.liked", "story.commented", "story.unliked"]);
    }
    assert_eq!(names(&of_stories(c.fence().await.0)), ["story.posted"]);
    assert!(of_stories(e.fence().await.0).is_empty(), "a stranger");
    server.stop().await;
});

each_mix!(the_expiry_of_a_story_is_pushed_after_a_restart, |home| async move {
    let server = Server::start_with(by_our_clock(&home)).await;
    let (ana, ben) = (server.register("ana").await, server.register("ben").await);
    server.befriend(&ana, &ben).await;
    let friends = async || server.read(&ana, "/friends").await["items"].as_array().map(Vec::len) == Some(1);
    until("a friend", friends).await;
    let mut b = server.connect(&ben, None).await;
    let story = server.write(&ana, "/stories", json!({"content": "Sun"})).await;
    let posted = loop {
        let push = b.push().await;
        if push["event"] == "story.posted" {
            break push;
        }
    };
    let cursor = b.cursor.clone();
    server.stop().await;

    let end = Timestamp::parse(story["expiresAt"].as_str().unwrap()).unwrap();
    NOW.store(end.millis(), Ordering::Relaxed);
    let server = Server::start_with(by_our_clock(&home)).await;
    assert_eq!(server.read(&ben, "/stories").await["items"], json!([]), "it is over at once");
    let mut b = server.connect(&ben, Some(&cursor)).await;
    let expired = b.push().await;
    assert_eq!((&expired["event"], &expired["actorId"]), (&json!("story.expired"), &Value::Null));
    let data = json!({"id": story["id"], "storyId": story["id"], "authorId": ana.id, "reason": "expired"});
    assert_eq!(expired["data"], data);
    assert!(position(&expired) > position(&posted));
    // Replayed, it says the same.
    drop(b);
    let mut again = server.connect(&ben, Some(&cursor)).await;
    assert_eq!(essence(&again.push().await), essence(&expired));
    server.stop().await;
});
