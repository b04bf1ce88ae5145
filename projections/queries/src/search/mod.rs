//! Search for messages and people, best first and then newest. Rank and position (or time) form one number, so that
//! both engines sort alike.

mod hits;
mod matching;
mod portions;

pub use hits::stale_words;

use crate::{
    MessageRow, Page, PageRequest, Queries, QueryError, UserRow,
    messages::SELECT,
    padded,
    page::{PAGE_BYTES, PageKey, Place, Weigh, cut_by_bytes},
    terms::{Closeness, Highlight, MOST_HIGHLIGHTS, Terms},
    users::{self, COLUMNS, FINDABLE},
};
use domain::{ConversationId, UserId, text::EmailAddress};
use hits::{Enough, Head, Scope};
use matching::Matching;
use sql::{placeholders, query};
use std::{collections::HashMap, sync::Arc};
use uuid::Uuid;

/// The weight of a rank: more than any position, or time in milliseconds.
const RANK: i64 = 1 << 56;
/// The ranks of hits, best first.
const RANKS: [(i64, Closeness); 3] = [(2, Closeness::Written), (1, Closeness::Whole), (0, Closeness::Begun)];
/// The least number of newest hits of each closeness that a page examines.
const CANDIDATES: usize = 128;
/// The rounds of a search without a visible hit; each examines four times as many hits. Then the page is empty and has
/// a `next`.
const ROUNDS: usize = 3;
/// The greatest weight of a message's highlights in a page, in bytes.
const HIGHLIGHTS: usize = 32 * MOST_HIGHLIGHTS;
/// The most people examined whose names have a word that begins with the longest search word.
const MOST_PEOPLE: usize = 5_000;

/// A search for messages.
#[derive(Clone, Debug, Default)]
pub struct MessageSearch {
    /// Words that a message must all have; the last may be unfinished.
    pub text: String,
    pub conversation: Option<ConversationId>,
    pub from: Option<UserId>,
}

#[derive(Clone, Debug)]
pub struct FoundMessage {
    pub message: MessageRow,
    terms: Arc<Terms>,
}

impl FoundMessage {
    /// The places of the words in its text, in order, at most 100. CPU-bound: the work grows with the text.
    #[must_use]
    pub fn highlights(&self) -> Vec<Highlight> {
        self.terms.highlights(self.message.content.as_deref().unwrap_or_default())
    }
}

/// A message with the words.
#[derive(Clone, Copy, Debug)]
struct Hit {
    message: Uuid,
    rank: i64,
    place: i64,
    /// Whether the viewer sees the message.
    is_seen: bool,
}

/// The visible hits, best first, and the place after which the search continues, if it does.
#[derive(Debug)]
struct Looked {
    hits: Vec<Hit>,
    next: Option<i64>,
    /// The messages that the index returned.
    examined: u64,
}

impl Looked {
    /// Takes the visible hits among candidates, best first. A rank that reaches `most` candidates has more of them.
    fn at(candidates: Vec<Hit>, limit: usize, most: usize, examined: u64) -> Self {
        let mut hits: Vec<Hit> = Vec::new();
        let mut of_rank = 0;
        let mut last: Option<Hit> = None;
        for hit in candidates {
            let is_next_rank = last.is_some_and(|last| last.rank != hit.rank);
            if hits.len() == limit || (is_next_rank && of_rank >= most) {
                return Self { hits, next: last.map(|last| last.place), examined };
            }
            of_rank = if is_next_rank { 1 } else { of_rank + 1 };
            hits.extend(Some(hit).filter(|hit| hit.is_seen));
            last = Some(hit);
        }
        let next = last.filter(|_| of_rank >= most).map(|last| last.place);
        Self { hits, next, examined }
    }
}

/// The place below which hits are searched.
#[derive(Clone, Copy, Debug)]
struct Below(i64);

impl Below {
    /// The position below which hits of this rank lie; `None` if all of them lie above.
    const fn within(self, rank: i64) -> Option<i64> {
        let (own, position) = (self.0.div_euclid(RANK), self.0.rem_euclid(RANK));
        if rank > own {
            None
        } else if rank == own {
            Some(position)
        } else {
            Some(i64::MAX)
        }
    }
}

impl Weigh for (UserRow, i64) {
    fn weight(&self) -> usize {
        self.0.weight()
    }
}

