//! Forged, altered, expired and misplaced tokens, at each door.

use crate::support::{
    Door, End, Person, Server, config, registration,
    sio::{Sio, Transport, answered, polling},
    soon, until,
};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
use config::{Config, Secret};
use hmac::{Hmac, Mac as _};
use reqwest::StatusCode;
use serde_json::{Value, json};
use sha2::{Sha256, Sha512};
use std::time::Duration;
use testkit::{Engine, Home, each_mix};

const SECRET: &[u8] = b"the secret of this test, of 32 bytes or more";
const OTHER: &[u8] = b"another secret, of thirty-two bytes or more";

fn part(value: &Value) -> String {
    BASE64.encode(value.to_string())
}

fn hs256(secret: &[u8], header: &Value, claims: &Value) -> String {
    let signed = format!("{}.{}", part(header), part(claims));
    let mac = Hmac::<Sha256>::new_from_slice(secret).unwrap().chain_update(&signed);
    format!("{signed}.{}", BASE64.encode(mac.finalize().into_bytes()))
}

fn hs512(secret: &[u8], header: &Value, claims: &Value) -> String {
    let signed = format!("{}.{}", part(header), part(claims));
    let mac = Hmac::<Sha512>::new_from_slice(secret).unwrap().chain_update(&signed);
    format!("{signed}.{}", BASE64.encode(mac.finalize().into_bytes()))
}

/// Header and claims of a token.
fn read(token: &str) -> [Value; 2] {
    let mut parts = token.split('.').map(|part| BASE64.decode(part).unwrap());
    [(); 2].map(|()| serde_json::from_slice(&parts.next().unwrap()).unwrap())
}

fn with(value: &Value, field: &str, new: Value) -> Value {
    let mut value = value.clone();
    value[field] = new;
    value
}

fn without(value: &Value, field: &str) -> Value {
    let mut value = value.clone();
    value.as_object_mut().unwrap().remove(field);
    value
}

/// At which doors a token is let in: REST, `/ws` by header, by subprotocol and by first frame, Socket.IO.
async fn doors(server: &Door, token: &str) -> [bool; 5] {
    // Not every text is a header.
    let as_header = axum_value(token);
    let rest = match as_header {
        true => {
            let request = reqwest::Client::new().get(format!("http://{}/users/me", server.address)).bearer_auth(token);
            answered(request).await.0 == StatusCode::OK
        }
        false => false,
    };
    let header = as_header && server.open(Some(token), None, None).await.is_ok();
    let subprotocol = match as_header {
        true => {
            let offered = format!("chatchit.v1, bearer.{token}");
            let mut browser = server.open(None, Some(&offered), None).await.unwrap();
            browser.frame().await.is_ok_and(|frame| frame.get("hello").is_some())
        }
        false => false,
    };
    let mut plain = server.open(None, None, None).await.unwrap();
    plain.send_text(json!({"id": "0", "cmd": "auth", "data": {"token": token}}).to_string()).await;
    let first = plain.frame().await.is_ok_and(|frame| frame.get("hello").is_some());
    let mut sio = Sio::open(server, Transport::Polling).await;
    assert!(sio.send(&format!("40{}", json!({"token": token}))).await);
    let reply = soon("a poll", reqwest::get(polling(server.address, &sio.sid))).await.unwrap().text().await.unwrap();
    [rest, header, subprotocol, first, reply.starts_with("40")]
}

fn axum_value(token: &str) -> bool {
    !token.is_empty() && token.bytes().all(|byte| (0x21..0x7f).contains(&byte) && !b",".contains(&byte))
}

async fn secretive(home: &Home, secret: &[u8], previous: &[&[u8]]) -> Server {
    let previous_secrets = previous.iter().map(|secret| Secret::new(*secret)).collect();
    Server::start_with(Config { access_secret: Some(Secret::new(secret)), previous_secrets, ..config(home) }).await
}

async fn session(server: &Server, name: &str) -> Value {
    server.anonymous("/auth/register", registration(name)).await.ok()
}

