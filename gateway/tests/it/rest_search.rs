//! Searching messages and people, over REST.

use crate::support::{Person, Reply, Server};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use testkit::each_mix;

async fn search(server: &Server, by: &Person, parameters: &[(&str, &str)]) -> Reply {
    server.send(server.request(Method::GET, "/messages/search", Some(&by.token)).query(parameters)).await
}

fn contents(list: &Value) -> Vec<&str> {
    list["items"].as_array().unwrap().iter().map(|item| item["content"].as_str().unwrap()).collect()
}

each_mix!(messages_are_found_as_soon_as_they_are_written, |home| async move {
    let server = Server::start(&home).await;
    let [ana, ben, eve] = [server.register("ana").await, server.register("ben").await, server.register("eve").await];
    let pair = server.conversation(&ana, "direct", &[&ben]).await;
    let first = server.text(&ana, &pair, "Tôi yêu Việt Nam").await;
    server.text(&ben, &pair, "toi").await;
    let found = search(&server, &ben, &[("q", "toi")]).await.expect(StatusCode::OK);
    assert_eq!(contents(&found), ["toi", "Tôi yêu Việt Nam"]);
    let mut item = found["items"][1].clone();
    assert_eq!(item.as_object_mut().unwrap().remove("highlights"), Some(json!([{"start": 0, "end": 3}])));
    let path = format!("/messages/{}", first["id"].as_str().unwrap());
    assert_eq!(item, server.get(&ben, &path).await.expect(StatusCode::OK), "a message with all its fields");

    let written = search(&server, &ana, &[("q", "tôi")]).await.expect(StatusCode::OK);
    assert_eq!(contents(&written), ["Tôi yêu Việt Nam", "toi"], "as written first");
    let page = search(&server, &ana, &[("q", "toi"), ("limit", "1")]).await.expect(StatusCode::OK);
    let next = page["next"].as_str().expect("more");
    let rest = search(&server, &ana, &[("q", "toi"), ("limit", "1"), ("after", next)]).await.expect(StatusCode::OK);
    assert_eq!((contents(&rest), &rest["next"]), (vec!["Tôi yêu Việt Nam"], &Value::Null));
    let from = ben.id.to_string();
    let by_ben = search(&server, &ana, &[("q", "toi"), ("from", &from), ("conversationId", &pair)]).await;
    assert_eq!(contents(&by_ben.expect(StatusCode::OK)), ["toi"]);

    server.call(&ana, Method::PATCH, &path, json!({"content": "Ich liebe Vietnam"})).await.expect(StatusCode::OK);
    let found = search(&server, &ben, &[("q", "toi")]).await.expect(StatusCode::OK);
    assert_eq!(contents(&found), ["toi"]);
    assert_eq!(contents(&search(&server, &ben, &[("q", "liebe")]).await.expect(StatusCode::OK)).len(), 1);
    server.call(&ana, Method::DELETE, &path, Value::Null).await.expect(StatusCode::NO_CONTENT);
    assert!(contents(&search(&server, &ben, &[("q", "liebe")]).await.expect(StatusCode::OK)).is_empty());
    assert!(contents(&search(&server, &eve, &[("q", "toi")]).await.expect(StatusCode::OK)).is_empty());
    search(&server, &eve, &[("q", "toi"), ("conversationId", &pair)]).await.refused(404, "not_found");
    server.stop().await;
});

each_mix!(what_has_signs_is_found_as_it_is_written, |home| async move {
    let server = Server::start(&home).await;
    let ana = server.register("ana").await;
    let room = server.conversation(&ana, "group", &[]).await;
    for text in ["고등학교에 갔다", "a t-shirt", "t some shirt", "C++ code", "cat", "see #42", "42", "me@example.org"]
    {
        server.text(&ana, &room, text).await;
    }
    for (text, want) in [
        ("학교", "고등학교에 갔다"),
        ("t-shirt", "a t-shirt"),
        ("C++", "C++ code"),
        ("#42", "see #42"),
        ("me@example.org", "me@example.org"),
    ] {
        let found = search(&server, &ana, &[("q", text)]).await.expect(StatusCode::OK);
        assert_eq!(contents(&found), [want], "{text}");
    }
    server.stop().await;
});

