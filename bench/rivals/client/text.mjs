// Texts of some 35 words whose frequencies fall as in a language (Zipf): the same for the same number.

const SYLLABLES = 'ba de ki lo mu na pe ri so tu va we xi yo zu cha sho the qua ing'.split(' ');
const WORDS = 5000;

const words = Array.from({ length: WORDS }, (_, n) => {
  let [word, rest] = ['', n + 7];
  do {
    word += SYLLABLES[rest % SYLLABLES.length];
    rest = Math.floor(rest / SYLLABLES.length);
  } while (rest > 0);
  return word;
});

// A number from 0 to 1 that follows from two others.
function chance(seed, n) {
  let x = Math.imul(seed + 1, 0x9e3779b1) ^ Math.imul(n + 1, 0x85ebca6b);
  x = Math.imul(x ^ (x >>> 15), 0x2c1b3c6d);
  x = Math.imul(x ^ (x >>> 12), 0x297a2d39);
  return ((x ^ (x >>> 15)) >>> 0) / 2 ** 32;
}

// Texts are made before they are needed: making them must not count as the client's work.
const TEXTS = 1024;
const made = new Map();

export function text(number, length) {
  const seed = number % TEXTS;
  const known = made.get(seed);
  if (known !== undefined && known.length === length) return known;
  let body = '';
  for (let n = 0; body.length < length; n += 1) {
    // The rank of a word whose frequency is 1/rank.
    body += `${words[Math.floor(WORDS ** chance(seed, n)) - 1]} `;
  }
  body = body.slice(0, length);
  made.set(seed, body);
  return body;
}
