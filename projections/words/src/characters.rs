//! Character classes, and the folding of characters in words.

use unicode_normalization::char::{decompose_compatible, is_combining_mark};
use unicode_script::{Script, UnicodeScript as _};

/// The distance to the full-width forms of the ASCII signs, which stand in the same order.
const FULL_WIDTH: u32 = 0xff01 - 0x21;

/// Appends a character without marks and case; nothing for a mark. Hangul syllables stay whole.
pub(super) fn fold(c: char, folded: &mut String) {
    if matches!(c, '가'..='힣') {
        return folded.push(c);
    }
    decompose_compatible(c, |part| {
        if part.is_ascii() {
            folded.push(part.to_ascii_lowercase());
        } else if !is_combining_mark(part) {
            part.to_lowercase().filter(|c| !is_combining_mark(*c)).for_each(|c| fold_letter(c, folded));
        }
    });
}

fn fold_letter(letter: char, folded: &mut String) {
    match letter {
        'đ' | 'ð' => folded.push('d'),
        'ħ' => folded.push('h'),
        'ı' => folded.push('i'),
        'ł' => folded.push('l'),
        'ø' => folded.push('o'),
        'ŧ' => folded.push('t'),
        'ς' => folded.push('σ'),
        'ß' => folded.push_str("ss"),
        'æ' => folded.push_str("ae"),
        'œ' => folded.push_str("oe"),
        'þ' => folded.push_str("th"),
        letter => folded.push(letter),
    }
}

/// Whether a letter belongs to a script without spaces between words or, as Hangul, within compounds.
pub(super) fn is_unspaced(c: char) -> bool {
    c >= '\u{e00}'
        && matches!(
            c.script(),
            Script::Han
                | Script::Hiragana
                | Script::Katakana
                | Script::Bopomofo
                | Script::Hangul
                | Script::Thai
                | Script::Lao
                | Script::Khmer
                | Script::Myanmar
                | Script::Tai_Le
                | Script::New_Tai_Lue
                | Script::Tai_Tham
                | Script::Tai_Viet
        )
}

/// Whether a letter or digit never joins a neighbour like it.
pub(super) fn stands_alone(c: char) -> bool {
    c.is_alphanumeric() && !is_mark(c) && !is_jamo(c) && !matches!(c, 'ﾞ' | 'ﾟ')
}

/// Whether a character is a part of a Hangul syllable.
pub(super) const fn is_jamo(c: char) -> bool {
    matches!(c, '\u{1100}'..='\u{11ff}' | '\u{a960}'..='\u{a97f}' | '\u{d7b0}'..='\u{d7ff}')
}

/// Whether a character certainly belongs to a script with spaces, or is a sign. Such characters are read one by one.
pub(super) const fn is_simple(c: char) -> bool {
    matches!(c, '\0'..='\u{dff}' | '\u{1e00}'..='\u{20cf}')
}

/// Whether a character is an arrow, symbol or emoji, skin tones excluded.
pub(super) const fn is_picture(c: char) -> bool {
    matches!(c, '\u{2190}'..='\u{23ff}' | '\u{25a0}'..='\u{27bf}' | '\u{2900}'..='\u{297f}' | '\u{2b00}'..='\u{2bff}'
        | '\u{1f000}'..='\u{1f3fa}' | '\u{1f400}'..='\u{1faff}')
}

/// Whether a character belongs to the one before it.
pub(super) fn is_mark(c: char) -> bool {
    is_combining_mark(c) || matches!(c, '\u{200d}' | '\u{fe00}'..='\u{fe0f}' | '\u{1f3fb}'..='\u{1f3ff}')
}

/// The indexed form of a sign: full width, as SQLite's tokenizer ends a word at the ASCII form. `None` for a space and
/// other characters.
pub(super) fn sign(c: char) -> Option<char> {
    let plain = match c {
        '‐' | '‑' | '‒' | '–' | '−' => '-',
        '’' | '‘' | '′' => '\'',
        c if is_currency(c) || c == '·' => return Some(c),
        // Full width, and other compatibility forms.
        c if !c.is_ascii() => {
            let mut parts = [None; 2];
            let mut count = 0;
            decompose_compatible(c, |part| {
                if let Some(place) = parts.get_mut(count) {
                    *place = Some(part);
                }
                count += 1;
            });
            parts[0].filter(|_| count == 1)?
        }
        c => c,
    };
    if plain.is_ascii_punctuation() { char::from_u32(u32::from(plain) + FULL_WIDTH) } else { None }
}

/// Whether a sign is significant before a word, as in `#42` and `.pdf`.
pub(super) const fn is_lead(sign: char) -> bool {
    matches!(sign, '＃' | '＠' | '＄' | '＋' | '－' | '．' | '／' | '＆' | '＜') || is_currency(sign)
}

/// Whether a sign is significant after a word, as in `C++` and `50%`.
pub(super) const fn is_trail(sign: char) -> bool {
    matches!(sign, '＋' | '＃' | '％' | '＄' | '－') || is_currency(sign)
}

const fn is_currency(c: char) -> bool {
    matches!(c, '¢' | '£' | '¥' | '\u{20a0}'..='\u{20cf}')
}