each_mix!(no_forged_token_opens_any_door, |home| async move {
    let server = secretive(&home, SECRET, &[]).await;
    let (ana, eve) = (session(&server, "ana").await, session(&server, "eve").await);
    let good = ana["accessToken"].as_str().unwrap();
    let [header, claims] = read(good);
    let [_, eves] = read(eve["accessToken"].as_str().unwrap());
    assert_eq!(doors(&server, &hs256(SECRET, &header, &claims)).await, [true; 5], "forging works, with the secret");
    let body = good.rsplit_once('.').unwrap().0;
    let signature = good.rsplit_once('.').unwrap().1;
    let now = claims["iat"].as_i64().unwrap();
    let own_key = json!({"kty": "oct", "k": BASE64.encode(OTHER), "alg": "HS256"});
    let mut cases = vec![
        ("another's claims under one's signature", format!("{}.{}.{signature}", part(&header), part(&eves))),
        ("no signature", format!("{body}.")),
        ("no last part", body.to_owned()),
        ("a part too many", format!("{good}.x")),
        ("a cut signature", good[..good.len() - 4].to_owned()),
        ("another secret", hs256(OTHER, &header, &claims)),
        ("an empty secret", hs256(b"", &header, &claims)),
        ("an unknown kid", hs256(SECRET, &with(&header, "kid", json!("0123456789ab")), &claims)),
        ("a kid that is a path", hs256(b"", &with(&header, "kid", json!("../../../../dev/null")), &claims)),
        ("a kid that is SQL", hs256(b"x", &with(&header, "kid", json!("' UNION SELECT 'x")), &claims)),
        ("a kid that is none", hs256(SECRET, &with(&header, "kid", Value::Null), &claims)),
        ("no kid", hs256(SECRET, &without(&header, "kid"), &claims)),
        ("HS512 with the same secret", hs512(SECRET, &with(&header, "alg", json!("HS512")), &claims)),
        ("HS512 that says HS256", hs512(SECRET, &header, &claims)),
        ("a key of one's own", hs256(OTHER, &with(&header, "jwk", own_key), &claims)),
        ("a key from elsewhere", hs256(OTHER, &with(&header, "jku", json!("http://127.0.0.1:1/jwks")), &claims)),
        ("a string for exp", hs256(SECRET, &header, &with(&claims, "exp", json!((now + 60).to_string())))),
        ("an object for exp", hs256(SECRET, &header, &with(&claims, "exp", json!({})))),
        ("no exp", hs256(SECRET, &header, &without(&claims, "exp"))),
        ("expired", hs256(SECRET, &header, &with(&claims, "exp", json!(now - 1)))),
        ("expired before time", hs256(SECRET, &header, &with(&claims, "exp", json!(-1)))),
        ("no iat", hs256(SECRET, &header, &without(&claims, "iat"))),
        ("another kind", hs256(SECRET, &header, &with(&claims, "typ", json!("refresh")))),
        ("no kind", hs256(SECRET, &header, &without(&claims, "typ"))),
        ("another's session", hs256(SECRET, &header, &with(&claims, "sub", eves["sub"].clone()))),
        ("nobody's session", hs256(SECRET, &header, &with(&claims, "sid", json!(uuid::Uuid::nil())))),
        ("a refresh token", ana["refreshToken"].as_str().unwrap().to_owned()),
        ("nonsense", "nonsense".to_owned()),
        ("dots", "...".to_owned()),
        ("not base64", "é.é.é".to_owned()),
        ("much", "A".repeat(8_000)),
    ];
    for alg in ["none", "None", "NONE", "nOnE", ""] {
        let header = with(&header, "alg", json!(alg));
        cases.push(("alg none", format!("{}.{}.", part(&header), part(&claims))));
        cases.push(("alg none with a signature", format!("{}.{}.{signature}", part(&header), part(&claims))));
    }
    for alg in ["RS256", "ES256", "EdDSA", "PS512"] {
        cases.push(("another algorithm's name", hs256(SECRET, &with(&header, "alg", json!(alg)), &claims)));
    }
    for (case, token) in cases {
        assert_eq!(doors(&server, &token).await, [false; 5], "{case}: {token}");
    }
    assert_eq!(doors(&server, good).await, [true; 5]);
    server.stop().await;
});

