//! Uploading files.

use axum::{
    body::Body,
    http::{HeaderMap, StatusCode},
};
use commands::{CommandError, Context};
use files::{Files, Received, Reception};
use operations::{Answer, App, Request};
use protocol::{
    Problem,
    resource::{File, Uploaded},
};
use serde_json::to_value;

/// Takes in the files of a multipart body, all of them or none.
///
/// # Errors
/// The [`Problem`] to answer.
pub async fn upload(request: &Request<'_>, files: &Files, headers: &HeaderMap, body: Body) -> Result<Answer, Problem> {
    let Request { app, caller, .. } = request;
    let line = app.hub.lifeline(&app.commands, caller, false).await?;
    let Reception { files: received, permit } = tokio::select! {
        received = files.receive(&app.queries, (caller.user, caller.ip), headers, body, app.config.patience) => received?,
        () = line.ended() => return Err(Problem::invalid_token()),
    };
    // A client that disconnects now must not leave events without bytes.
    let telling = tokio::spawn(tell((*app).clone(), request.context(), received));
    let (mut stored, position) = telling.await.map_err(Problem::internal)??;
    if let Some(position) = position {
        app.shows(position, Some(caller.user.0)).await;
    }
    drop(permit);
    let body = match (stored.pop(), stored.is_empty()) {
        (Some(one), true) => Uploaded::One(one),
        (last, _) => Uploaded::Several { items: stored.into_iter().chain(last).collect() },
    };
    let body = to_value(&body).map_err(Problem::internal)?;
    Ok(Answer { status: StatusCode::CREATED.as_u16(), body, position, scope: Some(caller.user.0) })
}

/// Tells the log of each file, each under a key of its own.
async fn tell(app: App, ctx: Context, received: Vec<Received>) -> Result<(Vec<File>, Option<u64>), Problem> {
    let (mut stored, mut position) = (Vec::new(), None);
    for (n, received) in received.into_iter().enumerate() {
        let key = ctx.key.as_ref().map(|key| if n == 0 { key.clone() } else { format!("{key}#{n}") });
        let ctx = Context { key, ..ctx.clone() };
        match app.commands.upload_file(&ctx, received.file.clone()).await {
            Ok(done) => {
                position = position.max(done.receipt.position);
                stored.push(File::stored(done.id.into(), &received.file, done.state.has_thumb()));
                // With a repeated key, `done` is the first upload: then these bytes are removed.
                if done.id == received.file.id.0 {
                    received.keep();
                }
            }
            Err(error) => {
                // It may have been stored after all.
                if matches!(error, CommandError::Unavailable | CommandError::Internal(_)) {
                    received.keep();
                }
                return Err(error.into());
            }
        }
    }
    Ok((stored, position))
}
