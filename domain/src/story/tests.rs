//! Given/when/then for each branch of each command.

use super::{StoryCommand as Command, StoryError as Error, StoryEvent as Event, *};
use crate::{
    CommentId, Personal, Refusal, RefusalKind, Timestamp, UserId,
    testing::{ANA, BOB, CLEO, EVE, given, state},
    text::{CommentText, Link, StoryText},
};
use uuid::Uuid;

const NOW: Timestamp = Timestamp::from_millis(1_000);
const END: Timestamp = Timestamp::from_millis(1_000 + LIFETIME_MS);
const FIRST: CommentId = CommentId(Uuid::from_u128(70));

fn content(text: &str, media: Option<&str>) -> StoryContent {
    let media_url = media.map(|url| Link::parse(url).unwrap());
    StoryContent { text: StoryText::parse(text).unwrap(), media_url }
}

fn post(content: StoryContent, audience: Audience, people: &[UserId]) -> Command {
    Command::Post { author: ANA, content, audience, recipients: people.to_vec(), now: NOW }
}

fn posted(audience: Audience, people: &[UserId]) -> Event {
    let content = Personal::new(ANA, content("sun", None));
    Event::Posted { author: ANA, content, audience, recipients: people.to_vec(), expires_at: END }
}

/// Ana shows her friends Bob and Cleo something.
fn shown() -> Vec<Event> {
    vec![posted(Audience::Friends, &[BOB, CLEO])]
}

fn shown_and(event: Event) -> Vec<Event> {
    vec![posted(Audience::Friends, &[BOB, CLEO]), event]
}

fn text() -> CommentText {
    CommentText::parse("nice").unwrap()
}

fn commented() -> Event {
    Event::Commented { author: ANA, comment: FIRST, user: BOB, text: Personal::new(BOB, text()) }
}

fn deleted() -> Event {
    Event::Deleted { author: ANA, by: ANA, recipients: vec![BOB] }
}

#[track_caller]
fn then(events: Vec<Event>, command: Command, expected: Result<Vec<Event>, Error>) {
    let case = format!("{command:?} after {events:?}");
    assert_eq!(given::<Story>(events).when(command).inspect_result(), expected, "{case}");
}

/// Each command of a viewer of the story.
fn by_viewer(now: Timestamp) -> Vec<Command> {
    vec![
        Command::Like { user: BOB, now },
        Command::Unlike { user: BOB, now },
        Command::View { user: BOB, now },
        Command::Comment { comment: FIRST, user: BOB, text: text(), now },
        Command::DeleteComment { comment: FIRST, by: BOB, now },
        Command::Edit { by: ANA, change: StoryChange::default(), recipients: vec![], now },
        Command::Delete { by: ANA, recipients: vec![], now },
        Command::Remove { by: EVE, recipients: vec![], now },
    ]
}

#[test]
fn a_story_is_there_for_a_day_and_tells_each_once() {
    then(vec![], post(content("sun", None), Audience::Friends, &[CLEO, BOB, ANA, BOB]), Ok(shown()));
    then(vec![], post(content("sun", None), Audience::People, &[BOB]), Ok(vec![posted(Audience::People, &[BOB])]));
    then(vec![], post(content("sun", None), Audience::Friends, &[]), Ok(vec![posted(Audience::Friends, &[])]));
    then(shown(), post(content("sun", None), Audience::Friends, &[]), Err(Error::AlreadyPosted));
}

#[test]
fn a_story_needs_content_and_an_audience() {
    then(vec![], post(content(" \n", None), Audience::Friends, &[]), Err(Error::Empty));
    let picture = given::<Story>([]).when(post(content("", Some("/files/1")), Audience::Friends, &[]));
    assert!(picture.inspect_result().is_ok());
    then(vec![], post(content("sun", None), Audience::People, &[ANA]), Err(Error::NobodyNamed));
    let crowd = |count: usize| (10..10 + count as u128).map(|n| UserId(Uuid::from_u128(n))).collect::<Vec<_>>();
    then(vec![], post(content("sun", None), Audience::People, &crowd(MAX_PEOPLE + 1)), Err(Error::TooManyPeople));
    then(vec![], post(content("sun", None), Audience::Friends, &crowd(MAX_RECIPIENTS + 1)), Err(Error::TooManyPeople));
}

