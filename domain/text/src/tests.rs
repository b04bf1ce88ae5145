use super::*;

fn code<T>(parsed: Result<T, Invalid>) -> &'static str {
    parsed.map_or_else(|invalid| invalid.code, |_| "ok")
}

/// Characters of which nothing is seen.
pub(crate) const UNSEEN: [char; 22] = [
    '\u{200b}',
    '\u{200c}',
    '\u{200d}',
    '\u{2060}',
    '\u{ad}',
    '\u{feff}',
    '\u{2800}',
    '\u{3164}',
    '\u{115f}',
    '\u{1160}',
    '\u{ffa0}',
    '\u{180e}',
    '\u{34f}',
    '\u{61c}',
    '\u{200e}',
    '\u{202e}',
    '\u{2066}',
    '\u{e0020}',
    '\u{fe0f}',
    '\u{2028}',
    '\u{fffe}',
    '\u{301}',
];

#[test]
fn each_text_names_its_fault() {
    for (name, want) in [
        ("Zoë", "ok"),
        ("", "empty"),
        (" \t", "empty"),
        ("\u{a0}\u{3000}", "empty"),
        ("a\u{0}b", "control_character"),
        ("a\nb", "control_character"),
        ("a\u{200b}b", "control_character"),
        ("\u{202e}txet", "control_character"),
        ("a\u{2066}b", "control_character"),
        ("a\u{ad}b", "control_character"),
        ("a\u{fe0f}b", "control_character"),
        ("a\u{200d}b", "control_character"),
        ("\u{5e9}\u{5dc}\u{5d5}\u{5dd}", "ok"),
        ("\u{6a9}\u{62a}\u{627}\u{628}\u{200c}\u{647}\u{627}", "ok"), // A plural of Persian, with its non-joiner.
        ("\u{dc1}\u{dca}\u{200d}\u{dbb}\u{dd3}", "ok"),               // Śrī, in Sinhala.
        ("\u{8fbb}\u{e0100}", "ok"),                                  // A name in the form its family writes.
        ("\u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f467}", "ok"),
        ("I \u{2764}\u{fe0f} tea", "ok"),
        ("a1\u{fe0f}", "control_character"),
        ("#\u{fe0f}", "control_character"),
        ("1\u{20e3}", "ok"),
        ("\u{1820}\u{180b}", "ok"),                        // A Mongolian letter varies,
        ("\u{1810}\u{180b}", "control_character"),         // a digit does not,
        ("\u{1820}\u{180b}\u{180c}", "control_character"), // and no letter twice.
        ("\u{13000}\u{13430}\u{13001}", "ok"),             // One hieroglyph above another.
        ("\u{13000}\u{13430}", "control_character"),
        ("a\u{13430}b", "control_character"),
        ("\u{600}\u{661}", "ok"), // The sign of a number, in Arabic.
        ("1\u{fe0f}\u{20e3}", "ok"),
    ] {
        assert_eq!(code(DisplayName::parse(name)), want, "{name:?}");
    }
    for (email, want) in [
        ("a@b.example", "ok"),
        ("a@b", "ok"),
        ("é@bücher.example", "ok"),
        ("", "empty"),
        ("a", "malformed"),
        ("@b", "malformed"),
        ("a@", "malformed"),
        ("a@b@c", "malformed"),
        ("a b@c", "malformed"),
        ("a@.c", "malformed"),
        ("a@c.", "malformed"),
        ("a@c..d", "malformed"),
        ("a@x_y/z", "malformed"),
        ("a..b@c.example", "malformed"),
        (".a@c.example", "malformed"),
        ("a.@c.example", "malformed"),
        ("a,b@c.example", "malformed"),
        ("\"a b\"@c.example", "malformed"),
        ("a@[127.0.0.1]", "malformed"),
        (&format!("{}@c.example", "x".repeat(64)), "ok"),
        (&format!("{}@c.example", "x".repeat(65)), "malformed"),
        ("o'neil+chat@c.example", "ok"),
        ("a\u{ff20}b@c", "malformed"),
        ("\"foo\"@x", "malformed"),
        ("\u{ff02}foo\u{ff02}@x", "malformed"),
        ("foo(c)@x", "malformed"),
        ("(c)foo@x", "malformed"),
        ("foo@x(c)", "malformed"),
        ("<foo@x>", "malformed"),
        ("Foo <foo@x>", "malformed"),
        ("mailto:foo@x", "malformed"),
        ("foo,bar@x", "malformed"),
        ("foo@-x.example", "malformed"),
        ("foo@x-.example", "malformed"),
        ("foo@x.example-", "malformed"),
        ("a@1.2.3", "malformed"),
        ("a@127.0.0.1", "malformed"),
        ("a@1", "malformed"),
        ("a@1.example", "ok"),
        ("a@x-y", "ok"),
        ("a\u{a8}b@c", "malformed"), // Its compatible form has a space.
        ("a\u{200b}@c", "control_character"),
        ("a@c\u{200b}", "control_character"),
        ("\u{202e}a@c", "control_character"),
    ] {
        assert_eq!(code(EmailAddress::parse(email)), want, "{email:?}");
    }
    for (phone, want) in [("+84 (0) 90-123.45", "ok"), ("12", "malformed"), ("call me", "malformed")] {
        assert_eq!(code(PhoneNumber::parse(phone)), want, "{phone:?}");
    }
    for (link, want) in [
        ("https://a.example/x", "ok"),
        ("/files/1", "ok"),
        ("//evil.example", "malformed"),
        ("javascript:alert(1)", "malformed"),
        ("https://", "malformed"),
    ] {
        assert_eq!(code(Link::parse(link)), want, "{link:?}");
    }
    let right = "x".repeat(22);
    for (invite, want) in [(right.as_str(), "ok"), (&right[1..], "malformed"), (&right.replace('x', "/"), "malformed")]
    {
        assert_eq!(code(InviteCode::parse(invite)), want, "{invite:?}");
    }
    assert_eq!(code(InviteCode::parse(&"x".repeat(65))), "malformed");
    assert_eq!(code(MessageBody::parse("two\nlines")), "ok");
    assert_eq!(code(MessageBody::parse("\u{1b}[31m")), "control_character");
    for broken in ["two\nlines", "a\tb", "a\rb"] {
        assert_eq!(code(CommentText::parse(broken)), "control_character");
        assert_eq!(code(RejectedReason::parse(broken)), "control_character");
        assert_eq!(code(Notes::parse(broken)), "ok");
    }
    assert_eq!(code(RejectedReason::parse("")), "empty");
    assert_eq!(code(CommentText::parse("a\u{202e}b")), "control_character");
    assert_eq!((code(Notes::parse("")), code(Notes::parse("\u{200b}"))), ("ok", "empty"));
}

