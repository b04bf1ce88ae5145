//! Files that people bring.

use super::{Answer, Call};
use crate::{
    App, Problem,
    files::{Received, Reception},
    resource::{File, Uploaded},
};
use axum::{
    body::Body,
    http::{HeaderMap, StatusCode},
};
use commands::{CommandError, Context};
use projections::Projection;
use serde_json::to_value;

/// Takes in the files of a multipart body, all of them or none.
///
/// # Errors
/// The [`Problem`] to answer.
pub async fn upload(call: &Call<'_>, headers: &HeaderMap, body: Body) -> Result<Answer, Problem> {
    let Call { app, caller, .. } = call;
    let line = app.lifeline(caller, false).await?;
    let Reception { files, place } = tokio::select! {
        received = app.files.receive(&app.queries, (caller.user, caller.ip), headers, body, app.config.patience) => received?,
        () = line.ended() => return Err(Problem::invalid_token()),
    };
    // Whoever goes away now must not leave events without bytes.
    let telling = tokio::spawn(tell((*app).clone(), call.context(), files));
    let (mut told, position) = telling.await.map_err(Problem::internal)??;
    if let Some(position) = position {
        app.progress.wait(position, &[Projection::Files], app.config.wait).await;
    }
    drop(place);
    let body = match (told.pop(), told.is_empty()) {
        (Some(one), true) => Uploaded::One(one),
        (last, _) => Uploaded::Several { items: told.into_iter().chain(last).collect() },
    };
    let body = to_value(&body).map_err(Problem::internal)?;
    Ok(Answer { status: StatusCode::CREATED.as_u16(), body, position })
}

/// Tells the log of each file, each under a key of its own.
async fn tell(app: App, ctx: Context, received: Vec<Received>) -> Result<(Vec<File>, Option<u64>), Problem> {
    let (mut told, mut position) = (Vec::new(), None);
    for (n, received) in received.into_iter().enumerate() {
        let key = ctx.key.as_ref().map(|key| if n == 0 { key.clone() } else { format!("{key}#{n}") });
        let ctx = Context { key, ..ctx.clone() };
        match app.commands.upload_file(&ctx, received.file.clone()).await {
            Ok(done) => {
                position = position.max(done.receipt.position);
                told.push(File::stored(done.id.into(), &received.file, done.state.has_thumb()));
                // Told before: then these bytes are nobody's.
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
    Ok((told, position))
}
