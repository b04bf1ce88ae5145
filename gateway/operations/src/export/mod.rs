//! Everything that is kept of somebody, for themselves: one JSON object, written as it is read, so that it takes a page
//! of memory however much there is.
//!
//! `{"exportedAt": …, "profile": {…}, "<section>": [ … ], …}`: the sections are those of [`Section::ALL`], in this
//! order. An export that fails half-way ends without its last bracket, and the connection is closed.

mod items;
mod section;

pub use items::{
    Export, ExportedConversation, ExportedEvent, ExportedMarker, ExportedMessage, ExportedPresence, ExportedReaction,
    ExportedSession,
};
pub use section::Section;

use crate::App;
use axum::body::Bytes;
use futures_util::{Stream, stream};
use projections::queries::{MAX_LIMIT, PageRequest};
use protocol::{Problem, resource::OwnUser};
use realtime::Caller;
use serde_json::{Value, json};
use std::{fmt::Write as _, io};

/// Where the writing stands.
struct Writing {
    app: App,
    caller: Caller,
    opening: Option<String>,
    sections: std::slice::Iter<'static, Section>,
    /// The section that is being written, and the page after which it goes on.
    under_way: Option<(Section, Option<String>)>,
    ended: bool,
}

/// The export of the caller, in pieces.
///
/// # Errors
/// When it cannot begin.
pub async fn export(
    app: &App,
    caller: Caller,
) -> Result<impl Stream<Item = Result<Bytes, io::Error>> + Send + 'static, Problem> {
    let profile = OwnUser::from(app.queries.user(caller.user).await?);
    let profile = serde_json::to_string(&profile).map_err(Problem::internal)?;
    let writing = Writing {
        app: app.clone(),
        caller,
        opening: Some(format!("{{\"exportedAt\":{},\"profile\":{profile}", json!((app.clock)()))),
        sections: Section::ALL.iter(),
        under_way: None,
        ended: false,
    };
    Ok(stream::try_unfold(writing, |mut writing| async move {
        let piece = writing.next().await?;
        Ok(piece.map(|piece| (Bytes::from(piece), writing)))
    }))
}

impl Writing {
    /// The next piece; `None` after the last.
    async fn next(&mut self) -> Result<Option<String>, io::Error> {
        if let Some(opening) = self.opening.take() {
            return Ok(Some(opening));
        }
        let (section, after) = match self.under_way.take() {
            Some((section, after)) => (section, after),
            None => match self.sections.next() {
                Some(section) => (*section, None),
                None if self.ended => return Ok(None),
                None => {
                    self.ended = true;
                    return Ok(Some("}".to_owned()));
                }
            },
        };
        let (items, next) = self.read(section, after.clone()).await?;
        let mut piece = String::new();
        if after.is_none() {
            let _ = write!(piece, ",\"{}\":[", section.name());
        }
        for (n, item) in items.iter().enumerate() {
            piece.push_str(if n == 0 && after.is_none() { "" } else { "," });
            let _ = write!(piece, "{item}");
        }
        match next {
            Some(next) => self.under_way = Some((section, Some(next))),
            None => piece.push(']'),
        }
        Ok(Some(piece))
    }

    /// A page of a section, for as long as the session that asks lives.
    async fn read(&self, section: Section, after: Option<String>) -> Result<(Vec<Value>, Option<String>), io::Error> {
        let Self { app, caller, .. } = self;
        let lives = app.commands.session_is_live(caller.session, caller.user).await;
        if !lives.map_err(Problem::from).map_err(broken)? {
            return Err(io::Error::other("the session has ended"));
        }
        let _turn = app.turns.enter(caller.user).await.map_err(broken)?;
        let page = PageRequest { limit: Some(MAX_LIMIT), after, ..PageRequest::default() };
        section.read(app, caller, &page).await.map_err(broken)
    }
}

fn broken(problem: Problem) -> io::Error {
    tracing::warn!(problem.code = problem.code, "an export broke off");
    io::Error::other(problem.code)
}