#[test]
fn limits_count_characters_whatever_the_script() {
    for unit in ["x", "\u{e9}", "e\u{301}", "\u{4e0a}", "\u{1112}\u{1161}\u{11ab}", "\u{1f642}"] {
        let parsed = |count: usize| code(DisplayName::parse(&unit.repeat(count)));
        assert_eq!((parsed(limits::NAME), parsed(limits::NAME + 1)), ("ok", "too_long"), "{unit:?}");
        assert_eq!(code(StatusText::parse(&unit.repeat(limits::STATUS))), "ok", "{unit:?}");
    }
    for unit in ["x", "\u{e9}", "\u{4e0a}", "\u{1f642}"] {
        let parsed = |count: usize| code(MessageBody::parse(&unit.repeat(count)));
        assert_eq!((parsed(limits::CONTENT), parsed(limits::CONTENT + 1)), ("ok", "too_long"), "{unit:?}");
    }
    // As it is written, the decomposed takes more than four bytes for a character.
    let syllable = "\u{1112}\u{1161}\u{11ab}";
    assert_eq!(code(MessageBody::parse(&syllable.repeat(limits::CONTENT / 3))), "ok");
    assert_eq!(code(MessageBody::parse(&syllable.repeat(limits::CONTENT))), "too_long");
    let detail = |text: String| MessageBody::parse(&text).unwrap_err().detail;
    assert_eq!(detail(syllable.repeat(4_000)), "must be at most 32768 bytes in UTF-8, was 36000");
    assert_eq!(detail("x".repeat(40_000)), "must be at most 8192 characters");
}

