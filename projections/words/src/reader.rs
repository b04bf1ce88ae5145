//! Reads a text from left to right and emits its words, without an allocation for each.

use crate::{
    characters::{fold, is_jamo, is_lead, is_mark, is_picture, is_simple, is_trail, is_unspaced, sign, stands_alone},
    word::{Kind, LONGEST, MOST_SIGNS, Word},
};
use std::mem::swap;
use unicode_normalization::{IsNormalized, UnicodeNormalization as _, is_nfc_quick};
use unicode_segmentation::UnicodeSegmentation as _;

pub(super) struct Reader<F> {
    found: F,
    run: Run,
    pieces: Pieces,
    /// The previous run, if only signs follow it.
    before: Option<Before>,
    /// The text of the previous run; kept to reuse its memory.
    before_text: String,
    /// The signs directly before the next character.
    signs: String,
    /// The signs before the pieces, and where they begin.
    lead: String,
    lead_start: usize,
    /// The buffer in which a word is assembled.
    word: String,
    /// The folded character.
    folded: String,
}

#[derive(Clone, Copy)]
struct Before {
    start: usize,
    end: usize,
}

/// A run of letters and digits.
#[derive(Default)]
struct Run {
    folded: String,
    /// In characters.
    length: usize,
    /// As written; empty while the run is ASCII.
    written: String,
    is_ascii: bool,
    is_open: bool,
    start: usize,
    end: usize,
}

impl Run {
    fn open(&mut self, at: usize) {
        if !self.is_open {
            self.folded.clear();
            self.written.clear();
            (self.length, self.is_ascii, self.is_open, self.start, self.end) = (0, true, true, at, at);
        }
    }

    fn push_ascii(&mut self, letters: &str, at: usize) {
        self.open(at);
        let room = (LONGEST - self.length).min(letters.len());
        let kept = self.folded.len();
        self.folded.push_str(&letters[..room]);
        self.folded[kept..].make_ascii_lowercase();
        self.length += room;
        if !self.is_ascii {
            self.written.push_str(letters);
        }
        self.end = at + letters.len();
    }

    fn push(&mut self, letters: impl Iterator<Item = char>, written: char, at: usize) {
        self.open(at);
        self.push_written(written, at + 1);
        for letter in letters.take(LONGEST - self.length) {
            self.folded.push(letter);
            self.length += 1;
        }
    }

    fn push_written(&mut self, c: char, end: usize) {
        if self.is_ascii {
            self.written.push_str(&self.folded);
            self.is_ascii = false;
        }
        self.written.push(c);
        self.end = end;
    }
}

/// Consecutive characters of a script without spaces.
#[derive(Default)]
struct Pieces {
    folded: String,
    written: String,
    all: Vec<Piece>,
}

/// The start of a character in the two texts, and its place in the input.
#[derive(Clone, Copy)]
struct Piece {
    folded: usize,
    written: usize,
    start: usize,
    end: usize,
}

impl Pieces {
    /// Some neighbours, folded and, if that differs, as written.
    fn texts(&self, from: usize, to: usize) -> (&str, Option<&str>) {
        let (first, next) = (self.all[from], self.all.get(to));
        let folded = &self.folded[first.folded..next.map_or(self.folded.len(), |next| next.folded)];
        let written = &self.written[first.written..next.map_or(self.written.len(), |next| next.written)];
        (folded, Some(written).filter(|written| *written != folded))
    }
}

impl<F: FnMut(Word<&str>)> Reader<F> {
    pub(super) fn new(found: F) -> Self {
        Self {
            found,
            run: Run::default(),
            pieces: Pieces::default(),
            before: None,
            before_text: String::new(),
            signs: String::new(),
            lead: String::new(),
            lead_start: 0,
            word: String::new(),
            folded: String::new(),
        }
    }

    pub(super) fn read(mut self, text: &str) {
        let mut at = 0;
        for part in text.split([' ', '\n']) {
            at = self.part(part, at) + 1;
            self.gap();
        }
    }

    /// Reads a part between spaces. ASCII, and letters alone, need no segmentation rules.
    fn part(&mut self, part: &str, mut at: usize) -> usize {
        if part.is_ascii() {
            self.ascii(part, at);
            at += part.len();
        } else if part.chars().all(stands_alone) {
            let mut letter = [0; 4];
            for c in part.chars() {
                self.cluster(c.encode_utf8(&mut letter), at, at + 1, true);
                at += 1;
            }
        } else {
            for segment in part.split_word_bounds() {
                at = self.segment(segment, at);
            }
        }
        at
    }

