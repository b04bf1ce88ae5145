//! Invites into groups.

use commands::{Commands, CreateConversation, InviteLimits};
use commands_testkit::*;
use domain::{
    ConversationId, Timestamp,
    conversation::{Joining, MemberStatus, SettingsChange},
    friendship::FriendshipAct,
    text::InviteCode,
};
use std::num::NonZeroU32;
use testkit::each_engine;

const ANY: InviteLimits = InviteLimits { expires_at: None, max_uses: None };
const ONCE: InviteLimits = InviteLimits { expires_at: None, max_uses: NonZeroU32::new(1) };

async fn invite(commands: &Commands, by: &Person, us: ConversationId, limits: InviteLimits) -> InviteCode {
    let done = commands.create_invite(&by.ctx, us, limits).await.unwrap();
    done.state.invites().newest().unwrap().1.code.clone().unwrap()
}

async fn guarded(commands: &Commands, lead: &Person, members: &[&Person]) -> ConversationId {
    let request = CreateConversation { joining: Joining::Approval, ..group_of(members) };
    ConversationId(commands.create_conversation(&lead.ctx, request).await.unwrap().done.id)
}

each_engine!(a_leads_invite_is_an_approval_and_a_members_is_not, |home| async move {
    let commands = server(&home).await;
    let (ana, bob) = (person(&commands, "ana").await, person(&commands, "bob").await);
    let (cleo, eve) = (person(&commands, "cleo").await, person(&commands, "eve").await);
    let us = guarded(&commands, &ana, &[&bob]).await;
    assert_eq!(refusal(commands.create_invite(&bob.ctx, us, ANY).await), "lead_only");
    assert_eq!(refusal(commands.create_invite(&eve.ctx, us, ANY).await), "not_found");
    let of_lead = invite(&commands, &ana, us, ANY).await;
    let open = SettingsChange { approval: Some(false), ..SettingsChange::default() };
    commands.update_conversation(&ana.ctx, us, open).await.unwrap();
    let of_member = invite(&commands, &bob, us, ANY).await;
    let closed = SettingsChange { approval: Some(true), ..SettingsChange::default() };
    commands.update_conversation(&ana.ctx, us, closed).await.unwrap();

    let status = async |who: &Person, code: &InviteCode| {
        let done = commands.accept_invite(&who.ctx, code.clone()).await.unwrap();
        assert_eq!(done.id, us.0);
        done.state.member(who.id).unwrap().status
    };
    assert_eq!(status(&eve, &of_member).await, MemberStatus::Pending);
    assert_eq!(status(&eve, &of_lead).await, MemberStatus::Active, "it skips the queue");
    assert_eq!(status(&cleo, &of_lead).await, MemberStatus::Active);
    assert_eq!(status(&cleo, &of_lead).await, MemberStatus::Active, "who is in stays in");
});

each_engine!(an_invite_that_is_no_longer_good_never_was, |home| async move {
    let commands = server(&home).await;
    let (ana, bob) = (person(&commands, "ana").await, person(&commands, "bob").await);
    let (cleo, eve) = (person(&commands, "cleo").await, person(&commands, "eve").await);
    let us = group(&commands, &ana, &[&bob]).await;
    let accept = async |who: &Person, code: &InviteCode| commands.accept_invite(&who.ctx, code.clone()).await;
    let past = InviteLimits { expires_at: Some(Timestamp::from_millis(1)), max_uses: None };
    assert_eq!(refusal(commands.create_invite(&ana.ctx, us, past).await), "in_the_past");
    // The clock moves on by a millisecond whenever it is read.
    let end = Timestamp::from_millis(clock().millis() + 500);
    let soon = invite(&commands, &ana, us, InviteLimits { expires_at: Some(end), max_uses: None }).await;
    while clock() < end {}
    let once = invite(&commands, &ana, us, ONCE).await;
    accept(&cleo, &once).await.unwrap();
    let revoked = invite(&commands, &bob, us, ANY).await;
    let of_ana = invite(&commands, &ana, us, ANY).await;
    assert_eq!(refusal(commands.revoke_invite(&bob.ctx, us, of_ana.clone()).await), "invite_not_found");
    assert_eq!(refusal(commands.revoke_invite(&eve.ctx, us, of_ana.clone()).await), "not_found");
    commands.revoke_invite(&ana.ctx, us, revoked.clone()).await.unwrap();
    assert_eq!(refusal(commands.revoke_invite(&ana.ctx, us, revoked.clone()).await), "invite_not_found");
    let of_bob = invite(&commands, &bob, us, ANY).await;
    commands.kick(&ana.ctx, us, bob.id).await.unwrap();
    let unknown = InviteCode::parse("AAECAwQFBgcICQoLDA0ODw").unwrap();
    for code in [&soon, &once, &revoked, &of_bob, &unknown] {
        assert_eq!(refusal(accept(&eve, code).await), "invite_not_found", "{code}");
    }
    accept(&cleo, &once).await.unwrap();
    let gone = invite(&commands, &ana, us, ANY).await;
    commands.delete_conversation(&ana.ctx, us).await.unwrap();
    assert_eq!(refusal(accept(&eve, &gone).await), "invite_not_found");
});