impl Queries {
    /// Messages with the words in conversations of which the viewer is an active member, without deleted, hidden and
    /// cleared ones. First come those with all words as written, marks included, then those with the whole words, then
    /// those in which the last word continues; each newest first. A word with signs matches only with these signs. The
    /// cost is bounded: each page examines the newest hits of each closeness, and may be short or empty and still have
    /// a `next`.
    ///
    /// # Errors
    /// [`QueryError::NotFound`] unless the viewer is an active member of the conversation; [`QueryError::BadToken`].
    pub async fn search_messages(
        &self,
        viewer: UserId,
        search: &MessageSearch,
        page: &PageRequest,
    ) -> Result<Page<FoundMessage>, QueryError> {
        let terms = Terms::of(&search.text);
        let looked = self.look(viewer, search, &terms, page).await?;
        self.found(viewer, terms, looked, &page.key).await
    }

    /// The messages that the index returns for a page of a search: its cost, which tests and measurements ask for.
    ///
    /// # Errors
    /// As [`search_messages`](Self::search_messages).
    pub async fn messages_examined(
        &self,
        viewer: UserId,
        search: &MessageSearch,
        page: &PageRequest,
    ) -> Result<u64, QueryError> {
        Ok(self.look(viewer, search, &Terms::of(&search.text), page).await?.examined)
    }

    /// The best hits of a page.
    async fn look(
        &self,
        viewer: UserId,
        search: &MessageSearch,
        terms: &Terms,
        page: &PageRequest,
    ) -> Result<Looked, QueryError> {
        let place = page.place()?;
        let rooms = match search.conversation {
            Some(room) => {
                self.require_active(viewer, room).await?;
                vec![room]
            }
            None => self.conversations_of(viewer).await?,
        };
        let mut looked = Looked { hits: Vec::new(), next: None, examined: 0 };
        if terms.is_empty() || rooms.is_empty() {
            return Ok(looked);
        }
        let scope = Scope { viewer, conversation: search.conversation, from: search.from, rooms };
        let head = self.head(search.conversation).await?;
        let mut most = page.limit().saturating_mul(2).max(CANDIDATES);
        looked.next = Some(place.number);
        for _ in 0..ROUNDS {
            let Some(below) = looked.next.filter(|_| looked.hits.is_empty()) else { break };
            let examined = looked.examined;
            looked = self.best(&scope, terms, head, Below(below), page.limit(), most).await?;
            looked.examined += examined;
            most = most.saturating_mul(4);
        }
        Ok(looked)
    }

    /// The best hits below a place, among at most `most` of each closeness. Less close ones are not read once a page is full.
    async fn best(
        &self,
        scope: &Scope,
        terms: &Terms,
        head: Head,
        below: Below,
        limit: usize,
        most: usize,
    ) -> Result<Looked, QueryError> {
        let mut candidates: Vec<Hit> = Vec::new();
        let (mut seen, mut examined) = (0, 0);
        for (rank, closeness) in RANKS {
            let Some(end) = below.within(rank) else { continue };
            let Some(matching) = Matching::of(terms, closeness, self.database.engine()) else { continue };
            // One more than the page has shows whether there is a next one.
            let enough = Enough { most, seen: limit + 1 - seen };
            let newest = self.newest_hits(scope, &matching, head, end, enough).await?;
            let is_full = newest.hits.len() >= most;
            seen += newest.hits.iter().filter(|hit| hit.is_seen).count();
            examined += newest.examined;
            candidates.extend(newest.hits.into_iter().map(|hit| Hit {
                message: hit.message,
                rank,
                place: rank * RANK + hit.position,
                is_seen: hit.is_seen,
            }));
            if is_full || seen > limit {
                break;
            }
        }
        Ok(Looked::at(candidates, limit, most, examined))
    }

