// An administrator opens the dashboard in a headless Chromium, signs in, and sees what happens on the server.
//
// DOOR_A, DOOR_B: where the server is; BOOTSTRAP: makes the first administrator; CHROMIUM: the program; SCREENSHOTS: a
// folder for a picture to look at.

import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Person } from "../lib/people.mjs";
import { check, ensure, finish, same, setting, until } from "../lib/report.mjs";
import { Browser } from "../webrtc/browser.mjs";

/** Figures are published every five seconds, and asked for as often. */
const FIGURES = 30_000;
const PASSWORD = "correct horse root";

const doors = [setting("DOOR_A"), setting("DOOR_B")];
const browser = await Browser.start(setting("CHROMIUM"));
try {
  await run();
} catch (error) {
  await check("the dashboard", () => Promise.reject(error));
}
await browser.stop();
finish();

async function run() {
  const email = await administrator();
  const [ana, ben] = await Promise.all(["ana", "ben"].map((name) => Person.register(doors[1], name)));
  const room = await ana.direct(ben);
  let page;

  await check("the page opens without signing in, and shows a form and no figures", async () => {
    page = await browser.open(`${doors[0]}/chat/performance/dashboard`);
    await until("the page", () => page.evaluate("document.readyState === 'complete' && document.styleSheets.length === 1"));
    const there = await page.evaluate("[!document.getElementById('enter').hidden, document.getElementById('figures').hidden]");
    same(there, [true, true], "what is shown");
  });
  await check("a wrong password is refused in words", async () => {
    await signIn(page, email, "wrong horse");
    await until("the refusal", () => page.evaluate("document.getElementById('state').className === 'bad'"));
  });
  await check("an administrator signs in and sees the figures of the whole server", async () => {
    await signIn(page, email, PASSWORD);
    await until("the figures", () => page.evaluate("!document.getElementById('figures').hidden"), FIGURES);
    const processes = doors[0] === doors[1] ? "1" : "3";
    const tiles = () => page.evaluate("[...document.querySelectorAll('.tile')].map((tile) => [tile.children[1].textContent, tile.children[0].textContent])");
    await until("all processes", async () => new Map(await tiles()).get("processes") === processes, FIGURES);
    const talking = async () => {
      await ana.say(room, "hello");
      return Number(new Map(await tiles()).get("messages a second")) > 0;
    };
    await until("messages a second", talking, FIGURES);
  });
  await check("what happens is plotted", async () => {
    const lines = () => page.evaluate("[...document.querySelectorAll('.plot')].map((plot) => plot.querySelector('polyline').getAttribute('points').trim().split(' ').length)");
    await until("two points of each plot", async () => {
      const points = await lines();
      return points.length === 6 && points[0] >= 2;
    }, FIGURES);
    const { data } = await page.browser.call("Page.captureScreenshot", { format: "png", captureBeyondViewport: true }, page.session);
    const name = join(setting("SCREENSHOTS"), `dashboard-${doors[0] === doors[1] ? "one" : "several"}.png`);
    await mkdir(setting("SCREENSHOTS"), { recursive: true });
    await writeFile(name, Buffer.from(data, "base64"));
    console.log(`      ${name}`);
  });
  await check("nothing of it stays when they sign out", async () => {
    await page.evaluate("document.getElementById('leave').click()");
    await until("the form", () => page.evaluate("!document.getElementById('enter').hidden"));
    const kept = await page.evaluate("[localStorage.length, sessionStorage.length, document.cookie]");
    same(kept, [0, 0, ""], "what is kept");
  });
}

/** Registers the first administrator; returns the address. */
async function administrator() {
  const email = "root@e2e.example";
  const body = { email, password: PASSWORD, firstName: "Root", lastName: "Example", bootstrapToken: setting("BOOTSTRAP") };
  const headers = { "Content-Type": "application/json" };
  const answer = await fetch(`${doors[0]}/auth/register`, { method: "POST", headers, body: JSON.stringify(body) });
  ensure(answer.status === 201, `the administrator: ${answer.status} ${await answer.text()}`);
  return email;
}

function signIn(page, email, password) {
  const fill = (id, text) => `document.getElementById(${JSON.stringify(id)}).value = ${JSON.stringify(text)}`;
  return page.evaluate(`${fill("email", email)}; ${fill("password", password)}; document.querySelector("#enter button").click()`);
}
