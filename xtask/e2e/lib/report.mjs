// What was checked, a line each; and waiting for what is yet to come, never for ever.

import { isDeepStrictEqual } from "node:util";

/** How long anything may take to come, in milliseconds, unless said otherwise. */
export const PATIENCE = 15_000;

let failed = 0;
let passed = 0;

/** Runs one check, and says how it went. Whatever goes wrong in it, the next one is run. */
export async function check(row, run) {
  const since = Date.now();
  try {
    await run();
    passed += 1;
    console.log(`ok    ${row} (${Date.now() - since} ms)`);
  } catch (error) {
    failed += 1;
    console.log(`FAIL  ${row}: ${error.message}`);
  }
}

/** Sums up, and leaves with 1 when anything failed. */
export function finish() {
  console.log(`${passed} passed, ${failed} failed`);
  process.exit(failed === 0 ? 0 : 1);
}

/** An error unless `holds`. */
export function ensure(holds, otherwise) {
  if (!holds) throw new Error(otherwise);
}

/** An error unless both are the same JSON, whatever the order of their fields. */
export function same(found, wanted, what) {
  const [a, b] = [found, wanted].map((value) => JSON.stringify(value) ?? "nothing");
  ensure(isDeepStrictEqual(found, wanted), `${what} is ${a}, not ${b}`);
}

/** What `promise` gives; an error when it takes too long. */
export function within(promise, what, patience = PATIENCE) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what}: not within ${patience} ms`)), patience);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

/** Asks again and again until the answer is good, and gives it. */
export async function until(what, ask, patience = PATIENCE) {
  const deadline = Date.now() + patience;
  for (;;) {
    const answer = await ask();
    if (answer) return answer;
    ensure(Date.now() < deadline, `${what}: not within ${patience} ms`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** A setting that whoever starts the suite gives it. */
export function setting(name) {
  ensure(process.env[name], `${name} is not set: run the suite by cargo xtask e2e`);
  return process.env[name];
}