#[test]
fn the_author_edits_text_or_picture() {
    let edit = |by, change, people: &[UserId]| Command::Edit { by, change, recipients: people.to_vec(), now: NOW };
    let rain = StoryChange { text: StoryText::parse("rain").ok(), media_url: Some(Link::parse("/files/1").ok()) };
    let content = |text, media| Personal::new(ANA, content(text, media));
    let edited = Event::Edited { author: ANA, content: content("rain", Some("/files/1")), recipients: vec![BOB] };
    then(shown(), edit(ANA, rain.clone(), &[BOB]), Ok(vec![edited.clone()]));
    then(shown_and(edited.clone()), edit(ANA, rain.clone(), &[]), Ok(vec![]));
    let bare = StoryChange { text: None, media_url: Some(None) };
    let without = Event::Edited { author: ANA, content: content("rain", None), recipients: vec![] };
    then(shown_and(edited.clone()), edit(ANA, bare, &[]), Ok(vec![without]));
    let silent = StoryChange { text: StoryText::parse("").ok(), media_url: Some(None) };
    then(shown_and(edited), edit(ANA, silent, &[]), Err(Error::Empty));
    then(shown(), edit(BOB, rain.clone(), &[]), Err(Error::AuthorOnly));
    let forgotten = Event::Edited { author: ANA, content: Personal::forgotten(ANA), recipients: vec![] };
    then(shown_and(forgotten), edit(ANA, rain, &[]), Err(Error::NotFound));
}

#[test]
fn a_moderator_removes_it() {
    let remove = Command::Remove { by: EVE, recipients: vec![BOB], now: NOW };
    then(shown(), remove, Ok(vec![Event::Deleted { author: ANA, by: EVE, recipients: vec![BOB] }]));
}

#[test]
fn only_the_author_deletes_it() {
    let delete = |by| Command::Delete { by, recipients: vec![BOB], now: NOW };
    then(shown(), delete(ANA), Ok(vec![deleted()]));
    then(shown(), delete(BOB), Err(Error::AuthorOnly));
}

#[test]
fn it_expires_once_and_not_early() {
    let expire = |now| Command::Expire { recipients: vec![BOB], now };
    let expired = Event::Expired { author: ANA, recipients: vec![BOB] };
    then(vec![], expire(END), Ok(vec![]));
    then(shown(), expire(Timestamp::from_millis(END.millis() - 1)), Ok(vec![]));
    then(shown(), expire(END), Ok(vec![expired.clone()]));
    then(shown_and(expired), expire(END), Ok(vec![]));
    then(shown_and(deleted()), expire(END), Ok(vec![]));
}

#[test]
fn an_ended_story_is_not_found() {
    for command in by_viewer(NOW) {
        then(vec![], command.clone(), Err(Error::NotFound));
        then(shown_and(deleted()), command.clone(), Err(Error::NotFound));
        then(shown_and(Event::Expired { author: ANA, recipients: vec![] }), command, Err(Error::NotFound));
    }
    for command in by_viewer(END) {
        then(vec![posted(Audience::Friends, &[BOB]), commented()], command, Err(Error::NotFound));
    }
}

