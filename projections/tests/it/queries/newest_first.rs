//! A search reads the newest messages first and stops, and finds the same as one that compares every text.

use super::{
    first, queries_on,
    search::{corpus, found, words},
};
use crate::support::{Story, World};
use domain::{ConversationId, UserId, message::MessageCommand};
use projections::{
    WordIndex,
    queries::{MessageSearch, PageRequest, Queries},
};
use sql::{Database, Engine, query};
use std::{cmp::Reverse, collections::HashSet, ops::Range};
use testkit::each_engine;
use words::{BUCKET_BITS, VERSION, WITH_BUCKET};

/// A sequence of numbers that looks random and is always the same.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % end
    }

    fn text(&mut self, most: usize) -> String {
        const WORDS: [&str; 14] =
            ["to", "to", "to", "tô", "tối", "toi", "tôi", "toilet", "An", "ăn", "anh", "em", "zebra", "tomato"];
        let count = 1 + self.below(most);
        (0..count).map(|_| WORDS[self.below(WORDS.len())]).collect::<Vec<_>>().join(" ")
    }
}

/// A message of the corpus.
struct Sent {
    room: ConversationId,
    sender: UserId,
    text: String,
    /// Whether user 1 sees it.
    is_seen: bool,
}

/// 500 messages in three groups, the last without user 1, who hid some; others are deleted.
fn history() -> (Story, Vec<Sent>) {
    let mut numbers = Numbers(15);
    let mut story = Story::new(1);
    story.register_all(4);
    let rooms = [&[1, 2][..], &[1], &[3]];
    let rooms: Vec<_> = (0..).zip(rooms).map(|(n, members)| story.open_group(n, 0, members, false)).collect();
    let mut all = Vec::new();
    for n in 0..500_u64 {
        let room = [0, 0, 0, 1, 2][numbers.below(5)];
        let sender = [[0, 1, 2], [0, 1, 0], [0, 3, 0]][room][numbers.below(3)];
        let text = numbers.text(5);
        story.send(n, sender, rooms[room], &text);
        let mut is_seen = room < 2;
        match numbers.below(20) {
            0 => {
                story.on_message(n, MessageCommand::Hide { user: story.user(1) });
                is_seen = false;
            }
            1 => {
                story.on_message(n, MessageCommand::Delete { by: story.user(sender), leads: false });
                is_seen = false;
            }
            _ => (),
        }
        all.push(Sent { room: rooms[room], sender: story.user(sender), text, is_seen });
    }
    (story, all)
}

/// How closely a text matches, by its words one by one; the searches have no signs.
fn rank(search: &str, text: &str) -> Option<u8> {
    let terms = words::words(search);
    let mut indexed = String::new();
    words::index(text, &mut indexed);
    let indexed: HashSet<&str> = indexed.split(' ').collect();
    let (last, whole) = terms.split_last()?;
    if terms.iter().all(|term| indexed.contains(term.as_written().as_str())) {
        return Some(2);
    }
    let has = |term: &words::Word| indexed.contains(term.folded.as_str());
    if terms.iter().all(has) {
        return Some(1);
    }
    (whole.iter().all(has) && indexed.iter().any(|word| word.starts_with(&last.folded))).then_some(0)
}

/// The messages of a search by user 1, best first, without any index.
fn compared(all: &[Sent], search: &MessageSearch) -> Vec<String> {
    let matches = |sent: &&Sent| {
        sent.is_seen
            && search.conversation.is_none_or(|room| room == sent.room)
            && search.from.is_none_or(|sender| sender == sent.sender)
    };
    let newest = all.iter().rev().filter(matches);
    let mut ranked: Vec<_> = newest.filter_map(|sent| Some((rank(&search.text, &sent.text)?, &sent.text))).collect();
    ranked.sort_by_key(|(rank, _)| Reverse(*rank));
    ranked.into_iter().map(|(_, text)| text.clone()).collect()
}

