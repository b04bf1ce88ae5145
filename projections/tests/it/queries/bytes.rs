//! Pages end by bytes, in every list.

use super::{first, queries_on};
use crate::support::{Story, World};
use domain::{Timestamp, friendship::FriendshipAct};
use projections::{
    parked_page,
    queries::{ConversationFilter, MemberFilter, Page, PageRequest, QueryError},
};
use sql::query;
use testkit::each_engine;

/// A page holds three texts of this size.
const LARGE: usize = 300 << 10;
const NOW: Timestamp = Timestamp::from_millis(1);

/// The number of rows in each page of a list, of at most 200.
async fn sizes<T>(list: impl AsyncFn(PageRequest) -> Result<Page<T>, QueryError>) -> Vec<usize> {
    let (mut sizes, mut request) = (Vec::new(), first(200));
    loop {
        let page = list(request).await.unwrap();
        sizes.push(page.items.len());
        match page.next {
            Some(after) => request = PageRequest { after: Some(after), ..first(200) },
            None => return sizes,
        }
    }
}

each_engine!(every_list_ends_by_bytes, |home| async move {
    let (world, mut story) = (World::new(home).await, Story::new(1));
    story.register_all(6);
    let group = story.open_group(0, 0, &[1, 2, 3, 4], false);
    for n in 1..5 {
        story.open_group(n, 0, &[], false);
        story.upload(n, 0);
        story.sign_in(0, n);
        story.pair(0, n, FriendshipAct::Request);
        story.pair(n, 0, FriendshipAct::Accept);
    }
    let queries = queries_on(&world, &mut story).await;
    let large = "x".repeat(LARGE);
    for change in [
        "UPDATE users SET preferences = $1",
        "UPDATE conversations SET title = $1",
        "UPDATE files SET name = $1",
        "UPDATE sessions SET device_name = $1",
    ] {
        assert!(world.database.execute(query(change).bind(large.as_str())).await.unwrap() >= 4, "{change}");
    }
    for position in 1..=4 {
        let park = "INSERT INTO parked (projection, position, aggregate_type, aggregate_id, event_type, state, error, \
                    attempts, parked_at) VALUES ('messages', $1, 'message', $2, 'message.sent', 'poison', $3, 3, 0)";
        let park = query(park).bind(position).bind(story.message(0).0).bind(large.as_str());
        world.database.execute(park).await.unwrap();
    }

    let (ana, q) = (story.user(0), &queries);
    let members = sizes(async |page| q.members(ana, group, MemberFilter::Active, &page).await).await;
    assert_eq!(members, [3, 2]);
    assert_eq!(sizes(async |page| q.friends(ana, &page).await).await, [3, 1]);
    assert_eq!(sizes(async |page| q.search_users(ana, "first", &page).await).await, [3, 3]);
    assert_eq!(sizes(async |page| q.watched(&ConversationFilter::default(), &page).await).await, [3, 2]);
    assert_eq!(sizes(async |page| q.conversations(ana, false, NOW, &page).await).await, [3, 2]);
    assert_eq!(sizes(async |page| q.own_conversations(ana, &page).await).await, [3, 2]);
    assert_eq!(sizes(async |page| q.own_files(ana, &page).await).await, [3, 1]);
    assert_eq!(sizes(async |page| q.sessions(ana, &page).await).await, [3, 1]);
    assert_eq!(sizes(async |page| q.own_sessions(ana, &page).await).await, [3, 1]);
    assert_eq!(sizes(async |page| parked_page(q, &page).await).await, [3, 1]);
});
