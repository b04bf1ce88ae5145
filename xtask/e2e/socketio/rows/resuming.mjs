// auth.since: what was missed comes once, in order, by any transport.

import { check, ensure, same, until } from "../../lib/report.mjs";
import { Client } from "../client.mjs";
import { text } from "./connecting.mjs";

const MISSED = 20;

export async function resuming({ ana, ben, direct, anaPhone, benPhone }) {
  for (const [name, options] of [
    ["default options", {}],
    ["websocket", { transports: ["websocket"] }],
    ["polling", { transports: ["polling"] }],
  ]) {
    await check(`auth.since after a disconnect: all that was missed, once, in order (${name})`, async () => {
      const client = await Client.connect(ben, options);
      await client.fence(ana, direct);
      client.close();
      client.forget();
      const ids = [];
      for (let n = 0; n < MISSED; n += 1) ids.push((await ana.say(direct, `missed ${n}`)).id);
      await ana.api("PATCH", `/messages/${ids[0]}`, { content: "missed, and edited" });
      await ana.api("DELETE", `/messages/${ids[1]}?for=everyone`);
      client.socket.connect();
      same((await client.gets("hello")).recovered, true, "recovered");
      await client.fence(ana, direct);
      await client.gets("message.edited", ({ id }) => id === ids[0]);
      await client.gets("messageDeleted", ({ messageId }) => messageId === ids[1]);
      same(told(client, "message.sent").slice(0, MISSED), ids, "what was missed");
      once(client);
      client.close();
    });
  }

  await check("a connection that breaks under traffic comes back by itself, without a gap", async () => {
    const client = await Client.connect(ben);
    await until("the upgrade", () => client.transports.includes("websocket"));
    await client.fence(ana, direct);
    client.forget();
    const ids = [];
    for (let n = 0; n < MISSED; n += 1) {
      // Nobody says goodbye: the line is cut.
      if (n === MISSED / 2) client.socket.io.engine.transport.ws.terminate();
      ids.push((await anaPhone.ask("sendMessage", text(direct, `through thick and thin ${n}`))).messageId);
    }
    await client.gets("disconnect");
    same((await client.gets("hello")).recovered, true, "recovered");
    await client.fence(ana, direct);
    same(told(client, "message.sent").slice(0, MISSED), ids, "what was told");
    once(client);
    client.close();
  });

  await check("traffic during the upgrade: nothing is lost, doubled or disordered", async () => {
    const client = new Client(ben, {});
    const ids = [];
    await client.gets("hello");
    for (let n = 0; n < MISSED; n += 1) ids.push((await ana.say(direct, `upgrading ${n}`)).id);
    await client.fence(ana, direct);
    ensure(client.transports.includes("websocket"), `it stayed at ${client.transports}`);
    same(told(client, "message.sent").slice(0, MISSED), ids, "what was told");
    once(client);
    client.close();
  });

  await check("a cursor that is none of ours: told to reload, and not half recovered", async () => {
    const client = new Client(ben, {});
    client.cursor = "nonsense";
    const first = await Promise.race([client.gets("hello"), client.gets("connect_error")]);
    ensure(first.recovered === false || first.data?.code, JSON.stringify(first));
    client.close();
    benPhone.forget();
  });
}

/** The ids of all events of a name, in the order in which they came. */
function told(client, name) {
  return client.heard.filter((event) => event.name === name).map((event) => event.data.id);
}

/** Each durable event came once, and those of one kind in the order of their positions. */
function once(client) {
  const places = new Map();
  for (const { name, data } of client.heard.filter((event) => typeof event.data?.position === "number")) {
    const before = places.get(name) ?? 0;
    ensure(data.position > before, `${name} at ${data.position} came after ${before}`);
    places.set(name, data.position);
  }
}
