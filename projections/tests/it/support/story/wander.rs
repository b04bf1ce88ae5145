//! Histories at random: each step is chosen by numbers.

use super::Story;
use domain::{
    Timestamp,
    call::{CallCommand, EndReason as CallEnd},
    conversation::ConversationCommand,
    file::FileCommand,
    friendship::FriendshipAct,
    message::MessageCommand,
    own_settings::OwnSettingsAct,
    read_marker::Mark,
    report::ReportCommand,
    story::{StoryChange, StoryCommand},
    text::{CommentText, RejectedReason, StoryText},
    user::{Role, UserCommand},
};
use std::collections::BTreeSet;

const KEPT: [OwnSettingsAct; 6] = [
    OwnSettingsAct::Mute { until: None },
    OwnSettingsAct::Mute { until: Some(Timestamp::from_millis(7)) },
    OwnSettingsAct::Unmute,
    OwnSettingsAct::Archive,
    OwnSettingsAct::Unarchive,
    OwnSettingsAct::Clear,
];

const ACTS: [FriendshipAct; 7] = [
    FriendshipAct::Request,
    FriendshipAct::Accept,
    FriendshipAct::Reject,
    FriendshipAct::Cancel,
    FriendshipAct::Block,
    FriendshipAct::Unblock,
    FriendshipAct::Unfriend,
];

impl Story {
    /// A step of any kind, chosen by the numbers.
    pub(crate) fn wander(&mut self, [op, a, b, c]: [u8; 4]) {
        let (by, other, n) = (u64::from(a % 3), u64::from(b % 3), u64::from(c % 3));
        let group = self.group(n);
        let (actor, user) = (self.user(by), self.user(other));
        let message = u64::from(c % 24);
        match op % 42 {
            0 => self.rename(by, ["Ann", "Bob", "Cay"][usize::from(c % 3)]),
            1 => self.account(
                by,
                match c % 8 {
                    0 | 1 => UserCommand::Block,
                    2 | 3 => UserCommand::Unblock,
                    4 => UserCommand::Deactivate,
                    5 => UserCommand::Reactivate,
                    6 => UserCommand::ChangePassword { kept: None },
                    _ => UserCommand::Erase,
                },
            ),
            2 => self.sign_in(by, u64::from(c % 6)),
            3 => self.sign_out(by, u64::from(c % 6)),
            4..=7 => self.pair(by, other, ACTS[usize::from(c >> 2) % ACTS.len()]),
            8 => {
                self.open_group(n, by, &[other], c % 2 == 0);
            }
            9 => self.retitle(group, by, (c % 2 == 0).then_some("Other")),
            10 => self.conversation(group, ConversationCommand::Join { user, now: Default::default() }),
            11 => self.conversation(group, ConversationCommand::Leave { user, idle: Default::default() }),
            12 => self.conversation(
                group,
                ConversationCommand::Add { by: actor, user, known_as: Default::default(), now: Default::default() },
            ),
            13 => self.conversation(group, ConversationCommand::Kick { by: actor, user }),
            14 => self.conversation(group, ConversationCommand::Promote { by: actor, user, now: Default::default() }),
            15 => self.conversation(group, ConversationCommand::Demote { by: actor, user, idle: Default::default() }),
            16 => self.conversation(group, ConversationCommand::Approve { by: actor, user }),
            17 => self.conversation(group, ConversationCommand::Reject { by: actor, user }),
            18 if a == 0 => self.conversation(group, ConversationCommand::Delete { by: None, hidden: BTreeSet::new() }),
            18 | 19 => {
                self.send(u64::from(a % 12) + u64::from(b % 12), by, group, "hello");
            }
            20 => self.edit(message, by, ["one", "two"][usize::from(b % 2)]),
            21 if b % 3 == 0 => self.on_message(message, MessageCommand::Delete { by: actor, leads: true }),
            21 => self.on_message(message, MessageCommand::Hide { user: actor }),
            22 if b % 2 == 0 => self.react(message, by, "👍"),
            22 => self.unreact(message, by, "👍"),
            23 => drop(self.ring(message % 6, by, group, &[0, 1, 2])),
            24 => self.on_call(message % 6, CallCommand::Answer { by: user }),
            25 => self.on_call(message % 6, CallCommand::Refuse { by: user }),
            26 if b % 3 == 0 => self.on_call(message % 6, CallCommand::TimeOut),
            26 => self.on_call(message % 6, CallCommand::Close { by: user }),
            27 => self.on_call(message % 6, CallCommand::Drop { user, reason: CallEnd::Removed }),
            28 => self.keep(group, by, KEPT[usize::from(b >> 2) % KEPT.len()]),
            29 => drop(self.invite_to(group, by, message % 6, (None, u32::from(b % 3)))),
            30 => self.come_by(group, by, message % 6),
            31 => {
                let invite = self.invite(message % 6);
                self.conversation(group, ConversationCommand::RevokeInvite { by: actor, invite });
            }
            32 => drop(self.upload(message % 6, by)),
            33 => self.on_file(
                message % 6,
                [FileCommand::Collect, FileCommand::Restore, FileCommand::Delete][usize::from(b % 3)].clone(),
            ),
            34..=37 => self.wander_in_stories(a, other, u64::from(c)),
            38 => self.account(other, UserCommand::SetRole { role: [Role::User, Role::Moderator][usize::from(c % 2)] }),
            39 => drop(self.complain(message, by, other, (c % 2 == 0).then_some("twice"))),
            40 if c % 2 == 0 => self.on_report(message, ReportCommand::Resolve { by: actor }),
            40 => {
                self.on_report(message, ReportCommand::Reject { by: actor, reason: RejectedReason::parse("no").ok() })
            }
            _ => self.mark(group, by, u64::from(b % 8), if c % 2 == 0 { Mark::Read } else { Mark::Delivered }),
        }
    }

    /// A step with stories.
    fn wander_in_stories(&mut self, op: u8, by: u64, n: u64) {
        let (now, user, comment) = (Timestamp::from_millis(1), self.user(by), self.comment(n));
        let story = n % 3;
        match op % 8 {
            0 | 1 => drop(self.show(story, by, (op == 1).then_some(&[0, 1, 2]), now)),
            2 => self.on_story(story, StoryCommand::Like { user, now }),
            3 => self.on_story(story, StoryCommand::Unlike { user, now }),
            4 => self.on_story(story, StoryCommand::View { user, now }),
            5 => {
                let text = CommentText::parse("nice").unwrap();
                if self.commented.insert(n) {
                    self.on_story(story, StoryCommand::Comment { comment, user, text, now });
                }
            }
            6 if n.is_multiple_of(5) => {
                self.on_story(story, StoryCommand::Delete { by: user, recipients: vec![], now })
            }
            6 => self.on_story(story, StoryCommand::DeleteComment { comment, by: user, now }),
            _ => {
                let change = StoryChange { text: StoryText::parse(&n.to_string()).ok(), media_url: None };
                self.on_story(story, StoryCommand::Edit { by: user, change, recipients: vec![], now });
            }
        }
    }
}
