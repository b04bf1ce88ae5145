//! Words of three languages by rank: the most frequent are real, the others are made of the language's syllables or
//! characters. A frequent word is shorter than a rare one, as in real text.

use super::zipf::Zipf;
use crate::random::Random;
use std::{collections::HashSet, sync::LazyLock};

/// Words of each language.
pub(super) const WORDS: usize = 4_000;

/// Words of one language.
pub(super) struct Vocabulary {
    words: Vec<String>,
    zipf: Zipf,
    /// Between two words, and from time to time instead of that.
    pub(super) space: &'static str,
    pub(super) stops: [&'static str; 2],
}

pub(super) static ENGLISH: LazyLock<Vocabulary> = LazyLock::new(|| {
    Vocabulary::of(COMMON_ENGLISH, " ", [", ", ". "], |rank, random| {
        // A rarer word has one syllable more.
        let syllables = 1 + usize::from(rank > 600) + usize::from(rank > 2_500);
        (0..syllables).map(|_| [pick(ONSETS, random), pick(NUCLEI, random), pick(CODAS, random)].concat()).collect()
    })
});

pub(super) static VIETNAMESE: LazyLock<Vocabulary> = LazyLock::new(|| {
    Vocabulary::of(COMMON_VIETNAMESE, " ", [", ", ". "], |_, random| {
        let (onset, rime) = (pick(ONSETS_VIETNAMESE, random), pick(RIMES_VIETNAMESE, random));
        format!("{onset}{}", with_tone(rime, random.below(TONES) as usize))
    })
});

/// Chinese as it is written: without spaces.
pub(super) static CHINESE: LazyLock<Vocabulary> = LazyLock::new(|| {
    let characters: Vec<char> = COMMON_CHINESE.chars().collect();
    let mut singles = characters.iter().map(char::to_string);
    let one = |random: &mut Random| characters[random.below(characters.len() as u64) as usize];
    Vocabulary::of("", "", ["，", "。"], |_, random| {
        singles.next().unwrap_or_else(|| [one(random), one(random)].into_iter().collect())
    })
});

impl Vocabulary {
    /// Begins with the `common` words; `make` makes a word of a rank, which may repeat an earlier one.
    fn of(
        common: &str,
        space: &'static str,
        stops: [&'static str; 2],
        mut make: impl FnMut(usize, &mut Random) -> String,
    ) -> Self {
        let (mut random, mut known) = (Random::new(1), HashSet::new());
        let mut words: Vec<_> = common.split_whitespace().map(str::to_owned).collect();
        words.retain(|word| known.insert(word.clone()));
        while words.len() < WORDS {
            let word = make(words.len(), &mut random);
            if known.insert(word.clone()) {
                words.push(word);
            }
        }
        Self { words, zipf: Zipf::new(WORDS), space, stops }
    }

    pub(super) fn draw(&self, random: &mut Random) -> &str {
        &self.words[self.zipf.draw(random)]
    }

    /// The word of a rank, from 0 on.
    pub(super) fn word(&self, rank: usize) -> &str {
        &self.words[rank.min(WORDS - 1)]
    }
}

fn pick(list: &'static [&'static str], random: &mut Random) -> &'static str {
    list[random.below(list.len() as u64) as usize]
}

/// A rime with a tone on the vowel before its `'`.
fn with_tone(rime: &str, tone: usize) -> String {
    let (head, tail) = rime.split_once('\'').unwrap_or((rime, ""));
    let Some((at, vowel)) = head.char_indices().last() else { return tail.to_owned() };
    let toned = VOWELS.iter().find(|vowels| vowels.starts_with(vowel)).and_then(|vowels| vowels.chars().nth(tone));
    format!("{}{}{tail}", &head[..at], toned.unwrap_or(vowel))
}

const COMMON_ENGLISH: &str = "the of and to a in is you that it he was for on are as with his they I at be this have from \
    or one had by but not what all were we when your can said there use an each which she do how their if will up other \
    about out many then them these so some her would make like him into time has look two more go see no way could \
    people my than first been call who its now find long down day did get come made may part over new sound take only \
    little work know place year live me back give most very after thing our just name good man think say great where \
    help through much before line right too mean old any same tell boy follow came want show also around form three \
    small set put end does another well large must big even such because turn here why ask went men read need land \
    tonight tomorrow meeting lunch thanks sorry okay maybe home train late soon today morning evening week phone photo";

