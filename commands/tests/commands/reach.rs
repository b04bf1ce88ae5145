//! Authorization between people: into groups, between two people, and by moderators.

use commands::{
    AccountChange, CommandError, Commands, CreateConversation, FileReport, InviteLimits, PostStory, Register, Reported,
    ShowTo, Verdict,
};
use commands_testkit::*;
use domain::{
    ConversationId, ReportId, UserId,
    conversation::Joining,
    friendship::FriendshipAct as Act,
    story::StoryContent,
    text::{Reason, StoryText},
    user::Role,
};
use testkit::each_engine;

async fn group_by(commands: &Commands, lead: &Person, joining: Joining, members: &[&Person]) -> ConversationId {
    let request = CreateConversation { joining, ..group_of(members) };
    ConversationId(commands.create_conversation(&lead.ctx, request).await.unwrap().done.id)
}

async fn moderator(commands: &Commands, name: &str) -> Person {
    let registration = Register { role: Role::Moderator, ..registration(name) };
    Person::of(&commands.register(&anonymous(), registration).await.unwrap())
}

async fn report(commands: &Commands, by: &Person, reported: Reported) -> Result<ReportId, CommandError> {
    let reason = Reason::parse("spam").unwrap();
    let request = FileReport { id: ReportId(ids()), reported, reason, notes: None };
    commands.file_report(&by.ctx, request).await.map(|filed| ReportId(filed.done.id))
}

each_engine!(a_block_by_or_of_a_lead_hides_the_group, |home| async move {
    let commands = server(&home).await;
    let [lead, second, bob, cleo] = [
        person(&commands, "ana").await,
        person(&commands, "sue").await,
        person(&commands, "bob").await,
        person(&commands, "cleo").await,
    ];
    for joining in [Joining::Open, Joining::Approval] {
        let us = group_by(&commands, &lead, joining, &[&second]).await;
        commands.promote(&lead.ctx, us, second.id).await.unwrap();
        let code = commands.create_invite(&lead.ctx, us, InviteLimits::default()).await.unwrap();
        let code = code.state.invites().newest().unwrap().1.code.clone().unwrap();
        block(&commands, &second, &bob).await;
        assert_eq!(refusal(commands.join(&bob.ctx, us).await), "not_found");
        assert_eq!(refusal(commands.accept_invite(&bob.ctx, code).await), "invite_not_found");
        commands.friendship(&second.ctx, bob.id, Act::Unblock).await.unwrap();
        block(&commands, &cleo, &lead).await;
        assert_eq!(refusal(commands.join(&cleo.ctx, us).await), "not_found");
        commands.friendship(&cleo.ctx, lead.id, Act::Unblock).await.unwrap();
        for person in [&bob, &cleo] {
            commands.join(&person.ctx, us).await.unwrap();
        }
        // Members stay. A request to join across a block is as if it had not been made.
        for (by, whom) in [(&lead, &bob), (&bob, &lead)] {
            block(&commands, by, whom).await;
            if joining == Joining::Open {
                commands.join(&bob.ctx, us).await.unwrap();
            } else {
                assert_eq!(refusal(commands.join(&bob.ctx, us).await), "not_found");
                assert_eq!(refusal(commands.leave(&bob.ctx, us).await), "not_found");
                for act in
                    [commands.approve(&second.ctx, us, bob.id).await, commands.reject(&lead.ctx, us, bob.id).await]
                {
                    assert_eq!(refusal(act), "no_request");
                }
            }
            commands.friendship(&by.ctx, whom.id, Act::Unblock).await.unwrap();
        }
        if joining == Joining::Approval {
            commands.approve(&lead.ctx, us, bob.id).await.unwrap();
        }
    }
});

each_engine!(only_a_lead_readmits_a_kicked_member, |home| async move {
    let commands = server(&home).await;
    let [lead, bob, cleo] =
        [person(&commands, "ana").await, person(&commands, "bob").await, person(&commands, "cleo").await];
    let us = group_by(&commands, &lead, Joining::Open, &[&bob]).await;
    let code = commands.create_invite(&lead.ctx, us, InviteLimits::default()).await.unwrap();
    let code = code.state.invites().newest().unwrap().1.code.clone().unwrap();
    commands.join(&cleo.ctx, us).await.unwrap();
    commands.kick(&lead.ctx, us, cleo.id).await.unwrap();
    befriend(&commands, &bob, &cleo).await;
    assert_eq!(refusal(commands.join(&cleo.ctx, us).await), "not_found");
    assert_eq!(refusal(commands.accept_invite(&cleo.ctx, code).await), "invite_not_found");
    assert_eq!(refusal(commands.add(&bob.ctx, us, cleo.id).await), "lead_only");
    commands.add(&lead.ctx, us, cleo.id).await.unwrap();
    // Only a friend adds a member who left.
    commands.leave(&cleo.ctx, us).await.unwrap();
    assert_eq!(refusal(commands.add(&lead.ctx, us, cleo.id).await), "has_left");
    block(&commands, &lead, &cleo).await;
    assert_eq!(refusal(commands.add(&bob.ctx, us, cleo.id).await), "lead_only", "a lead has blocked them");
    commands.friendship(&lead.ctx, cleo.id, Act::Unblock).await.unwrap();
    commands.add(&bob.ctx, us, cleo.id).await.unwrap();
});

