//! Texts that are equal however they are written, and texts that are refused.

use crate::{
    support::{Person, Server, sio::Transport},
    texts::{id, rest},
};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::Method;
use serde_json::json;
use testkit::each_mix;

fn account(email: &str, password: &str) -> String {
    json!({"email": email, "password": password, "firstName": "Maria", "lastName": "Silva"}).to_string()
}

each_mix!(one_address_is_one_account_however_it_is_written, |home| async move {
    let server = Server::start(&home).await;
    let rest = rest(&server);
    let register =
        async |email: &str| rest.call(None, Method::POST, "/auth/register", account(email, "correct horse")).await;
    for (first, twin) in [
        ("\u{e9}a@x.example", "e\u{301}a@x.example"),
        ("b@b\u{fc}cher.example", "b@xn--bcher-kva.example"),
        ("c@x.example", "\u{ff43}@x.example"),
        ("D@x.example", "d@X.example"),
        ("stra\u{df}e@x.example", "strasse@x.example"),
    ] {
        assert_eq!(register(first).await.0, 201, "{first}");
        let (status, answer) = register(twin).await;
        assert_eq!((status, &answer["code"]), (409, &json!("email_taken")), "{twin}");
        for typed in [first, twin] {
            let body = json!({"email": typed, "password": "correct horse"}).to_string();
            assert_eq!(rest.call(None, Method::POST, "/auth/login", body).await.0, 200, "{typed:?}");
        }
    }
    for refused in
        ["z\u{200b}@x.example", "z@x.example\u{200b}", "\u{202e}z@x.example", "z\u{ad}@x.example", "z@x..example"]
    {
        assert_eq!(register(refused).await.0, 422, "{refused:?}");
    }
    // Who erases themselves gives the address up in every form.
    let (_, signed_in) = register("\u{f1}@x.example").await;
    let gone = Person::of(&server, &signed_in);
    let body = json!({"password": "correct horse"}).to_string();
    assert_eq!(rest.call(Some(&gone), Method::DELETE, "/users/me", body).await.0, 204);
    assert_eq!(register("n\u{303}@x.example").await.0, 201);
    server.stop().await;
});

each_mix!(a_password_is_the_same_however_it_is_typed_and_no_common_one, |home| async move {
    let server = Server::start(&home).await;
    let rest = rest(&server);
    let (status, ana) =
        rest.call(None, Method::POST, "/auth/register", account("ana@x.example", "contrase\u{f1}a larga")).await;
    assert_eq!(status, 201);
    for (typed, want) in
        [("contrasen\u{303}a larga", 200), ("contrase\u{f1}a\u{a0}larga", 200), ("contrasena larga", 401)]
    {
        let body = json!({"email": "ana@x.example", "password": typed}).to_string();
        assert_eq!(rest.call(None, Method::POST, "/auth/login", body).await.0, want, "{typed:?}");
    }
    let email = "maria.silva@mail.example";
    for (password, code) in [
        ("password", "too_common"),
        ("12345678", "too_common"),
        ("qwertyui", "too_common"),
        ("        ", "empty"),
        ("\0\0\0\0\0\0\0\0", "control_character"),
        ("chatchit", "own_words"),
        (email, "own_words"),
        ("MariaSilva", "own_words"),
        ("maria-1984", "own_words"),
        ("\u{e9}\u{e9}\u{e9}\u{e9}", "too_short"),
    ] {
        let (status, answer) = rest.call(None, Method::POST, "/auth/register", account(email, password)).await;
        assert_eq!((status, &answer["errors"][0]["field"]), (422, &json!("password")), "{password:?} {answer}");
        assert_eq!(answer["errors"][0]["code"], code, "{password:?}");
    }
    let ana = Person::of(&server, &ana);
    for (new, code) in [("password1", "too_common"), ("ana@x.example", "own_words")] {
        let body = json!({"current": "contrase\u{f1}a larga", "new": new}).to_string();
        let (status, answer) = rest.call(Some(&ana), Method::POST, "/users/me/password", body).await;
        assert_eq!((status, &answer["errors"][0]["code"]), (422, &json!(code)), "{answer}");
        assert_eq!(answer["errors"][0]["field"], "new");
    }
    let body = json!({"current": "contrasen\u{303}a larga", "new": "another long one"}).to_string();
    assert_eq!(rest.call(Some(&ana), Method::POST, "/users/me/password", body).await.0, 204);
    server.stop().await;
});

