//! Searching: both engines find the same, in the same order.

use super::{first, pages, queries_on};
use crate::support::{Story, World, dump, empty};
use domain::{
    UserId,
    conversation::ConversationCommand,
    message::MessageCommand,
    text::DisplayName,
    user::{ProfileChange, UserCommand},
};
use projections::queries::{FoundMessage, MessageSearch, PageRequest, Queries, QueryError};
use testkit::each_engine;

/// Users 0, 1 and 2 are in group 0, where 0 sends these texts, in order.
pub(super) async fn corpus(world: &World, texts: &[&str]) -> (Story, Queries) {
    let mut story = Story::new(1);
    story.register_all(4);
    let group = story.open_group(0, 0, &[1, 2], false);
    for (n, text) in (0..).zip(texts) {
        story.send(n, 0, group, text);
    }
    let queries = queries_on(world, &mut story).await;
    (story, queries)
}

pub(super) fn words(text: &str) -> MessageSearch {
    MessageSearch { text: text.to_owned(), ..MessageSearch::default() }
}

pub(super) async fn found(queries: &Queries, viewer: UserId, search: &MessageSearch) -> Vec<String> {
    let found = pages(async |page| queries.search_messages(viewer, search, &page).await).await;
    found.into_iter().map(|found| found.message.content.unwrap()).collect()
}

/// The text with each highlight in brackets.
fn marked(found: &FoundMessage) -> String {
    let mut text: Vec<String> = found.message.content.as_ref().unwrap().chars().map(String::from).collect();
    for place in found.highlights() {
        text[place.start].insert(0, '[');
        text[place.end - 1].push(']');
    }
    text.concat()
}

each_engine!(words_are_found_in_all_scripts_whatever_their_marks, |home| async move {
    let world = World::new(home).await;
    let texts = [
        "Tôi yêu Việt Nam",
        "đường về nhà",
        "Die Straße ist naß",
        "İstanbul'da ışık var",
        "η αγάπη ΕΊΝΑΙ εδώ",
        "東京都に行きます",
        "Москва не сразу строилась",
        "pizza 🍕 and 👍🏽",
        "to_tsquery('a' & 'b'):* OR NEAR(\"x\")",
        "   ",
    ];
    let (story, queries) = corpus(&world, &texts).await;
    for (search, want) in [
        ("toi yeu", &[0][..]),
        ("TÔI", &[0]),
        ("viet", &[0]),
        ("nam tôi", &[0]),
        ("duong", &[1]),
        ("Đường nh", &[1]),
        ("strasse", &[2]),
        ("NASS", &[2]),
        ("istanbul", &[3]),
        ("isik", &[3]),
        ("αγαπη ειναι", &[4]),
        ("ΑΓΆΠΗ", &[4]),
        ("東京", &[5]),
        ("京都", &[5]),
        ("京", &[5]),
        ("行きます", &[5]),
        ("東都", &[]),
        ("москва стро", &[6]),
        ("🍕", &[7]),
        ("👍", &[7]),
        ("pizza 👍🏿", &[7]),
        ("near or", &[8]),
        ("oi", &[]),
        ("toi nhà", &[]),
        ("\"", &[]),
        ("' & | ! ( ) : * < - ^ ~ { } \\", &[]),
        ("toi\" OR \"duong", &[]),
        ("toi:*", &[0]),
        ("\u{0}toi'", &[0]),
        ("§", &[]),
        ("¶tôi", &[0]),
    ] {
        let want: Vec<_> = want.iter().map(|n| texts[*n]).collect();
        assert_eq!(found(&queries, story.user(1), &words(search)).await, want, "{search:?}");
    }
});

each_engine!(what_has_signs_is_found_as_it_is_written, |home| async move {
    let world = World::new(home).await;
    let texts = [
        "a t-shirt",
        "t some shirt",
        "C++ code",
        "cat and C, or c + d",
        "the datasheet of C#",
        "see #42.",
        "42 of them, 421",
        "issue#42 and #421",
        "write to ana.b@example.org!",
        "(https://www.example.org/path/report.pdf?x=1)",
        "example of an org chart, report pdf",
        "AT&T costs 50% more than $5",
        "at t: 50 of 5",
        "don\u{2019}t",
        "don t",
    ];
    let (story, queries) = corpus(&world, &texts).await;
    for (search, want) in [
        ("t-shirt", &[0][..]),
        ("T\u{2011}SHIRT", &[0]),
        ("t-sh", &[0]),
        ("t-", &[0]),
        ("-shirt", &[0]),
        ("t shirt", &[1, 0]),
        ("shirt, t-shirt!", &[0]),
        ("C++", &[2]),
        ("c++ code", &[2]),
        ("\u{ff23}\u{ff0b}\u{ff0b}", &[2]),
        ("C#", &[4]),
        ("#42", &[7, 5]),
        ("issue#42", &[7]),
        ("\"#42\"", &[7, 5]),
        ("ana.b@example.org", &[8]),
        ("ana.b@example", &[8]),
        ("@example.org", &[8]),
        ("example.org", &[9, 8]),
        ("https://www.example.org/path", &[9]),
        ("report.pdf", &[9]),
        (".pdf", &[9]),
        ("at&t", &[11]),
        ("50%", &[11]),
        ("$5", &[11]),
        ("don't", &[13]),
        ("don t", &[14, 13]),
    ] {
        let want: Vec<_> = want.iter().map(|n| texts[*n]).collect();
        assert_eq!(found(&queries, story.user(1), &words(search)).await, want, "{search:?}");
    }
});

