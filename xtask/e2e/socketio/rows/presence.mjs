// typing, presence, heartbeat, getOnlineUsers, ping; who comes and goes.

import { Person } from "../../lib/people.mjs";
import { check, ensure, same } from "../../lib/report.mjs";
import { Client } from "../client.mjs";

/** The longest that typing goes on by itself, and that somebody who is gone is still taken for here. */
const TYPING_ENDS = 12_000;
const GONE = 45_000;

export async function presence({ doors, ana, ben, direct, anaPhone, anaTablet, benPhone, benTablet }) {
  await check("typing => typing, to the others alone", async () => {
    for (const isTyping of [true, false]) {
      anaPhone.emit("typing", { conversationId: direct, isTyping });
      for (const client of [benPhone, benTablet]) {
        const told = await client.gets("typing");
        same([told.conversationId, told.isTyping, told.userId ?? ana.id], [direct, isTyping, ana.id], "typing");
        ensure(told.user && told.timestamp, JSON.stringify(told));
      }
    }
    await anaPhone.fence(ben, direct);
    anaPhone.never("typing");
  });

  await check("typing without isTyping begins; it ends by itself", async () => {
    benPhone.emit("typing", { conversationId: direct });
    ensure((await anaPhone.gets("typing")).isTyping, "it does not begin");
    ensure(!(await anaPhone.gets("typing", undefined, TYPING_ENDS)).isTyping, "it does not end");
  });

  await check("presence => userPresenceUpdate, the sender's other devices included", async () => {
    for (const status of ["busy", "online"]) {
      anaPhone.emit("presence", { status });
      for (const client of [benPhone, benTablet, anaTablet]) {
        const told = await client.gets("userPresenceUpdate", (update) => update.userId === ana.id && update.status === status);
        ensure(told.timestamp, "userPresenceUpdate has no time");
      }
    }
  });

  await check("heartbeat -> heartbeat", async () => {
    anaPhone.emit("heartbeat", { cursor: anaPhone.cursor });
    const { timestamp, cursor } = await anaPhone.gets("heartbeat");
    ensure(timestamp && cursor, "without time or cursor");
    anaPhone.emit("heartbeat");
    await anaPhone.gets("heartbeat");
  });

  await check("ping -> pong", async () => {
    anaPhone.emit("ping");
    const { timestamp, userId } = await anaPhone.gets("pong");
    same(userId, ana.id, "userId");
    ensure(timestamp, "pong has no time");
  });

  await check("getOnlineUsers -> onlineUsers", async () => {
    anaPhone.emit("getOnlineUsers");
    const { users } = await anaPhone.gets("onlineUsers");
    ensure(users.some((user) => (user.userId ?? user) === ben.id), `Ben is not among ${JSON.stringify(users)}`);
  });

  await check("userOnline and userOffline: invisible looks like gone, and gone is gone", async () => {
    const cam = await Person.register(doors[1], "cam");
    const isCam = ({ userId }) => userId === cam.id;
    await ana.group("With Cam", cam);
    const client = await Client.connect(cam);
    await anaPhone.gets("userOnline", isCam);
    client.emit("presence", { status: "invisible" });
    await anaPhone.gets("userOffline", isCam);
    same((await anaPhone.gets("userPresenceUpdate", (told) => isCam(told) && told.status !== "online")).status, "offline", "what is seen");
    client.emit("presence", { status: "online" });
    await anaPhone.gets("userOnline", isCam);
    client.close();
    await anaPhone.gets("userOffline", isCam, GONE);
    const { items } = await ana.get(`/presence?userIds=${cam.id}`);
    same(items[0].status, "offline", "what is read");
  });
}