/// The same by the index, in pages.
async fn searched(queries: &Queries, viewer: UserId, search: &MessageSearch, limit: u32) -> Vec<String> {
    let mut all = Vec::new();
    let mut request = first(limit);
    loop {
        let page = queries.search_messages(viewer, search, &request).await.unwrap();
        all.extend(page.items.into_iter().map(|found| found.message.content.unwrap()));
        match page.next {
            Some(next) => request = PageRequest { limit: Some(limit), after: Some(next), ..PageRequest::default() },
            None => return all,
        }
    }
}

/// Puts the messages as far apart as if many others lay between. The factor MUST exceed the ratio of their positions.
async fn spread(database: &Database, factor: u64) {
    database.execute(query(format!("UPDATE messages SET position = position * {factor}"))).await.unwrap();
    let words = match database.engine() {
        Engine::Sqlite => "words".to_owned(),
        Engine::Postgres => format!(
            "'{WITH_BUCKET}' || to_hex((position * {factor}) >> {BUCKET_BITS}) || substr(words, strpos(words, ' §'))"
        ),
    };
    let sql = format!("UPDATE message_words SET words = {words}, position = position * {factor}");
    database.execute(query(sql)).await.unwrap();
}

/// Takes the bucket from every third message, as an older build writes them.
async fn forget_buckets(database: &Database) {
    if database.engine() == Engine::Postgres {
        let sql = format!(
            "UPDATE message_words SET words = '{VERSION}' || substr(words, strpos(words, ' §')) \
             WHERE message_id IN (SELECT id FROM messages WHERE seq % 3 = 0)"
        );
        assert!(database.execute(query(sql)).await.unwrap() > 100);
    }
}

async fn finds_what_comparing_finds(queries: &Queries, story: &Story, all: &[Sent], numbers: &mut Numbers) {
    for n in 0..15 {
        let mut search = words(&numbers.text(2));
        match n % 5 {
            0 => search.conversation = Some(story.group(0)),
            1 => search.conversation = Some(story.group(1)),
            2 => search.from = Some(story.user(1)),
            3 => search.text = ["t", "to", "an", "z"][numbers.below(4)].to_owned(),
            _ => (),
        }
        let limit = [20, 60, 200][numbers.below(3)];
        let found = searched(queries, story.user(1), &search, limit).await;
        assert_eq!(found, compared(all, &search), "{search:?}, {limit} a page");
    }
}

each_engine!(a_search_finds_what_comparing_every_text_finds, |home| async move {
    let world = World::new(home).await;
    let (mut story, all) = history();
    let queries = queries_on(&world, &mut story).await;
    let mut numbers = Numbers(7);
    let (database, index) = (&world.database, WordIndex::new(world.database.clone()));
    finds_what_comparing_finds(&queries, &story, &all, &mut numbers).await;
    for factor in [2_000, 600] {
        spread(database, factor).await;
        finds_what_comparing_finds(&queries, &story, &all, &mut numbers).await;
        assert_eq!(index.reindex(false).await.unwrap(), 0, "each has its bucket");
        forget_buckets(database).await;
        finds_what_comparing_finds(&queries, &story, &all, &mut numbers).await;
        assert_eq!(index.reindex(false).await.unwrap() > 0, database.engine() == Engine::Postgres);
        finds_what_comparing_finds(&queries, &story, &all, &mut numbers).await;
    }
});

each_engine!(a_member_of_many_conversations_finds_what_is_in_them, |home| async move {
    let world = World::new(home).await;
    let mut story = Story::new(1);
    story.register_all(4);
    // User 1 is in more conversations than are named to Postgres' index, user 2 in as many as may be.
    for n in 0..70 {
        let members: &[u64] = if n < 20 { &[1, 2] } else { &[1] };
        let group = story.open_group(n, 0, members, false);
        story.send(n, 0, group, &format!("hello {n}"));
        let other = story.open_group(100 + n, 0, &[3], false);
        story.send(100 + n, 3, other, &format!("hello {n} elsewhere"));
    }
    let queries = queries_on(&world, &mut story).await;
    for factor in [1, 2_000] {
        spread(&world.database, factor).await;
        for (user, groups) in [(1, 70), (2, 20)] {
            let want: Vec<_> = (0..groups).rev().map(|n| format!("hello {n}")).collect();
            for text in ["hello", "hell", "h"] {
                let found = searched(&queries, story.user(user), &words(text), 10).await;
                assert_eq!(found, want, "{text} by user {user}");
            }
            assert_eq!(found(&queries, story.user(user), &words("hello 19")).await, ["hello 19"]);
            assert!(found(&queries, story.user(user), &words("elsewhere")).await.is_empty());
        }
    }
});

