//! Invites to groups.

use super::{first, pages, queries_on};
use crate::support::{Story, World};
use domain::{Timestamp, conversation::ConversationCommand as Command};
use projections::queries::QueryError;
use testkit::each_engine;

const fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis)
}

each_engine!(leads_see_all_invites_and_members_their_own, |home| async move {
    let world = World::new(home).await;
    let mut story = Story::new(1);
    story.register_all(6);
    let group = story.open_group(0, 0, &[1, 2], false);
    let [lead, ben, cyd, dan, eve] = [0, 1, 2, 3, 4].map(|n| story.user(n));
    let of_lead = story.invite_to(group, 0, 0, (None, 0));
    let of_ben = story.invite_to(group, 1, 1, (Some(at(5_000)), 2));
    let once = story.invite_to(group, 0, 2, (None, 1));
    let queries = queries_on(&world, &mut story).await;
    let codes = async |viewer, now| {
        let listed = pages(async |page| queries.invites(viewer, group, now, &page).await).await;
        listed.into_iter().map(|invite| invite.code).collect::<Vec<_>>()
    };
    assert_eq!(codes(lead, at(9)).await, [once.clone(), of_ben.clone(), of_lead.clone()]);
    assert_eq!(codes(ben, at(9)).await, std::slice::from_ref(&of_ben));
    assert!(codes(cyd, at(9)).await.is_empty());
    assert_eq!(codes(lead, at(5_000)).await, [once, of_lead.clone()], "what is over is not listed");
    for stranger in [dan, eve] {
        let refused = queries.invites(stranger, group, at(9), &first(9)).await;
        assert!(matches!(refused, Err(QueryError::NotFound)));
    }

    story.come_by(group, 3, 1);
    story.come_by(group, 4, 2);
    queries_on(&world, &mut story).await;
    let listed = queries.invites(lead, group, at(9), &first(9)).await.unwrap().items;
    let seen: Vec<_> = listed.iter().map(|row| (row.code.as_str(), row.made_by, row.max_uses, row.uses)).collect();
    assert_eq!(seen, [(of_ben.as_str(), ben, Some(2), 1), (of_lead.as_str(), lead, None, 0)]);
    assert_eq!((listed[0].created_at, listed[0].expires_at), (at(1), Some(at(5_000))));

    let invite = story.invite(0);
    story.conversation(group, Command::RevokeInvite { by: lead, invite });
    story.conversation(group, Command::Leave { user: ben, idle: Default::default() });
    queries_on(&world, &mut story).await;
    assert!(codes(lead, at(9)).await.is_empty(), "one was taken back, the other went with its maker");
});
