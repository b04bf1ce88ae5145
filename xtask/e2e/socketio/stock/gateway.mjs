// A gateway that can be killed and restarted at the same address.

import { spawn } from "node:child_process";
import fs from "node:fs";
import { until } from "../../lib/report.mjs";

/** Running children; they are killed when this process ends. */
const running = new Set();
process.on("exit", () => running.forEach((child) => child.kill("SIGKILL")));
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => process.exit(1));

/** Starts a program that is killed when this process ends. */
export function start(program, args, options) {
  const child = spawn(program, args, options);
  running.add(child);
  child.on("exit", () => running.delete(child));
  return child;
}

export class Gateway {
  /** A running gateway: `door` is its URL; `pid`, `program`, `folder`, `log` and `settings` say how it was started. */
  constructor(process) {
    Object.assign(this, process);
  }

  /** Ends it by SIGKILL. */
  kill() {
    process.kill(this.pid, "SIGKILL");
  }

  /** Restarts it, and waits until it is ready. */
  async again() {
    const log = fs.openSync(this.log, "a");
    const { folder: cwd, settings: env } = this;
    this.pid = start(this.program, [], { cwd, env, stdio: ["ignore", log, log] }).pid;
    fs.closeSync(log);
    const isReady = () => fetch(`${this.door}/readyz`).then((answer) => answer.ok, () => false);
    await until(`${this.door} is ready`, isReady, 60_000);
  }
}
