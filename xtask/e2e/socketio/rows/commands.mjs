// cmd: any command of /ws, with an acknowledgement; and events that nobody knows.

import { randomUUID } from "node:crypto";
import { check, ensure, same } from "../../lib/report.mjs";
import { durable } from "./messages.mjs";

export async function commands({ ana, ben, direct, anaPhone, benPhone }) {
  const key = randomUUID();
  const send = { cmd: "message.send", key, data: { conversationId: direct, content: "by its name" } };
  let message;

  await check("cmd -> {ok}", async () => {
    ({ ok: message } = await anaPhone.ask("cmd", send));
    ensure(message.id && message.seq > 0 && message.position > 0, JSON.stringify(message));
    await benPhone.gets("messageComing", ({ id }) => id === message.id);
  });

  await check("cmd with the same key: the first result", async () => {
    same((await anaPhone.ask("cmd", send)).ok.id, message.id, "the message");
    const other = { ...send, data: { ...send.data, content: "something else" } };
    ensure((await anaPhone.ask("cmd", other)).error.status === 409, "another content under the same key");
  });

  await check("cmd => the event under its own name", async () => {
    await benPhone.ask("cmd", { cmd: "message.react", data: { messageId: message.id, emoji: "👍" } });
    const reacted = await anaPhone.gets("message.reacted");
    same([reacted.id, reacted.actorId], [message.id, ben.id], "message.reacted");
    ensure(reacted.at && reacted.reactions.length === 1, JSON.stringify(reacted));
    durable(reacted);
    await ana.api("PATCH", `/messages/${message.id}`, { content: "edited over REST" });
    same((await benPhone.gets("message.edited")).content, "edited over REST", "message.edited");
  });

  await check("cmd -> {error}", async () => {
    const { error } = await anaPhone.ask("cmd", { cmd: "message.shout", data: {} });
    same(error.code, "unknown_command", "the problem");
    const refused = await anaPhone.ask("cmd", { cmd: "message.send", data: { conversationId: randomUUID(), content: "x" } });
    same([refused.error.code, refused.error.status], ["not_found", 404], "the problem");
  });

  await check("an unknown event: by the acknowledgement, else by the event error", async () => {
    same((await anaPhone.ask("shoutMessage", {})).error.code, "unknown_command", "the acknowledgement's problem");
    anaPhone.emit("shoutMessage", {});
    const { code, message: words, event } = await anaPhone.gets("error");
    same([code, event], ["unknown_command", "shoutMessage"], "error");
    ensure(words, "error says nothing");
  });
}
