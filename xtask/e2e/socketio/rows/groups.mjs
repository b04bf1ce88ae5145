// joinGroup, and events that clients make up among themselves.

import { randomUUID } from "node:crypto";
import { Person } from "../../lib/people.mjs";
import { check, ensure, same } from "../../lib/report.mjs";
import { Client } from "../client.mjs";

/** Some of what the server emits itself: nobody may pass for it. */
const RESERVED = [
  "connect", "disconnect", "error", "hello", "close", "messageComing", "messageDeleted", "messageRead", "callUser",
  "closeCall", "typing", "userOnline", "userPresenceUpdate", "message.sent", "call.ringing", "call.signal", "custom",
];

export async function groups({ doors, ana, ben, direct, anaPhone, anaTablet, benPhone }) {
  await check("joinGroup -> joinedGroup; => userJoinedGroup", async () => {
    const open = { type: "group", title: "Open to all", members: [], joining: "open" };
    const groupId = (await ana.post("/conversations", open)).id;
    benPhone.emit("joinGroup", { groupId });
    same((await benPhone.gets("joinedGroup")).groupId, groupId, "joinedGroup");
    for (const client of [anaPhone, anaTablet]) {
      const joined = await client.gets("userJoinedGroup");
      same([joined.userId, joined.groupId], [ben.id, groupId], "userJoinedGroup");
      await client.gets("member.joined");
    }
    const { id } = await ana.say(groupId, "welcome");
    await benPhone.gets("messageComing", (message) => message.id === id);
  });

  await check("joinGroupError", async () => {
    benPhone.emit("joinGroup", { groupId: randomUUID() });
    const { code, message } = await benPhone.gets("joinGroupError");
    ensure(code === "not_found" && message, `${code}: ${message}`);
  });

  await check("broadcastEvent => that event, to the others", async () => {
    const payload = { colours: ["red", "blue"], n: 1 };
    anaPhone.emit("broadcastEvent", { event: "confetti", payload, conversationId: direct });
    for (const client of [anaTablet, benPhone]) same(await client.gets("confetti"), payload, "the payload");
    const custom = await benPhone.gets("custom");
    same([custom.conversationId, custom.fromUserId, custom.name], [direct, ana.id, "confetti"], "custom");
    await anaPhone.fence(ben, direct);
    anaPhone.never("confetti");
  });

  await check("broadcastEvent with excludeSelf: false: to oneself as well", async () => {
    const all = { event: "balloons", payload: 99, conversationId: direct, excludeSelf: false };
    anaPhone.emit("broadcastEvent", all);
    for (const client of [anaPhone, anaTablet, benPhone]) same(await client.gets("balloons"), 99, "the payload");
  });

  await check("broadcastEvent may not use the names of the server's events", async () => {
    for (const event of RESERVED) {
      anaPhone.emit("broadcastEvent", { event, payload: {}, conversationId: direct });
      same((await anaPhone.gets("broadcastEventError")).code, "reserved_name", event);
    }
  });

  await check("broadcastEvent by one who is no member: refused, and nobody is told", async () => {
    const stranger = await Client.connect(await Person.register(doors[0], "stranger"));
    stranger.emit("broadcastEvent", { event: "intrusion", payload: {}, conversationId: direct });
    same((await stranger.gets("broadcastEventError")).code, "not_found", "the problem");
    stranger.close();
    await benPhone.fence(ana, direct);
    benPhone.never("intrusion");
  });
}
