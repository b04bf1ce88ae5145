//! Valid histories, told by the domain itself: commands are decided, refused ones leave no trace.

use domain::{
    Aggregate, CallId, CommentId, ConversationId, Event, FileId, MessageId, ReportId, SessionId, StoryId, Timestamp,
    UserId,
    call::{Call, CallCommand, CallType, EndReason as CallEnd},
    conversation::{Conversation, ConversationCommand, ConversationType, Joining, NewInvite, SettingsChange},
    file::{File, FileCommand, FileLabel, Sha256},
    friendship::{Friendship, FriendshipAct, FriendshipCommand},
    id::{InviteId, OwnSettingsId, PairId, ReadMarkerId},
    message::{Attachment, Draft, Message, MessageCommand, MessageContent, MessageType},
    own_settings::{OwnSettings, OwnSettingsAct, OwnSettingsCommand},
    read_marker::{Mark, ReadMarker, ReadMarkerCommand, Shown},
    report::{Complaint, Evidence, Report, ReportCommand, Statement, Target},
    session::{Device, EndReason, Session, SessionCommand},
    story::{self, Audience, StoryChange, StoryCommand, StoryContent},
    text::{
        CommentText, DeviceName, DisplayName, EmailAddress, Emoji, FileName, InviteCode, Link, MediaType, MessageBody,
        Notes, PhoneNumber, Reason, StoryText, Title,
    },
    user::{Preferences, Profile, ProfileChange, Role, User, UserCommand},
};
use event_store::StreamId;
use std::{
    collections::{HashMap, HashSet},
    num::NonZeroU32,
};
use uuid::Uuid;

/// A history in the making. Two stories with different seeds share no ids.
#[derive(Default)]
pub(in crate::tests) struct Story {
    seed: u64,
    users: HashMap<Uuid, User>,
    sessions: HashMap<Uuid, Session>,
    pairs: HashMap<Uuid, Friendship>,
    conversations: HashMap<Uuid, Conversation>,
    messages: HashMap<Uuid, Message>,
    markers: HashMap<Uuid, ReadMarker>,
    calls: HashMap<Uuid, Call>,
    kept: HashMap<Uuid, OwnSettings>,
    files: HashMap<Uuid, File>,
    stories: HashMap<Uuid, story::Story>,
    commented: HashSet<u64>,
    reports: HashMap<Uuid, Report>,
    seqs: HashMap<Uuid, u64>,
    told: Vec<(StreamId, Event)>,
    /// How often settings of groups changed: each time a while later, so that it is never too often.
    changes: i64,
}

impl Story {
    pub(in crate::tests) fn new(seed: u64) -> Self {
        Self { seed, ..Self::default() }
    }

    /// What was told since this was last asked.
    pub(in crate::tests) fn take(&mut self) -> Vec<(StreamId, Event)> {
        std::mem::take(&mut self.told)
    }

    fn id(&self, kind: u64, n: u64) -> Uuid {
        Uuid::from_u64_pair(self.seed << 8 | kind, n + 1)
    }
    pub(in crate::tests) fn user(&self, n: u64) -> UserId {
        UserId(self.id(1, n))
    }
    pub(in crate::tests) fn session(&self, n: u64) -> SessionId {
        SessionId(self.id(2, n))
    }
    pub(in crate::tests) fn group(&self, n: u64) -> ConversationId {
        ConversationId(self.id(3, n))
    }
    pub(in crate::tests) fn message(&self, n: u64) -> MessageId {
        MessageId(self.id(4, n))
    }

    pub(in crate::tests) fn call(&self, n: u64) -> CallId {
        CallId(self.id(5, n))
    }

    pub(in crate::tests) fn file(&self, n: u64) -> FileId {
        FileId(self.id(7, n))
    }

    pub(in crate::tests) fn story(&self, n: u64) -> StoryId {
        StoryId(self.id(8, n))
    }

    pub(in crate::tests) fn comment(&self, n: u64) -> CommentId {
        CommentId(self.id(9, n))
    }

    pub(in crate::tests) fn register(&mut self, n: u64) -> UserId {
        let user = self.user(n);
        let profile = Profile {
            first_name: DisplayName::parse(&format!("First{n}")).unwrap(),
            last_name: DisplayName::parse(&format!("Last{n}")).unwrap(),
            email: EmailAddress::parse(&format!("User{n}.{}@Example.org", self.seed)).unwrap(),
            phone: n.is_multiple_of(2).then(|| PhoneNumber::parse("+49 30 123").unwrap()),
            avatar_url: None,
            preferences: Preferences::default(),
        };
        self.account(n, UserCommand::Register { user, role: Role::User, profile });
        user
    }

