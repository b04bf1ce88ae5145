//! Reports: made by anybody who sees, decided by moderators.

use crate::support::{Person, Server};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use testkit::each_mix;

const NOBODY: &str = "00000000-0000-7000-8000-000000000000";

/// Somebody whom `root` makes a moderator.
async fn moderator(server: &Server, root: &Person) -> Person {
    let mia = server.register("mia").await;
    let path = format!("/admin/accounts/{}", mia.id);
    let made = server.call(root, Method::PATCH, &path, json!({"role": "MODERATOR"})).await.expect(StatusCode::OK);
    assert_eq!(made["role"], "MODERATOR");
    mia
}

fn ids(list: &Value) -> Vec<&str> {
    list["items"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap()).collect()
}

each_mix!(a_report_keeps_what_was_seen, |home| async move {
    let server = Server::start(&home).await;
    let root = server.administrator().await;
    let mia = moderator(&server, &root).await;
    let [ana, ben, eve] = [server.register("ana").await, server.register("ben").await, server.register("eve").await];
    let room = server.conversation(&ana, "group", &[&ben]).await;
    let file = server.file(&ben).await;
    let attachment = json!({"fileUrl": file["fileUrl"]});
    let body = json!({"messageType": "IMAGE", "content": "as it was", "attachments": [attachment]});
    let sent = server.post(&ben, &format!("/conversations/{room}/messages"), body).await.expect(StatusCode::CREATED);
    let message = sent["id"].as_str().unwrap();
    let report = json!({"messageId": message, "reason": "spam", "notes": "see\nbelow"});
    let reply = server.post(&ana, "/reports", report.clone()).await;
    assert!(reply.position() > 0);
    let filed = reply.expect(StatusCode::CREATED);
    let want = json!({
        "id": filed["id"], "reporterId": ana.id, "accusedId": ben.id, "reason": "spam", "notes": "see\nbelow",
        "target": {"type": "message", "messageId": message, "conversationId": room, "userId": null, "storyId": null},
        "status": "PENDING", "rejectedReason": null, "createdAt": filed["createdAt"],
    });
    assert_eq!(filed, want);
    assert_eq!(server.post(&ana, "/reports", report).await.expect(StatusCode::OK), filed, "the first one");
    assert_eq!(server.get(&ana, "/reports/mine").await.expect(StatusCode::OK)["items"], json!([filed]));
    assert_eq!(server.get(&ben, "/reports/mine").await.expect(StatusCode::OK)["items"], json!([]));

    let path = format!("/messages/{message}");
    server.call(&ben, Method::PATCH, &path, json!({"content": "nothing to see"})).await.expect(StatusCode::OK);
    let queue = server.get(&mia, "/admin/reports?status=PENDING").await.expect(StatusCode::OK);
    assert_eq!(
        queue["items"][0]["evidence"],
        json!({
            "firstName": null, "lastName": null, "avatarUrl": null, "messageType": "IMAGE", "content": "as it was",
            "attachments": sent["attachments"],
            "mediaUrl": null,
        })
    );
    assert_eq!(queue["items"][0]["digest"].as_str().unwrap().len(), 64);

    // The moderator removes it: a tombstone stays.
    let removal = format!("/admin/messages/{message}");
    for (who, status, code) in
        [(&ana, 403, "moderator_only"), (&ben, 403, "moderator_only"), (&eve, 403, "moderator_only")]
    {
        server.call(who, Method::DELETE, &removal, Value::Null).await.refused(status, code);
    }
    server.call(&mia, Method::DELETE, &removal, Value::Null).await.expect(StatusCode::NO_CONTENT);
    let seen = server.get(&ana, &path).await.expect(StatusCode::OK);
    assert!(seen["deletedAt"].is_string(), "{seen}");
    assert_eq!((&seen["content"], &seen["attachments"]), (&Value::Null, &json!([])));
    let other = server.text(&ben, &room, "not reported").await;
    let unreported = format!("/admin/messages/{}", other["id"].as_str().unwrap());
    server.call(&mia, Method::DELETE, &unreported, Value::Null).await.refused(404, "not_found");
    server.call(&root, Method::DELETE, &unreported, Value::Null).await.expect(StatusCode::NO_CONTENT);

    let verdict = format!("/admin/reports/{}", filed["id"].as_str().unwrap());
    server.call(&ana, Method::PATCH, &verdict, json!({"status": "RESOLVED"})).await.refused(403, "moderator_only");
    let resolved = server.call(&mia, Method::PATCH, &verdict, json!({"status": "RESOLVED"})).await;
    let resolved = resolved.expect(StatusCode::OK);
    assert_eq!((&resolved["status"], &resolved["decidedBy"]), (&json!("RESOLVED"), &json!(mia.id)));
    assert_eq!(resolved["evidence"]["content"], "as it was");
    server.call(&root, Method::PATCH, &verdict, json!({"status": "REJECTED"})).await.refused(409, "report_decided");
    assert_eq!(server.get(&mia, "/admin/reports?status=PENDING").await.expect(StatusCode::OK)["items"], json!([]));
    server.stop().await;
});

