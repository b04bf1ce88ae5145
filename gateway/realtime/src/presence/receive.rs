//! Receiving presence that another process, or this one, published.

use super::{Presences, publisher::LATE_MS};
use broker::Signal;
use domain::{Timestamp, UserId};
use protocol::resource::Presence;

impl Presences {
    /// Receives a published presence and checks it if the person has a socket here. Answers whether to relay it: two
    /// processes may publish the same change at once.
    pub fn receive(&self, signal: &Signal) -> bool {
        if signal.name != "presence" {
            return true;
        }
        let Some(user) = signal.from.map(UserId) else {
            // A preference set on one device goes to the others, and this process looks at the effective presence, too.
            let chose = signal.users.iter().copied().map(UserId).filter(|user| self.0.connections.has(*user));
            self.look_at(chose, self.now());
            return true;
        };
        let Some(visible) = Presence::read(&signal.data) else { return true };
        // Who does not say when has a clock of its own.
        let at = Timestamp::from_millis(signal.sent_at.unwrap_or(signal.expires_at.saturating_sub(self.0.worth_ms)));
        let is_news = self.schedule().observe(user, &visible, at);
        if is_news && self.0.connections.has(user) {
            self.look_at([user], self.now());
        }
        let is_recent = |then: &Timestamp| (at.millis() - then.millis()).abs() < LATE_MS;
        let was = self.0.relayed.get(&user).filter(|(known, then)| known.looks_like(&visible) && is_recent(then));
        if was.is_none() {
            self.0.relayed.insert(user, (visible, at));
        }
        was.is_none()
    }
}
