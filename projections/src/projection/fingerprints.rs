//! The source of each projection when its version was last thought about. The shapes of events and the upcasters are not part
//! of it: a change there that gives other rows needs a new version, too.

use super::Projection;
use domain::fold::fingerprint;

/// The version and the fingerprint of the source of each projection.
const RECORDED: [(Projection, u32, i64); Projection::ALL.len()] = [
    (Projection::Users, 3, 0x3705_c84e_8d31_871f),
    (Projection::Friendships, 1, 0x69c8_0586_6d41_4ba3),
    (Projection::Conversations, 2, 0x36f1_36b8_7ffd_6890),
    (Projection::Messages, 2, 0x63a1_b711_c709_3067),
    (Projection::ReadMarkers, 2, 0x740f_9e3b_7d39_b481),
    (Projection::Calls, 1, 0x2885_0532_f9a0_a858),
    (Projection::OwnSettings, 1, 0x4c0b_3811_2fdc_aec0),
    (Projection::Files, 1, 0x7f41_a04b_fbb6_25a4),
    (Projection::Stories, 1, 0x3754_ec50_7cb9_0712),
    (Projection::Reports, 1, 0x5a20_8c9f_6023_07a5),
];

const fn source(projection: Projection) -> &'static [&'static str] {
    match projection {
        Projection::Users => &[include_str!("users.rs"), include_str!("user_words.rs")],
        Projection::Friendships => &[include_str!("friendships.rs")],
        Projection::Conversations => &[include_str!("conversations.rs"), include_str!("invites.rs")],
        Projection::Messages => &[include_str!("messages.rs"), include_str!("message_words.rs")],
        Projection::ReadMarkers => &[include_str!("read_markers.rs")],
        Projection::Calls => &[include_str!("calls.rs")],
        Projection::OwnSettings => &[include_str!("own_settings.rs")],
        Projection::Files => &[include_str!("files.rs")],
        Projection::Stories => &[include_str!("stories.rs")],
        Projection::Reports => &[include_str!("reports.rs")],
    }
}

#[test]
fn a_changed_projection_gives_the_same_rows_or_has_a_new_version() {
    assert_eq!(RECORDED.map(|(projection, ..)| projection), Projection::ALL);
    let mut changed = String::new();
    for (projection, version, recorded) in RECORDED {
        let (now, source) = (projection.version(), fingerprint(source(projection)));
        if (now, source) != (version, recorded) {
            changed.push_str(&format!("\n    (Projection::{projection:?}, {now}, {source:#018x}),"));
        }
    }
    assert!(
        changed.is_empty(),
        "The source of projections has changed. If the same events give other rows now, raise their versions in \
         projections/src/projection/mod.rs. Then record in fingerprints.rs:{changed}"
    );
}
