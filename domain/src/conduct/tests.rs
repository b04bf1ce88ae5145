//! Given/when/then for each branch, and the figures of the formula.

use super::*;
use crate::{
    Event,
    testing::{ANA, ROOM, given, state},
};
use uuid::Uuid;

fn judge(inputs: Inputs) -> ConductCommand {
    ConductCommand { user: ANA, conversation: ROOM, inputs }
}

fn judged(inputs: Inputs, points: u32) -> ConductEvent {
    ConductEvent::Judged { user: ANA, conversation: ROOM, formula: FORMULA, inputs, points }
}

const ONE: Inputs = Inputs {
    identical: 1,
    links: 0,
    recent_links: 0,
    recent_mentions: 0,
    conversations: 1,
    burst: 1,
    strangers: 0,
    unasked: 0,
    unasked_links: 0,
    age: None,
};

#[test]
fn only_spam_produces_an_event() {
    given::<Conduct>([]).when(judge(ONE)).then_expect_events(vec![]);
    given::<Conduct>([judged(ONE, 100)]).when(judge(ONE)).then_expect_events(vec![]);
}

#[test]
fn a_refusal_says_by_which_formula_and_from_what() {
    let inputs = Inputs { identical: 101, ..ONE };
    given::<Conduct>([]).when(judge(inputs)).then_expect_events(vec![judged(inputs, 100)]);
    assert_eq!(state::<Conduct>([judged(inputs, 100), judged(inputs, 100)]).refused(), 2);
}

#[test]
fn a_verdict_has_no_recipient() {
    let event = Event::from(judged(ONE, 100));
    assert!(!event.event_type().is_scope_wide() && event.recipients(Uuid::nil()).is_empty());
    assert_eq!(event.scope(Uuid::nil()), ANA.0);
}

#[test]
fn of_each_input_so_much_passes_and_one_more_does_not() {
    let (old, new) = (Some(3_600), Some(3_599));
    let cases: [(Inputs, bool); 27] = [
        (Inputs::default(), false),
        (Inputs { identical: 100, ..ONE }, false),
        (Inputs { identical: 101, ..ONE }, true),
        (Inputs { identical: 100, age: new, ..ONE }, false),
        (Inputs { identical: 101, age: new, ..ONE }, true),
        (Inputs { links: 50, ..ONE }, false),
        (Inputs { links: 51, age: old, ..ONE }, true),
        (Inputs { links: 25, age: new, ..ONE }, false),
        (Inputs { links: 26, age: new, ..ONE }, true),
        (Inputs { recent_links: 120, ..ONE }, false),
        (Inputs { recent_links: 121, ..ONE }, true),
        (Inputs { recent_mentions: 200, ..ONE }, false),
        (Inputs { recent_mentions: 201, ..ONE }, true),
        (Inputs { recent_mentions: 101, age: new, ..ONE }, true),
        (Inputs { strangers: 500, ..ONE }, false),
        (Inputs { strangers: 501, age: old, ..ONE }, true),
        (Inputs { strangers: 250, age: new, ..ONE }, false),
        (Inputs { strangers: 251, age: new, ..ONE }, true),
        (Inputs { unasked: 3, age: new, ..ONE }, false),
        (Inputs { unasked: 4, age: old, ..ONE }, true),
        (Inputs { unasked_links: 2, age: new, ..ONE }, false),
        (Inputs { unasked_links: 3, age: new, ..ONE }, true),
        (Inputs { burst: 5_000, conversations: 5_000, age: old, ..ONE }, false),
        (Inputs { burst: 1_000, age: new, ..ONE }, false),
        (Inputs { burst: 1_001, age: new, ..ONE }, true),
        (Inputs { conversations: 200, age: new, ..ONE }, false),
        (Inputs { conversations: 201, age: new, ..ONE }, true),
    ];
    for (inputs, spam) in cases {
        assert_eq!(inputs.is_spam(), spam, "{inputs:?}: {}", inputs.points());
    }
    assert!(Inputs { links: u32::MAX, age: new, ..ONE }.is_spam(), "nothing overflows");
}

#[test]
fn links_are_counted_however_they_are_written() {
    for (text, count) in [
        ("", 0),
        ("no link: http, https, www", 0),
        ("http://a.example https://b.example HTTPS://C.EXAMPLE", 3),
        ("www.a.example and https://www.b.example", 2),
        ("đây là https://ví.dụ", 1),
    ] {
        assert_eq!(links(text), count, "{text}");
    }
}