each_engine!(blocks_hold_for_invites, |home| async move {
    let commands = server(&home).await;
    let (ana, bob, eve) =
        (person(&commands, "ana").await, person(&commands, "bob").await, person(&commands, "eve").await);
    let us = group(&commands, &ana, &[&bob]).await;
    let (of_ana, of_bob) = (invite(&commands, &ana, us, ANY).await, invite(&commands, &bob, us, ANY).await);
    block(&commands, &ana, &eve).await;
    block(&commands, &eve, &bob).await;
    assert_eq!(refusal(commands.accept_invite(&eve.ctx, of_ana.clone()).await), "invite_not_found");
    assert_eq!(refusal(commands.accept_invite(&eve.ctx, of_bob.clone()).await), "blocked_by_you");
    commands.friendship(&eve.ctx, bob.id, FriendshipAct::Unblock).await.unwrap();
    assert_eq!(refusal(commands.accept_invite(&eve.ctx, of_bob.clone()).await), "invite_not_found", "Ana leads");
    commands.friendship(&ana.ctx, eve.id, FriendshipAct::Unblock).await.unwrap();
    commands.accept_invite(&eve.ctx, of_bob).await.unwrap();
    commands.accept_invite(&eve.ctx, of_ana).await.unwrap();
});

each_engine!(one_of_two_people_gets_the_last_use, |home| async move {
    let store = open(&home).await;
    let nodes = [0, 1].map(|_| Commands::new(store.clone(), settings()));
    let ana = person(&nodes[0], "ana").await;
    let (cleo, eve) = (person(&nodes[0], "cleo").await, person(&nodes[1], "eve").await);
    let us = group(&nodes[0], &ana, &[]).await;
    for _ in 0..5 {
        let code = invite(&nodes[0], &ana, us, ONCE).await;
        // Both know of it.
        for node in &nodes {
            node.conversation(us).await.unwrap();
        }
        let (one, two) = tokio::join!(
            nodes[0].accept_invite(&cleo.ctx, code.clone()),
            nodes[1].accept_invite(&eve.ctx, code.clone())
        );
        assert!(one.is_ok() != two.is_ok(), "one of them");
        let (winner, loser) = if one.is_ok() { (&cleo, two) } else { (&eve, one) };
        assert_eq!(refusal(loser), "invite_not_found");
        nodes[0].leave(&winner.ctx, us).await.unwrap();
    }
});

each_engine!(a_repeated_command_on_an_invite_answers_the_first_result, |home| async move {
    let commands = server(&home).await;
    let (ana, eve) = (person(&commands, "ana").await, person(&commands, "eve").await);
    let us = group(&commands, &ana, &[]).await;
    let key = ana.with_key("invite");
    let first = commands.create_invite(&key, us, ONCE).await.unwrap();
    invite(&commands, &ana, us, ANY).await;
    let again = commands.create_invite(&key, us, ONCE).await.unwrap();
    assert_eq!(again.state.invites().newest(), first.state.invites().newest());
    assert!(matches!(commands.create_invite(&key, us, ANY).await, Err(commands::CommandError::KeyReused)));
    let code = first.state.invites().newest().unwrap().1.code.clone().unwrap();
    let key = eve.with_key("accept");
    let came = commands.accept_invite(&key, code.clone()).await.unwrap();
    let again = commands.accept_invite(&key, code).await.unwrap();
    assert_eq!((came.receipt.position, again.receipt.repeated), (again.receipt.position, true));
});

each_engine!(the_log_keeps_no_code_in_the_clear, |home| async move {
    let store = open(&home).await;
    let commands = Commands::new(store.clone(), settings());
    let ana = person(&commands, "ana").await;
    let us = group(&commands, &ana, &[]).await;
    let code = invite(&commands, &ana, us, ANY).await;
    for event in store.read_after(0, &event_store::Selection::All, 100).await.unwrap() {
        assert!(!event.record.payload.contains(code.as_str()), "{}", event.record.event_type);
    }
});