each_mix!(a_token_outlives_neither_its_session_nor_its_secret, |home| async move {
    let server = secretive(&home, OTHER, &[]).await;
    let ana = session(&server, "ana").await;
    let old = ana["accessToken"].as_str().unwrap().to_owned();
    server.stop().await;

    let rotated = secretive(&home, SECRET, &[OTHER]).await;
    assert_eq!(doors(&rotated, &old).await, [true; 5], "what was signed before is good");
    let renewed = rotated.anonymous("/auth/refresh", json!({"refreshToken": ana["refreshToken"]})).await.ok();
    let new = renewed["accessToken"].as_str().unwrap().to_owned();
    let ([old_head, claims], [new_head, _]) = (read(&old), read(&new));
    assert_ne!(old_head["kid"], new_head["kid"], "what is signed now names the new secret");
    let crossed = hs256(SECRET, &old_head, &claims);
    assert_eq!(doors(&rotated, &crossed).await, [false; 5], "each kid has its own secret");
    rotated.stop().await;

    let later = secretive(&home, SECRET, &[]).await;
    assert_eq!(doors(&later, &old).await, [false; 5], "a secret that was taken away is good no more");
    assert_eq!(doors(&later, &new).await, [true; 5]);
    later.write(&Person::of(&later, &renewed), "/auth/logout", json!({})).await;
    assert_eq!(doors(&later, &new).await, [false; 5]);
    later.stop().await;
});

#[tokio::test(flavor = "multi_thread")]
async fn a_token_in_the_address_is_refused_at_each_door() {
    let home = Home::new(Engine::Sqlite).await;
    let server = Server::start(&home).await;
    let ana = server.register("ana").await;
    for name in ["token", "access_token", "accessToken", "bearer", "authorization", "jwt"] {
        let refused = server.open_at(&format!("/ws?{name}={}", ana.token), &[]).await.err().expect("a refusal");
        assert_eq!(refused.status(), 400, "{name}");
        let url = format!("{}&{name}={}", polling(server.address, ""), ana.token);
        let (status, body) = answered(reqwest::Client::new().get(url)).await;
        assert_eq!((status, body.contains("token_in_query")), (StatusCode::BAD_REQUEST, true), "{name}");
        let url = format!("http://{}/users/me?{name}={}", server.address, ana.token);
        let (status, body) = answered(reqwest::Client::new().get(url)).await;
        assert_eq!((status, body.contains("token_in_query")), (StatusCode::BAD_REQUEST, true), "{name}");
    }
    server.stop().await;
}

each_mix!(a_refresh_token_in_two_hands_ends_the_session_everywhere, |home| async move {
    let server = Server::start_with(Config { refresh_grace: Duration::ZERO, ..config(&home) }).await;
    let ana = session(&server, "ana").await;
    let mut socket = server.connect(&Person::of(&server, &ana), None).await;
    let renew = async |token: &Value| {
        let url = format!("http://{}/auth/refresh", server.address);
        let (status, body) = answered(reqwest::Client::new().post(url).json(&json!({"refreshToken": token}))).await;
        (status, serde_json::from_str::<Value>(&body).unwrap())
    };
    let (status, owners) = renew(&ana["refreshToken"]).await;
    assert_eq!(status, StatusCode::OK);
    // Within the same millisecond it is an answer that was lost.
    until("the thief to be noticed", async || renew(&ana["refreshToken"]).await.0 == StatusCode::UNAUTHORIZED).await;
    assert_eq!(renew(&owners["refreshToken"]).await.0, StatusCode::UNAUTHORIZED, "nobody can tell who is the thief");
    assert!(matches!(socket.end().await, End::Closed(4001 | 4009)));
    assert_eq!(doors(&server, owners["accessToken"].as_str().unwrap()).await, [false; 5]);
    server.stop().await;
});
