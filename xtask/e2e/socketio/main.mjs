// Every row of the Socket.IO table, with the official client at its default options: polling first, then websocket.
//
// DOOR_A, DOOR_B: where the server is; Ana's phone comes in by the first, Ben's by the second, and the other device of
// either by the other door.

import { Person } from "../lib/people.mjs";
import { check, finish, setting } from "../lib/report.mjs";
import { Client } from "./client.mjs";
import { calls } from "./rows/calls.mjs";
import { commands } from "./rows/commands.mjs";
import { connecting } from "./rows/connecting.mjs";
import { groups } from "./rows/groups.mjs";
import { limits } from "./rows/limits.mjs";
import { messages } from "./rows/messages.mjs";
import { presence } from "./rows/presence.mjs";
import { resuming } from "./rows/resuming.mjs";

const doors = [setting("DOOR_A"), setting("DOOR_B")];

try {
  const scene = await prepare();
  for (const rows of [connecting, messages, commands, groups, calls, presence, resuming, limits]) {
    console.log(`-- ${rows.name}`);
    await rows(scene);
  }
} catch (error) {
  await check("the rows", () => Promise.reject(error));
}
finish();

/** Ana and Ben, each at a phone and a tablet, which are sessions of their own; and their conversation. */
async function prepare() {
  const [a, b] = doors;
  const [ana, ben] = [await Person.register(a, "ana"), await Person.register(b, "ben")];
  const devices = [ana, await ana.again(b), ben, await ben.again(a)];
  const [anaPhone, anaTablet, benPhone, benTablet] = await Promise.all(devices.map((device) => Client.connect(device)));
  const direct = await ana.direct(ben);
  await benTablet.fence(ana, direct);
  return { doors, ana, ben, direct, anaPhone, anaTablet, benPhone, benTablet };
}