    pub(in crate::tests) fn register_all(&mut self, count: u64) {
        for n in 0..count {
            self.register(n);
        }
    }

    pub(in crate::tests) fn account(&mut self, n: u64, command: UserCommand) {
        let id = self.user(n).0;
        decide(&mut self.users, id, command, &mut self.told);
    }

    pub(in crate::tests) fn rename(&mut self, n: u64, name: &str) {
        let change = ProfileChange {
            first_name: Some(DisplayName::parse(name).unwrap()),
            avatar_url: Some(Some(Link::parse("/files/face").unwrap())),
            phone: Some(None),
            ..ProfileChange::default()
        };
        self.account(n, UserCommand::Update { user: self.user(n), change });
    }

    pub(in crate::tests) fn sign_in(&mut self, n: u64, session: u64) {
        let device = Device { name: Some(DeviceName::parse("phone").unwrap()), ip: Some("192.0.2.1".to_owned()) };
        let command = SessionCommand::Start { user: self.user(n), device, sign_outs: 0 };
        let id = self.session(session).0;
        decide(&mut self.sessions, id, command, &mut self.told);
    }

    pub(in crate::tests) fn sign_out(&mut self, n: u64, session: u64) {
        let command = SessionCommand::End { user: self.user(n), reason: EndReason::Logout };
        let id = self.session(session).0;
        decide(&mut self.sessions, id, command, &mut self.told);
    }

    pub(in crate::tests) fn pair(&mut self, by: u64, with: u64, act: FriendshipAct) {
        let (by, with) = (self.user(by), self.user(with));
        let id = PairId::of(by, with).0;
        decide(
            &mut self.pairs,
            id,
            FriendshipCommand { by, with, act, now: Timestamp::from_millis(3) },
            &mut self.told,
        );
    }

    pub(in crate::tests) fn open_group(&mut self, n: u64, by: u64, members: &[u64], approval: bool) -> ConversationId {
        let command = ConversationCommand::Create {
            conversation_type: ConversationType::Group,
            by: self.user(by),
            members: members.iter().map(|member| self.user(*member)).collect(),
            title: Some(Title::parse(&format!("Group {n}")).unwrap()),
            avatar_url: None,
            // Whoever has its id may come, or ask to.
            joining: if approval { Joining::Approval } else { Joining::Open },
        };
        let id = self.group(n);
        self.conversation(id, command);
        id
    }

    pub(in crate::tests) fn open_direct(&mut self, by: u64, with: u64) -> ConversationId {
        let id = ConversationId::direct(self.user(by), self.user(with));
        let command = ConversationCommand::Create {
            conversation_type: ConversationType::Direct,
            by: self.user(by),
            members: vec![self.user(with)],
            title: None,
            avatar_url: None,
            joining: Joining::Invite,
        };
        self.conversation(id, command);
        id
    }

    pub(in crate::tests) fn conversation(&mut self, id: ConversationId, command: ConversationCommand) {
        decide(&mut self.conversations, id.0, command, &mut self.told);
    }

    pub(in crate::tests) fn retitle(&mut self, id: ConversationId, by: u64, title: Option<&str>) {
        let change = SettingsChange {
            title: Some(title.map(|title| Title::parse(title).unwrap())),
            avatar_url: Some(Some(Link::parse("/files/group").unwrap())),
            approval: Some(title.is_none()),
            ..SettingsChange::default()
        };
        self.changes += 1;
        let now = Timestamp::from_millis(self.changes * 60 * 60 * 1_000);
        self.conversation(id, ConversationCommand::Update { by: self.user(by), change, now });
    }

    /// Sends message `n`, with an attachment when `n` is even.
    pub(in crate::tests) fn send(
        &mut self,
        n: u64,
        sender: u64,
        conversation: ConversationId,
        body: &str,
    ) -> MessageId {
        self.attach(n, sender, conversation, body, "/files/1")
    }

