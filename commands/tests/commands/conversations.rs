//! Groups and direct conversations.

use commands::{Commands, CreateConversation};
use commands_testkit::*;
use domain::{
    ConversationId, UserId,
    conversation::{Joining, MemberRole, MemberStatus, SettingsChange},
    text::Title,
};
use event_store::Selection;
use testkit::each_engine;

each_engine!(a_group_has_its_creator_as_lead, |home| async move {
    let commands = server(&home).await;
    let (ana, bob) = (person(&commands, "ana").await, person(&commands, "bob").await);
    let created = commands.create_conversation(&ana.ctx, group_of(&[&bob, &ana, &bob])).await.unwrap();
    assert!(!created.existed);
    let state = &created.done.state;
    assert_eq!(state.active().count(), 2);
    assert!(state.is_lead(ana.id) && !state.is_lead(bob.id));
    assert_eq!(state.settings().title.as_ref().map(Title::as_str), Some("Us"));
    let nobody = CreateConversation { members: vec![UserId(ids())], ..group_of(&[]) };
    assert_eq!(refusal(commands.create_conversation(&ana.ctx, nobody).await), "not_found");
    let crowd = CreateConversation { members: (0..1_000).map(|_| UserId(ids())).collect(), ..group_of(&[]) };
    assert_eq!(refusal(commands.create_conversation(&ana.ctx, crowd).await), "too_many_members");
});

each_engine!(a_direct_conversation_exists_once_per_pair, |home| async move {
    let commands = server(&home).await;
    let (ana, bob) = (person(&commands, "ana").await, person(&commands, "bob").await);
    let first = commands.create_conversation(&ana.ctx, direct_with(&bob)).await.unwrap();
    let second = commands.create_conversation(&bob.ctx, direct_with(&ana)).await.unwrap();
    assert_eq!((first.existed, second.existed), (false, true));
    assert_eq!(first.done.id, second.done.id);
    assert_eq!(first.done.id, ConversationId::direct(ana.id, bob.id).0);
    for members in [vec![], vec![ana.id], vec![bob.id, UserId(ids())]] {
        let request = CreateConversation { members, ..direct_with(&bob) };
        assert_eq!(refusal(commands.create_conversation(&ana.ctx, request).await), "one_other");
    }
});

each_engine!(two_people_who_open_their_conversation_at_once_share_one, |home| async move {
    let store = open(&home).await;
    let nodes = [0, 1].map(|_| Commands::new(store.clone(), settings()));
    let (ana, bob) = (person(&nodes[0], "ana").await, person(&nodes[1], "bob").await);
    let (one, two) = tokio::join!(
        nodes[0].create_conversation(&ana.ctx, direct_with(&bob)),
        nodes[1].create_conversation(&bob.ctx, direct_with(&ana))
    );
    let (one, two) = (one.unwrap(), two.unwrap());
    assert_eq!(one.done.id, two.done.id);
    assert!(one.existed != two.existed);
    let (hello, hi) = tokio::join!(
        nodes[0].send_message(&ana.ctx, draft(ConversationId(one.done.id), "hello")),
        nodes[1].send_message(&bob.ctx, draft(ConversationId(two.done.id), "hi"))
    );
    let mut seqs = [hello.unwrap().receipt.seq, hi.unwrap().receipt.seq];
    seqs.sort_unstable();
    assert_eq!(seqs, [1, 2]);
    let events = store.read_after(0, &Selection::All, 100).await.unwrap();
    assert_eq!(events.iter().filter(|event| event.record.event_type == "conversation.created").count(), 1);
});

