// Two people call each other, with voice and video, in two pages of a headless Chromium. All they know of each other
// they learn from the server; what they see and hear of each other goes from page to page.
//
// DOOR_A, DOOR_B: where the server is, for either; PAGES_PORT: where the pages are to be; CHROMIUM: the program.

import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { Person } from "../lib/people.mjs";
import { check, ensure, finish, same, setting, until } from "../lib/report.mjs";
import { Browser } from "./browser.mjs";

/** A call that is as long as a second shows a duration; media flow for a while. */
const TALK = 2_000;
const AUDIO_PACKETS = 50;
const VIDEO_FRAMES = 15;
const CONNECTING = 30_000;

const doors = [setting("DOOR_A"), setting("DOOR_B")];
const port = Number(setting("PAGES_PORT"));
const pages = await serve(port);
const browser = await Browser.start(setting("CHROMIUM"));
try {
  await run();
} catch (error) {
  await check("the call", () => Promise.reject(error));
}
await browser.stop();
pages.close();
finish();

async function run() {
  const [ana, ben] = await Promise.all(["ana", "ben"].map((name, at) => Person.register(doors[at], name)));
  const conversation = await ana.direct(ben);
  const [a, b] = await Promise.all([ana, ben].map(openPage));
  let call;

  await check("a call rings at the other one", async () => {
    call = await a.do("place", conversation, "VIDEO");
    same([call.status, call.callerId, call.callType], ["RINGING", ana.id, "VIDEO"], "the call");
    const ringing = await b.do("told", "call.ringing");
    same([ringing.id, ringing.conversationId, ringing.callerId], [call.id, conversation, ana.id], "what rings");
  });
  await check("it is answered, and the descriptions and candidates of both are relayed", async () => {
    await Promise.all([b.do("answer"), a.do("offer")]);
    await until("both are connected", async () => (await both(a, b)).every((end) => end.connection === "connected"), CONNECTING);
  });
  const answeredAt = Date.now();
  await check("voice and video flow both ways", async () => {
    const before = await both(a, b);
    const grown = (now, then) =>
      now.audioPackets - then.audioPackets >= AUDIO_PACKETS && now.videoFrames - then.videoFrames >= VIDEO_FRAMES;
    const flows = async () => {
      const now = await both(a, b);
      return now.every((end, at) => grown(end, before[at])) && now;
    };
    const [ofAna, ofBen] = await until("media of both", flows, CONNECTING);
    console.log(`      Ana got ${tell(ofAna)}; Ben got ${tell(ofBen)}`);
  });
  await until("the call is long enough", () => Date.now() - answeredAt >= TALK);
  await check("one hangs up, and the other is told", async () => {
    await a.do("hangUp");
    const closed = await b.do("told", "call.closed");
    same([closed.id, closed.status], [call.id, "ENDED"], "what was closed");
    await Promise.all([a.do("end"), b.do("end")]);
  });
  await check("the history has the call and how long it was", async () => {
    for (const person of [ana, ben]) {
      const { items } = await person.get(`/conversations/${conversation}/calls`);
      const found = items.find((item) => item.id === call.id);
      ensure(found, `no such call: ${JSON.stringify(items)}`);
      same([found.status, found.callType, found.callerId], ["ENDED", "VIDEO", ana.id], "the call");
      ensure(found.answeredAt && found.endedAt, `no times: ${JSON.stringify(found)}`);
      ensure(found.duration >= 1, `${found.duration} s`);
      same(found.participants.map((one) => one.userId).sort(), [ana.id, ben.id].sort(), "who took part");
      console.log(`      ${person.name}: ${found.duration} s, ${found.endReason}`);
    }
  });
  await check("the call left its message in the timeline", async () => {
    const find = async () => {
      const { items } = await ben.get(`/conversations/${conversation}/messages`);
      return items.find((item) => item.messageType === "CALL");
    };
    const message = await until("the message", find);
    same(message.senderId, ana.id, "its sender");
    same(JSON.parse(message.content).callId, call.id, "the call it tells of");
  });
}

async function openPage(person) {
  const page = await browser.open(`http://127.0.0.1:${port}/page.html`);
  await until("the page", () => page.evaluate("document.readyState === 'complete' && typeof connect === 'function'"));
  await page.do("connect", `${person.door.replace(/^http/, "ws")}/ws`, person.token);
  const { iceServers } = await page.do("iceServers", person.door, person.token);
  await page.do("prepare", iceServers);
  return page;
}

function both(...ends) {
  return Promise.all(ends.map((end) => end.do("received")));
}

function tell({ audioPackets, videoFrames }) {
  return `${audioPackets} packets of voice and ${videoFrames} frames of video`;
}

/** Serves the pages. */
async function serve(at) {
  const files = { "/page.html": "text/html; charset=utf-8", "/page.js": "text/javascript; charset=utf-8" };
  const server = createServer(async ({ url }, answer) => {
    if (!files[url]) return answer.writeHead(404).end();
    const content = await readFile(new URL(`.${url}`, import.meta.url));
    return answer.writeHead(200, { "Content-Type": files[url] }).end(content);
  });
  await new Promise((resolve) => server.listen(at, "127.0.0.1", resolve));
  return server;
}
