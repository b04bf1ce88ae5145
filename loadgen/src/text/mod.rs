//! The texts that people of a run write: real-looking words in three languages, or the single word of earlier versions.
//!
//! A text follows from the seed, the message's number and its revision: so the oracle can compare the text that is read back.

mod vocabulary;
mod zipf;

use crate::random::Random;
use anyhow::{Result, ensure};
use clap::{Args, ValueEnum};
use std::fmt::Write as _;
use vocabulary::{CHINESE, ENGLISH, VIETNAMESE, Vocabulary};

/// The beginning of each text: `#` and the message's number in ten digits.
pub(crate) const MARK: usize = 11;
/// Messages of 100 that are Vietnamese, and Chinese. The others are English.
const OF_100_VIETNAMESE: u64 = 20;
const OF_100_CHINESE: u64 = 10;
/// One in so many words is followed by a comma, and another one by a full stop.
const STOPS: u64 = 12;

/// What people write: options of the command line.
#[derive(Args, Clone, Copy, Debug)]
pub(crate) struct Content {
    /// `words`: 7 messages of 10 in English, 2 in Vietnamese, 1 in Chinese, their words by Zipf's law. `word`: one word as
    /// long as the message, with which a search costs nothing.
    #[arg(long, value_enum, default_value_t = Kind::Words)]
    content: Kind,
    /// Bytes of each message's content, at most.
    #[arg(long, default_value_t = 200)]
    bytes: usize,
    /// The same seed gives the same texts.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Kind {
    Words,
    Word,
}

impl Content {
    /// Words of so many bytes a message.
    pub(crate) const fn words(bytes: usize) -> Self {
        Self { content: Kind::Words, bytes, seed: 1 }
    }

    pub(crate) fn check(&self) -> Result<()> {
        ensure!(self.bytes >= MARK, "--bytes must be at least {MARK}");
        Ok(())
    }

    pub(crate) const fn bytes(&self) -> usize {
        self.bytes
    }

    pub(crate) const fn seed(&self) -> u64 {
        self.seed
    }

    pub(crate) fn describe(&self) -> String {
        match self.content {
            Kind::Words => format!("{} bytes of words", self.bytes),
            Kind::Word => format!("{} bytes of one word", self.bytes),
        }
    }

    /// Appends the text of a message. Its first text has the revision 0.
    pub(crate) fn write(&self, number: usize, revision: u32, text: &mut String) {
        let start = text.len();
        let _ = write!(text, "#{number:010}");
        let room = self.bytes - (text.len() - start).min(self.bytes);
        match self.content {
            Kind::Words => self.write_words(number, revision, room, text),
            Kind::Word => text.extend(std::iter::repeat_n(if revision.is_multiple_of(2) { 'x' } else { 'y' }, room)),
        }
    }

    pub(crate) fn text(&self, number: usize, revision: u32) -> String {
        let mut text = String::with_capacity(self.bytes);
        self.write(number, revision, &mut text);
        text
    }

    fn write_words(&self, number: usize, revision: u32, mut room: usize, text: &mut String) {
        let mut random = Random::of(self.seed, (number as u64) << 8 | u64::from(revision));
        let vocabulary = Self::language(&mut random);
        // The mark is a word of its own in every language.
        let mut between = " ";
        loop {
            let word = vocabulary.draw(&mut random);
            let Some(left) = room.checked_sub(between.len() + word.len()) else { return };
            room = left;
            text.push_str(between);
            text.push_str(word);
            between = match random.below(STOPS) {
                0 => vocabulary.stops[0],
                1 => vocabulary.stops[1],
                _ => vocabulary.space,
            };
        }
    }

    fn language(random: &mut Random) -> &'static Vocabulary {
        match random.below(100) {
            0..OF_100_CHINESE => &CHINESE,
            OF_100_CHINESE..30 => &VIETNAMESE,
            _ => &ENGLISH,
        }
    }
}

/// The English word of a rank, the most frequent first: to search for.
pub(crate) fn english(rank: usize) -> &'static str {
    ENGLISH.word(rank)
}

/// A word to search for, drawn as those that are written.
pub(crate) fn searched(random: &mut Random) -> &'static str {
    Content::language(random).draw(random)
}

const _: () = assert!(OF_100_CHINESE + OF_100_VIETNAMESE == 30);

#[cfg(test)]
mod tests {
    use super::{Content, Kind, MARK};

    const MESSAGES: usize = 2_000;

    fn texts(content: Content) -> Vec<String> {
        (0..MESSAGES).map(|number| content.text(number, 0)).collect()
    }

    #[test]
    fn a_text_keeps_its_budget_and_nearly_fills_it() {
        for text in texts(Content::words(200)) {
            // The longest word with its stop.
            assert!((170..=200).contains(&text.len()), "{} bytes: {text}", text.len());
        }
        assert_eq!(Content::words(MARK).text(7, 0), "#0000000007");
    }

    #[test]
    fn a_text_has_some_35_words() {
        let texts = texts(Content::words(200));
        let english = texts.iter().filter(|text| text.is_ascii());
        let (count, words) =
            english.fold((0, 0), |(count, words), text| (count + 1, words + text.split(' ').count() - 1));
        let mean = words as f64 / count as f64;
        assert!((28.0..42.0).contains(&mean), "{mean} words");
    }

    #[test]
    fn a_seed_gives_the_same_texts_again() {
        let seeded = |seed| Content { seed, ..Content::words(200) };
        assert_eq!(texts(seeded(1)), texts(seeded(1)));
        assert_ne!(texts(seeded(1)), texts(seeded(2)));
        assert_ne!(seeded(1).text(5, 0), seeded(1).text(5, 1));
    }

    #[test]
    fn shares_of_languages_are_as_stated() {
        let texts = texts(Content::words(200));
        let share =
            |is: fn(char) -> bool| texts.iter().filter(|text| text.chars().any(is)).count() as f64 / texts.len() as f64;
        let chinese = share(|c| ('\u{4e00}'..='\u{9fff}').contains(&c));
        let vietnamese = share(|c| ('\u{1ea0}'..='\u{1ef9}').contains(&c));
        assert!((0.07..0.13).contains(&chinese), "{chinese} are Chinese");
        assert!((0.16..0.24).contains(&vietnamese), "{vietnamese} are Vietnamese");
    }

    #[test]
    fn one_word_is_as_it_was() {
        let content = Content { content: Kind::Word, ..Content::words(15) };
        assert_eq!(content.text(42, 0), "#0000000042xxxx");
    }
}