each_engine!(coming_and_going_without_end_is_refused, |home| async move {
    let commands = server(&home).await;
    let (lead, bob) = (person(&commands, "ana").await, person(&commands, "bob").await);
    let us = group_by(&commands, &lead, Joining::Approval, &[]).await;
    let mut asked = 0;
    let refused = loop {
        match commands.join(&bob.ctx, us).await {
            Ok(_) => asked += 1,
            Err(refused) => break refused,
        }
        commands.leave(&bob.ctx, us).await.unwrap();
    };
    assert_eq!(asked, domain::conversation::ARRIVALS.burst);
    assert!(matches!(refused, CommandError::TooOften { wait_ms, .. } if wait_ms > 0), "{refused:?}");
});

each_engine!(a_lead_is_demoted_only_beside_an_active_lead, |home| async move {
    let commands = server(&home).await;
    let [ana, bob] = [person(&commands, "ana").await, person(&commands, "bob").await];
    let us = group(&commands, &ana, &[&bob]).await;
    commands.promote(&ana.ctx, us, bob.id).await.unwrap();
    commands.deactivate(&bob.ctx, None).await.unwrap();
    assert_eq!(refusal(commands.demote(&ana.ctx, us, ana.id).await), "last_lead");
    commands.demote(&ana.ctx, us, bob.id).await.unwrap();
});

each_engine!(an_administrator_promotes_in_a_group_of_others, |home| async move {
    let commands = server(&home).await;
    let [ana, bob, max] =
        [person(&commands, "ana").await, person(&commands, "bob").await, moderator(&commands, "max").await];
    let root = admin(&commands).await;
    let us = group(&commands, &ana, &[&bob]).await;
    assert_eq!(refusal(commands.promote(&max.ctx, us, bob.id).await), "not_found");
    assert_eq!(refusal(commands.promote(&root.ctx, us, root.id).await), "not_member");
    assert!(commands.promote(&root.ctx, us, bob.id).await.unwrap().state.is_lead(bob.id));
    let theirs = group(&commands, &ana, &[&bob, &root]).await;
    assert_eq!(refusal(commands.promote(&root.ctx, theirs, bob.id).await), "lead_only");
    assert_eq!(refusal(commands.remove_conversation(&root.ctx, theirs).await), "own_case");
    commands.remove_conversation(&root.ctx, us).await.unwrap();
});

each_engine!(a_reporter_does_not_judge_their_target, |home| async move {
    let commands = server(&home).await;
    let [ana, bob] = [person(&commands, "ana").await, person(&commands, "bob").await];
    let (max, mia, root) =
        (moderator(&commands, "max").await, moderator(&commands, "mia").await, admin(&commands).await);
    let us = group(&commands, &ana, &[&bob, &max, &root]).await;
    let message = say(&commands, &bob, us, "hello").await;
    let id = report(&commands, &max, Reported::Message(message)).await.unwrap();
    for verdict in [Verdict::Resolved, Verdict::Rejected(None)] {
        assert_eq!(refusal(commands.decide_report(&max.ctx, id, verdict).await), "own_case");
    }
    assert_eq!(refusal(commands.remove_message(&max.ctx, message).await), "own_case");
    commands.decide_report(&mia.ctx, id, Verdict::Resolved).await.unwrap();
    commands.remove_message(&max.ctx, message).await.unwrap();
    report(&commands, &root, Reported::User(bob.id)).await.unwrap();
    let change = AccountChange { is_blocked: Some(true), role: None };
    assert_eq!(refusal(commands.change_account(&root.ctx, bob.id, change).await), "own_case");
});

