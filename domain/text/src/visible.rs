//! The visible characters of a text, and those that may stand in a line with other people's words. Unicode's
//! properties decide; the only list here is of characters without such a property that look empty all the same.

use crate::Invalid;
use icu_properties::{
    CodePointMapData, CodePointSetData,
    props::{
        DefaultIgnorableCodePoint, Emoji, EmojiPresentation, GeneralCategory, Ideographic, JoiningType,
        NoncharacterCodePoint, PrependedConcatenationMark, Script,
    },
};
use unicode_normalization::{UnicodeNormalization as _, char::canonical_combining_class};
use unicode_segmentation::UnicodeSegmentation as _;

/// Characters that are not ignorable by their properties but look empty: the blank pattern of Braille,
/// marks of annotations and of embedded objects, a musical null, blanks of hieroglyphs.
const LOOKS_EMPTY: [char; 8] =
    ['\u{2800}', '\u{fff9}', '\u{fffa}', '\u{fffb}', '\u{fffc}', '\u{1d159}', '\u{13441}', '\u{13442}'];

const ZERO_WIDTH_NON_JOINER: char = '\u{200c}';
const ZERO_WIDTH_JOINER: char = '\u{200d}';
/// The mark that makes a keycap of a digit.
const KEYCAP: char = '\u{20e3}';
/// The canonical combining class of viramas.
const VIRAMA: u8 = 9;

/// Characters of a text once it is in NFC.
pub(crate) fn length(text: &str) -> usize {
    text.nfc().count()
}

/// True if no character of the text is visible: only white space, ignorable characters and lone marks.
#[must_use]
pub fn is_blank(text: &str) -> bool {
    !text.chars().any(shows)
}

fn shows(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_graphic();
    }
    let is_mark = || {
        let category = CodePointMapData::<GeneralCategory>::new().get(c);
        matches!(category, GeneralCategory::NonspacingMark | GeneralCategory::EnclosingMark)
    };
    !c.is_whitespace() && !is_hidden(c) && !is_mark()
}

/// True if a character is never visible by itself: controls, ignorable characters (zero-width, filling, direction),
/// formats but signs that enclose numbers, noncharacters.
pub(crate) fn is_hidden(c: char) -> bool {
    let is_format = || {
        CodePointMapData::<GeneralCategory>::new().get(c) == GeneralCategory::Format
            && !CodePointSetData::new::<PrependedConcatenationMark>().contains(c)
    };
    c.is_control()
        || is_format()
        || is_ignorable(c)
        || matches!(c, '\u{2028}' | '\u{2029}')
        || LOOKS_EMPTY.contains(&c)
        || CodePointSetData::new::<NoncharacterCodePoint>().contains(c)
}

/// True if Unicode asks renderers to ignore a character that they cannot show.
pub(crate) fn is_ignorable(c: char) -> bool {
    CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(c)
}

/// Refuses controls (`breaks` allows line breaks and tabs) and ignorable characters, except those that spell emoji
/// and some scripts.
pub(crate) fn nothing_hidden(text: &str, breaks: bool) -> Result<(), Invalid> {
    let may_be = |c| breaks && matches!(c, '\n' | '\r' | '\t');
    match characters(text).find(|(c, place)| *place == Place::Hidden && !may_be(*c)) {
        Some((c, _)) => {
            let detail = format!("must not contain U+{:04X}, which is invisible or a control character", c as u32);
            Err(Invalid::new("control_character", detail))
        }
        None => Ok(()),
    }
}

/// The text without the characters that may not stand in a line with other people's words.
#[must_use]
pub fn without_hidden(text: &str) -> String {
    characters(text).filter(|(_, place)| *place == Place::Shown).map(|(c, _)| c).collect()
}

/// The text without the characters that people type where they change nothing.
pub(crate) fn without_idle(text: &str) -> String {
    characters(text).filter(|(_, place)| *place != Place::Idle).map(|(c, _)| c).collect()
}

/// The RGI emoji that the text is, fully qualified. A digit with a selector is none without the keycap, though the
/// library finds one.
pub(crate) fn rgi(text: &str) -> Option<&'static str> {
    let is_bare = text.starts_with(|c: char| c.is_ascii()) && !text.contains(KEYCAP);
    if is_bare { None } else { emojis::get(text).map(emojis::Emoji::as_str) }
}