#[test]
fn a_message_is_kept_as_it_is_written_and_a_name_in_nfc() {
    assert_eq!(MessageBody::parse("e\u{301}\u{200b}").unwrap().as_str(), "e\u{301}\u{200b}");
    assert_eq!(StoryText::parse("e\u{301}").unwrap().as_str(), "e\u{301}");
    for parsed in [
        DisplayName::parse("Zoe\u{308}").unwrap().to_string(),
        Title::parse("Zoe\u{308}").unwrap().to_string(),
        CommentText::parse("Zoe\u{308}").unwrap().to_string(),
        FileName::parse("Zoe\u{308}").unwrap().to_string(),
    ] {
        assert_eq!(parsed, "Zo\u{eb}");
    }
}

#[test]
fn outer_blanks_are_dropped() {
    let kept = |text: &str| {
        let parsed = [
            DisplayName::parse(text).unwrap().to_string(),
            Title::parse(text).unwrap().to_string(),
            Reason::parse(text).unwrap().to_string(),
            RejectedReason::parse(text).unwrap().to_string(),
            CommentText::parse(text).unwrap().to_string(),
            Notes::parse(text).unwrap().to_string(),
            DeviceName::parse(text).unwrap().to_string(),
            StatusText::parse(text).unwrap().to_string(),
            FileName::parse(text).unwrap().to_string(),
        ];
        assert!(parsed.iter().all(|kept| *kept == parsed[0]), "{parsed:?}");
        parsed[0].clone()
    };
    assert_eq!(kept("  Ana   Maria  "), "Ana   Maria");
    assert_eq!(kept("Ana\u{a0}"), "Ana");
    assert_eq!(kept("\u{3000}x "), "x");
    assert_eq!(code(DisplayName::parse("Ana\n")), "control_character");
    assert_eq!(code(DisplayName::parse(&format!(" {} ", "x".repeat(limits::NAME)))), "ok");
    assert_eq!(MessageBody::parse(" a ").unwrap().as_str(), " a ");
    assert_eq!(PhoneNumber::parse(" +49 30 ").unwrap().as_str(), "+49 30");
}

#[test]
fn a_file_name_has_no_folders() {
    for (text, want) in [(" ../../etc/passwd ", "passwd"), ("C:\\x\\y.exe", "y.exe"), ("a.tar.gz", "a.tar.gz")] {
        assert_eq!(FileName::parse(text).unwrap().as_str(), want);
    }
    assert_eq!(code(FileName::parse("a/..")), "malformed");
    assert_eq!(code(FileName::parse("a/")), "empty");
}

#[test]
fn a_media_type_has_its_form() {
    for right in [
        "image/png",
        "application/vnd.oasis.opendocument.text",
        "image/svg+xml",
        "text/plain; charset=utf-8",
        "audio/webm;codecs=opus",
        "video/mp4; codecs=\"avc1.42E01E, mp4a.40.2\"",
    ] {
        assert_eq!(MediaType::parse(right).unwrap().as_str(), right);
    }
    for wrong in
        ["not a mime", "png", "image/", "/png", "image/png/x", "a b/c", "text/plain; x", "é/x", "a/b; c=\"d", "a/b;"]
    {
        assert_eq!(code(MediaType::parse(wrong)), "malformed", "{wrong:?}");
    }
}