each_engine!(a_hidden_person_is_not_found, |home| async move {
    let store = open(&home).await;
    let commands = Commands::new(store.clone(), settings());
    let [me, blocker, hidden, erased] = [
        person(&commands, "me").await,
        person(&commands, "blocker").await,
        person(&commands, "hidden").await,
        person(&commands, "erased").await,
    ];
    block(&commands, &blocker, &me).await;
    commands.deactivate(&hidden.ctx, None).await.unwrap();
    commands.erase(&erased.ctx, None).await.unwrap();
    let unseen = [blocker.id, hidden.id, erased.id, UserId(ids())];
    let us = group(&commands, &me, &[]).await;
    for user in unseen {
        for act in [Act::Request, Act::Accept, Act::Reject, Act::Cancel, Act::Unfriend, Act::Unblock, Act::Block] {
            assert_eq!(refusal(commands.friendship(&me.ctx, user, act).await), "not_found", "{act:?}");
        }
        assert_eq!(refusal(report(&commands, &me, Reported::User(user)).await), "not_found");
        assert_eq!(refusal(commands.add(&me.ctx, us, user).await), "not_found");
        let content = StoryContent { text: StoryText::parse("sun").unwrap(), media_url: None };
        let story = PostStory { content, show_to: ShowTo::People(vec![user]), friends: vec![] };
        assert_eq!(refusal(commands.post_story(&me.ctx, story).await), "not_found");
        let with = CreateConversation { members: vec![user], ..direct_with(&me) };
        assert_eq!(refusal(commands.create_conversation(&me.ctx, with).await), "not_found");
    }
    // A member of a shared conversation is visible and can be blocked, even if they blocked the actor first.
    let friend = person(&commands, "friend").await;
    group(&commands, &friend, &[&me]).await;
    block(&commands, &friend, &me).await;
    report(&commands, &me, Reported::User(friend.id)).await.unwrap();
    block(&commands, &me, &friend).await;
    commands.friendship(&me.ctx, friend.id, Act::Unblock).await.unwrap();
});

each_engine!(a_relation_with_a_hidden_person_can_be_ended, |home| async move {
    let commands = server(&home).await;
    let [me, friend, asking, asked] = [
        person(&commands, "me").await,
        person(&commands, "friend").await,
        person(&commands, "asking").await,
        person(&commands, "asked").await,
    ];
    befriend(&commands, &me, &friend).await;
    commands.friendship(&asking.ctx, me.id, Act::Request).await.unwrap();
    commands.friendship(&me.ctx, asked.id, Act::Request).await.unwrap();
    for other in [&friend, &asking, &asked] {
        commands.deactivate(&other.ctx, None).await.unwrap();
    }
    commands.friendship(&me.ctx, friend.id, Act::Unfriend).await.unwrap();
    assert_eq!(refusal(commands.friendship(&me.ctx, asking.id, Act::Accept).await), "not_found");
    commands.friendship(&me.ctx, asking.id, Act::Reject).await.unwrap();
    commands.friendship(&me.ctx, asked.id, Act::Cancel).await.unwrap();
});

each_engine!(a_rejected_request_is_made_again_by_the_other, |home| async move {
    let commands = server(&home).await;
    let (ana, bob) = (person(&commands, "ana").await, person(&commands, "bob").await);
    commands.friendship(&ana.ctx, bob.id, Act::Request).await.unwrap();
    commands.friendship(&bob.ctx, ana.id, Act::Reject).await.unwrap();
    assert_eq!(refusal(commands.friendship(&ana.ctx, bob.id, Act::Request).await), "request_rejected");
    commands.friendship(&bob.ctx, ana.id, Act::Request).await.unwrap();
    commands.friendship(&ana.ctx, bob.id, Act::Request).await.unwrap();
    assert_eq!(refusal(commands.friendship(&ana.ctx, bob.id, Act::Request).await), "already_friends");
});

each_engine!(a_story_names_people_one_knows, |home| async move {
    let commands = server(&home).await;
    let [ana, friend, colleague, stranger] = [
        person(&commands, "ana").await,
        person(&commands, "friend").await,
        person(&commands, "colleague").await,
        person(&commands, "stranger").await,
    ];
    befriend(&commands, &ana, &friend).await;
    let us = group(&commands, &colleague, &[&ana]).await;
    let post = async |people: &[&Person]| {
        let content = StoryContent { text: StoryText::parse("sun").unwrap(), media_url: None };
        let show_to = ShowTo::People(people.iter().map(|person| person.id).collect());
        commands.post_story(&ana.ctx, PostStory { content, show_to, friends: vec![] }).await
    };
    post(&[&friend, &colleague]).await.unwrap();
    assert_eq!(refusal(post(&[&friend, &colleague, &stranger]).await), "not_reachable");
    commands.leave(&ana.ctx, us).await.unwrap();
    assert_eq!(refusal(post(&[&colleague]).await), "not_reachable");
});
