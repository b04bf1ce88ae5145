//! The query of a request: which page of a list, and what else is asked.

use crate::{CallerId, HttpApp};
use axum::{
    extract::{FromRequestParts, Query},
    http::request::Parts,
};
use domain::text::{is_blank, limits::SEARCH};
use projections::queries::{PageKey, PageRequest};
use protocol::{
    Problem,
    request::{Limit, UUID_FORM, uuid},
};
use std::{collections::HashMap, str::FromStr};
use uuid::Uuid;

/// The parameters of a query.
pub(super) struct Parameters {
    all: HashMap<String, String>,
    /// Authenticates the tokens of pages.
    key: PageKey,
}

/// What a question is apart from its page: these parameters do not belong to it.
const OF_PAGES: [&str; 5] = ["after", "around", "before", "html", "limit"];

impl FromRequestParts<HttpApp> for Parameters {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &HttpApp) -> Result<Self, Problem> {
        let query = Query::<Vec<(String, String)>>::from_request_parts(parts, app).await;
        let Query(pairs) = query.map_err(|_| Problem::malformed("the query of the address cannot be read"))?;
        let all: HashMap<_, _> = pairs.into_iter().collect();
        if let Some((name, _)) = all.iter().find(|(name, value)| name.contains('\0') || value.contains('\0')) {
            return Err(Problem::field(name, "control_character", "must not contain the control character U+0000"));
        }
        let key = key_of(parts, app, &all);
        Ok(Self { all, key })
    }
}

/// The key of the tokens that the caller gets for this question.
fn key_of(parts: &Parts, app: &HttpApp, parameters: &HashMap<String, String>) -> PageKey {
    let caller = parts.extensions.get::<CallerId>().map(|caller| caller.0).unwrap_or_default();
    let mut filters: Vec<_> = parameters.iter().filter(|(name, _)| !OF_PAGES.contains(&name.as_str())).collect();
    filters.sort_unstable();
    let filters = filters.into_iter().flat_map(|(name, value)| [name.as_bytes(), value.as_bytes()]);
    let question = [caller.0.as_bytes().as_slice(), parts.uri.path().as_bytes()];
    let parts: Vec<_> = question.into_iter().chain(filters).collect();
    PageKey::new(app.store.authenticator("page").tag(&parts))
}

impl Parameters {
    /// A parameter that may be absent.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.all.get(name).map(String::as_str)
    }

    /// What is searched for, which may be absent: something that shows.
    pub(super) fn search(&self, name: &str) -> Result<Option<&str>, Problem> {
        let Some(text) = self.get(name) else { return Ok(None) };
        if is_blank(text) {
            return Err(Problem::field(name, "empty", "must have something that shows"));
        }
        if text.chars().count() > SEARCH {
            return Err(Problem::field(name, "too_long", format!("must have at most {SEARCH} characters")));
        }
        Ok(Some(text))
    }

    /// The same, where there must be something.
    pub(super) fn searched(&self, name: &str) -> Result<&str, Problem> {
        self.search(name)?.ok_or_else(|| Problem::field(name, "required", "is required"))
    }

    /// An id that may be absent.
    pub(super) fn id(&self, name: &str) -> Result<Option<Uuid>, Problem> {
        let wrong = || Problem::field(name, "malformed", format!("must be {UUID_FORM}"));
        self.get(name).map(|text| uuid(text).ok_or_else(wrong)).transpose()
    }

    /// A parameter that may be absent, read. Given without a value, it is at fault.
    pub(super) fn parsed<T: FromStr>(&self, name: &str, wanted: &str) -> Result<Option<T>, Problem> {
        let wrong = || Problem::field(name, "malformed", format!("must be {wanted}"));
        self.all.get(name).map(|text| text.parse().map_err(|_| wrong())).transpose()
    }

    /// One of some words; the first when absent.
    pub(super) fn one_of<T: Copy>(&self, name: &str, words: &[(&str, T)]) -> Result<T, Problem> {
        let names = || words.iter().map(|(word, _)| *word).collect::<Vec<_>>().join(", ");
        let wrong = || Problem::field(name, "unknown_word", format!("must be one of {}", names()));
        // Given without a value, it is no word.
        let wanted = self.all.get(name).map(String::as_str);
        let found = words.iter().find(|(word, _)| wanted.is_none_or(|wanted| wanted == *word));
        found.map(|(_, value)| *value).ok_or_else(wrong)
    }

    /// One of some words, or none.
    pub(super) fn any_of<T: Copy>(&self, name: &str, words: &[(&str, T)]) -> Result<Option<T>, Problem> {
        if self.all.contains_key(name) { self.one_of(name, words).map(Some) } else { Ok(None) }
    }

    /// How many are wanted: 1 to 200.
    pub(super) fn limit(&self) -> Result<Option<u32>, Problem> {
        let limit = self.parsed::<u64>("limit", &Limit::wanted())?;
        let out_of_range = || Problem::field("limit", "out_of_range", format!("must be {}", Limit::wanted()));
        limit.map(|limit| Limit::of(limit).map(|Limit(limit)| limit).ok_or_else(out_of_range)).transpose()
    }

    /// Which page is wanted.
    pub(super) fn page(&self) -> Result<PageRequest, Problem> {
        Ok(PageRequest { limit: self.limit()?, after: self.get("after").map(str::to_owned), key: self.key })
    }

    /// What authenticates the tokens of pages.
    pub(super) const fn key(&self) -> &PageKey {
        &self.key
    }
}
