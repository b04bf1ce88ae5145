//! Refuses new passwords that are guessed first: common ones, and the owner's names.

use crate::{
    MIN_PASSWORD,
    folding::{folded, without_lookalikes, without_signs},
    guessed,
};
use text::Invalid;
use unicode_normalization::{UnicodeNormalization as _, char::is_combining_mark};
use zxcvbn::{Score, zxcvbn};

/// The product's name, a common guess.
const OF_THE_SERVER: &str = "chatchit";
/// Shorter words of a person are ignored.
const SHORTEST_WORD: usize = 2;
/// With fewer characters of the person's words, a password is not made of them: two letters occur by chance. The shortest
/// piece of a word that is still theirs.
const FEWEST_OWN: usize = 3;
/// The fewest letters besides the person's own words.
const FEWEST_LETTERS: usize = 4;
/// The fewest letters and digits besides the person's own words.
const FEWEST_OTHERS: usize = 5;
/// Between signs, at most as many letters and digits are read with those beyond the signs: `p.a.s.s.w.o.r.d`.
const LONGEST_PIECE: usize = 3;

/// Refuses passwords below a million guesses by zxcvbn's estimate (its score 2), and those made of `words`. NIST SP
/// 800-63B and ASVS 5.0 ask to refuse common passwords and to have no rules of composition.
pub(crate) fn check(password: &str, words: &[String]) -> Result<(), Invalid> {
    let mut words: Vec<_> = words.iter().flat_map(|words| parts(words)).collect();
    words.push(OF_THE_SERVER.to_owned());
    let latin = without_lookalikes(password);
    let spellings = [Some(password), Some(latin.as_str()).filter(|latin| *latin != password)];
    let mut spellings = spellings.into_iter().flatten();
    if spellings.clone().any(|password| is_made_of(password, &words)) {
        return Err(Invalid::new("own_words", "must be more than your own name or address"));
    }
    if spellings.any(|password| is_guessed(password, &words)) {
        return Err(Invalid::new("too_common", "is one of the passwords that are guessed first"));
    }
    Ok(())
}

fn is_guessed(password: &str, words: &[String]) -> bool {
    let lower = password.to_lowercase();
    let own: Vec<_> = words.iter().map(String::as_str).filter(|word| lower.contains(*word)).collect();
    let is_common = |password: &str| zxcvbn(password, &own).score() < Score::Two;
    // The library knows English and the keys of Latin keyboards.
    is_common(password)
        || joined(password).is_some_and(|joined| is_common(&joined))
        || guessed::typed_on_latin_keys(&lower).is_some_and(|keys| is_common(&keys))
        || guessed::is_word_with_number(&folded(password, false))
}

/// A password in short pieces without the signs between them, if that is long enough for a password.
fn joined(password: &str) -> Option<String> {
    let joined = without_signs(password);
    let is_divided = password.split(|c: char| !c.is_alphanumeric()).all(|piece| piece.chars().count() <= LONGEST_PIECE);
    (is_divided && joined.chars().count() >= MIN_PASSWORD).then_some(joined)
}

/// The parts of a person's names: each with and without digits, and all joined.
fn parts(words: &str) -> Vec<String> {
    let words: String = words.to_lowercase().nfkc().collect();
    let is_letter = |c: char| c.is_alphabetic() || is_combining_mark(c);
    let is_sign = |c: char| c.is_alphanumeric() || is_combining_mark(c);
    let mut parts: Vec<String> = vec![words.chars().filter(|c| is_sign(*c)).collect()];
    parts.extend(words.split(|c: char| !is_sign(c)).map(str::to_owned));
    parts.extend(words.split(|c: char| !is_letter(c)).map(str::to_owned));
    parts.retain(|part| part.chars().count() >= SHORTEST_WORD);
    parts
}

