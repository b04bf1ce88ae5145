//! Valid histories, made by the domain itself: commands are decided, and refused ones leave no trace.

mod wander;

use domain::{
    Aggregate, CallId, CommentId, ConversationId, Event, FileId, MessageId, ReportId, SessionId, StoryId, Timestamp,
    UserId,
    call::{Call, CallCommand, CallType},
    conversation::{Conversation, ConversationCommand, ConversationType, Joining, NewInvite, SettingsChange},
    file::{File, FileCommand, FileLabel, Sha256},
    friendship::{Friendship, FriendshipAct, FriendshipCommand},
    id::{InviteId, OwnSettingsId, PairId, ReadMarkerId},
    message::{Attachment, Draft, Message, MessageCommand, MessageContent, MessageType},
    own_settings::{OwnSettings, OwnSettingsAct, OwnSettingsCommand},
    read_marker::{Mark, ReadMarker, ReadMarkerCommand, Shown},
    report::{Complaint, Evidence, Report, ReportCommand, Statement, Target},
    session::{Device, EndReason, Session, SessionCommand},
    story::{self, Audience, StoryCommand, StoryContent},
    text::{
        DeviceName, DisplayName, EmailAddress, Emoji, FileName, InviteCode, Link, MediaType, MessageBody, Notes,
        PhoneNumber, Reason, StoryText, Title,
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
pub(crate) struct Story {
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
    events: Vec<(StreamId, Event)>,
    /// The number of changes to groups' settings. Each change is later than the last, so that none is too frequent.
    changes: i64,
}

impl Story {
    pub(crate) fn new(seed: u64) -> Self {
        Self { seed, ..Self::default() }
    }

    /// The events since the last call.
    pub(crate) fn take(&mut self) -> Vec<(StreamId, Event)> {
        std::mem::take(&mut self.events)
    }

    fn id(&self, kind: u64, n: u64) -> Uuid {
        Uuid::from_u64_pair(self.seed << 8 | kind, n + 1)
    }
    pub(crate) fn user(&self, n: u64) -> UserId {
        UserId(self.id(1, n))
    }
    pub(crate) fn session(&self, n: u64) -> SessionId {
        SessionId(self.id(2, n))
    }
    pub(crate) fn group(&self, n: u64) -> ConversationId {
        ConversationId(self.id(3, n))
    }
    pub(crate) fn message(&self, n: u64) -> MessageId {
        MessageId(self.id(4, n))
    }

    pub(crate) fn call(&self, n: u64) -> CallId {
        CallId(self.id(5, n))
    }

    pub(crate) fn file(&self, n: u64) -> FileId {
        FileId(self.id(7, n))
    }

    pub(crate) fn story(&self, n: u64) -> StoryId {
        StoryId(self.id(8, n))
    }

    pub(crate) fn comment(&self, n: u64) -> CommentId {
        CommentId(self.id(9, n))
    }

    pub(crate) fn register(&mut self, n: u64) -> UserId {
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

    pub(crate) fn register_all(&mut self, count: u64) {
        for n in 0..count {
            self.register(n);
        }
    }

    pub(crate) fn account(&mut self, n: u64, command: UserCommand) {
        let id = self.user(n).0;
        decide(&mut self.users, id, command, &mut self.events);
    }

    pub(crate) fn rename(&mut self, n: u64, name: &str) {
        let change = ProfileChange {
            first_name: Some(DisplayName::parse(name).unwrap()),
            avatar_url: Some(Some(Link::parse("/files/face").unwrap())),
            phone: Some(None),
            ..ProfileChange::default()
        };
        self.account(n, UserCommand::Update { user: self.user(n), change });
    }

    pub(crate) fn sign_in(&mut self, n: u64, session: u64) {
        let device = Device { name: Some(DeviceName::parse("phone").unwrap()), ip: Some("192.0.2.1".to_owned()) };
        let command = SessionCommand::Start { user: self.user(n), device, sign_outs: 0 };
        let id = self.session(session).0;
        decide(&mut self.sessions, id, command, &mut self.events);
    }

    pub(crate) fn sign_out(&mut self, n: u64, session: u64) {
        let command = SessionCommand::End { user: self.user(n), reason: EndReason::Logout };
        let id = self.session(session).0;
        decide(&mut self.sessions, id, command, &mut self.events);
    }

    pub(crate) fn pair(&mut self, by: u64, with: u64, act: FriendshipAct) {
        let (by, with) = (self.user(by), self.user(with));
        let id = PairId::of(by, with).0;
        decide(
            &mut self.pairs,
            id,
            FriendshipCommand { by, with, act, now: Timestamp::from_millis(3) },
            &mut self.events,
        );
    }

    pub(crate) fn open_group(&mut self, n: u64, by: u64, members: &[u64], approval: bool) -> ConversationId {
        let command = ConversationCommand::Create {
            conversation_type: ConversationType::Group,
            by: self.user(by),
            members: members.iter().map(|member| self.user(*member)).collect(),
            invited: vec![],
            title: Some(Title::parse(&format!("Group {n}")).unwrap()),
            avatar_url: None,
            // Anybody with its id may join, or ask to.
            joining: if approval { Joining::Approval } else { Joining::Open },
            now: Timestamp::from_millis(3),
        };
        let id = self.group(n);
        self.conversation(id, command);
        id
    }

    pub(crate) fn open_direct(&mut self, by: u64, with: u64) -> ConversationId {
        let id = ConversationId::direct(self.user(by), self.user(with));
        let command = ConversationCommand::Create {
            conversation_type: ConversationType::Direct,
            by: self.user(by),
            members: vec![self.user(with)],
            invited: vec![],
            title: None,
            avatar_url: None,
            joining: Joining::Invite,
            now: Timestamp::from_millis(3),
        };
        self.conversation(id, command);
        id
    }

    pub(crate) fn conversation(&mut self, id: ConversationId, command: ConversationCommand) {
        decide(&mut self.conversations, id.0, command, &mut self.events);
    }

    pub(crate) fn retitle(&mut self, id: ConversationId, by: u64, title: Option<&str>) {
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
    pub(crate) fn send(&mut self, n: u64, sender: u64, conversation: ConversationId, body: &str) -> MessageId {
        self.attach(n, sender, conversation, body, "/files/1")
    }

    /// Sends message `n`; if `n` is even, with an attachment at `url`.
    pub(crate) fn attach(
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
        let before = self.events.len();
        let message = self.message(n);
        decide(&mut self.messages, message.0, MessageCommand::Send(draft), &mut self.events);
        *self.seqs.entry(conversation.0).or_default() += (self.events.len() - before) as u64;
        message
    }

    /// Uploads file `n`.
    pub(crate) fn upload(&mut self, n: u64, by: u64) -> FileId {
        let label = FileLabel { name: FileName::parse("a.png").unwrap(), sha256: Sha256([7; 32]) };
        let mime = MediaType::parse("image/png").unwrap();
        let command = FileCommand::Upload { by: self.user(by), label, size: 12, mime, thumb: n.is_multiple_of(2) };
        self.on_file(n, command);
        self.file(n)
    }

    pub(crate) fn on_file(&mut self, n: u64, command: FileCommand) {
        let id = self.file(n).0;
        decide(&mut self.files, id, command, &mut self.events);
    }

    pub(crate) fn edit(&mut self, n: u64, by: u64, body: &str) {
        let body = MessageBody::parse(body).unwrap();
        self.on_message(n, MessageCommand::Edit { by: self.user(by), body });
    }

    pub(crate) fn react(&mut self, n: u64, by: u64, emoji: &str) {
        let emoji = Emoji::parse(emoji).unwrap();
        self.on_message(n, MessageCommand::React { user: self.user(by), emoji });
    }

    pub(crate) fn unreact(&mut self, n: u64, by: u64, emoji: &str) {
        let emoji = Emoji::parse(emoji).unwrap();
        self.on_message(n, MessageCommand::Unreact { user: self.user(by), emoji });
    }

    pub(crate) fn on_message(&mut self, n: u64, command: MessageCommand) {
        let id = self.message(n).0;
        decide(&mut self.messages, id, command, &mut self.events);
    }

    pub(crate) fn mark(&mut self, conversation: ConversationId, by: u64, up_to: u64, mark: Mark) {
        self.mark_as(conversation, by, up_to, mark, false);
    }

    pub(crate) fn mark_as(&mut self, conversation: ConversationId, by: u64, up_to: u64, mark: Mark, private: bool) {
        let user = self.user(by);
        let shown = if private { Shown::AsArrived } else { Shown::Whole };
        let head = self.seqs.get(&conversation.0).copied().unwrap_or_default();
        let command = ReadMarkerCommand { conversation, user, up_to, head, mark, shown };
        decide(&mut self.markers, ReadMarkerId::of(conversation, user).0, command, &mut self.events);
    }

    /// Changes a user's settings of a conversation.
    pub(crate) fn keep(&mut self, conversation: ConversationId, by: u64, act: OwnSettingsAct) {
        let user = self.user(by);
        let head = self.seqs.get(&conversation.0).copied().unwrap_or_default();
        let command = OwnSettingsCommand { conversation, user, head, act };
        decide(&mut self.kept, OwnSettingsId::of(conversation, user).0, command, &mut self.events);
    }

    pub(crate) fn invite(&self, n: u64) -> InviteId {
        InviteId(self.id(6, n))
    }

    /// Creates invite `n` without an end, for at most `most` uses; 0: any number.
    pub(crate) fn invite_to(
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

    pub(crate) fn come_by(&mut self, conversation: ConversationId, user: u64, n: u64) {
        let (user, invite) = (self.user(user), self.invite(n));
        let now = Timestamp::from_millis(2);
        self.conversation(conversation, ConversationCommand::AcceptInvite { user, invite, now });
    }

    /// Call `n` rings the others.
    pub(crate) fn ring(&mut self, n: u64, by: u64, conversation: ConversationId, others: &[u64]) -> CallId {
        let invited = others.iter().map(|other| self.user(*other)).collect();
        let caller = self.user(by);
        self.on_call(n, CallCommand::Ring { conversation, caller, call_type: CallType::Video, invited });
        self.call(n)
    }

    pub(crate) fn on_call(&mut self, n: u64, command: CallCommand) {
        let id = self.call(n).0;
        decide(&mut self.calls, id, command, &mut self.events);
    }

    /// Posts story `n` to friends, or to some people.
    pub(crate) fn show(&mut self, n: u64, author: u64, to: Option<&[u64]>, now: Timestamp) -> StoryId {
        let audience = if to.is_some() { Audience::People } else { Audience::Friends };
        let recipients = to.unwrap_or_default().iter().map(|user| self.user(*user)).collect();
        let text = StoryText::parse(&format!("story {n}")).unwrap();
        let content = StoryContent { text, media_url: Link::parse(&format!("/files/{n}")).ok() };
        self.on_story(n, StoryCommand::Post { author: self.user(author), content, audience, recipients, now });
        self.story(n)
    }

    pub(crate) fn on_story(&mut self, n: u64, command: StoryCommand) {
        let id = self.story(n).0;
        decide(&mut self.stories, id, command, &mut self.events);
    }

    pub(crate) fn report(&self, n: u64) -> ReportId {
        ReportId(self.id(10, n))
    }

    /// Files report `n`, of message `n`.
    pub(crate) fn complain(&mut self, n: u64, by: u64, accused: u64, notes: Option<&str>) -> ReportId {
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

    pub(crate) fn on_report(&mut self, n: u64, command: ReportCommand) {
        let id = self.report(n).0;
        decide(&mut self.reports, id, command, &mut self.events);
    }
}

fn decide<A: Aggregate>(
    states: &mut HashMap<Uuid, A>,
    id: Uuid,
    command: A::Command,
    events: &mut Vec<(StreamId, Event)>,
) {
    let state = states.entry(id).or_default();
    for event in state.decide(command).unwrap_or_default() {
        events.push((StreamId::new(A::AGGREGATE, id), event.clone().into()));
        state.apply(event);
    }
}