#[test]
fn marks_and_new_characters_are_kept_within_a_name() {
    // Joiners, fillers and selectors of scripts: Khitan, Duployan, Brahmi, Tifinagh, SignWriting, Kawi.
    for mark in ['\u{16fe4}', '\u{1bc9d}', '\u{1107f}', '\u{2d7f}', '\u{1da9b}', '\u{11f42}'] {
        assert_eq!(code(DisplayName::parse(&format!("a{mark}b"))), "ok", "{mark:?}");
        assert_eq!(code(DisplayName::parse(&mark.to_string())), "empty", "{mark:?}");
    }
    // Not assigned: a letter or an emoji to come; ignorable even so.
    assert_eq!(
        (code(DisplayName::parse("\u{1fbff}")), code(DisplayName::parse("a\u{e0fff}b"))),
        ("ok", "control_character")
    );
}

#[test]
fn a_stored_text_is_read_unchecked() {
    for old in ["\u{3164}", "a\u{202e}b", "", "+1"] {
        let json = serde_json::to_string(old).unwrap();
        assert_eq!(serde_json::from_str::<DisplayName>(&json).unwrap().as_str(), old);
        assert_eq!(serde_json::from_str::<Emoji>(&json).unwrap().as_str(), old);
    }
}

#[test]
fn a_text_without_visible_characters_is_blank() {
    for c in UNSEEN {
        assert!(is_blank(&format!("{c} {c}")), "U+{:04X}", c as u32);
        assert_eq!(code(DisplayName::parse(&c.to_string())), "empty", "U+{:04X}", c as u32);
    }
    assert!(UNSEEN.iter().filter(|c| **c != '\u{301}').all(|c| DisplayName::parse(&format!("a{c}b")).is_err()));
    for seen in ["a", ".", "\u{2764}\u{fe0f}", "\u{1f1e9}\u{1f1ea}", "\u{4e0a}", "\u{e01}", "\u{928}\u{93f}"] {
        assert!(!is_blank(seen), "{seen:?}");
    }
}

#[test]
fn formats_are_not_seen() {
    for c in ('\u{13430}'..='\u{1343f}').chain('\u{1bca0}'..='\u{1bca3}').chain(['\u{1d173}', '\u{e0001}']) {
        for text in [c.to_string(), format!("{c}{c}"), format!(" {c} ")] {
            assert_eq!(code(DisplayName::parse(&text)), "empty", "U+{:04X}", c as u32);
            assert!(is_blank(&text), "U+{:04X}", c as u32);
        }
    }
}

#[test]
fn what_is_typed_without_effect_is_dropped() {
    for (typed, kept) in [
        // After a letter that does not join to the next one, as some type Persian.
        (
            "\u{622}\u{632}\u{627}\u{62f}\u{200c}\u{631}\u{627}\u{647}",
            "\u{622}\u{632}\u{627}\u{62f}\u{631}\u{627}\u{647}",
        ),
        ("\u{1f44d}\u{fe0f}", "\u{1f44d}"),
        ("\u{1f600}\u{fe0e}!", "\u{1f600}!"),
        ("\u{2764}\u{fe0f}", "\u{2764}\u{fe0f}"),
        ("\u{a9}\u{fe0f}", "\u{a9}\u{fe0f}"),
    ] {
        assert_eq!(DisplayName::parse(typed).unwrap().as_str(), kept, "{typed:?}");
        assert_eq!(MessageBody::parse(typed).unwrap().as_str(), typed, "{typed:?}");
    }
}