/// True if too little of the password remains besides `words` and pieces of them, forwards or backwards, in any spelling
/// and divided by any signs.
fn is_made_of(password: &str, words: &[String]) -> bool {
    let forwards = words.iter().flat_map(|word| [folded(word, false), folded(word, true)]);
    let both = forwards.flat_map(|word| [word.iter().rev().copied().collect::<Vec<_>>(), word]);
    let mut words: Vec<Vec<char>> = both.filter(|word| word.len() >= SHORTEST_WORD).collect();
    let pieces: Vec<_> = words.iter().flat_map(|word| word.windows(FEWEST_OWN)).map(<[char]>::to_vec).collect();
    words.extend(pieces);
    let password = without_signs(password);
    [false, true].into_iter().any(|spelled| {
        let password = folded(&password, spelled);
        let mut is_own = vec![false; password.len()];
        for word in &words {
            for (at, typed) in password.windows(word.len()).enumerate() {
                if is_typed_as(word, typed) {
                    is_own[at..at + typed.len()].fill(true);
                }
            }
        }
        let own = is_own.iter().filter(|is_own| **is_own).count();
        let others = || password.iter().zip(&is_own).filter(|(_, is_own)| !**is_own).map(|(c, _)| *c);
        let letters = others().filter(|c| c.is_alphabetic()).count();
        let signs = others().filter(|c| c.is_alphanumeric()).count();
        own >= FEWEST_OWN && (letters < FEWEST_LETTERS || signs < FEWEST_OTHERS)
    })
}

/// True if `typed` spells the word, with some but not all letters replaced by look-alikes.
fn is_typed_as(word: &[char], typed: &[char]) -> bool {
    let mut pairs = word.iter().zip(typed);
    pairs.clone().all(|(letter, typed)| letter == typed || stands_for(*typed, *letter))
        && pairs.any(|(letter, typed)| letter == typed)
}

