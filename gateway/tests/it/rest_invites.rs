//! Invites into groups.

use crate::support::{Person, Server};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use testkit::each_mix;

async fn invite(server: &Server, by: &Person, room: &str, limits: Value) -> Value {
    server.post(by, &format!("/conversations/{room}/invites"), limits).await.expect(StatusCode::CREATED)
}

fn code(invite: &Value) -> &str {
    invite["code"].as_str().expect("a code")
}

async fn codes(server: &Server, person: &Person, room: &str) -> Vec<Value> {
    let page = server.get(person, &format!("/conversations/{room}/invites")).await.expect(StatusCode::OK);
    page["items"].as_array().unwrap().iter().map(|invite| invite["code"].clone()).collect()
}

each_mix!(one_comes_in_by_an_invite, |home| async move {
    let server = Server::start(&home).await;
    let (ana, ben) = (server.register("ana").await, server.register("ben").await);
    let (cyd, dan) = (server.register("cyd").await, server.register("dan").await);
    let room = server.conversation(&ana, "group", &[&ben]).await;
    let of_lead = invite(&server, &ana, &room, Value::Null).await;
    assert_eq!(
        (
            &of_lead["conversationId"],
            &of_lead["createdBy"],
            &of_lead["expiresAt"],
            &of_lead["maxUses"],
            &of_lead["uses"]
        ),
        (&json!(room), &json!(ana.id), &Value::Null, &Value::Null, &json!(0))
    );
    assert!(code(&of_lead).len() >= 22, "128 random bits at least");
    let limits = json!({"expiresAt": "2999-01-01T00:00:00Z", "maxUses": 1});
    let of_ben = invite(&server, &ben, &room, limits).await;
    assert_eq!((&of_ben["expiresAt"], &of_ben["maxUses"]), (&json!("2999-01-01T00:00:00.000Z"), &json!(1)));
    assert_eq!(codes(&server, &ana, &room).await, [of_ben["code"].clone(), of_lead["code"].clone()]);
    assert_eq!(codes(&server, &ben, &room).await, [of_ben["code"].clone()], "members see their own");

    let accept = |code: &str| format!("/invites/{code}/accept");
    let joined = server.post(&cyd, &accept(code(&of_ben)), Value::Null).await.expect(StatusCode::OK);
    assert_eq!(
        (&joined["id"], &joined["myStatus"], &joined["memberCount"]),
        (&json!(room), &json!("active"), &json!(3))
    );
    server.post(&dan, &accept(code(&of_ben)), Value::Null).await.refused(404, "invite_not_found");
    assert_eq!(codes(&server, &ben, &room).await, Vec::<Value>::new(), "what is used up is not listed");

    let path = |code: &str| format!("/conversations/{room}/invites/{code}");
    server.call(&ben, Method::DELETE, &path(code(&of_lead)), Value::Null).await.refused(404, "invite_not_found");
    server.call(&dan, Method::DELETE, &path(code(&of_lead)), Value::Null).await.refused(404, "not_found");
    server.call(&ana, Method::DELETE, &path(code(&of_lead)), Value::Null).await.expect(StatusCode::NO_CONTENT);
    server.post(&dan, &accept(code(&of_lead)), Value::Null).await.refused(404, "invite_not_found");
    for nonsense in ["x", "%20", "AAECAwQFBgcICQoLDA0ODw", "..%2f..%2fusers"] {
        server.post(&dan, &accept(nonsense), Value::Null).await.refused(404, "invite_not_found");
    }
    server.stop().await;
});

each_mix!(limits_of_an_invite_are_checked, |home| async move {
    let server = Server::start(&home).await;
    let (ana, eve) = (server.register("ana").await, server.register("eve").await);
    let room = server.conversation(&ana, "group", &[]).await;
    let path = format!("/conversations/{room}/invites");
    for (limits, field, word) in [
        (json!({"maxUses": 0}), "maxUses", "out_of_range"),
        (json!({"maxUses": -1}), "maxUses", "out_of_range"),
        (json!({"maxUses": 4_294_967_296_u64}), "maxUses", "out_of_range"),
        (json!({"maxUses": "3"}), "maxUses", "wrong_type"),
        (json!({"expiresAt": "tomorrow"}), "expiresAt", "malformed"),
        (json!({"expiresAt": "2001-01-01T00:00:00Z"}), "expiresAt", "in_the_past"),
    ] {
        let refused = server.post(&ana, &path, limits.clone()).await;
        assert_eq!(refused.refused(422, "invalid").faults(), [(field, word)], "{limits}");
    }
    server.post(&eve, &path, json!({})).await.refused(404, "not_found");
    server.get(&eve, &path).await.refused(404, "not_found");
    let direct = server.conversation(&ana, "direct", &[&eve]).await;
    server.post(&ana, &format!("/conversations/{direct}/invites"), json!({})).await.refused(409, "direct_conversation");
    for _ in 0..100 {
        invite(&server, &ana, &room, json!({})).await;
    }
    server.post(&ana, &path, json!({})).await.refused(409, "too_many_invites");
    server.stop().await;
});