    /// Sends message `n`; what is attached when `n` is even lies at `url`.
    pub(in crate::tests) fn attach(
        &mut self,
        n: u64,
        sender: u64,
        conversation: ConversationId,
        body: &str,
        url: &str,
    ) -> MessageId {
        let attachment = Attachment {
            file_url: Link::parse(url).unwrap(),
            thumb_url: Some(Link::parse("/files/1/thumb").unwrap()),
            name: Some(FileName::parse("a.png").unwrap()),
            size: Some(12),
            mime: Some(MediaType::parse("image/png").unwrap()),
        };
        let attachments = if n.is_multiple_of(2) { vec![attachment] } else { Vec::new() };
        let draft = Draft {
            conversation,
            sender: self.user(sender),
            message_type: MessageType::Text,
            content: MessageContent { body: MessageBody::parse(body).unwrap(), attachments },
            reply_to: n.checked_sub(1).map(|before| self.message(before)),
            mentions: vec![self.user(0)],
        };
        let told = self.told.len();
        let message = self.message(n);
        decide(&mut self.messages, message.0, MessageCommand::Send(draft), &mut self.told);
        *self.seqs.entry(conversation.0).or_default() += (self.told.len() - told) as u64;
        message
    }

    /// File `n` is brought.
    pub(in crate::tests) fn upload(&mut self, n: u64, by: u64) -> FileId {
        let label = FileLabel { name: FileName::parse("a.png").unwrap(), sha256: Sha256([7; 32]) };
        let mime = MediaType::parse("image/png").unwrap();
        let command = FileCommand::Upload { by: self.user(by), label, size: 12, mime, thumb: n.is_multiple_of(2) };
        self.on_file(n, command);
        self.file(n)
    }

    pub(in crate::tests) fn on_file(&mut self, n: u64, command: FileCommand) {
        let id = self.file(n).0;
        decide(&mut self.files, id, command, &mut self.told);
    }

    pub(in crate::tests) fn edit(&mut self, n: u64, by: u64, body: &str) {
        let body = MessageBody::parse(body).unwrap();
        self.on_message(n, MessageCommand::Edit { by: self.user(by), body });
    }

    pub(in crate::tests) fn react(&mut self, n: u64, by: u64, emoji: &str) {
        let emoji = Emoji::parse(emoji).unwrap();
        self.on_message(n, MessageCommand::React { user: self.user(by), emoji });
    }

    pub(in crate::tests) fn unreact(&mut self, n: u64, by: u64, emoji: &str) {
        let emoji = Emoji::parse(emoji).unwrap();
        self.on_message(n, MessageCommand::Unreact { user: self.user(by), emoji });
    }

    pub(in crate::tests) fn on_message(&mut self, n: u64, command: MessageCommand) {
        let id = self.message(n).0;
        decide(&mut self.messages, id, command, &mut self.told);
    }

    pub(in crate::tests) fn mark(&mut self, conversation: ConversationId, by: u64, up_to: u64, mark: Mark) {
        self.mark_as(conversation, by, up_to, mark, false);
    }

    pub(in crate::tests) fn mark_as(
        &mut self,
        conversation: ConversationId,
        by: u64,
        up_to: u64,
        mark: Mark,
        private: bool,
    ) {
        let user = self.user(by);
        let shown = if private { Shown::AsArrived } else { Shown::Whole };
        let head = self.seqs.get(&conversation.0).copied().unwrap_or_default();
        let command = ReadMarkerCommand { conversation, user, up_to, head, mark, shown };
        decide(&mut self.markers, ReadMarkerId::of(conversation, user).0, command, &mut self.told);
    }

    /// Somebody keeps a conversation so.
    pub(in crate::tests) fn keep(&mut self, conversation: ConversationId, by: u64, act: OwnSettingsAct) {
        let user = self.user(by);
        let head = self.seqs.get(&conversation.0).copied().unwrap_or_default();
        let command = OwnSettingsCommand { conversation, user, head, act };
        decide(&mut self.kept, OwnSettingsId::of(conversation, user).0, command, &mut self.told);
    }

    pub(in crate::tests) fn invite(&self, n: u64) -> InviteId {
        InviteId(self.id(6, n))
    }

    /// Makes invite `n`, good until the end for `most`; 0 is any number.
    pub(in crate::tests) fn invite_to(
        &mut self,
        conversation: ConversationId,
        by: u64,
        n: u64,
        (end, most): (Option<Timestamp>, u32),
    ) -> String {
        let code = InviteCode::parse(&format!("{:032x}", self.invite(n).0.as_u128())).unwrap();
        let (id, text, max_uses) = (self.invite(n), code.to_string(), NonZeroU32::new(most));
        let invite = NewInvite { id, code, expires_at: end, max_uses };
        let now = Timestamp::from_millis(1);
        self.conversation(conversation, ConversationCommand::CreateInvite { by: self.user(by), invite, now });
        text
    }

    pub(in crate::tests) fn come_by(&mut self, conversation: ConversationId, user: u64, n: u64) {
        let (user, invite) = (self.user(user), self.invite(n));
        let now = Timestamp::from_millis(2);
        self.conversation(conversation, ConversationCommand::AcceptInvite { user, invite, now });
    }