#[test]
fn addresses_that_people_take_for_equal_are_equal() {
    let canonical = |text: &str| EmailAddress::claimed(text).unwrap().canonical();
    for (one, other) in [
        ("Ana@B.Example", "ana@b.example"),
        ("\u{e9}@x.example", "e\u{301}@x.example"),
        ("a@b\u{fc}cher.example", "a@xn--bcher-kva.example"),
        ("a@B\u{dc}CHER.example", "a@XN--BCHER-KVA.example"),
        ("\u{ff41}na@x.example", "ana@x.example"),
        ("\u{212a}ai@x.example", "kai@x.example"),
        ("stra\u{df}e@x.example", "STRASSE@x.example"),
        ("a\u{200b}na@x.example", "ana@x.example"),
        ("a\u{ad}na@x.example", "ana@x.example"),
        ("ana@x.example\u{200b}", "ana@x.example"),
        ("\u{3c3}\u{3bf}\u{3c6}\u{3cc}\u{3c2}@x.example", "\u{3a3}\u{39f}\u{3a6}\u{38c}\u{3a3}@x.example"),
    ] {
        assert_eq!(canonical(one), canonical(other), "{one:?} {other:?}");
    }
    assert_ne!(canonical("ana@x.example"), canonical("anna@x.example"));
    assert_ne!(canonical("ana@x.example"), canonical("ana@y.example"));
}

#[test]
fn an_address_is_found_under_the_form_it_was_unique_by_before() {
    let forms = |text: &str| EmailAddress::claimed(text).unwrap().forms();
    assert_eq!(forms("Ana@B.Example"), ["ana@b.example"], "the same as now");
    assert_eq!(forms("a\u{200b}@x.example"), ["a\u{200b}@x.example", "a@x.example"], "as it is written first");
    let composed = forms("\u{e9}@b\u{fc}cher.example");
    for before in ["e\u{301}@b\u{fc}cher.example", "\u{e9}@b\u{fc}cher.example", "e\u{301}@xn--bcher-kva.example"] {
        assert!(composed.iter().any(|form| form == before), "{before:?} of {composed:?}");
    }
    assert!(EmailAddress::claimed("a\u{200b}@x.example").is_ok(), "one may have registered so");
}

#[test]
fn a_reaction_is_one_emoji_however_it_is_selected() {
    let kiss = "\u{1f468}\u{1f3fb}\u{200d}\u{2764}\u{fe0f}\u{200d}\u{1f48b}\u{200d}\u{1f468}\u{1f3fc}";
    let england = "\u{1f3f4}\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f}";
    for (emoji, want) in [
        ("\u{2764}", "\u{2764}\u{fe0f}"),
        ("\u{2764}\u{fe0f}", "\u{2764}\u{fe0f}"),
        ("\u{2764}\u{fe0e}", "\u{2764}\u{fe0f}"),
        ("\u{1f44d}\u{fe0f}", "\u{1f44d}"),
        ("\u{1f44d}\u{1f3fd}", "\u{1f44d}\u{1f3fd}"),
        ("\u{1f1fb}\u{1f1f3}", "\u{1f1fb}\u{1f1f3}"),
        ("1\u{20e3}", "1\u{fe0f}\u{20e3}"),
        (kiss, kiss),
        (england, england),
    ] {
        assert_eq!(Emoji::parse(emoji).unwrap().as_str(), want, "{emoji:?}");
    }
    for (emoji, want) in [
        ("", "empty"),
        ("\u{200b}", "empty"),
        ("\u{202e}", "empty"),
        ("idiot", "malformed"),
        ("<b>x</b>", "malformed"),
        (":+1:", "malformed"),
        ("1", "malformed"),
        ("1\u{fe0f}", "malformed"),
        ("#\u{fe0f}", "malformed"),
        ("*\u{fe0e}", "malformed"),
        ("\u{1f44d}\u{1f44d}", "malformed"),
        ("a\u{1f44d}", "malformed"),
        ("\u{1f1fb}", "malformed"),
        ("\u{1f44d}\u{200d}\u{1f44e}", "malformed"),
    ] {
        assert_eq!(code(Emoji::parse(emoji)), want, "{emoji:?}");
    }
    assert_eq!(code(Emoji::parse(&"\u{1f44d}".repeat(40))), "too_long");
    assert_eq!(Emoji::claimed("+1").unwrap().as_str(), "+1", "what was a reaction before can be named");
    assert!(Emoji::stored("\u{2764}").is_same(&Emoji::parse("\u{2764}").unwrap()));
    assert!(!Emoji::stored("+1").is_same(&Emoji::parse("\u{1f44d}").unwrap()));
}
