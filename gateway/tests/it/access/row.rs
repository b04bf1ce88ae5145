//! A row of the table: a route or command, what is sent with it, and the answer that each role is to get.

use crate::{
    access::world::{Role, World, a_form},
    support::{Door, End, Server},
};
use reqwest::Method;
use serde_json::{Value, json};

/// The roles in the order of the columns: the least entitled first.
pub(crate) const ROLES: [Role; 12] = [
    Role::Nobody,
    Role::Expired,
    Role::Refresh,
    Role::Stranger,
    Role::Blocked,
    Role::Former,
    Role::Member,
    Role::Lead,
    Role::Owner,
    Role::Moderator,
    Role::Admin,
    Role::Stopped,
];
/// A body that is a form with a file.
const FORM: &str = "(a file)";

/// What a success changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    Nothing,
    /// What is the caller's alone, and what no other answer in the row depends on.
    Oneself,
    /// What others are answered.
    World,
}

/// The rows whose success changes what is the caller's alone.
const OF_ONESELF: [&str; 15] = [
    "POST /auth/register",
    "POST /auth/logout",
    "PATCH /users/me",
    "POST /users/me/password",
    "POST /users/me/deactivate",
    "DELETE /users/me",
    "PUT /presence",
    "POST /files",
    "POST /files/links",
    "POST /stories",
    "ws presence.set",
    "ws story.post",
    "ws typing.start",
    "ws typing.stop",
    "ws signal.send",
];

/// A row.
pub(crate) struct Row {
    request: String,
    body: String,
    /// The answers, one a role.
    pub(crate) expected: Vec<String>,
}

/// The rows of `table.md`.
pub(crate) fn table() -> Vec<Row> {
    let lines = include_str!("table.md").lines().filter(|line| line.starts_with("| "));
    lines.skip(1).map(Row::read).collect()
}

impl Row {
    fn read(line: &str) -> Self {
        let mut cells = line.trim_matches('|').split('|').map(|cell| cell.trim().trim_matches('`').to_owned());
        let (request, body) = (cells.next().expect("a request"), cells.next().expect("a body"));
        Self { request, body, expected: cells.collect() }
    }

    /// The row with other answers, as it stands in the table.
    pub(crate) fn written(&self, answers: &[String]) -> String {
        let body = if self.body.is_empty() { String::new() } else { format!("`{}`", self.body) };
        format!("| `{}` | {body} | {} |", self.request, answers.join(" | "))
    }

    /// The route or command as the document names it: without query, parameters as there.
    pub(crate) fn name(&self) -> String {
        let route = self.request.split('?').next().unwrap_or_default();
        // `{id:group}` is the parameter `id`, filled with a group.
        let mut parts = route.split('{');
        let mut name = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let (parameter, rest) = part.split_once('}').expect("a closed parameter");
            let parameter = parameter.split(':').next().unwrap_or_default();
            name.push_str(&format!("{{{parameter}}}{rest}"));
        }
        name
    }

    /// What success changes.
    pub(crate) fn change(&self) -> Change {
        match self.name().as_str() {
            name if name.starts_with("GET ") => Change::Nothing,
            name if OF_ONESELF.contains(&name) => Change::Oneself,
            _ => Change::World,
        }
    }

    /// The answer that somebody gets: a status, `ok`, or how a socket ended; with the word of a problem that is not
    /// the usual one of its status.
    pub(crate) async fn tried(&self, server: &Server, world: &World, role: Role) -> String {
        let (method, target) = self.request.split_once(' ').expect("a method and a path");
        let token = world.token(server, role).await;
        let body = world.filled(&self.body);
        match method {
            "ws" => commanded(server, token.as_deref(), target, &body).await,
            _ => requested(server, method, &world.path(target), token.as_deref(), &body).await,
        }
    }
}

async fn requested(server: &Server, method: &str, path: &str, token: Option<&str>, body: &str) -> String {
    let request = server.request(method.parse::<Method>().expect("a method"), path, token);
    let request = match body {
        "" => request,
        FORM => request.multipart(a_form()),
        json => request.body(json.to_owned()).header("content-type", "application/json"),
    };
    let response = request.send().await.expect("an answer");
    let status = response.status();
    let problem = response.headers().get("content-type").is_some_and(|kind| kind == "application/problem+json");
    if !problem {
        return status.as_str().to_owned();
    }
    answered(&serde_json::from_str(&response.text().await.unwrap()).unwrap())
}

async fn commanded(server: &Server, token: Option<&str>, cmd: &str, body: &str) -> String {
    let door = Door { address: server.address };
    let mut client = match door.open(token, None, None).await {
        Ok(client) => client,
        Err(response) => return response.status().as_str().to_owned(),
    };
    let data = if body.is_empty() { json!({}) } else { serde_json::from_str(body).expect("JSON") };
    client.send_text(json!({"id": "1", "cmd": cmd, "data": data}).to_string()).await;
    loop {
        match client.frame().await {
            Ok(frame) if frame["reply"] == "1" => {
                return if frame["ok"].is_null() { answered(&frame["error"]) } else { "ok".to_owned() };
            }
            Ok(_) => (),
            Err(End::Closed(code)) => return code.to_string(),
            Err(End::Lost) => return "lost".to_owned(),
        }
    }
}

/// A problem in a cell: its status, and its word where that is not the one to expect.
fn answered(problem: &Value) -> String {
    let (status, code) = (&problem["status"], problem["code"].as_str().expect("a code"));
    let usual = match status.as_u64() {
        Some(401) => ["unauthenticated", "invalid_token"].contains(&code),
        Some(404) => code == "not_found",
        _ => false,
    };
    if usual { status.to_string() } else { format!("{status} {code}") }
}