const ONSETS: &[&str] = &[
    "b", "c", "d", "f", "g", "h", "l", "m", "n", "p", "r", "s", "t", "v", "w", "br", "ch", "cl", "cr", "dr", "fl",
    "gr", "pl", "pr", "sh", "sl", "st", "th", "tr",
];
const NUCLEI: &[&str] = &["a", "e", "i", "o", "u", "ai", "ea", "ee", "ou", "oa"];
const CODAS: &[&str] = &["", "n", "r", "s", "t", "l", "m", "d", "ck", "nd", "st", "ng"];

const COMMON_VIETNAMESE: &str = "và của là có không một những được cho trong tôi anh em này đã với các người ở ra thì mà \
    đi lại làm như khi nhưng đến về bạn gì vậy rồi cũng nó ngày hôm nay mai nhà ăn cơm uống cà phê học việc chị con bố \
    mẹ xin chào cảm ơn biết nói nghe thấy muốn phải còn vẫn đang sẽ rất nhiều ít lắm quá mới cũ đẹp vui buồn";

const ONSETS_VIETNAMESE: &[&str] = &[
    "b", "c", "ch", "d", "đ", "g", "gi", "h", "kh", "l", "m", "n", "ng", "nh", "ph", "r", "s", "t", "th", "tr", "v",
    "x",
];
/// The `'` stands behind the vowel that bears the tone.
const RIMES_VIETNAMESE: &[&str] = &[
    "a'", "a'i", "a'n", "a'ng", "a'nh", "a'o", "a'u", "ă'm", "ă'ng", "â'n", "â'y", "e'", "e'n", "ê'", "ê'n", "ê'u",
    "i'", "i'nh", "iê'n", "iê'u", "o'", "o'i", "o'n", "o'ng", "oa'", "oa'n", "ô'", "ô'ng", "ơ'", "ơ'i", "u'", "u'ng",
    "uô'ng", "uyê'n", "ư'", "ư'a", "ươ'i", "ươ'ng",
];
const TONES: u64 = 6;
const VOWELS: &[&str] = &[
    "aàáảãạ",
    "ăằắẳẵặ",
    "âầấẩẫậ",
    "eèéẻẽẹ",
    "êềếểễệ",
    "iìíỉĩị",
    "oòóỏõọ",
    "ôồốổỗộ",
    "ơờớởỡợ",
    "uùúủũụ",
    "ưừứửữự",
    "yỳýỷỹỵ",
];

const COMMON_CHINESE: &str = "的一是不了人我在有他这中大来上个国到说们为子和你地出道也时年得就那要下以生会自着去之过家学\
    对可她里后小么心多天而能好都然没日于起还发成事只作当想看文无开手十用主行方又如前所本见经头面公同三已老从动两长知民样现分将外但\
    身些与高意进把法此实回二理美点月明其种声全工己话儿者向情部正名定女问力机给等几很业最间新什打便位因重被走电四第门相次东政海口使\
    教西再平真听世气信北少关并内加化由却代军产入先山五太水万市眼体别处总才场师书比住员九笑性通目华报立马命张活难神数件安表原车白应\
    路期叫死常提感金何更反合放做系计或司利受光王果亲界及今京务制解各任至清物台象记边共风战干接它许八特觉望直服毛林题建南度统色字请\
    交爱让认算论百吃义科怎";

#[cfg(test)]
mod tests {
    use super::{CHINESE, ENGLISH, VIETNAMESE, WORDS, with_tone};
    use std::collections::HashSet;

    #[test]
    fn a_tone_stands_on_its_vowel() {
        assert_eq!(with_tone("ươ'ng", 0), "ương");
        assert_eq!(with_tone("ươ'ng", 1), "ường");
        assert_eq!(with_tone("a'nh", 5), "ạnh");
        assert_eq!(with_tone("oa'", 2), "oá");
    }

    #[test]
    fn each_language_has_thousands_of_words_without_what_json_would_escape() {
        for vocabulary in [&ENGLISH, &VIETNAMESE, &CHINESE] {
            let words: HashSet<_> = (0..WORDS).map(|rank| vocabulary.word(rank)).collect();
            assert_eq!(words.len(), WORDS);
            assert!(words.iter().all(|word| word.chars().all(char::is_alphabetic)), "{words:?}");
        }
        assert!(VIETNAMESE.word(0) == "và" && CHINESE.word(0) == "的" && ENGLISH.word(0) == "the");
    }
}
