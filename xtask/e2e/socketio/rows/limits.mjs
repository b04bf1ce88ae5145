// How the server closes, and what is too much for it.

import { check, ensure, same } from "../../lib/report.mjs";
import { Client } from "../client.mjs";
import { text } from "./connecting.mjs";

/** More than the largest frame. */
const HUGE = "x".repeat(100_000);

export async function limits({ doors, ana, ben, direct, anaPhone, benPhone }) {
  for (const transport of ["websocket", "polling"]) {
    await check(`a device that signs out is told close, then disconnected (${transport})`, async () => {
      const device = await ben.again(doors[1]);
      const client = await Client.connect(device, { transports: [transport] });
      await device.post("/auth/logout");
      const { code, reason } = await client.gets("close");
      same(code, 4009, "the code");
      ensure(reason, "without a reason");
      same(await client.gets("disconnect"), "io server disconnect", "the disconnect");
      client.close();
    });

    await check(`a frame that is too big ends the connection, and nothing of it is stored (${transport})`, async () => {
      const client = await Client.connect(ana, { transports: [transport], reconnection: false });
      client.emit("sendMessage", text(direct, HUGE));
      await client.gets("disconnect");
      client.close();
      await benPhone.fence(ana, direct);
      benPhone.never("messageComing", ({ content }) => content?.length > 8_192);
    });

    await check(`binary is refused, and the server goes on (${transport})`, async () => {
      const client = await Client.connect(ana, { transports: [transport], reconnection: false });
      client.emit("sendMessage", { ...text(direct, "with bytes"), bytes: Buffer.from([1, 2, 3]) });
      await Promise.race([client.gets("disconnect"), client.gets("error"), client.gets("sendMessageError")]);
      client.close();
      await anaPhone.fence(ben, direct);
    });
  }
}
