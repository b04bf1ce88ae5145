// A headless Chromium, driven over its own protocol on a pipe: nothing to install for it.

import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ensure, within } from "../lib/report.mjs";

/** Headless, alone, with a camera and a microphone that are made up. */
const FLAGS = [
  "--headless=new",
  "--remote-debugging-pipe",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-dev-shm-usage",
  "--disable-quic",
  "--disable-sync",
  "--disable-extensions",
  "--disable-component-update",
  "--disable-background-networking",
  "--disable-background-timer-throttling",
  "--disable-backgrounding-occluded-windows",
  "--disable-renderer-backgrounding",
  "--no-first-run",
  "--no-default-browser-check",
  "--mute-audio",
  "--autoplay-policy=no-user-gesture-required",
  "--use-fake-device-for-media-stream",
  "--use-fake-ui-for-media-stream",
  // Whoever is alone on this machine has no other address than the loopback's, and no resolver for `.local` names.
  "--allow-loopback-in-peer-connection",
  "--disable-features=WebRtcHideLocalIpsWithMdns,MediaRouter,OptimizationHints,Translate",
];
/** How long it may take to start or to do what it is told, in milliseconds. */
const PATIENCE = 60_000;

/** A Chromium of its own. */
export class Browser {
  #process;
  #profile;
  #waiting = new Map();
  #number = 0;
  #unread = "";

  /** Starts one. */
  static async start(program) {
    const browser = new Browser();
    browser.#profile = await mkdtemp(join(tmpdir(), "chatchit-chromium-"));
    const flags = [...FLAGS, `--user-data-dir=${browser.#profile}`, "about:blank"];
    // Its own words are of no use here: they are shown on request.
    const told = process.env.CHROMIUM_LOG ? "inherit" : "ignore";
    browser.#process = spawn(program, flags, { stdio: ["ignore", told, told, "pipe", "pipe"] });
    browser.#process.on("exit", (code) => browser.#fail(new Error(`Chromium ended: ${code}`)));
    browser.#process.on("error", (error) => browser.#fail(error));
    browser.#process.stdio[3].on("error", () => {});
    browser.#process.stdio[4].setEncoding("utf8").on("data", (text) => browser.#read(text));
    await browser.call("Browser.getVersion");
    return browser;
  }

  /** A page that shares nothing with the others. */
  async open(url) {
    const { browserContextId } = await this.call("Target.createBrowserContext");
    const { targetId } = await this.call("Target.createTarget", { url, browserContextId });
    const { sessionId } = await this.call("Target.attachToTarget", { targetId, flatten: true });
    return new Page(this, sessionId);
  }

  /** What a command of its protocol answers. */
  call(method, params = {}, sessionId = undefined) {
    this.#number += 1;
    const id = this.#number;
    const answer = new Promise((resolve, reject) => this.#waiting.set(id, { resolve, reject }));
    this.#process.stdio[3].write(`${JSON.stringify({ id, method, params, sessionId })}\0`);
    return within(answer, method, PATIENCE);
  }

  /** Ends it. */
  async stop() {
    const ended = new Promise((resolve) => this.#process.once("exit", resolve));
    this.#process.kill("SIGKILL");
    await ended;
    await rm(this.#profile, { recursive: true, force: true, maxRetries: 5 });
  }

  #read(text) {
    const messages = (this.#unread + text).split("\0");
    this.#unread = messages.pop();
    for (const { id, result, error } of messages.map((message) => JSON.parse(message))) {
      const waiting = this.#waiting.get(id);
      this.#waiting.delete(id);
      if (error) waiting?.reject(new Error(error.message));
      else waiting?.resolve(result);
    }
  }

  #fail(error) {
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }
}

/** One page. */
class Page {
  constructor(browser, session) {
    this.browser = browser;
    this.session = session;
  }

  /** What an expression gives in the page, once it is there. */
  async evaluate(expression) {
    const parameters = { expression, awaitPromise: true, returnByValue: true };
    const { result, exceptionDetails: thrown } = await this.browser.call("Runtime.evaluate", parameters, this.session);
    ensure(!thrown, (thrown?.exception?.description ?? thrown?.text)?.split("\n")[0]);
    return result.value;
  }

  /** Calls a function of the page by name. */
  do(name, ...values) {
    return this.evaluate(`${name}(${values.map((value) => JSON.stringify(value)).join(", ")})`);
  }
}
