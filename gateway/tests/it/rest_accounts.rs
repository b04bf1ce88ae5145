//! Registration, sign-in, sessions and profiles.

use crate::support::{PASSWORD, Person, Server, registration};
use commands::{Context, Password, Register};
use domain::{
    session::Device,
    text::{DisplayName, EmailAddress},
    user::{Preferences, Profile, Role},
};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use testkit::each_mix;

each_mix!(one_registers_signs_in_and_signs_out, |home| async move {
    let server = Server::start(&home).await;
    let reply = server.anonymous("/auth/register", registration("ana")).await;
    assert!(reply.position() > 0);
    let answer = reply.expect(StatusCode::CREATED);
    assert_eq!(answer["expiresIn"], 604_800);
    let ana = Person::of(&server, &answer);
    let me = server.get(&ana, "/users/me").await.expect(StatusCode::OK);
    assert_eq!(me, answer["user"]);
    let want = json!({
        "id": ana.id, "firstName": "ana", "lastName": "Test", "avatarUrl": null, "role": "USER",
        "createdAt": me["createdAt"], "email": "ana@test.example", "phone": null, "preferences": {}, "isBlocked": false,
    });
    assert_eq!(me, want);

    let credentials = json!({"email": "ANA@test.example", "password": PASSWORD, "device": "phone"});
    let phone = Person::of(&server, &server.anonymous("/auth/login", credentials).await.expect(StatusCode::OK));
    let sessions = server.get(&phone, "/auth/sessions").await.expect(StatusCode::OK);
    let devices: Vec<_> = sessions["items"].as_array().unwrap().iter().map(|s| (&s["device"], &s["current"])).collect();
    assert_eq!(devices, [(&json!("phone"), &json!(true)), (&Value::Null, &json!(false))]);
    assert_eq!(sessions["items"][0]["ip"], "127.0.0.1");

    let logout = server.post(&phone, "/auth/logout", Value::Null).await;
    assert_eq!((logout.status, logout.body.is_null()), (StatusCode::NO_CONTENT, true));
    server.get(&phone, "/users/me").await.refused(401, "invalid_token");
    server.anonymous("/auth/refresh", json!({"refreshToken": phone.refresh})).await.refused(401, "invalid_token");
    server.get(&ana, "/users/me").await.expect(StatusCode::OK);
    server.stop().await;
});

each_mix!(wrong_credentials_tell_nothing, |home| async move {
    let server = Server::start(&home).await;
    server.register("ana").await;
    for (email, password) in [("ana@test.example", "wrong horse"), ("ben@test.example", PASSWORD)] {
        let reply = server.anonymous("/auth/login", json!({"email": email, "password": password})).await;
        reply.refused(401, "wrong_credentials");
    }
    for token in [None, Some(""), Some("nonsense"), Some("eyJhbGciOiJub25lIn0.e30.")] {
        let reply = server.send(server.request(Method::GET, "/users/me", token)).await;
        let code = if token.is_some_and(|token| !token.is_empty()) { "invalid_token" } else { "unauthenticated" };
        assert_eq!(reply.refused(401, code).headers["www-authenticate"], "Bearer");
    }
    server.stop().await;
});

each_mix!(a_refresh_token_rotates, |home| async move {
    let server = Server::start(&home).await;
    let ana = server.register("ana").await;
    let renew = async |token: &str| server.anonymous("/auth/refresh", json!({"refreshToken": token})).await;
    let next = Person::of(&server, &renew(&ana.refresh).await.expect(StatusCode::OK));
    assert_ne!(next.refresh, ana.refresh);
    assert_eq!(server.get(&next, "/users/me").await.status, StatusCode::OK);
    // The answer was lost, and the client asks again.
    let again = Person::of(&server, &renew(&ana.refresh).await.expect(StatusCode::OK));
    assert!(renew(&again.refresh).await.status.is_success());
    let nonsense = renew("nonsense").await;
    assert!(nonsense.refused(401, "invalid_token").body["detail"].as_str().unwrap().contains("`refreshToken`"));
    server.stop().await;
});

each_mix!(a_session_is_ended_from_another_device, |home| async move {
    let server = Server::start(&home).await;
    let ana = server.register("ana").await;
    let ben = server.register("ben").await;
    let credentials = json!({"email": ana.email, "password": PASSWORD});
    let other = Person::of(&server, &server.anonymous("/auth/login", credentials).await.expect(StatusCode::OK));
    let sessions = server.get(&ana, "/auth/sessions").await.expect(StatusCode::OK);
    let items = sessions["items"].as_array().unwrap();
    let theirs = items.iter().find(|session| session["current"] == false).unwrap()["id"].as_str().unwrap();
    let path = format!("/auth/sessions/{theirs}");
    server.call(&ben, Method::DELETE, &path, Value::Null).await.refused(404, "not_found");
    server.call(&ana, Method::DELETE, &path, Value::Null).await.expect(StatusCode::NO_CONTENT);
    server.get(&other, "/users/me").await.refused(401, "invalid_token");
    server.call(&ana, Method::DELETE, "/auth/sessions/mine", Value::Null).await.refused(422, "invalid");
    server.stop().await;
});

each_mix!(of_two_registrations_at_once_one_wins, |home| async move {
    let server = Server::start(&home).await;
    let (ana, other) = (
        registration("ana"),
        json!({
            "email": "Ana@Test.example", "password": PASSWORD, "firstName": "Other", "lastName": "Ana",
        }),
    );
    let (one, two) = tokio::join!(server.anonymous("/auth/register", ana), server.anonymous("/auth/register", other));
    let (won, lost) = if one.status.is_success() { (one, two) } else { (two, one) };
    lost.refused(409, "email_taken");
    let head = server.head().await;
    let won = Person::of(&server, &won.expect(StatusCode::CREATED));
    assert_eq!(server.get(&won, "/users?query=ana").await.expect(StatusCode::OK)["items"].as_array().unwrap().len(), 1);
    assert_eq!(head, 2, "an account and a session");
    server.stop().await;
});

