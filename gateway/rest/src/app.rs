//! What the handlers of HTTP share.

use crate::{Answers, Bootstrap};
use axum::extract::FromRef;
use files::Files;
use monitoring::Monitoring;
use operations::App;
use std::{ops::Deref, sync::Arc};
use telemetry::Metrics;

/// The app and what HTTP alone has. Clones share it.
#[derive(Clone)]
pub struct HttpApp(Arc<HttpParts>);

/// The parts of an [`HttpApp`].
pub struct HttpParts {
    /// What all doors share.
    pub app: App,
    /// Requests of accounts that are under way, and answers that nobody has read yet.
    pub answers: Answers,
    /// The one-time token of the first administrator.
    pub bootstrap: Bootstrap,
    /// The metrics of this process.
    pub metrics: Metrics,
    /// The figures of all processes, and the alerts.
    pub monitoring: Monitoring,
    /// Uploaded files.
    pub files: Files,
}

impl HttpApp {
    /// Shares the parts.
    #[must_use]
    pub fn new(parts: HttpParts) -> Self {
        Self(Arc::new(parts))
    }
}

impl Deref for HttpApp {
    type Target = HttpParts;

    fn deref(&self) -> &HttpParts {
        &self.0
    }
}

impl Deref for HttpParts {
    type Target = App;

    fn deref(&self) -> &App {
        &self.app
    }
}

impl FromRef<HttpApp> for App {
    fn from_ref(http: &HttpApp) -> Self {
        http.app.clone()
    }
}