each_mix!(people_are_reported_and_reports_rejected, |home| async move {
    let server = Server::start(&home).await;
    let root = server.administrator().await;
    let mia = moderator(&server, &root).await;
    let [ana, ben] = [server.register("ana").await, server.register("ben").await];
    let mut filed = Vec::new();
    for by in [&ana, &ben, &root] {
        let report = server.post(by, "/reports", json!({"userId": mia.id, "reason": "rude"})).await;
        filed.push(report.expect(StatusCode::CREATED)["id"].as_str().unwrap().to_owned());
    }
    let reject = json!({"status": "REJECTED", "rejectedReason": "a joke"});
    let path = format!("/admin/reports/{}", filed[0]);
    server.call(&mia, Method::PATCH, &path, reject.clone()).await.refused(403, "own_case");
    for (field, code, body) in [
        ("rejectedReason", "empty", json!({"status": "REJECTED", "rejectedReason": ""})),
        ("rejectedReason", "ambiguous", json!({"status": "RESOLVED", "rejectedReason": "a joke"})),
    ] {
        let refused = server.call(&root, Method::PATCH, &path, body).await.expect(StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!((&refused["errors"][0]["field"], &refused["errors"][0]["code"]), (&json!(field), &json!(code)));
    }
    let rejected = server.call(&root, Method::PATCH, &path, reject.clone()).await.expect(StatusCode::OK);
    assert_eq!(rejected["evidence"]["firstName"], "mia");
    assert_eq!(
        server.call(&root, Method::PATCH, &path, reject).await.expect(StatusCode::OK),
        rejected,
        "the same again"
    );
    let other = json!({"status": "REJECTED", "rejectedReason": "another"});
    server.call(&root, Method::PATCH, &path, other).await.refused(409, "report_decided");
    let mine = server.get(&ana, "/reports/mine").await.expect(StatusCode::OK);
    assert_eq!(
        (&mine["items"][0]["status"], &mine["items"][0]["rejectedReason"]),
        (&json!("REJECTED"), &json!("a joke"))
    );
    assert!(mine["items"][0].get("evidence").is_none() && mine["items"][0].get("digest").is_none());
    let first = server.get(&root, "/admin/reports?limit=2").await.expect(StatusCode::OK);
    assert_eq!(ids(&first), [filed[2].as_str(), filed[1].as_str()]);
    let after = format!("/admin/reports?limit=2&after={}", first["next"].as_str().unwrap());
    let second = server.get(&root, &after).await.expect(StatusCode::OK);
    assert_eq!((ids(&second), &second["next"]), (vec![filed[0].as_str()], &Value::Null));
    let rejected = server.get(&root, "/admin/reports?status=REJECTED").await.expect(StatusCode::OK);
    assert_eq!(ids(&rejected), [filed[0].as_str()]);
    server.get(&root, "/admin/reports?status=LOST").await.refused(422, "invalid");
    server.get(&ana, "/admin/reports").await.refused(403, "moderator_only");
    server
        .call(&root, Method::PATCH, "/admin/reports/none", json!({"status": "RESOLVED"}))
        .await
        .refused(422, "invalid");
    let unknown = format!("/admin/reports/{NOBODY}");
    server.call(&root, Method::PATCH, &unknown, json!({"status": "RESOLVED"})).await.refused(404, "not_found");
    let bad = server.call(&root, Method::PATCH, &unknown, json!({"status": "PENDING"})).await;
    assert_eq!(bad.refused(422, "invalid").faults(), [("status", "unknown_word")]);
    server.stop().await;
});

each_mix!(a_story_is_reported_and_removed, |home| async move {
    let server = Server::start(&home).await;
    let root = server.administrator().await;
    let mia = moderator(&server, &root).await;
    let [ana, ben, eve] = [server.register("ana").await, server.register("ben").await, server.register("eve").await];
    server.post(&ana, "/friends", json!({"userId": ben.id})).await.expect(StatusCode::CREATED);
    server.post(&ben, &format!("/friends/{}/accept", ana.id), Value::Null).await.expect(StatusCode::OK);
    let mut stories = Vec::new();
    for text in ["as it was", "harmless"] {
        let story = server.post(&ana, "/stories", json!({"content": text})).await.expect(StatusCode::CREATED);
        stories.push(story["id"].as_str().unwrap().to_owned());
    }
    let report = json!({"storyId": stories[0], "reason": "rude"});
    server.post(&eve, "/reports", report.clone()).await.refused(404, "not_found");
    server.post(&ben, "/reports", report).await.expect(StatusCode::CREATED);
    let path = format!("/stories/{}", stories[0]);
    server.call(&ana, Method::PATCH, &path, json!({"content": "nothing"})).await.expect(StatusCode::OK);
    let queue = server.get(&mia, "/admin/reports").await.expect(StatusCode::OK);
    assert_eq!(queue["items"][0]["evidence"]["content"], "as it was");
    let removals: Vec<_> = stories.iter().map(|story| format!("/admin/stories/{story}")).collect();
    server.call(&ben, Method::DELETE, &removals[0], Value::Null).await.refused(403, "moderator_only");
    server.call(&mia, Method::DELETE, &removals[1], Value::Null).await.refused(404, "not_found");
    server.call(&mia, Method::DELETE, &removals[0], Value::Null).await.expect(StatusCode::NO_CONTENT);
    server.get(&ana, &path).await.refused(404, "not_found");
    server.call(&root, Method::DELETE, &removals[1], Value::Null).await.expect(StatusCode::NO_CONTENT);
    assert_eq!(server.get(&ben, "/stories").await.expect(StatusCode::OK)["items"], json!([]));
    server.stop().await;
});

each_mix!(what_one_cannot_see_cannot_be_reported, |home| async move {
    let server = Server::start(&home).await;
    let [ana, ben, eve] = [server.register("ana").await, server.register("ben").await, server.register("eve").await];
    let room = server.conversation(&ana, "group", &[&ben]).await;
    let message = server.text(&ben, &room, "hello").await["id"].clone();
    let file = async |by: &Person, report: Value| server.post(by, "/reports", report).await;
    for (target, id) in [
        ("messageId", &message),
        ("messageId", &json!(NOBODY)),
        ("userId", &json!(NOBODY)),
        ("storyId", &json!(NOBODY)),
    ] {
        let mut report = json!({"reason": "spam"});
        report[target] = id.clone();
        file(&eve, report).await.refused(404, "not_found");
    }
    file(&ana, json!({"userId": ana.id, "reason": "me"})).await.refused(422, "reports_oneself");
    for (report, fault) in [
        (json!({"reason": "spam"}), ("userId", "required")),
        (json!({"reason": "spam", "userId": ben.id, "messageId": message}), ("userId", "ambiguous")),
        (json!({"userId": ben.id}), ("reason", "required")),
        (json!({"userId": ben.id, "reason": " "}), ("reason", "empty")),
        (json!({"userId": "ben", "reason": "spam"}), ("userId", "malformed")),
        (json!({"userId": ben.id, "reason": "spam", "notes": "n".repeat(2_049)}), ("notes", "too_long")),
    ] {
        let reply = file(&ana, report).await;
        assert!(reply.refused(422, "invalid").faults().contains(&fault), "{fault:?}: {}", reply.body);
    }
    // Repeated with its key, it is the same.
    let keyed = async || {
        let request = server.request(Method::POST, "/reports", Some(&ana.token)).header("Idempotency-Key", "k");
        server.send(request.json(&json!({"messageId": message, "reason": "spam"}))).await.expect(StatusCode::CREATED)
    };
    assert_eq!(keyed().await["id"], keyed().await["id"]);
    server.stop().await;
});