each_mix!(a_nul_in_a_search_is_refused, |home| async move {
    let server = Server::start(&home).await;
    let rest = rest(&server);
    let root = server.administrator().await;
    for path in [
        "/admin/accounts?query=%00",
        "/admin/conversations?query=a%00b",
        "/admin/audit/events?type=%00",
        "/users?query=%00a",
        "/messages/search?q=%00a",
        "/stories?after=%00",
    ] {
        let (status, answer) = rest.call(Some(&root), Method::GET, path, String::new()).await;
        assert_eq!((status, &answer["errors"][0]["code"]), (422, &json!("control_character")), "{path} {answer}");
    }
    let long = "x".repeat(257);
    for (text, wanted) in [
        ("\u{e9}", "found"),
        ("e\u{301}", "found"),
        ("%", "found"),
        ("_", "found"),
        ("\\", "found"),
        (&long[1..], "found"),
        (&long, "too_long"),
        ("", "empty"),
        (" ", "empty"),
        ("\u{202e}", "empty"),
    ] {
        for path in ["/admin/accounts?query=", "/admin/conversations?query=", "/users?query=", "/messages/search?q="] {
            let path = format!("{path}{}", utf8_percent_encode(text, NON_ALPHANUMERIC));
            let (status, answer) = rest.call(Some(&root), Method::GET, &path, String::new()).await;
            let found = if status == 200 { "found" } else { answer["errors"][0]["code"].as_str().unwrap() };
            assert_eq!(found, wanted, "{path} {answer}");
        }
    }
    server.stop().await;
});

each_mix!(nobody_posts_the_record_of_a_call_or_under_no_id, |home| async move {
    let server = Server::start(&home).await;
    let ana = server.register("ana").await;
    let mut client = server.connect(&ana, None).await;
    let mut sio = ana.sio(None, Transport::WebSocket).await;
    let room = client.group(&[], "Room").await;
    let rest = rest(&server);
    for (field, value, code) in [
        ("messageType", "CALL", "unknown_word"),
        ("guid", "00000000-0000-0000-0000-000000000000", "malformed"),
        ("guid", "ffffffff-ffff-ffff-ffff-ffffffffffff", "malformed"),
    ] {
        let data = json!({"conversationId": room, "content": "x", field: value});
        let body = json!({"content": "x", field: value}).to_string();
        let (status, answer) =
            rest.call(Some(&ana), Method::POST, &format!("/conversations/{room}/messages"), body).await;
        assert_eq!(status, 422, "{answer}");
        let on_socket_io = sio.ask("sendMessage", data.clone()).await["error"].take();
        for problem in [answer, client.refused("message.send", data).await, on_socket_io] {
            assert_eq!(problem["errors"][0]["field"], field, "{problem}");
            assert_eq!(problem["errors"][0]["code"], code, "{problem}");
        }
    }
    server.stop().await;
});

each_mix!(one_person_does_not_fill_a_message_with_reactions, |home| async move {
    let server = Server::start(&home).await;
    let (ana, ben) = (server.register("ana").await, server.register("ben").await);
    let (mut a, mut b) = (server.connect(&ana, None).await, server.connect(&ben, None).await);
    let room = a.group(&[ben.id], "Room").await;
    let message = id(&a.say(&room, "hello").await);
    let reaction = |emoji: &str| json!({"messageId": message, "emoji": emoji});
    for emoji in ["\u{2764}", "😀", "😃", "😄", "😁", "😆", "😅", "🤣", "😂", "🙂"] {
        a.ok("message.react", reaction(emoji)).await;
    }
    assert_eq!(a.refused("message.react", reaction("🙃")).await["code"], "too_many_reactions");
    let seen = b.ok("message.react", reaction("\u{2764}\u{fe0f}")).await;
    assert_eq!(seen["reactions"].as_array().unwrap().len(), 10, "{seen}");
    let hearts = seen["reactions"].as_array().unwrap().iter().find(|reaction| reaction["emoji"] == "\u{2764}\u{fe0f}");
    assert_eq!(hearts.unwrap()["count"], 2);
    a.ok("message.unreact", reaction("\u{2764}\u{fe0e}")).await;
    a.ok("message.react", reaction("🙃")).await;
    server.stop().await;
});