#[test]
fn likes_and_views_count_once() {
    let like = Command::Like { user: BOB, now: NOW };
    let unlike = Command::Unlike { user: BOB, now: NOW };
    let liked = Event::Liked { author: ANA, user: BOB };
    let unliked = Event::Unliked { author: ANA, user: BOB };
    then(shown(), like.clone(), Ok(vec![liked.clone()]));
    then(shown_and(liked.clone()), like.clone(), Ok(vec![]));
    then(shown(), unlike.clone(), Ok(vec![]));
    then(shown_and(liked.clone()), unlike, Ok(vec![unliked.clone()]));
    then(vec![shown().remove(0), liked.clone(), unliked], like, Ok(vec![liked.clone()]));
    let viewed = Event::Viewed { author: ANA, user: BOB };
    then(shown(), Command::View { user: BOB, now: NOW }, Ok(vec![viewed.clone()]));
    then(shown_and(viewed.clone()), Command::View { user: BOB, now: NOW }, Ok(vec![]));
    then(shown(), Command::View { user: ANA, now: NOW }, Ok(vec![]));
    let story = state::<Story>([posted(Audience::Friends, &[BOB]), liked, viewed, commented()]);
    assert_eq!((story.likes(), story.views(), story.comments()), (1, 1, 1));
    assert_eq!(story.commenter(FIRST), Some(BOB));
}

#[test]
fn comments_are_deleted_by_their_author_and_the_storys() {
    let comment = Command::Comment { comment: FIRST, user: BOB, text: text(), now: NOW };
    then(shown(), comment.clone(), Ok(vec![commented()]));
    let delete = |by| Command::DeleteComment { comment: FIRST, by, now: NOW };
    let gone = |by| Event::CommentDeleted { author: ANA, comment: FIRST, user: BOB, by };
    for by in [ANA, BOB] {
        then(shown_and(commented()), delete(by), Ok(vec![gone(by)]));
    }
    then(shown_and(commented()), delete(CLEO), Err(Error::NotYourComment));
    then(shown(), delete(BOB), Err(Error::CommentNotFound));
    then(vec![shown().remove(0), commented(), gone(BOB)], delete(BOB), Err(Error::CommentNotFound));
    let many = (0..MAX_COMMENTS as u128).map(|n| {
        let comment = CommentId(Uuid::from_u128(1_000 + n));
        Event::Commented { author: ANA, comment, user: EVE, text: Personal::new(EVE, text()) }
    });
    then(shown().into_iter().chain(many).collect(), comment, Err(Error::TooManyComments));
}

#[test]
fn each_refusal_has_its_word() {
    for (error, kind, code, field) in [
        (Error::NotFound, RefusalKind::NotFound, "not_found", None),
        (Error::CommentNotFound, RefusalKind::NotFound, "not_found", None),
        (Error::AlreadyPosted, RefusalKind::Conflict, "already_posted", None),
        (Error::Empty, RefusalKind::Invalid, "empty", Some("content")),
        (Error::NobodyNamed, RefusalKind::Invalid, "empty", Some("audience")),
        (Error::TooManyPeople, RefusalKind::Invalid, "too_many_people", Some("audience")),
        (Error::AuthorOnly, RefusalKind::Forbidden, "author_only", None),
        (Error::TooManyComments, RefusalKind::Conflict, "too_many_comments", None),
        (Error::TooManyActs, RefusalKind::Conflict, "too_many_acts", None),
        (Error::NotYourComment, RefusalKind::Forbidden, "not_your_comment", None),
    ] {
        assert_eq!((error.kind(), error.code(), error.field()), (kind, code, field));
    }
}

#[test]
fn one_person_acts_on_a_story_only_so_often() {
    let (liked, unliked) = (Event::Liked { author: ANA, user: BOB }, Event::Unliked { author: ANA, user: BOB });
    let toggles = (0..MAX_ACTS_EACH).flat_map(|_| [liked.clone(), unliked.clone()]);
    let before: Vec<_> = shown().into_iter().chain(toggles).collect();
    let by = |user| Command::Like { user, now: NOW };
    then(before.clone(), by(BOB), Err(Error::TooManyActs));
    then(before.clone(), by(CLEO), Ok(vec![Event::Liked { author: ANA, user: CLEO }]));
    let comment = Command::Comment { comment: FIRST, user: BOB, text: text(), now: NOW };
    then(before, comment, Err(Error::TooManyActs));
}
