//! What holds of the request that opens a socket, at each door.

use crate::Problem;
use axum::http::{HeaderMap, StatusCode, Uri, header};

/// Names under which people put a token into an address, where logs and histories keep it.
const TOKENS: [&str; 6] = ["token", "access_token", "accessToken", "bearer", "authorization", "jwt"];

/// The pairs of a query, as they stand there.
pub(crate) fn pairs(uri: &Uri) -> impl Iterator<Item = (&str, &str)> {
    let query = uri.query().unwrap_or_default();
    query.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")))
}

/// Refuses a token in the address.
///
/// # Errors
/// `token_in_query`.
pub(crate) fn token_in_query(uri: &Uri) -> Result<(), Problem> {
    if pairs(uri).any(|(name, _)| TOKENS.contains(&name)) {
        let detail = "a token in the address ends up in logs: send it as the documents say";
        return Err(Problem::new(StatusCode::BAD_REQUEST, "token_in_query", detail));
    }
    Ok(())
}

/// A browser sends cookies and reaches private networks: only listed origins may, where a list is set.
///
/// # Errors
/// `origin_not_allowed`.
pub(crate) fn check_origin(headers: &HeaderMap, allowed: &[String]) -> Result<(), Problem> {
    let Some(origin) = headers.get(header::ORIGIN) else { return Ok(()) };
    let listed = |allowed: &String| allowed == "*" || allowed.as_bytes() == origin.as_bytes();
    if allowed.is_empty() || allowed.iter().any(listed) {
        return Ok(());
    }
    Err(Problem::new(StatusCode::FORBIDDEN, "origin_not_allowed", "pages of this origin may not connect"))
}