each_mix!(highlights_are_bounded_in_number_and_bytes, |home| async move {
    let server = Server::start(&home).await;
    let ana = server.register("ana").await;
    let room = server.conversation(&ana, "group", &[]).await;
    for _ in 0..20 {
        server.text(&ana, &room, &"a ".repeat(4_000)).await;
    }
    let found = search(&server, &ana, &[("q", "a"), ("limit", "200")]).await.expect(StatusCode::OK);
    let items = found["items"].as_array().unwrap();
    assert_eq!(items.len(), 20);
    for item in items {
        let highlights = &item["highlights"];
        assert_eq!(highlights.as_array().unwrap().len(), 100);
        assert!(highlights.to_string().len() < 4_096, "{highlights}");
    }
    server.stop().await;
});

each_mix!(no_text_breaks_a_search, |home| async move {
    let server = Server::start(&home).await;
    let ana = server.register("ana").await;
    let room = server.conversation(&ana, "group", &[]).await;
    server.text(&ana, &room, "plain").await;
    for text in
        ["\"", "'", "a\"b OR c*", "NEAR(a b)", "x AND", "(((", "a:*&!b", "%_\\", "^a -b +c", "\u{1}a", "{words}: x"]
    {
        search(&server, &ana, &[("q", text)]).await.expect(StatusCode::OK);
        let users = server.request(Method::GET, "/users", Some(&ana.token)).query(&[("query", text)]);
        server.send(users).await.expect(StatusCode::OK);
    }
    for (parameters, faults) in [
        (&[][..], ("q", "required")),
        (&[("q", "  ")], ("q", "empty")),
        (&[("q", "a\u{0}")], ("q", "control_character")),
        (&[("q", &*"x".repeat(257))], ("q", "too_long")),
        (&[("q", "x"), ("from", "me")], ("from", "malformed")),
        (&[("q", "x"), ("conversationId", "here")], ("conversationId", "malformed")),
        (&[("q", "x"), ("after", "nothing")], ("after", "malformed")),
    ] {
        assert_eq!(search(&server, &ana, parameters).await.refused(422, "invalid").faults(), [faults]);
    }
    let nobody = server.send(server.request(Method::GET, "/messages/search?q=x", None)).await;
    nobody.refused(401, "unauthenticated");
    server.stop().await;
});

each_mix!(people_are_found_by_their_names, |home| async move {
    let server = Server::start(&home).await;
    let [ana, ben, eve] = [server.register("ana").await, server.register("ben").await, server.register("eve").await];
    let rename = json!({"firstName": "Nguyễn Văn", "lastName": "Đức"});
    server.call(&ben, Method::PATCH, "/users/me", rename).await.expect(StatusCode::OK);
    let found = async |by: &Person, text: &str| {
        let request = server.request(Method::GET, "/users", Some(&by.token)).query(&[("query", text)]);
        let list = server.send(request).await.expect(StatusCode::OK);
        list["items"].as_array().unwrap().iter().map(|user| user["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let is_ben = [ben.id.to_string()];
    for text in ["nguyen", "duc van", "ĐỨC", "ben@test.example"] {
        assert_eq!(found(&ana, text).await, is_ben, "{text}");
    }
    assert!(found(&ana, "ben").await.is_empty(), "a name of before");
    server.post(&ben, &format!("/friends/{}/block", eve.id), Value::Null).await.expect(StatusCode::OK);
    assert!(found(&eve, "nguyen").await.is_empty());
    assert!(found(&ben, "eve").await.is_empty());
    server.stop().await;
});
