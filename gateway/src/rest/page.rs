//! The query of a request: which page of a list, and what else is asked.

use crate::{App, Problem, auth::CallerId};
use axum::{
    extract::{FromRequestParts, Query},
    http::request::Parts,
};
use projections::queries::{MAX_LIMIT, PageKey, PageRequest};
use std::{collections::HashMap, str::FromStr};

/// The parameters of a query.
pub(super) struct Parameters {
    all: HashMap<String, String>,
    /// Authenticates the tokens of pages.
    key: PageKey,
}

/// What a question is apart from its page: these parameters do not belong to it.
const OF_PAGES: [&str; 5] = ["after", "around", "before", "html", "limit"];

impl FromRequestParts<App> for Parameters {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let query = Query::<Vec<(String, String)>>::from_request_parts(parts, app).await;
        let Query(pairs) = query.map_err(|_| Problem::malformed("the query of the address cannot be read"))?;
        let all: HashMap<_, _> = pairs.into_iter().collect();
        let key = key_of(parts, app, &all);
        Ok(Self { all, key })
    }
}

/// The key of the tokens that the caller gets for this question.
fn key_of(parts: &Parts, app: &App, parameters: &HashMap<String, String>) -> PageKey {
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
        self.all.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// A parameter that may be absent, read.
    pub(super) fn parsed<T: FromStr>(&self, name: &str, wanted: &str) -> Result<Option<T>, Problem> {
        let wrong = || Problem::field(name, "malformed", format!("must be {wanted}"));
        self.get(name).map(|text| text.parse().map_err(|_| wrong())).transpose()
    }

    /// One of some words; the first when absent.
    pub(super) fn one_of<T: Copy>(&self, name: &str, words: &[(&str, T)]) -> Result<T, Problem> {
        let names = || words.iter().map(|(word, _)| *word).collect::<Vec<_>>().join(", ");
        let wrong = || Problem::field(name, "unknown_word", format!("must be one of {}", names()));
        let wanted = self.get(name);
        let found = words.iter().find(|(word, _)| wanted.is_none_or(|wanted| wanted == *word));
        found.map(|(_, value)| *value).ok_or_else(wrong)
    }

    /// One of some words, or none.
    pub(super) fn any_of<T: Copy>(&self, name: &str, words: &[(&str, T)]) -> Result<Option<T>, Problem> {
        if self.get(name).is_none() { Ok(None) } else { self.one_of(name, words).map(Some) }
    }

    /// How many are wanted: 1 to 200.
    pub(super) fn limit(&self) -> Result<Option<u32>, Problem> {
        let limit = self.parsed::<u32>("limit", "a whole number")?;
        match limit {
            Some(0) => Err(Problem::field("limit", "too_small", format!("must be from 1 to {MAX_LIMIT}"))),
            limit => Ok(limit.map(|limit| limit.min(MAX_LIMIT))),
        }
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