each_engine!(parts_of_compounds_are_found_where_nothing_is_written_between, |home| async move {
    let world = World::new(home).await;
    let texts = [
        "고등학교에 갔다",
        "\u{1112}\u{1161}\u{11a8}\u{1100}\u{116d}",
        "학생, 교장",
        "ประเทศไทย",
        "ສະບາຍດີຊາວໂລກ",
        "សួស្តី\u{200b}ពិភពលោក",
        "မြန်မာနိုင်ငံ",
        "我在上海工作 #上海",
        "ｶﾞﾗｽ and ガラス",
    ];
    let (story, queries) = corpus(&world, &texts).await;
    for (search, want) in [
        ("학교", &[1, 0][..]),
        ("등학", &[0]),
        ("고등하", &[0]),
        ("교", &[2, 1, 0]),
        ("하", &[2, 1, 0]),
        ("고교", &[]),
        ("ไทย", &[3]),
        ("ประเทศ", &[3]),
        ("ทศไ", &[3]),
        ("ชาว", &[]),
        ("ຊາວ", &[4]),
        ("ໂລກ", &[4]),
        ("ពិភព", &[5]),
        ("សួស្តីពិភព", &[5]),
        ("နိုင်ငံ", &[6]),
        ("上海", &[7]),
        ("#上海", &[7]),
        ("海上", &[]),
        ("ガラス", &[8]),
    ] {
        let want: Vec<_> = want.iter().map(|n| texts[*n]).collect();
        assert_eq!(found(&queries, story.user(1), &words(search)).await, want, "{search:?}");
    }
});

each_engine!(the_best_come_first_and_of_equals_the_newest, |home| async move {
    let world = World::new(home).await;
    let texts = ["tôi", "tối nay", "toi", "tôi và bạn", "toilet", "tới", "TOÀN"];
    let (story, queries) = corpus(&world, &texts).await;
    for (search, want) in [
        ("tôi", &["tôi và bạn", "tôi", "tới", "toi", "tối nay", "toilet"][..]),
        ("toi", &["tới", "tôi và bạn", "toi", "tối nay", "tôi", "toilet"]),
        ("to", &["TOÀN", "tới", "toilet", "tôi và bạn", "toi", "tối nay", "tôi"]),
        ("tối n", &["tối nay"]),
    ] {
        assert_eq!(found(&queries, story.user(2), &words(search)).await, want, "{search:?}");
    }
});

each_engine!(only_what_the_viewer_sees_is_found, |home| async move {
    let world = World::new(home).await;
    let (mut story, _) = corpus(&world, &["hello one", "hello two", "hello three"]).await;
    let (group, other) = (story.group(0), story.open_group(1, 3, &[1], false));
    story.send(9, 3, other, "hello elsewhere");
    story.edit(0, 0, "goodbye one");
    story.on_message(1, MessageCommand::Delete { by: story.user(0), leads: false });
    story.on_message(2, MessageCommand::Hide { user: story.user(1) });
    story.conversation(group, ConversationCommand::Kick { by: story.user(0), user: story.user(2) });
    let queries = queries_on(&world, &mut story).await;
    let search = async |viewer: u64, search: &MessageSearch| found(&queries, story.user(viewer), search).await;
    assert_eq!(search(0, &words("hello")).await, ["hello three"]);
    assert_eq!(search(0, &words("goodbye")).await, ["goodbye one"]);
    assert_eq!(search(1, &words("hello")).await, ["hello elsewhere"]);
    assert!(search(2, &words("hello")).await.is_empty(), "a former member");
    assert_eq!(search(3, &words("hello")).await, ["hello elsewhere"]);
    let within = |conversation| MessageSearch { conversation: Some(conversation), ..words("hello") };
    assert_eq!(search(0, &within(group)).await, ["hello three"]);
    assert!(search(1, &within(group)).await.is_empty());
    let by = |user| MessageSearch { from: Some(user), ..words("hello") };
    assert_eq!(search(1, &by(story.user(3))).await, ["hello elsewhere"]);
    assert!(search(1, &by(story.user(0))).await.is_empty());
    for (viewer, room) in [(2, group), (3, group), (0, other)] {
        let refused = queries.search_messages(story.user(viewer), &within(room), &first(1)).await;
        assert!(matches!(refused, Err(QueryError::NotFound)));
    }
    let bad = PageRequest { limit: None, after: Some("!".to_owned()), ..PageRequest::default() };
    let refused = queries.search_messages(story.user(0), &words("hello"), &bad).await;
    assert!(matches!(refused, Err(QueryError::BadToken)));
});

