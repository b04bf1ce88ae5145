// The dashboard: signs in, asks for the figures every five seconds, and draws them. The token is in memory alone.
"use strict";

const EVERY = 5000;
const POINTS = 120;
const history = [];
let token = null;
let timer = null;

const $ = (id) => document.getElementById(id);

function element(name, text, className) {
  const made = document.createElement(name);
  if (text !== undefined && text !== null) made.textContent = String(text);
  if (className) made.className = className;
  return made;
}

function svg(name, attributes) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

const number = (value) => (value === null || value === undefined ? "–" : Math.abs(value) >= 100 ? value.toFixed(0) : Math.abs(value) >= 1 ? value.toFixed(1) : value.toFixed(2));
const millis = (seconds) => (seconds === null || seconds === undefined ? null : seconds * 1000);

function say(text, isBad) {
  $("state").textContent = text;
  $("state").className = isBad ? "bad" : "";
}

async function ask(method, path, body) {
  const headers = { accept: "application/json" };
  if (token) headers.authorization = "Bearer " + token;
  if (body) headers["content-type"] = "application/json";
  const answer = await fetch(path, { method, headers, body: body ? JSON.stringify(body) : undefined, cache: "no-store" });
  const data = answer.status === 204 ? null : await answer.json();
  if (!answer.ok) throw Object.assign(new Error(data.detail || data.title || "it failed"), { status: answer.status });
  return data;
}

const series = (name, lines) => ({ name, lines });
const tierLine = (kind, at) => (tier) => [tier + " " + at, (d) => {
  const found = d.latency.find((latency) => latency.tier === tier);
  return found && found[kind] ? millis(found[kind][at]) : null;
}];

const PLOTS = [
  series("Per second", [["messages", (d) => d.perSecond.messages], ["calls", (d) => d.perSecond.calls], ["typing", (d) => d.perSecond.typing]]),
  series("Requests and commands per second", [["HTTP", (d) => d.perSecond.httpRequests], ["commands", (d) => d.perSecond.commands], ["5xx", (d) => d.perSecond.httpFailures]]),
  series("Append, ms", [tierLine("append", "p50")("high"), tierLine("append", "p99")("high"), tierLine("append", "p99")("medium")]),
  series("Push, ms", [tierLine("push", "p50")("high"), tierLine("push", "p99")("high"), tierLine("push", "p99")("medium")]),
  series("Events that read models lack", [["high", (d) => d.lanes[0].lagEvents], ["medium", (d) => d.lanes[1].lagEvents]]),
  series("Sockets and people", [["sockets", (d) => Object.values(d.sockets).reduce((a, b) => a + b, 0)], ["online", (d) => d.online]]),
];

function plot({ name, lines }) {
  const box = element("div", null, "plot");
  box.append(element("h3", name));
  const drawn = svg("svg", { viewBox: "0 0 240 80", preserveAspectRatio: "none", role: "img" });
  drawn.append(svg("line", { x1: 0, y1: 79, x2: 240, y2: 79, class: "axis" }));
  const values = lines.map(([, of]) => history.map((data) => of(data)));
  const top = Math.max(1e-9, ...values.flat().filter((value) => value !== null && value !== undefined));
  const legend = element("div", null, "legend");
  values.forEach((line, index) => {
    const points = line.map((value, at) => [240 - (history.length - 1 - at) * (240 / (POINTS - 1)), value]);
    const there = points.filter(([, value]) => value !== null && value !== undefined);
    const text = there.map(([x, value]) => x.toFixed(1) + "," + (78 - (value / top) * 76).toFixed(1)).join(" ");
    drawn.append(svg("polyline", { points: text, class: "line-" + index }));
    legend.append(element("span", lines[index][0] + " " + number(line[line.length - 1]), "line-" + index));
  });
  legend.append(element("span", "top " + number(top)));
  box.append(drawn, legend);
  return box;
}

function table(caption, heads, rows) {
  const made = element("table");
  made.append(element("caption", caption));
  const head = made.createTHead().insertRow();
  heads.forEach((name) => head.append(element("th", name)));
  const body = made.createTBody();
  rows.forEach((cells) => {
    const row = body.insertRow();
    cells.forEach((cell) => row.append(Array.isArray(cell) ? element("td", cell[0], cell[1]) : element("td", cell)));
  });
  return made;
}