    /// Call `n` rings the others.
    pub(in crate::tests) fn ring(&mut self, n: u64, by: u64, conversation: ConversationId, others: &[u64]) -> CallId {
        let invited = others.iter().map(|other| self.user(*other)).collect();
        let caller = self.user(by);
        self.on_call(n, CallCommand::Ring { conversation, caller, call_type: CallType::Video, invited });
        self.call(n)
    }

    pub(in crate::tests) fn on_call(&mut self, n: u64, command: CallCommand) {
        let id = self.call(n).0;
        decide(&mut self.calls, id, command, &mut self.told);
    }

    /// Story `n` is shown to friends, or to some people.
    pub(in crate::tests) fn show(&mut self, n: u64, author: u64, to: Option<&[u64]>, now: Timestamp) -> StoryId {
        let audience = if to.is_some() { Audience::People } else { Audience::Friends };
        let told = to.unwrap_or_default().iter().map(|user| self.user(*user)).collect();
        let text = StoryText::parse(&format!("story {n}")).unwrap();
        let content = StoryContent { text, media_url: Link::parse(&format!("/files/{n}")).ok() };
        self.on_story(n, StoryCommand::Post { author: self.user(author), content, audience, told, now });
        self.story(n)
    }

    pub(in crate::tests) fn on_story(&mut self, n: u64, command: StoryCommand) {
        let id = self.story(n).0;
        decide(&mut self.stories, id, command, &mut self.told);
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
            6 if n.is_multiple_of(5) => self.on_story(story, StoryCommand::Delete { by: user, told: vec![], now }),
            6 => self.on_story(story, StoryCommand::DeleteComment { comment, by: user, now }),
            _ => {
                let change = StoryChange { text: StoryText::parse(&n.to_string()).ok(), media_url: None };
                self.on_story(story, StoryCommand::Edit { by: user, change, told: vec![], now });
            }
        }
    }

    pub(in crate::tests) fn report(&self, n: u64) -> ReportId {
        ReportId(self.id(10, n))
    }

    /// Report `n`: of message `n`.
    pub(in crate::tests) fn complain(&mut self, n: u64, by: u64, accused: u64, notes: Option<&str>) -> ReportId {
        let complaint = Complaint {
            reporter: self.user(by),
            target: Target::Message { message: self.message(n), conversation: self.group(0) },
            accused: self.user(accused),
            version: 1,
            statement: Statement {
                reason: Reason::parse("spam").unwrap(),
                notes: notes.map(|notes| Notes::parse(notes).unwrap()),
            },
            evidence: Evidence::Message {
                message_type: MessageType::Text,
                content: MessageContent { body: MessageBody::parse("buy").unwrap(), attachments: vec![] },
            },
            digest: "0f".repeat(32),
        };
        self.on_report(n, ReportCommand::File(complaint));
        self.report(n)
    }

    pub(in crate::tests) fn on_report(&mut self, n: u64, command: ReportCommand) {
        let id = self.report(n).0;
        decide(&mut self.reports, id, command, &mut self.told);
    }

    /// One step of any kind: whatever the numbers say.
    pub(in crate::tests) fn wander(&mut self, [op, a, b, c]: [u8; 4]) {
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
            18 if a == 0 => self.conversation(group, ConversationCommand::Delete { by: None }),
            18 | 19 => {
                self.send(u64::from(a % 12) + u64::from(b % 12), by, group, "hello");
            }
            20 => self.edit(message, by, ["one", "two"][usize::from(b % 2)]),
            21 if b % 3 == 0 => self.on_message(message, MessageCommand::Delete { by: actor, leads: true }),
            21 => self.on_message(message, MessageCommand::Hide { user: actor }),
            22 if b % 2 == 0 => self.react(message, by, "+1"),
            22 => self.unreact(message, by, "+1"),
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
            40 => self.on_report(message, ReportCommand::Reject { by: actor, reason: Notes::parse("no").ok() }),
            _ => self.mark(group, by, u64::from(b % 8), if c % 2 == 0 { Mark::Read } else { Mark::Delivered }),
        }
    }
}

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

fn decide<A: Aggregate>(
    states: &mut HashMap<Uuid, A>,
    id: Uuid,
    command: A::Command,
    told: &mut Vec<(StreamId, Event)>,
) {
    let state = states.entry(id).or_default();
    for event in state.decide(command).unwrap_or_default() {
        told.push((StreamId::new(A::AGGREGATE, id), event.clone().into()));
        state.apply(event);
    }
}