/// Writes messages of one word that all have and one that each has alone, at every fourth position.
async fn write_many(database: &Database, room: ConversationId, sender: UserId, numbers: Range<u64>) {
    let series = format!(
        "WITH RECURSIVE s(n) AS (SELECT {} UNION ALL SELECT n + 1 FROM s WHERE n < {})",
        numbers.start,
        numbers.end - 1
    );
    let (id, bucket) = match database.engine() {
        Engine::Sqlite => ("unhex(printf('%032x', n))", String::new()),
        Engine::Postgres => {
            ("CAST(md5(CAST(n AS TEXT)) AS UUID)", format!(" || ' ‡' || to_hex((4 * n) >> {BUCKET_BITS})"))
        }
    };
    let messages = format!(
        "{series} INSERT INTO messages (id, conversation_id, sender_id, seq, position, message_type, content, mentions, \
         created_at) SELECT {id}, $1, $2, n, 4 * n, 'TEXT', 'common', '[]', 0 FROM s"
    );
    database.execute(query(messages).bind(room.0).bind(sender.0)).await.unwrap();
    let words = format!(
        "{series} INSERT INTO message_words (position, message_id, words) \
         SELECT 4 * n, {id}, '{VERSION}'{bucket} || $1 || n FROM s"
    );
    let room = words::conversation_word(room);
    database.execute(query(words).bind(format!(" {room} common word"))).await.unwrap();
    // The plans do not depend on whether autovacuum has come by.
    if database.engine() == Engine::Postgres {
        database.execute(query("ANALYZE messages, message_words")).await.unwrap();
    }
}

each_engine!(a_common_word_costs_the_same_however_many_messages_have_it, |home| async move {
    let world = World::new(home).await;
    let (story, queries) = corpus(&world, &[]).await;
    let (viewer, group) = (story.user(1), story.group(0));
    let most_of = |rows_on_sqlite: u64| match world.database.engine() {
        Engine::Sqlite => rows_on_sqlite,
        // Two buckets.
        Engine::Postgres => (2 << BUCKET_BITS) / 4,
    };
    let mut known = 1_000;
    for messages in [15_000, 60_000] {
        write_many(&world.database, group, story.user(0), known..messages).await;
        known = messages;
        for (text, rows) in [("common", 128), ("commo", 512), ("c", 512)] {
            for conversation in [None, Some(group)] {
                let search = MessageSearch { conversation, ..words(text) };
                let examined = queries.messages_examined(viewer, &search, &first(50)).await.unwrap();
                assert!((51..=most_of(rows)).contains(&examined), "{text}: {examined} of {messages}");
            }
            let page = queries.search_messages(viewer, &words(text), &first(50)).await.unwrap();
            let newest: Vec<_> = page.items.iter().map(|found| found.message.position).collect();
            assert_eq!(newest, (1..=50).map(|n| 4 * (messages - n)).collect::<Vec<_>>(), "{text}");
        }
        let rare = words("common word1234");
        let page = queries.search_messages(viewer, &rare, &first(50)).await.unwrap();
        assert!(page.items.iter().any(|found| found.message.position == 4 * 1_234));
        // Those compared for words that begin with it: 512, or 8,192 at most; and the hits.
        let most = 20 + if world.database.engine() == Engine::Sqlite { 512 } else { 8_192 };
        let examined = queries.messages_examined(viewer, &words("word1234"), &first(50)).await.unwrap();
        assert!(examined <= most, "{examined} for a rare word");
    }
});
