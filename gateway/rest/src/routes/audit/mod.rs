//! The audit log, for administrators. Whatever is asked here is itself recorded before it is answered; what cannot be
//! recorded is not answered.

mod asked;
mod auditor;
mod csv;
mod event;
mod events;
mod explained;
mod export;
mod head;
mod state;
mod token;
mod verify;
mod viewers;

pub(super) use asked::LONGEST_WORD;

use crate::HttpApp;
use utoipa_axum::{router::OpenApiRouter, routes};

pub(super) fn routes() -> OpenApiRouter<HttpApp> {
    OpenApiRouter::new()
        .routes(routes!(events::events))
        .routes(routes!(event::event))
        .routes(routes!(export::export))
        .routes(routes!(head::head))
        .routes(routes!(verify::verify))
        .routes(routes!(viewers::viewers))
        .routes(routes!(state::state))
}