each_engine!(a_lead_runs_the_group, |home| async move {
    let commands = server(&home).await;
    let (ana, bob) = (person(&commands, "ana").await, person(&commands, "bob").await);
    let (cleo, eve) = (person(&commands, "cleo").await, person(&commands, "eve").await);
    let us = group(&commands, &ana, &[&bob]).await;
    let change = SettingsChange { title: Some(Some(Title::parse("Them").unwrap())), ..SettingsChange::default() };
    // A member may add; only the lead may do the rest; to an outsider there is no group.
    commands.add(&bob.ctx, us, cleo.id).await.unwrap();
    assert_eq!(refusal(commands.add(&bob.ctx, us, cleo.id).await), "already_member");
    assert_eq!(refusal(commands.add(&eve.ctx, us, UserId(ids())).await), "not_found");
    assert_eq!(refusal(commands.update_conversation(&bob.ctx, us, change.clone()).await), "lead_only");
    assert_eq!(refusal(commands.update_conversation(&eve.ctx, us, change.clone()).await), "not_found");
    assert_eq!(refusal(commands.kick(&bob.ctx, us, cleo.id).await), "lead_only");
    assert_eq!(refusal(commands.kick(&ana.ctx, us, ana.id).await), "kicks_oneself");
    assert_eq!(refusal(commands.kick(&ana.ctx, us, eve.id).await), "not_member");
    assert_eq!(refusal(commands.delete_conversation(&bob.ctx, us).await), "lead_only");
    let changed = commands.update_conversation(&ana.ctx, us, change).await.unwrap();
    assert_eq!(changed.state.settings().title.as_ref().map(Title::as_str), Some("Them"));
    let promoted = commands.promote(&ana.ctx, us, bob.id).await.unwrap();
    assert_eq!(promoted.state.member(bob.id).unwrap().role, MemberRole::Lead);
    let demoted = commands.demote(&bob.ctx, us, ana.id).await.unwrap();
    assert_eq!(demoted.state.member(ana.id).unwrap().role, MemberRole::Member);
    assert_eq!(refusal(commands.demote(&bob.ctx, us, bob.id).await), "last_lead");
    let kicked = commands.kick(&bob.ctx, us, cleo.id).await.unwrap();
    assert!(kicked.state.member(cleo.id).is_none());
    assert!(!commands.delete_conversation(&bob.ctx, us).await.unwrap().state.is_live());
    assert_eq!(refusal(commands.delete_conversation(&bob.ctx, us).await), "not_found");
});

each_engine!(joining_may_need_approval, |home| async move {
    let commands = server(&home).await;
    let (ana, bob) = (person(&commands, "ana").await, person(&commands, "bob").await);
    let cleo = person(&commands, "cleo").await;
    let closed = group(&commands, &ana, &[]).await;
    assert_eq!(refusal(commands.join(&bob.ctx, closed).await), "not_found", "an id is no key");
    let request = CreateConversation { joining: Joining::Open, ..group_of(&[]) };
    let open_group = ConversationId(commands.create_conversation(&ana.ctx, request).await.unwrap().done.id);
    let joined = commands.join(&bob.ctx, open_group).await.unwrap();
    assert_eq!(joined.state.member(bob.id).unwrap().status, MemberStatus::Active);
    assert_eq!(refusal(commands.join(&bob.ctx, ConversationId(ids())).await), "not_found");

    let request = CreateConversation { joining: Joining::Approval, ..group_of(&[]) };
    let guarded = ConversationId(commands.create_conversation(&ana.ctx, request).await.unwrap().done.id);
    for person in [&bob, &cleo] {
        let asked = commands.join(&person.ctx, guarded).await.unwrap();
        assert_eq!(asked.state.member(person.id).unwrap().status, MemberStatus::Pending);
        assert_eq!(refusal(commands.send_message(&person.ctx, draft(guarded, "let me in")).await), "not_found");
    }
    assert_eq!(refusal(commands.approve(&bob.ctx, guarded, bob.id).await), "not_found");
    let approved = commands.approve(&ana.ctx, guarded, bob.id).await.unwrap();
    assert_eq!(approved.state.member(bob.id).unwrap().status, MemberStatus::Active);
    assert!(commands.reject(&ana.ctx, guarded, cleo.id).await.unwrap().state.member(cleo.id).is_none());
    assert_eq!(refusal(commands.reject(&ana.ctx, guarded, cleo.id).await), "no_request");
    say(&commands, &bob, guarded, "thank you").await;
});

each_engine!(the_last_lead_hands_over, |home| async move {
    let commands = server(&home).await;
    let (ana, bob) = (person(&commands, "ana").await, person(&commands, "bob").await);
    let us = group(&commands, &ana, &[&bob]).await;
    let left = commands.leave(&ana.ctx, us).await.unwrap();
    assert!(left.state.is_lead(bob.id) && left.state.member(ana.id).is_none());
    assert_eq!(left.receipt.version, 3, "promoted, then left");
    assert_eq!(refusal(commands.leave(&ana.ctx, us).await), "not_found");
    let pair = direct(&commands, &ana, &bob).await;
    assert_eq!(refusal(commands.leave(&ana.ctx, pair).await), "direct_conversation");
});
