// connect, hello, the upgrade, and who is not let in.

import { check, ensure, same, until } from "../../lib/report.mjs";
import { Client } from "../client.mjs";

export async function connecting({ ana, ben, direct, anaPhone }) {
  await check("hello: who one is, from where one goes on, what the limits are", async () => {
    const { userId, sessionId, cursor, recovered, heartbeatSeconds, limits } = anaPhone.hello;
    same([userId, recovered], [ana.id, false], "hello");
    ensure(sessionId && cursor && heartbeatSeconds > 0 && limits, JSON.stringify(anaPhone.hello));
  });

  await check("default options begin with polling and are upgraded to websocket", async () => {
    await until("the upgrade", () => anaPhone.transports.length > 1);
    same(anaPhone.transports, ["polling", "websocket"], "the transports");
    same(anaPhone.socket.io.engine.transport.name, "websocket", "the transport");
  });

  for (const transport of ["websocket", "polling"]) {
    await check(`${transport} alone is enough, both ways`, async () => {
      const client = await Client.connect(ana, { transports: [transport] });
      const { id } = await ben.say(direct, `to ${transport}`);
      await client.gets("messageComing", (message) => message.id === id);
      const { messageId } = await client.ask("sendMessage", text(direct, `from ${transport}`));
      await anaPhone.gets("messageComing", (message) => message.id === messageId);
      same(client.transports, [transport], "the transports");
      client.close();
    });
  }

  await check("connect_error: a bad token, in words and as a problem", async () => {
    const client = new Client({ ...ana, token: "nonsense" }, {});
    const error = await client.gets("connect_error");
    ensure(error.message && error.data?.code === "invalid_token", `${error.message} ${JSON.stringify(error.data)}`);
    client.never("hello");
    client.close();
  });

  await check("connect_error: no token at all", async () => {
    const client = new Client({ ...ana, token: undefined }, {});
    const error = await client.gets("connect_error");
    ensure(error.data?.code, `${error.message} ${JSON.stringify(error.data)}`);
    client.close();
  });

  await check("connect_error: another namespace", async () => {
    const client = new Client({ ...ana, door: `${ana.door}/elsewhere` }, {});
    same((await client.gets("connect_error")).message, "Invalid namespace", "the message");
    client.close();
  });
}

export function text(conversationId, content) {
  return { conversationId, messageType: "TEXT", content };
}