    fn ascii(&mut self, text: &str, at: usize) {
        let bytes = text.as_bytes();
        let mut from = 0;
        while let Some(byte) = bytes.get(from) {
            if byte.is_ascii_alphanumeric() {
                let length = bytes[from..].iter().take_while(|byte| byte.is_ascii_alphanumeric()).count();
                self.cut();
                self.run.push_ascii(&text[from..from + length], at + from);
                from += length;
            } else {
                match sign(char::from(*byte)) {
                    Some(sign) => self.sign(sign),
                    None => self.gap(),
                }
                from += 1;
            }
        }
    }

    /// Reads a segment of UAX #29: a word with its marks, an emoji with its skin tone. Returns its end.
    fn segment(&mut self, segment: &str, at: usize) -> usize {
        if segment.is_ascii() {
            self.ascii(segment, at);
            return at + segment.len();
        }
        let end = at + segment.chars().count();
        if segment == "\u{200b}" && !self.pieces.all.is_empty() {
            // Khmer, and sometimes Thai, marks a possible line break with it.
        } else if segment.starts_with(is_picture) {
            self.picture(segment, at, end);
        } else if segment.chars().all(is_simple) {
            for (n, c) in segment.chars().enumerate() {
                self.character(c, at + n, n == 0);
            }
        } else {
            let mut from = at;
            for cluster in segment.graphemes(true) {
                let to = from + cluster.chars().count();
                self.cluster(cluster, from, to, from == at);
                from = to;
            }
        }
        end
    }

    fn picture(&mut self, segment: &str, start: usize, end: usize) {
        self.gap();
        self.word.clear();
        self.word.extend(segment.chars().filter(|c| !is_mark(*c)));
        let (folded, kind) = (self.word.as_str(), Kind::Piece { middle: end });
        (self.found)(Word { folded, written: None, kind, start, end });
    }

    /// Reads a character with its marks.
    fn cluster(&mut self, cluster: &str, start: usize, end: usize, is_first: bool) {
        if cluster.starts_with(is_picture) {
            return self.picture(cluster, start, end);
        }
        self.folded.clear();
        cluster.chars().for_each(|c| fold(c, &mut self.folded));
        let letter = self.folded.chars().find(|c| c.is_alphanumeric());
        // The Kana sound mark belongs to no script alone.
        let is_piece = |c: char| is_unspaced(c) || (c == 'ー' && !self.pieces.all.is_empty());
        if letter.is_some_and(is_piece) {
            self.piece(cluster, start, end);
        } else if letter.is_some() && end == start + 1 {
            self.letters(cluster.chars().next().unwrap_or_default(), start);
        } else {
            for (n, c) in cluster.chars().enumerate() {
                self.character(c, start + n, is_first && n == 0);
            }
        }
    }

    fn character(&mut self, c: char, at: usize, is_first: bool) {
        if is_mark(c) && self.run.is_open {
            return self.run.push_written(c, at + 1);
        }
        self.folded.clear();
        fold(c, &mut self.folded);
        if self.folded.contains(char::is_alphanumeric) {
            self.letters(c, at);
        } else if let Some(sign) = sign(c) {
            self.sign(sign);
        } else if is_first || !self.run.is_open {
            self.gap();
        }
        // Any other character within a segment is invisible or belongs to the letters.
    }

    /// Continues or begins a run with the folded character.
    fn letters(&mut self, c: char, at: usize) {
        self.cut();
        self.run.push(self.folded.chars().filter(|c| c.is_alphanumeric()), c, at);
    }

    fn sign(&mut self, sign: char) {
        self.close();
        if self.signs.chars().count() == MOST_SIGNS {
            self.gap();
        }
        self.signs.push(sign);
    }

    /// Ends everything before a character that belongs to no word.
    fn gap(&mut self) {
        self.close();
        self.trail();
        self.signs.clear();
        self.before = None;
    }

