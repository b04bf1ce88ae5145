//! The document as programs read it.

use crate::routes;
use operations::Operations;
use serde_json::{Value, json};
use std::collections::BTreeSet;

fn document() -> Value {
    routes::described(routes::documented::<Operations>().into_openapi())
}

fn operations(document: &Value) -> impl Iterator<Item = (&str, &str, &Value)> {
    document["paths"].as_object().unwrap().iter().flat_map(|(path, item)| {
        let operations = item.as_object().unwrap().iter();
        operations.map(move |(method, operation)| (path.as_str(), method.as_str(), operation))
    })
}

#[test]
fn each_operation_has_an_id_of_its_own_that_can_be_a_name() {
    let document = document();
    let mut ids = BTreeSet::new();
    for (path, method, operation) in operations(&document) {
        let id = operation["operationId"].as_str().unwrap();
        let is_name = id.starts_with(|c: char| c.is_ascii_lowercase()) && id.chars().all(|c| c.is_ascii_alphanumeric());
        assert!(is_name, "{method} {path}: {id}");
        assert!(ids.insert(id), "{method} {path}: {id} is another's");
    }
    assert!(ids.len() > 100 && ids.contains("listConversations"));
}

/// The schema of a parameter.
fn parameter<'d>(document: &'d Value, path: &str, name: &str) -> &'d Value {
    let parameters = document["paths"][path]["get"]["parameters"].as_array().unwrap();
    &parameters.iter().find(|parameter| parameter["name"] == name).unwrap()["schema"]
}

#[test]
fn numbers_lists_and_moments_are_bounded_as_they_are_read() {
    let document = document();
    let position = parameter(&document, "/conversations", "X-ChatChit-Position");
    assert_eq!((&position["minimum"], &position["maximum"]), (&json!(0), &json!(u64::MAX)));
    assert_eq!(parameter(&document, "/admin/audit/events", "toPosition")["maximum"], json!(u64::MAX));
    assert_eq!(parameter(&document, "/presence", "userIds")["items"]["format"], "uuid");
    assert_eq!(parameter(&document, "/users", "query")["minLength"], 1);
    assert!(parameter(&document, "/admin/audit/export", "from")["anyOf"].is_array());
    let fields = &document["components"]["schemas"];
    for (schema, field) in [("Registration", "email"), ("NewStory", "mediaUrl"), ("ProfileUpdate", "phone")] {
        assert!(fields[schema]["properties"][field]["pattern"].is_string(), "{schema}.{field}");
    }
    assert_eq!(fields["NewAttachment"]["properties"]["size"]["maximum"], json!(9_007_199_254_740_991_u64));
    let headers = document["paths"]["/files/links"]["post"]["parameters"].as_array().unwrap().iter();
    let headers: Vec<_> = headers.map(|parameter| &parameter["name"]).collect();
    assert_eq!(headers, ["X-ChatChit-Position"], "it stores nothing that could be asked for twice");
}

#[test]
fn everything_is_described() {
    let document = document();
    let tags: BTreeSet<_> =
        document["tags"].as_array().unwrap().iter().map(|tag| tag["name"].as_str().unwrap()).collect();
    for (path, method, operation) in operations(&document) {
        for text in ["summary", "description"] {
            assert!(operation[text].as_str().is_some_and(|text| !text.is_empty()), "{method} {path} lacks its {text}");
        }
        for tag in operation["tags"].as_array().unwrap() {
            assert!(tags.contains(tag.as_str().unwrap()), "{method} {path}: {tag}");
        }
        for (status, response) in operation["responses"].as_object().unwrap() {
            assert!(response["description"].as_str().is_some_and(|says| !says.is_empty()), "{method} {path} {status}");
            assert!(response["headers"]["X-Request-Id"].is_object(), "{method} {path} {status}");
            let is_kept = ["/openapi.json", "/asyncapi.json"].contains(&path);
            assert_eq!(response["headers"]["Cache-Control"].is_null(), is_kept, "{method} {path} {status}");
            let is_problem = response["content"]["application/problem+json"].is_object();
            let waits = is_problem && ["429", "503"].contains(&status.as_str());
            assert_eq!(response["headers"]["Retry-After"].is_object(), waits, "{method} {path} {status}");
        }
    }
    for place in ["/info/license/name", "/info/contact/name", "/servers/0/url", "/components/headers/Position"] {
        assert!(document.pointer(place).is_some(), "{place}");
    }
}

#[test]
fn answers_tell_their_headers() {
    let document = document();
    let content = ["ETag", "Accept-Ranges", "Content-Disposition"];
    for (path, status, names) in [
        ("/files/{id}", "200", &content[..]),
        ("/files/{id}", "206", &["Content-Range", "ETag", "Accept-Ranges", "Content-Disposition"]),
        ("/files/{id}", "304", &["ETag"]),
        ("/files/{id}", "416", &["Content-Range"]),
        ("/files/{id}/thumb", "200", &["ETag", "Content-Disposition"]),
        ("/files/{id}/thumb", "304", &["ETag"]),
        ("/files/links/{token}", "200", &content[..]),
        ("/files/links/{token}", "206", &content[..]),
        ("/admin/audit/export", "200", &["Content-Disposition", "X-ChatChit-Indexed-To"]),
        ("/users/me/export", "200", &["Content-Disposition"]),
    ] {
        let headers = &document["paths"][path]["get"]["responses"][status]["headers"];
        for name in names {
            assert!(headers[*name]["description"].is_string(), "{path} {status}: {name}");
        }
    }
}

#[test]
fn parameters_have_their_words_and_bounds() {
    let document = document();
    let schema_of = |path: &str, method: &str, name: &str| {
        let parameters = document["paths"][path][method]["parameters"].as_array().unwrap();
        parameters.iter().find(|parameter| parameter["name"] == name).unwrap()["schema"].clone()
    };
    let limit = schema_of("/conversations", "get", "limit");
    assert_eq!((&limit["minimum"], &limit["maximum"], &limit["default"]), (&json!(1), &json!(200), &json!(50)));
    assert_eq!(schema_of("/messages/{id}", "delete", "for")["enum"], json!(["everyone", "me"]));
    assert_eq!(schema_of("/friends/requests", "get", "direction")["enum"], json!(["in", "out"]));
    let key = schema_of("/conversations", "post", "Idempotency-Key");
    assert_eq!((&key["minLength"], &key["maxLength"]), (&json!(1), &json!(255)));
    assert!(key["pattern"].is_string());
    let position = schema_of("/conversations", "get", "X-ChatChit-Position");
    assert_eq!((&position["type"], &position["minimum"]), (&json!("integer"), &json!(0)));
}