/// True if a digit or sign replaces a letter that it resembles.
fn stands_for(typed: char, letter: char) -> bool {
    matches!(
        (typed, letter),
        ('0', 'o') | ('1', 'i' | 'l') | ('3', 'e') | ('4' | '@', 'a') | ('5' | '$', 's') | ('7', 't')
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(password: &str, words: &[&str]) -> &'static str {
        let words: Vec<_> = words.iter().map(|word| (*word).to_owned()).collect();
        check(password, &words).map_or_else(|invalid| invalid.code, |()| "ok")
    }

    #[test]
    fn common_passwords_are_refused() {
        for common in [
            "password",
            "Password",
            "12345678",
            "qwertyui",
            "password1",
            "iloveyou",
            "11111111",
            "P@ssw0rd",
            "abc12345",
            "1q2w3e4r",
            "letmein1",
            "sunshine",
            "trustno1",
            "aaaaaaaaaaaa",
            "abcdefgh",
            "passwordpassword",
            "пароль12",
            "Пароль2026!",
            "йцукенгшщз",
            "йцукен123",
            "зфыыцщкв1",
            "ςερτυθιοπ",
            "ضصثقفغعهخح",
            "קראטוןםפ",
            "contraseña",
            "Contrasena1!",
            "haslo123",
            "hasło2025",
            "motdepasse",
            "mot de passe 1",
            "passwort12",
            "wachtwoord",
            "senha2026",
            "şifre123",
            "비밀번호1234",
            "パスワード123",
            "密码123456",
            "पासवर्ड123",
            "Summer2026!",
            "winter25!!",
            "Sommer2026!",
            "2026октябрь",
            "Décembre2025",
            "p.a.s.s.w.o.r.d",
            "pa ss wo rd",
            "q-w-e-r-t-y-u-i",
            "12-34-56-78",
            "p\u{430}ssword1",
            "\u{440}\u{430}ssw\u{3bf}rd",
        ] {
            assert_eq!(code(common, &[]), "too_common", "{common}");
        }
        assert_eq!(code("chatchit", &[]), "own_words");
        assert_eq!(code("ChatChit123", &[]), "own_words");
    }

    #[test]
    fn names_of_the_owner_are_no_password() {
        let words = ["ana.silva@mail.example", "Ana", "Silva-Souza"];
        for own in [
            "ana.silva@mail.example",
            "anasilva",
            "Ana Silva 1984",
            "silvasouza",
            "SilvaSouza!",
            "mail.example",
            "ana-1984",
        ] {
            assert_eq!(code(own, &words), "own_words", "{own}");
        }
        assert_eq!(code("ana loves long walks", &words), "ok");
    }

    #[test]
    fn short_names_make_no_password_either() {
        for (first, last, own) in [
            ("Xu", "Li", "xuli1234!"),
            ("Xu", "Li", "ilux-2024"),
            ("Tess", "Xu", "Tess.Xu2024"),
            ("Tess", "Xu", "tess xu 1990"),
            ("Bo", "Ek", "boekboek77"),
            ("小明", "王", "王小明小明2024"),
        ] {
            assert_eq!(code(own, &["x@y.example", first, last]), "own_words", "{first} {last}: {own}");
        }
    }

    #[test]
    fn names_are_known_in_other_spellings() {
        for (first, last, own) in [
            ("Jürgen", "Groß", "jurgengross12"),
            ("Jürgen", "Groß", "juergengross1"),
            ("Jürgen", "Groß", "JÜRGEN GROSS 1"),
            ("Juergen", "Gross", "jürgengroß1"),
            ("Łukasz", "Żółć", "lukasz.zolc1"),
            ("Mallory", "Quux", "M4ll0ryQuux1"),
            ("Mallory", "Quux", "m@llory-2024"),
            ("Nina", "Olsen", "n1na0lsen99"),
            ("Nina", "Olsen", "neslOnanin"),
            ("Conan", "O'Brien", "obrien-1984"),
            ("민준", "김", "김민준 민준 1990"),
            ("Zoltan", "Wunderlich", "wunder lich"),
            ("Zoltan", "Wunderlich", "wunder-lich-99"),
            ("Zoltan", "Wunderlich", "lichwunder"),
            ("Zoltan", "Wunderlich", "wun der lich"),
            ("Zoltan", "Wunderlich", "zol.tan.wun"),
            ("Zoltan", "Wunderlich", "w u n d e r l i c h"),
            ("Zoltan", "Wunderlich", "wund\u{435}rlich"),
        ] {
            assert_eq!(code(own, &["x@y.example", first, last]), "own_words", "{first} {last}: {own}");
        }
        assert_eq!(code("79161234567", &["79161234567@mail.example", "X", "Y"]), "own_words");
        assert_eq!(code("tessxu-1990", &["tess.xu90@mail.example", "X", "Y"]), "own_words");
    }

    #[test]
    fn a_phrase_with_a_short_name_in_it_is_good() {
        for (first, last, good) in [
            ("Xu", "Li", "delicious-mango-boat"),
            ("Li", "Li", "Li likes little lilies"),
            ("Bo", "Ek", "boring geek bookshelf week"),
            ("An", "Na", "banana canal sandwich"),
            ("Tess", "Xu", "tess paints seventeen walls"),
            ("Jürgen", "Groß", "grosse Vögel über Jürgens Haus"),
            ("Mallory", "Quux", "m4llory rows seven lakes"),
            ("Xu", "Li", "kX9#liQ2!vB"),
            ("Zoltan", "Wunderlich", "wonderland of ice"),
        ] {
            assert_eq!(code(good, &["x@y.example", first, last]), "ok", "{first} {last}: {good}");
        }
    }

    #[test]
    fn digits_alone_are_no_name() {
        assert!(!is_made_of("81147 11039 51162", &["li".to_owned(), "io".to_owned()]));
        assert!(is_made_of("l1l1 4711", &["li".to_owned()]));
    }

    #[test]
    fn a_phrase_or_chance_is_good() {
        for good in [
            "correct horse",
            "a good password",
            "wrong horse",
            "contraseña larga",
            "kX9#vQ2!",
            "密码是很长的一句话",
            "summer in Lisbon 2026",
            "вчера было солнце",
            "мой пароль длинный",
            "the cat sat on me",
            "k#9!vQ2$m%7",
        ] {
            assert_eq!(code(good, &["x@y.example", "X", "Y"]), "ok", "{good}");
        }
        assert_eq!(code("correct horse ana", &["ana@example.org", "ana", "Example"]), "ok");
    }
}