function tile(name, value, className) {
  const made = element("div", null, "tile");
  made.append(element("b", value, className), element("span", name));
  return made;
}

function draw(data) {
  const good = (is) => (is ? "good" : "bad");
  const processes = data.processes.filter((process) => process.current).length;
  $("head").replaceChildren(
    tile("health of 100", data.health.score, good(data.health.score >= 80)),
    tile("messages a second", number(data.perSecond.messages)),
    tile("calls a second", number(data.perSecond.calls)),
    tile("typing a second", number(data.perSecond.typing)),
    tile("people online", number(data.online)),
    tile("processes", processes, good(processes === data.processes.length)),
    tile("alerts", data.alerts.length, good(data.alerts.length === 0)),
  );
  $("alerts").replaceChildren(...data.alerts.map((alert) => {
    const made = element("div", null, "alert");
    made.append(element("strong", alert.rule + ": "), element("span", alert.summary), element("div", "since " + alert.since + ", " + alert.runbook, "note"));
    return made;
  }));
  $("plots").replaceChildren(...PLOTS.map(plot));
  const latency = (tier, kind) => {
    const of = tier[kind];
    return of ? [tier.tier, kind, ...[of.p50, of.p95, of.p99].map((value) => number(millis(value))), [number(millis(tier.target)), good(of.p99 <= tier.target)]] : [tier.tier, kind, "–", "–", "–", number(millis(tier.target))];
  };
  $("tables").replaceChildren(
    table("Processes", ["instance", "role", "build", "figures, s old", "memory, MiB", "processors"], data.processes.map((process) => [process.instance, process.role, process.build, [number(process.ageSeconds), good(process.current)], process.memoryBytes === null ? "–" : number(process.memoryBytes / 1048576), number(process.cpu)])),
    table("Latency, ms", ["tier", "", "p50", "p95", "p99", "target of p99"], data.latency.flatMap((tier) => [latency(tier, "append"), latency(tier, "push")])),
    table("Lanes", ["tier", "lag, events", "oldest, s"], data.lanes.map((lane) => [lane.tier, number(lane.lagEvents), number(lane.oldestSeconds)])),
    table("Engines", ["engine", "state"], data.engines.map((engine) => [engine.engine, engine.up ? ["up", "good"] : ["away: " + engine.missingIn.join(", "), "bad"]])),
    table("Sockets", ["door", "open"], Object.entries(data.sockets).map(([door, open]) => [door, number(open)])),
    table("Read models", ["name", "lag, events"], Object.entries(data.projections).map(([name, lag]) => [name, number(lag)])),
    table("Stalled", ["part"], data.stalled.map((name) => [[name, "bad"]])),
    table("Health " + data.health.score + " = " + data.health.formula, ["input", "value"], Object.entries(data.health.inputs).map(([name, value]) => [name, number(value)])),
  );
}

async function look() {
  try {
    const data = await ask("GET", "/chat/performance/dashboard");
    history.push(data);
    if (history.length > POINTS) history.shift();
    draw(data);
    say("As of " + new Date(data.at).toLocaleTimeString());
  } catch (error) {
    if (error.status === 401 || error.status === 403) {
      leave(error.message);
      return;
    }
    say(error.message, true);
  }
  timer = setTimeout(look, EVERY);
}

function leave(why) {
  clearTimeout(timer);
  token = null;
  history.length = 0;
  $("figures").hidden = true;
  $("leave").hidden = true;
  $("enter").hidden = false;
  say(why || "Not signed in.", Boolean(why));
}

$("enter").addEventListener("submit", async (event) => {
  event.preventDefault();
  try {
    const answer = await ask("POST", "/auth/login", { email: $("email").value, password: $("password").value });
    token = answer.accessToken;
    $("password").value = "";
    $("enter").hidden = true;
    $("leave").hidden = false;
    $("figures").hidden = false;
    await look();
  } catch (error) {
    leave(error.message);
  }
});
$("leave").addEventListener("click", async () => {
  try {
    await ask("POST", "/auth/logout");
  } catch (error) {
    // The session ends by itself.
  }
  leave();
});
