//! The OpenAPI document, with which every answer is compared.

use super::Reply;
use gateway::routes;
use reqwest::Method;
use serde_json::Value;
use std::sync::OnceLock;

pub(crate) fn document() -> &'static Value {
    static DOCUMENT: OnceLock<Value> = OnceLock::new();
    DOCUMENT.get_or_init(routes::document)
}

/// The template of the document that a path fits, the most literal first.
fn template_of(path: &str) -> Option<&'static str> {
    let fits = |template: &str| {
        let (mut wanted, mut given) = (template.split('/'), path.split('/'));
        loop {
            match (wanted.next(), given.next()) {
                (None, None) => return true,
                (Some(part), Some(value)) if part == value || part.starts_with('{') => (),
                _ => return false,
            }
        }
    };
    let paths = document()["paths"].as_object().expect("paths");
    paths
        .keys()
        .map(String::as_str)
        .filter(|template| fits(template))
        .min_by_key(|template| template.matches('{').count())
}

/// Asserts that the document lists the code and status of a problem.
fn assert_listed(reply: &Reply) {
    let lists = |schema: &str, code: &Value, status: Option<u16>| {
        let codes = document()["components"]["schemas"][schema]["properties"]["code"]["x-codes"].as_array();
        let is_it = |listed: &Value| listed["code"] == *code && status.is_none_or(|status| listed["status"] == status);
        codes.expect("a list of codes").iter().any(is_it)
    };
    let status = reply.status.as_u16();
    assert!(lists("Problem", &reply.body["code"], Some(status)), "{} is not listed with {status}", reply.body);
    for error in reply.body["errors"].as_array().into_iter().flatten() {
        assert!(lists("FieldProblem", &error["code"], None), "{error} is not listed");
    }
}

/// Asserts that the document names the status of an answer for its route.
pub(super) fn assert_documented(method: &Method, path: &str, reply: &Reply) {
    if reply.headers.get("content-type").is_some_and(|kind| kind == "application/problem+json") {
        assert_listed(reply);
    }
    let Some(template) = template_of(path) else {
        let is_nowhere = ["unknown_route", "rate_limited"].iter().any(|code| reply.body["code"] == **code);
        assert!(is_nowhere, "{method} {path} is answered and not documented");
        return;
    };
    let operation = &document()["paths"][template][method.as_str().to_lowercase()];
    if operation.is_null() {
        let is_refused = ["wrong_method", "rate_limited"].iter().any(|code| reply.body["code"] == **code);
        assert!(is_refused, "{method} {path} is answered and not documented");
        return;
    }
    let status = reply.status.as_str();
    assert!(
        !operation["responses"][status].is_null(),
        "{method} {template} answered {status}, which is not documented"
    );
}
