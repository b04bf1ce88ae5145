//! Queries, each answer on both engines.

mod bytes;
mod calls;
mod conversations;
mod files;
mod invites;
mod kept;
mod messages;
mod newest_first;
mod people;
mod search;
mod stories;
mod suggestions;
mod watching;
mod word_index;

use super::support::{Story, World};
use projections::queries::{Page, PageRequest, Queries, QueryError};

/// Appends the story so far and returns queries on it.
async fn queries_on(world: &World, story: &mut Story) -> Queries {
    world.tell(story).await;
    world.catch_up().await;
    Queries::new(world.database.clone())
}

fn first(limit: u32) -> PageRequest {
    PageRequest { limit: Some(limit), ..PageRequest::default() }
}

/// All pages of a list, of two rows each.
async fn pages<T>(list: impl AsyncFn(PageRequest) -> Result<Page<T>, QueryError>) -> Vec<T> {
    let mut all = Vec::new();
    let mut request = first(2);
    loop {
        let page = list(request).await.unwrap();
        assert!(page.items.len() <= 2);
        all.extend(page.items);
        match page.next {
            Some(next) => request = PageRequest { limit: Some(2), after: Some(next), ..PageRequest::default() },
            None => return all,
        }
    }
}
