// Stock clients of three languages, with default options, through a round-robin proxy to two gateways.
//
// GATEWAYS: how each gateway was started (JSON); PYTHON: a Python with python-socketio; RUST_CLIENT: the binary of rust/.

import { fileURLToPath } from "node:url";
import { Person } from "../lib/people.mjs";
import { check, ensure, finish, same, setting, until } from "../lib/report.mjs";
import { Device } from "./stock/device.mjs";
import { Gateway } from "./stock/gateway.mjs";
import { balance } from "./stock/proxy.mjs";

/** Messages posted to each client before and after a gateway is killed. */
const MISSED = 20;
/** Milliseconds until a client has reconnected: more than the longest backoff of any of them, and a heartbeat. */
const BACK = 60_000;

const gateways = JSON.parse(setting("GATEWAYS")).map((process) => new Gateway(process));
const script = (name) => fileURLToPath(new URL(`stock/${name}`, import.meta.url));
const kinds = {
  "socket.io-client": [process.execPath, script("client.mjs")],
  "python-socketio": [setting("PYTHON"), script("client.py")],
  rust_socketio: [setting("RUST_CLIENT")],
};

try {
  const balancer = await balance(gateways.map(({ door }) => door));
  const ben = await Person.register(balancer.door, "ben");
  const devices = [];
  for (const [kind, program] of Object.entries(kinds)) {
    await check(`${kind} connects by polling, and is upgraded to websocket`, async () => {
      devices.push(await connect(kind, program, ben, balancer));
    });
  }
  for (const device of devices) await talks(device, ben);
  await check("the polls of all went to both gateways", () =>
    ensure(balancer.polls.every((polls) => polls > 0), `they went ${balancer.polls}`),
  );
  for (const [n, gateway] of gateways.entries()) await survives(`gateway ${n + 1}`, gateway, devices, ben);
  for (const device of devices) {
    await check(`${device.name} lost its session, and resumed it by its cursor`, () => {
      const [, ...again] = device.greetings;
      ensure(again.length > 0, "it never reconnected");
      ensure(again.every(({ recovered }) => recovered), `not recovered: ${JSON.stringify(again)}`);
    });
    device.close();
  }
} catch (error) {
  await check("stock clients", () => Promise.reject(error));
}
finish();

/** A connected client of a new user, who has a conversation with Ben. */
async function connect(kind, program, ben, balancer) {
  const person = await Person.register(balancer.door, kind.split(/\W|_/)[0]);
  const conversation = await person.direct(ben);
  const { upgrades, polls } = balancer;
  const before = polls.reduce((all, some) => all + some);
  const device = new Device(kind, program, person, conversation, balancer.door);
  const hello = await device.gets("hello");
  same([hello.userId, hello.recovered], [person.id, false], "hello");
  await until("the upgrade", () => balancer.upgrades > upgrades);
  ensure(polls.reduce((all, some) => all + some) > before, "it did not poll");
  return Object.assign(device, { person, conversation });
}

async function talks(device, ben) {
  const { name, conversation } = device;
  await check(`${name} sends: its message is acknowledged, and told to its sender`, async () => {
    const { messageId } = await device.send(`hello from ${name}`);
    const { position } = await device.gets("messageComing", ({ id }) => id === messageId);
    const { content } = await ben.get(`/messages/${messageId}`, position);
    same(content, `hello from ${name}`, "what was posted");
  });
  await check(`${name} receives`, async () => {
    const { id } = await ben.say(conversation, `hello ${name}`);
    await device.gets("messageComing", (message) => message.id === id);
  });
}

/** Kills a gateway under traffic: every client receives every message once, in order. */
async function survives(which, gateway, devices, ben) {
  devices.forEach((device) => device.forget());
  const other = gateways.find((one) => one !== gateway);
  const posted = new Map(devices.map((device) => [device, []]));
  ben.door = other.door;
  for (let n = 0; n < MISSED; n += 1) {
    if (n === MISSED / 2) gateway.kill();
    for (const device of devices) {
      posted.get(device).push((await ben.say(device.conversation, `${which} dies: ${n}`)).id);
    }
  }
  for (const [device, ids] of posted) {
    await check(`${device.name}: ${which} is killed, and nothing is lost, doubled or disordered`, async () => {
      await until("the last message", () => device.messages().includes(ids.at(-1)), BACK);
      same(device.messages(), ids, "what was told");
    });
    await check(`${device.name} sends after ${which} was killed`, async () => {
      const { messageId } = await device.send("and on it goes");
      await device.gets("messageComing", ({ id }) => id === messageId);
    });
  }
  await gateway.again();
}
