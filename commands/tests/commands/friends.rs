//! Requests, friendship and blocks.

use commands_testkit::*;
use domain::{
    UserId,
    friendship::{FriendshipAct as Act, Standing},
};
use testkit::each_engine;

each_engine!(a_request_is_accepted_by_the_other, |home| async move {
    let commands = server(&home).await;
    let (ana, bob) = (person(&commands, "ana").await, person(&commands, "bob").await);
    let asked = commands.friendship(&ana.ctx, bob.id, Act::Request).await.unwrap();
    assert_eq!(asked.state.standing(), Standing::Requested(ana.id));
    assert_eq!(refusal(commands.friendship(&ana.ctx, bob.id, Act::Accept).await), "request_not_found");
    let friends = commands.friendship(&bob.ctx, ana.id, Act::Accept).await.unwrap();
    assert_eq!(friends.state.standing(), Standing::Friends);
    assert_eq!(friends.id, asked.id);
    assert_eq!(refusal(commands.friendship(&ana.ctx, bob.id, Act::Request).await), "already_friends");
    assert_eq!(commands.friendship_of(bob.id, ana.id).await.unwrap().version, 2);
});

each_engine!(requests_that_cross_make_friends, |home| async move {
    let store = open(&home).await;
    let nodes = [0, 1].map(|_| commands::Commands::new(store.clone(), settings()));
    let (ana, bob) = (person(&nodes[0], "ana").await, person(&nodes[0], "bob").await);
    let (one, two) = tokio::join!(
        nodes[0].friendship(&ana.ctx, bob.id, Act::Request),
        nodes[1].friendship(&bob.ctx, ana.id, Act::Request)
    );
    let standings = [one.unwrap().state.standing(), two.unwrap().state.standing()];
    assert!(standings.contains(&Standing::Friends), "{standings:?}");
});

each_engine!(friendship_needs_another_existing_person, |home| async move {
    let commands = server(&home).await;
    let ana = person(&commands, "ana").await;
    assert_eq!(refusal(commands.friendship(&ana.ctx, ana.id, Act::Request).await), "oneself");
    assert_eq!(refusal(commands.friendship(&ana.ctx, UserId(ids()), Act::Request).await), "not_found");
    assert_eq!(refusal(commands.friendship(&ana.ctx, UserId(ids()), Act::Block).await), "not_found");
});

each_engine!(to_the_blocked_one_the_blocker_does_not_exist, |home| async move {
    let commands = server(&home).await;
    let (ana, bob) = (person(&commands, "ana").await, person(&commands, "bob").await);
    block(&commands, &ana, &bob).await;
    assert_eq!(refusal(commands.friendship(&bob.ctx, ana.id, Act::Request).await), "not_found");
    assert_eq!(refusal(commands.friendship(&ana.ctx, bob.id, Act::Request).await), "blocked_by_you");
    assert_eq!(refusal(commands.create_conversation(&bob.ctx, direct_with(&ana)).await), "not_found");
    assert_eq!(refusal(commands.create_conversation(&bob.ctx, group_of(&[&ana])).await), "not_found");
    let group = group(&commands, &bob, &[]).await;
    assert_eq!(refusal(commands.add(&bob.ctx, group, ana.id).await), "not_found");
    commands.friendship(&ana.ctx, bob.id, Act::Unblock).await.unwrap();
    commands.friendship(&bob.ctx, ana.id, Act::Request).await.unwrap();
});