each_engine!(the_words_are_marked_where_they_stand, |home| async move {
    let world = World::new(home).await;
    let texts = [
        "Tôi yêu To\u{302}i 👍🏽, tốt!",
        "東京都の京",
        "a t-shirt, t (ana@example.org) C++11 #42",
        "고등학교의 학생",
        "nothing",
    ];
    let (story, queries) = corpus(&world, &texts).await;
    for (search, want) in [
        ("toi", "[Tôi] yêu [To\u{302}i] 👍🏽, tốt!"),
        ("yeu to", "[Tôi] [yêu] [To\u{302}i] 👍🏽, [tốt]!"),
        ("👍", "Tôi yêu To\u{302}i [👍🏽], tốt!"),
        ("東京都", "[東京都]の京"),
        ("京", "東[京]都の[京]"),
        ("t-shirt", "a [t-shirt], t (ana@example.org) C++11 #42"),
        ("ana@example.org", "a t-shirt, t ([ana@example.org]) C++11 #42"),
        ("#42 c++", "a t-shirt, t (ana@example.org) [C++11] [#42]"),
        ("학교", "고등[학교]의 학생"),
        ("하", "고등[학]교의 [학]생"),
    ] {
        let page = queries.search_messages(story.user(1), &words(search), &first(9)).await.unwrap();
        assert_eq!(page.items.iter().map(marked).collect::<Vec<_>>(), [want], "{search}");
    }
});

each_engine!(of_a_text_a_hundred_places_are_marked, |home| async move {
    let world = World::new(home).await;
    let texts = ["a ".repeat(4_000), "上海".repeat(1_300), "a-b,".repeat(2_000)];
    let (story, queries) = corpus(&world, &texts.each_ref().map(String::as_str)).await;
    for search in ["a", "上海", "a-b"] {
        let page = queries.search_messages(story.user(1), &words(search), &first(9)).await.unwrap();
        let most = page.items.iter().map(|found| found.highlights().len()).max();
        assert_eq!(most, Some(100), "{search}");
    }
});

each_engine!(names_are_found_by_how_their_words_begin, |home| async move {
    let world = World::new(home).await;
    let mut story = Story::new(1);
    story.register_all(7);
    let names = [
        ("Nguyễn Văn", "An"),
        ("Văn", "Cao"),
        ("Vanessa", "Øst"),
        ("山田", "太郎"),
        ("Zoë", "Straße"),
        ("Jean-Luc", "김철수"),
    ];
    for (n, (first, last)) in (0..).zip(names) {
        let name = |text| DisplayName::parse(text).ok();
        let change = ProfileChange { first_name: name(first), last_name: name(last), ..ProfileChange::default() };
        story.account(n, UserCommand::Update { user: story.user(n), change });
    }
    let queries = queries_on(&world, &mut story).await;
    let viewer = story.user(6);
    for (search, want) in [
        ("van", &[1, 0, 2][..]),
        ("VĂN an", &[0]),
        ("nguyen", &[0]),
        ("ost", &[2]),
        ("strass zo", &[4]),
        ("山", &[3]),
        ("太郎", &[3]),
        ("user3.1@example.org", &[3]),
        ("jean-l", &[5]),
        ("luc jean", &[5]),
        ("철수", &[5]),
        ("김처", &[5]),
        ("김", &[5]),
        ("first0", &[]),
        ("guyen", &[]),
        ("!", &[]),
    ] {
        let found = pages(async |page| queries.search_users(viewer, search, &page).await).await;
        let found: Vec<_> = found.into_iter().map(|user| user.id).collect();
        assert_eq!(found, want.iter().map(|n| story.user(*n)).collect::<Vec<_>>(), "{search}");
    }
});

each_engine!(the_words_are_the_same_however_they_came, |home| async move {
    let world = World::new(home).await;
    let (mut story, queries) = corpus(&world, &["one two", "three"]).await;
    story.edit(0, 0, "four");
    story.on_message(1, MessageCommand::Delete { by: story.user(0), leads: false });
    queries_on(&world, &mut story).await;
    let live = dump(&world.database).await;
    assert_eq!(live["message_words"].len(), 1);
    empty(&world.database).await;
    assert!(found(&queries, story.user(0), &words("four")).await.is_empty(), "the index goes with the table");
    world.catch_up().await;
    assert_eq!(dump(&world.database).await, live);
    assert_eq!(found(&queries, story.user(0), &words("four")).await, ["four"]);
    assert!(found(&queries, story.user(0), &words("two")).await.is_empty());
});