    /// The messages of hits, in their order, up to the end of a page.
    async fn found(
        &self,
        viewer: UserId,
        terms: Terms,
        looked: Looked,
        key: &PageKey,
    ) -> Result<Page<FoundMessage>, QueryError> {
        let Looked { hits, mut next, .. } = looked;
        let token = |number: i64, id: Uuid| Place { number, id }.token(key);
        let ids = padded(&hits.iter().map(|hit| hit.message).collect::<Vec<_>>());
        if ids.is_empty() {
            return Ok(Page { items: Vec::new(), next: next.map(|number| token(number, Uuid::nil())) });
        }
        let sql = format!("{SELECT} WHERE m.id IN ({})", placeholders(1, ids.len()));
        let rows = self.message_rows(query(sql).bind_all(ids)).await?;
        let mut rows: HashMap<_, _> = rows.into_iter().map(|message| (message.id.0, message)).collect();
        let mut messages: Vec<_> =
            hits.iter().filter_map(|hit| Some((rows.remove(&hit.message)?, hit.place))).collect();
        if cut_by_bytes(&mut messages, PAGE_BYTES, |(message, _)| message.weight() + HIGHLIGHTS) {
            next = messages.last().map(|(_, place)| *place);
        }
        let mut messages: Vec<_> = messages.into_iter().map(|(message, _)| message).collect();
        self.complete(viewer, &mut messages).await?;
        let terms = Arc::new(terms);
        let items = messages.into_iter().map(|message| FoundMessage { message, terms: Arc::clone(&terms) });
        Ok(Page { items: items.collect(), next: next.map(|number| token(number, Uuid::nil())) })
    }

    /// People whose names have a word beginning with each word of `text`, or whose e-mail address it is. That address
    /// comes first, then names with the whole words; each newest first. Blocked and hidden accounts are left out, and
    /// those blocked either way.
    ///
    /// # Errors
    /// [`QueryError::BadToken`], or if the read models are unavailable.
    pub async fn search_users(
        &self,
        viewer: UserId,
        text: &str,
        page: &PageRequest,
    ) -> Result<Page<UserRow>, QueryError> {
        let place = page.place()?;
        let terms = Terms::of_name(text);
        let mut values = Vec::new();
        let (mut whole, mut begun) = (Vec::new(), Vec::new());
        let mut candidates = "SELECT c.id FROM users c WHERE c.email_folded = $1".to_owned();
        for (word, end) in terms.ranges() {
            let (from, to) = (values.len() + 6, values.len() + 7);
            values.extend([word.to_owned(), end]);
            let of_user = "EXISTS (SELECT 1 FROM user_words w WHERE w.user_id = u.id AND w.word";
            whole.push(format!("{of_user} = ${from})"));
            begun.push(format!("{of_user} >= ${from} AND w.word < ${to})"));
        }
        // The index finds the longest word; the others are looked up per person.
        if let Some((longest, _)) = terms.ranges().enumerate().max_by_key(|(_, (word, _))| word.len()) {
            let (from, to) = (2 * longest + 6, 2 * longest + 7);
            candidates += &format!(
                " UNION SELECT * FROM (SELECT w.user_id FROM user_words w WHERE w.word >= ${from} AND w.word < ${to} \
                 ORDER BY w.word, w.user_id LIMIT {MOST_PEOPLE}) begun"
            );
        }
        let all = |conditions: Vec<String>| {
            if conditions.is_empty() { "FALSE".to_owned() } else { conditions.join(" AND ") }
        };
        let (whole, begun) = (all(whole), all(begun));
        let sql = format!(
            "SELECT {COLUMNS}, hits.place FROM (SELECT u.id, (CASE WHEN u.email_folded = $1 THEN 3 WHEN {whole} THEN 2 \
             ELSE 1 END) * {RANK} + u.created_at AS place FROM users u WHERE u.id IN ({candidates}) \
             AND {FINDABLE} AND NOT u.is_blocked AND (u.email_folded = $1 OR ({begun})) \
             AND NOT EXISTS (SELECT 1 FROM friendships f WHERE (f.blocked_by_low OR f.blocked_by_high) \
             AND ((f.low_user = $4 AND f.high_user = u.id) OR (f.high_user = $4 AND f.low_user = u.id)))) hits \
             JOIN users u ON u.id = hits.id WHERE (hits.place, hits.id) < ($2, $3) \
             ORDER BY hits.place DESC, hits.id DESC LIMIT $5"
        );
        // Postgres accepts no NUL in a text.
        let email = EmailAddress::stored(text.trim().replace('\0', "")).canonical();
        let found = query(sql).bind(email).bind(place.number).bind(place.id).bind(viewer.0).bind(page.probe());
        let rows = self.database.fetch_all(found.bind_all(values)).await?;
        let users = rows.iter().map(|row| Ok((users::parse(row)?, row.get::<i64>("place")?)));
        let users = users.collect::<Result<Vec<_>, sql::Error>>()?;
        let Page { items, next } = Page::cut(users, page, |(user, number)| Place { number: *number, id: user.id.0 });
        Ok(Page { items: items.into_iter().map(|(user, _)| user).collect(), next })
    }
}