/// What a character is at its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// Visible, or it changes what is visible.
    Shown,
    /// Invisible, where keyboards put it without need: a non-joiner between letters that do not join, a selector after an
    /// emoji that looks the same without.
    Idle,
    /// Invisible.
    Hidden,
}

/// The characters of a text, each with what it is at its place.
fn characters(text: &str) -> impl Iterator<Item = (char, Place)> {
    text.grapheme_indices(true).flat_map(move |(start, grapheme)| {
        let is_emoji = !grapheme.is_ascii() && rgi(grapheme).is_some();
        grapheme.char_indices().map(move |(at, c)| {
            let found = if is_hidden(c) { place(text, start + at, c) } else { Place::Shown };
            // An emoji is spelled with joiners, tags and selectors.
            (c, if is_emoji && found == Place::Hidden { Place::Shown } else { found })
        })
    })
}

/// The invisible character at `at` is shown where it belongs to the spelling: a joiner beside a virama, a non-joiner
/// after one or between letters that would join (RFC 5892, appendix A), a variation selector after a character that
/// varies, a control of hieroglyphs between them.
fn place(text: &str, at: usize, c: char) -> Place {
    let (left, right) = (&text[..at], &text[at + c.len_utf8()..]);
    let (before, after) = (left.chars().next_back(), right.chars().next());
    let is_virama = |c: Option<char>| c.is_some_and(|c| canonical_combining_class(c) == VIRAMA);
    let is_script = |c: Option<char>, script| c.is_some_and(|c| CodePointMapData::<Script>::new().get(c) == script);
    let is_spelling = match c {
        ZERO_WIDTH_JOINER => is_virama(before) || is_virama(after),
        ZERO_WIDTH_NON_JOINER if is_virama(before) => true,
        ZERO_WIDTH_NON_JOINER => return between(joining(left.chars().rev()), joining(right.chars())),
        '\u{fe0e}' | '\u{fe0f}' => return before.map_or(Place::Hidden, selected),
        '\u{fe00}'..='\u{fe02}' | '\u{e0100}'..='\u{e01ef}' => {
            before.is_some_and(|before| CodePointSetData::new::<Ideographic>().contains(before))
        }
        '\u{180b}'..='\u{180d}' | '\u{180f}' => {
            let is_letter = |c| CodePointMapData::<JoiningType>::new().get(c) == JoiningType::DualJoining;
            is_script(before, Script::Mongolian) && before.is_some_and(is_letter)
        }
        '\u{13437}' | '\u{1343c}' => is_script(after, Script::EgyptianHieroglyphs),
        '\u{13438}' | '\u{1343d}' => is_script(before, Script::EgyptianHieroglyphs),
        '\u{13430}'..='\u{1343f}' => [before, after].into_iter().all(|c| is_script(c, Script::EgyptianHieroglyphs)),
        _ => false,
    };
    if is_spelling { Place::Shown } else { Place::Hidden }
}

/// A non-joiner between letters of these kinds.
fn between(left: JoiningType, right: JoiningType) -> Place {
    let joins = |kind| [JoiningType::DualJoining, JoiningType::LeftJoining, JoiningType::RightJoining].contains(&kind);
    if !joins(left) || !joins(right) {
        Place::Hidden
    } else if left == JoiningType::RightJoining || right == JoiningType::LeftJoining {
        Place::Idle
    } else {
        Place::Shown
    }
}

/// A presentation selector after this character. Digits vary as keycaps only.
fn selected(before: char) -> Place {
    if before.is_ascii() || !CodePointSetData::new::<Emoji>().contains(before) {
        Place::Hidden
    } else if CodePointSetData::new::<EmojiPresentation>().contains(before) {
        Place::Idle
    } else {
        Place::Shown
    }
}

/// How the nearest letter, past its marks, joins.
fn joining(mut nearest_first: impl Iterator<Item = char>) -> JoiningType {
    let letter = nearest_first.find(|c| !is_transparent(*c));
    letter.map_or(JoiningType::NonJoining, |c| CodePointMapData::<JoiningType>::new().get(c))
}

fn is_transparent(c: char) -> bool {
    c != ZERO_WIDTH_NON_JOINER && CodePointMapData::<JoiningType>::new().get(c) == JoiningType::Transparent
}
