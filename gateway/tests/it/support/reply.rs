//! Answers over REST.

use reqwest::{
    StatusCode,
    header::{HeaderMap, HeaderValue},
};
use serde_json::Value;
use uuid::Uuid;

/// The answer to a request.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

impl Reply {
    /// Asserts the status, and returns the body.
    #[track_caller]
    pub(crate) fn expect(self, status: StatusCode) -> Value {
        assert_eq!(self.status, status, "{}", self.body);
        self.body
    }

    /// Asserts success, and returns the body.
    #[track_caller]
    pub(crate) fn ok(self) -> Value {
        assert!(self.status.is_success(), "{}: {}", self.status, self.body);
        self.body
    }

    /// Asserts that the answer is this problem.
    #[track_caller]
    pub(crate) fn refused(&self, status: u16, code: &str) -> &Self {
        assert_eq!((self.status.as_u16(), self.body["code"].as_str()), (status, Some(code)), "{}", self.body);
        assert_eq!(self.body["status"], status);
        assert_eq!(self.headers["content-type"], "application/problem+json");
        let request_id = self.headers["x-request-id"].to_str().expect("text");
        assert_eq!(self.body["requestId"], request_id);
        assert!(Uuid::parse_str(request_id).is_ok());
        for field in ["type", "title", "detail"] {
            assert!(self.body[field].is_string(), "{field} is missing in {}", self.body);
        }
        assert!(self.body["temporary"].is_boolean());
        self
    }

    /// The faulty fields with their codes.
    pub(crate) fn faults(&self) -> Vec<(&str, &str)> {
        let errors = self.body["errors"].as_array().into_iter().flatten();
        errors.map(|error| (error["field"].as_str().unwrap(), error["code"].as_str().unwrap())).collect()
    }

    pub(crate) fn position(&self) -> u64 {
        self.headers["x-chatchit-position"].to_str().unwrap().parse().expect("a position")
    }

    pub(crate) fn header(&self, name: &str) -> Option<&HeaderValue> {
        self.headers.get(name)
    }
}