each_mix!(a_registration_repeated_with_its_key_is_the_same, |home| async move {
    let server = Server::start(&home).await;
    let register = async || {
        let request = server.request(Method::POST, "/auth/register", None).header("Idempotency-Key", "k1");
        server.send(request.json(&registration("ana"))).await
    };
    let (first, second) = (register().await, register().await);
    assert_eq!(first.position(), second.position());
    let (first, second) = (first.expect(StatusCode::CREATED), second.expect(StatusCode::CREATED));
    assert_eq!(first["user"], second["user"]);
    assert_eq!(server.get(&Person::of(&server, &second), "/users/me").await.status, StatusCode::OK);
    server.stop().await;
});

each_mix!(a_profile_is_changed_field_by_field, |home| async move {
    let server = Server::start(&home).await;
    let ana = server.register("ana").await;
    let face = server.file(&ana).await["fileUrl"].clone();
    let change = json!({"lastName": "Änderung", "phone": "+49 30 1", "avatarUrl": face, "preferences": {"a": [1]}});
    let reply = server.call(&ana, Method::PATCH, "/users/me", change).await;
    assert!(reply.position() > 2);
    let me = reply.expect(StatusCode::OK);
    assert_eq!((&me["firstName"], &me["lastName"]), (&json!("ana"), &json!("Änderung")));
    assert_eq!((&me["phone"], &me["preferences"]), (&json!("+49 30 1"), &json!({"a": [1]})));
    let me = server.call(&ana, Method::PATCH, "/users/me", json!({"phone": null})).await.expect(StatusCode::OK);
    assert_eq!((&me["phone"], &me["avatarUrl"]), (&Value::Null, &face));
    let bad =
        json!({"firstName": null, "lastName": "", "phone": "call me", "avatarUrl": "javascript:x", "preferences": 1});
    let reply = server.call(&ana, Method::PATCH, "/users/me", bad).await;
    let want = [
        ("firstName", "required"),
        ("lastName", "empty"),
        ("avatarUrl", "malformed"),
        ("phone", "malformed"),
        ("preferences", "wrong_type"),
    ];
    assert_eq!(reply.refused(422, "invalid").faults(), want);
    // Others see the public part.
    let ben = server.register("ben").await;
    let seen = server.get(&ben, &format!("/users/{}", ana.id)).await.expect(StatusCode::OK);
    assert_eq!(seen["lastName"], "Änderung");
    assert!(seen.get("email").is_none() && seen.get("phone").is_none());
    server.get(&ben, "/users/00000000-0000-7000-8000-000000000000").await.refused(404, "not_found");
    assert_eq!(server.get(&ben, "/users/ana").await.refused(422, "invalid").faults(), [("id", "malformed")]);
    let found = server.get(&ben, "/users?query=ANA").await.expect(StatusCode::OK);
    assert_eq!(found["items"][0]["id"], json!(ana.id));
    assert_eq!(server.get(&ben, "/users?query=%20").await.refused(422, "invalid").faults(), [("query", "empty")]);
    server.stop().await;
});

each_mix!(the_first_administrator_registers_with_the_printed_token, |home| async move {
    let server = Server::start(&home).await;
    let token = server.app.bootstrap.offered(&server.app.store).await.unwrap().expect("a token is offered");
    let with_token = |name: &str, token: &str| {
        let mut request = registration(name);
        request["bootstrapToken"] = json!(token);
        request
    };
    let reply = server.anonymous("/auth/register", with_token("eve", "guess")).await;
    reply.refused(403, "invalid_bootstrap_token");
    let admin = server.anonymous("/auth/register", with_token("ana", &token)).await.expect(StatusCode::CREATED);
    assert_eq!(admin["user"]["role"], "ADMIN");
    let reply = server.anonymous("/auth/register", with_token("eve", &token)).await;
    reply.refused(409, "bootstrap_token_used");
    assert_eq!(server.app.bootstrap.offered(&server.app.store).await.unwrap(), None);
    server.stop().await;
});

each_mix!(an_administrator_whom_another_process_made_voids_the_token_in_all, |home| async move {
    let (one, two) = (Server::start(&home).await, Server::start(&home).await);
    let token = one.app.bootstrap.offered(&one.app.store).await.unwrap().expect("a token is offered");
    let ana = registration("ana");
    let text = |field: &str| ana[field].as_str().unwrap();
    let profile = Profile {
        first_name: DisplayName::parse(text("firstName")).unwrap(),
        last_name: DisplayName::parse(text("lastName")).unwrap(),
        email: EmailAddress::parse(text("email")).unwrap(),
        phone: None,
        avatar_url: None,
        preferences: Preferences::default(),
    };
    let password = Password::parse(text("password")).unwrap();
    let register = Register { profile, password, role: Role::Admin, device: Device::default(), bootstrap: false };
    let nobody = Context { actor: None, key: None, correlation_id: uuid::Uuid::nil(), causation_id: None };
    two.app.commands.register(&nobody, register).await.unwrap();
    let mut eve = registration("eve");
    eve["bootstrapToken"] = json!(token);
    for server in [&one, &two] {
        server.anonymous("/auth/register", eve.clone()).await.refused(409, "bootstrap_token_used");
    }
    tokio::join!(one.stop(), two.stop());
    let server = Server::start(&home).await;
    server.anonymous("/auth/register", eve).await.refused(409, "bootstrap_token_used");
    server.stop().await;
});
