//! The parts of an export. To add one: a variant, its name, and how a page of it is read.

use super::items::{
    ExportedConversation, ExportedEvent, ExportedMarker, ExportedMessage, ExportedPresence, ExportedReaction,
    ExportedSession,
};
use crate::App;
use domain::Event;
use projections::queries::{MAX_LIMIT, PAGE_BYTES, Page, PageRequest, cut_by_bytes};
use protocol::{
    Problem,
    resource::{Call, Comment, File, Friendship, Report, Story},
};
use realtime::Caller;
use serde::Serialize;
use serde_json::Value;

/// A part of an export.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Section {
    /// Devices that are or were signed in.
    Sessions,
    /// Friends, requests, and whom one has blocked.
    Friendships,
    /// Conversations one is or was in.
    Conversations,
    /// Messages one sent, with their attachments.
    Messages,
    /// Reactions.
    Reactions,
    /// How far one has read.
    ReadMarkers,
    /// Calls one was in, or that rang.
    Calls,
    /// What one uploaded, without its bytes.
    Files,
    /// Stories that one shows now.
    Stories,
    /// What one wrote under stories.
    StoryComments,
    /// What one reported.
    Reports,
    /// What one chose to be seen as.
    Presence,
    /// What the log says of the account and its devices.
    Events,
}

impl Section {
    /// All of them, in the order in which they are written.
    pub const ALL: [Self; 13] = [
        Self::Sessions,
        Self::Friendships,
        Self::Conversations,
        Self::Messages,
        Self::Reactions,
        Self::ReadMarkers,
        Self::Calls,
        Self::Files,
        Self::Stories,
        Self::StoryComments,
        Self::Reports,
        Self::Presence,
        Self::Events,
    ];

    /// Its name in the export.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sessions => "sessions",
            Self::Friendships => "friendships",
            Self::Conversations => "conversations",
            Self::Messages => "messages",
            Self::Reactions => "reactions",
            Self::ReadMarkers => "readMarkers",
            Self::Calls => "calls",
            Self::Files => "files",
            Self::Stories => "stories",
            Self::StoryComments => "storyComments",
            Self::Reports => "reports",
            Self::Presence => "presence",
            Self::Events => "events",
        }
    }

    /// A page of it, and what names the next one.
    pub(super) async fn read(
        self,
        app: &App,
        caller: &Caller,
        page: &PageRequest,
    ) -> Result<(Vec<Value>, Option<String>), Problem> {
        let (me, queries) = (caller.user, &app.queries);
        match self {
            Self::Sessions => part::<ExportedSession, _>(queries.own_sessions(me, page).await?),
            Self::Friendships => part::<Friendship, _>(queries.own_friendships(me, page).await?),
            Self::Conversations => part::<ExportedConversation, _>(queries.own_conversations(me, page).await?),
            Self::Messages => part::<ExportedMessage, _>(queries.own_messages(me, page).await?),
            Self::Reactions => part::<ExportedReaction, _>(queries.own_reactions(me, page).await?),
            Self::ReadMarkers => part::<ExportedMarker, _>(queries.own_markers(me, page).await?),
            Self::Calls => part::<Call, _>(queries.own_calls(me, page).await?),
            Self::Files => part::<File, _>(queries.own_files(me, page).await?),
            Self::Stories => part::<Story, _>(queries.stories_of(me, me, (app.clock)(), page).await?),
            Self::StoryComments => part::<Comment, _>(queries.own_comments(me, page).await?),
            Self::Reports => part::<Report, _>(queries.reports_of(me, page).await?),
            Self::Presence => {
                let kept = app.presences.kept(me).await?;
                part::<ExportedPresence, _>(Page { items: kept.into_iter().collect(), next: None })
            }
            Self::Events => events(app, caller, page).await,
        }
    }
}

fn part<T: From<R> + Serialize, R>(page: Page<R>) -> Result<(Vec<Value>, Option<String>), Problem> {
    let items = page.items.into_iter().map(|row| serde_json::to_value(T::from(row)).map_err(Problem::internal));
    Ok((items.collect::<Result<_, _>>()?, page.next))
}

/// The events of one's own account and devices, the oldest first. What else stands in one's own scope has a section of its
/// own, which tells it as one may see it now: a report's event has the evidence, and who decided; a story's, what others
/// wrote under it.
async fn events(app: &App, caller: &Caller, page: &PageRequest) -> Result<(Vec<Value>, Option<String>), Problem> {
    let after = page.after.as_ref().and_then(|position| position.parse().ok()).unwrap_or_default();
    let mut events = app.store.events_of_scope(caller.user.0, after, MAX_LIMIT).await?;
    let is_full = events.len() >= MAX_LIMIT as usize;
    let is_cut = cut_by_bytes(&mut events, PAGE_BYTES, |event| event.record.payload.len());
    let mut items = Vec::with_capacity(events.len());
    for event in &events {
        if let Some(opened) = realtime::push::open(&app.store, event).await?
            && is_of_account(opened)
        {
            let item = ExportedEvent::of(&event.record, opened).and_then(serde_json::to_value);
            items.push(item.map_err(Problem::internal)?);
        }
    }
    let next = events.last().filter(|_| is_full || is_cut);
    Ok((items, next.map(|last| last.record.position.to_string())))
}

/// Whether an event is of the account, or of a device of it. Whatever comes to be stored in a person's scope is decided on
/// here.
const fn is_of_account(event: &Event) -> bool {
    match event {
        Event::User(_) | Event::Session(_) => true,
        Event::Friendship(_)
        | Event::Conversation(_)
        | Event::Message(_)
        | Event::ReadMarker(_)
        | Event::Call(_)
        | Event::OwnSettings(_)
        | Event::File(_)
        | Event::Conduct(_)
        | Event::Story(_)
        | Event::Report(_)
        | Event::Administration(_)
        | Event::Audit(_) => false,
    }
}
