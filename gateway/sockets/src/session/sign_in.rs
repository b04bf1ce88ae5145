//! Signs the client of a socket in, by a token of its request or of its first frame, and serves the socket to its close.

use super::{
    Auth, Close, Gone, Hello, Outbox, SignedOn,
    commands::Authenticate,
    dispatch::log,
    door::{Answered, Door, Inbound, Incoming, Want},
    socket::Socket,
};
use crate::SocketApp;
use domain::UserId;
use metrics::counter;
use operations::{Answer, App, DONE, Operation as _, auth::authenticate};
use protocol::{Problem, request::parse_with};
use realtime::hub::Seat;
use std::{net::IpAddr, sync::Arc, time::Duration};
use tokens::Claims;
use tokio::time::timeout;

/// The parameters of the request that opened a socket.
#[derive(Clone, Debug, Default)]
pub(crate) struct Offer {
    /// The access token; without one, the first frame must bring it.
    pub(crate) token: Option<String>,
    /// The cursor to resume from.
    pub(crate) since: Option<String>,
    /// Where it comes from.
    pub(crate) ip: Option<IpAddr>,
}

/// Who is on a socket, and where it resumes.
struct Login<A> {
    token: String,
    since: Option<String>,
    /// The request of the first frame, if that had the token.
    ask: Option<A>,
}

/// The close code of a client that left without one.
const VANISHED: u16 = 1006;

/// Serves a socket until it closes.
pub(crate) async fn serve<D: Door>(app: SocketApp, mut door: D, offer: Offer) {
    let why = session(&app, &mut door, offer).await;
    let code = why.as_ref().map_or(VANISHED, |why| why.code());
    counter!("chatchit_socket_closes_total", "door" => D::DIALECT.door(), "code" => code.to_string()).increment(1);
    if let Ok(why) = why {
        door.close(why).await;
    }
}

async fn session<D: Door>(app: &SocketApp, door: &mut D, offer: Offer) -> Result<Close, Gone> {
    let Offer { token, since, ip } = offer;
    let login = match token {
        Some(token) => Login { token, since, ask: None },
        None => match timeout(app.hub.settings().credentials_within, first_frame(app, door, since)).await {
            Ok(Ok(login)) => login,
            Ok(Err(why)) => return why,
            Err(_) => return Ok(Close::NoCredentials),
        },
    };
    let outbox = Arc::new(app.hub.outbox(D::DIALECT, (app.ids)()));
    // Boxed, as catching up is: a socket spends its life after them, and should not keep room for them.
    let entered = Box::pin(enter(app, &login, &outbox)).await;
    let outcome = entered.as_ref().map_or_else(|problem| problem.code, |_| DONE);
    counter!("chatchit_sign_ins_total", "way" => "socket", "outcome" => outcome).increment(1);
    let (claims, seat, hello) = match entered {
        Ok(entered) => entered,
        Err(problem) => {
            let why = turned_away(&problem);
            if let Some(ask) = login.ask {
                let refused = refused::<D>(app, problem);
                door.write(D::answer(ask, refused).into_iter().collect()).await?;
            }
            return Ok(why);
        }
    };
    let welcome = door.welcome(&hello, login.ask.as_ref());
    door.write(welcome).await?;
    if let Some(ask) = login.ask {
        let on = SignedOn { user_id: claims.user.0, session_id: claims.session.0 };
        let answered = Answered { answer: Answer::read(&on), request: None, user: claims.user, now: (app.clock)() };
        door.write(D::answer(ask, answered).into_iter().collect()).await?;
    }
    Socket::new(app, door, claims, seat, outbox, ip).run().await
}

/// What somebody is answered who is not signed in.
fn refused<D: Door>(app: &App, problem: Problem) -> Answered {
    let request = (app.ids)();
    log::<D>(request, None, Authenticate::NAME, Err(&problem), Duration::ZERO);
    Answered { answer: Err(problem), request: Some(request), user: UserId::default(), now: (app.clock)() }
}

/// Why a client with these credentials is sent away.
const fn turned_away(problem: &Problem) -> Close {
    if problem.temporary { Close::Restarting } else { Close::Refused }
}

/// The frame with the credentials; nothing else may come first.
async fn first_frame<D: Door>(
    app: &App,
    door: &mut D,
    since: Option<String>,
) -> Result<Login<D::Ask>, Result<Close, Gone>> {
    loop {
        let text = match door.receive().await {
            Incoming::Text(text) => text,
            Incoming::Life => continue,
            Incoming::Bad(why) => return Err(Ok(why)),
            Incoming::Gone => return Err(Err(Gone)),
        };
        let (data, unknown, ask) = match D::read(&text) {
            Inbound::Asked(Want::Command { cmd, data, unknown, .. }, ask) if cmd == Authenticate::NAME => {
                (data, unknown, ask)
            }
            Inbound::Elsewhere(frame) => {
                door.write(vec![frame]).await.map_err(Err)?;
                continue;
            }
            Inbound::Goodbye => return Err(Ok(Close::Normal)),
            Inbound::Bad(why) => return Err(Ok(why)),
            _ => return Err(Ok(Close::NoCredentials)),
        };
        return match parse_with::<Auth>(&data, unknown) {
            Ok(auth) => Ok(Login { token: auth.token, since: auth.since.or(since), ask: Some(ask) }),
            Err(problem) => {
                let refused = refused::<D>(app, D::no_credentials(problem));
                door.write(D::answer(ask, refused).into_iter().collect()).await.map_err(Err)?;
                Err(Ok(Close::NoCredentials))
            }
        };
    }
}

/// Asks whether the session lives, takes a seat, and asks once more: whatever ends it from here on closes the socket.
/// Whose session has ended takes no seat at all, for that would cost another socket its own.
async fn enter<A>(app: &App, login: &Login<A>, outbox: &Arc<Outbox>) -> Result<(Claims, Seat, Hello), Problem> {
    let claims = authenticate(app, &login.token).await?;
    let mut seat = app.hub.seat(claims.user, claims.session, Arc::clone(outbox));
    authenticate(app, &login.token).await?;
    let start = seat.start(login.since.as_deref()).await?;
    let hello = Hello::new(claims.user.0, claims.session.0, start, app.hub.settings());
    Ok((claims, seat, hello))
}