    /// Emits the previous run with the signs after it.
    fn trail(&mut self) {
        let Some(before) = self.before else { return };
        let length: usize = self.signs.chars().take_while(|sign| is_trail(*sign)).map(char::len_utf8).sum();
        if length > 0 {
            let signs = &self.signs[..length];
            let (start, end) = (before.start, before.end + signs.chars().count());
            self.word.clear();
            self.word.extend([self.before_text.as_str(), signs]);
            let (folded, kind) = (self.word.as_str(), Kind::Signs { is_open: true });
            (self.found)(Word { folded, written: None, kind, start, end });
        }
    }

    fn close(&mut self) {
        self.cut();
        if !self.run.is_open {
            return;
        }
        let Self { found, run, before, before_text, signs, word, .. } = self;
        run.is_open = false;
        let (start, end) = (run.start, run.end);
        let written = as_written(run, word).then_some(word.as_str());
        found(Word { folded: run.folded.as_str(), written, kind: Kind::Run, start, end });
        if !signs.is_empty() {
            let kind = Kind::Signs { is_open: false };
            if let Some(before) = before {
                word.clear();
                word.extend([before_text.as_str(), signs.as_str(), run.folded.as_str()]);
                found(Word { folded: word.as_str(), written: None, kind, start: before.start, end });
            }
            let lead = lead_of(signs);
            if !lead.is_empty() {
                word.clear();
                word.extend([lead, run.folded.as_str()]);
                let start = start - lead.chars().count();
                found(Word { folded: word.as_str(), written: None, kind, start, end });
            }
            signs.clear();
        }
        swap(before_text, &mut run.folded);
        *before = Some(Before { start, end });
    }

    fn piece(&mut self, cluster: &str, start: usize, end: usize) {
        if self.pieces.all.is_empty() {
            self.close();
            self.trail();
            let lead = lead_of(&self.signs);
            self.lead.clear();
            self.lead.push_str(lead);
            self.lead_start = start - lead.chars().count();
            self.signs.clear();
            self.before = None;
        }
        let Pieces { folded, written, all } = &mut self.pieces;
        all.push(Piece { folded: folded.len(), written: written.len(), start, end });
        let letters = self.folded.chars().filter(|c| c.is_alphanumeric());
        if self.folded.contains(is_jamo) {
            folded.extend(letters.nfc());
        } else {
            folded.extend(letters);
        }
        if is_nfc_quick(cluster.chars()) == IsNormalized::Yes {
            written.push_str(cluster);
        } else {
            written.extend(cluster.nfc());
        }
    }

    /// Cuts the pieces into pairs.
    fn cut(&mut self) {
        let Self { found, pieces, lead, lead_start, word, .. } = self;
        let Some(last) = pieces.all.last().copied() else { return };
        for (n, pair) in pieces.all.windows(2).enumerate() {
            if let [first, second] = pair {
                let (folded, written) = pieces.texts(n, n + 2);
                let kind = Kind::Piece { middle: first.end };
                found(Word { folded, written, kind, start: first.start, end: second.end });
            }
        }
        let count = pieces.all.len();
        let (folded, written) = pieces.texts(count - 1, count);
        let kind = if count == 1 { Kind::Alone } else { Kind::Last };
        found(Word { folded, written, kind, start: last.start, end: last.end });
        if !lead.is_empty() {
            let (folded, _) = pieces.texts(0, count.min(2));
            let end = pieces.all.get(1).map_or(last.end, |second| second.end);
            word.clear();
            word.extend([lead.as_str(), folded]);
            let kind = Kind::Signs { is_open: count == 1 };
            found(Word { folded: word.as_str(), written: None, kind, start: *lead_start, end });
            lead.clear();
        }
        pieces.folded.clear();
        pieces.written.clear();
        pieces.all.clear();
    }
}

/// The significant signs directly before a word.
fn lead_of(signs: &str) -> &str {
    let length: usize = signs.chars().rev().take_while(|sign| is_lead(*sign)).map(char::len_utf8).sum();
    &signs[signs.len() - length..]
}

/// Writes a run as written, without case, to `word`. Returns whether that differs from its folded form.
fn as_written(run: &Run, word: &mut String) -> bool {
    if run.is_ascii {
        return false;
    }
    word.clear();
    let lowered = |c: char| c.to_lowercase().map(|c| if c == 'ς' { 'σ' } else { c });
    if is_nfc_quick(run.written.chars()) == IsNormalized::Yes {
        word.extend(run.written.chars().flat_map(lowered).take(LONGEST));
    } else {
        word.extend(run.written.nfc().flat_map(lowered).take(LONGEST));
    }
    *word != run.folded
}
