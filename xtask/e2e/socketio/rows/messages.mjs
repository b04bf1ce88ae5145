// sendMessage, deleteMessage, messageRead.

import { randomUUID } from "node:crypto";
import { check, ensure, same } from "../../lib/report.mjs";
import { text } from "./connecting.mjs";

export async function messages({ ana, ben, direct, anaPhone, anaTablet, benPhone, benTablet }) {
  const everywhere = [anaPhone, anaTablet, benPhone, benTablet];
  const guid = randomUUID();
  const unknown = randomUUID();

  await check("sendMessage -> messageQueued, messageProcessed, the acknowledgement", async () => {
    const answer = await anaPhone.ask("sendMessage", { ...text(direct, "hello"), guid });
    same([answer.status, answer.tempId, answer.messageId], ["success", guid, guid], "the acknowledgement");
    ensure(answer.position > 0 && answer.message.seq > 0, JSON.stringify(answer));
    const queued = await anaPhone.gets("messageQueued");
    same([queued.tempId, queued.status], [guid, "queued"], "messageQueued");
    ensure(queued.timestamp, "messageQueued has no time");
    const processed = await anaPhone.gets("messageProcessed");
    same([processed.tempId, processed.messageId, processed.status], [guid, guid, "success"], "messageProcessed");
  });

  await check("sendMessage => messageComing to all, its sender too; loadLastMessage to the others", async () => {
    for (const client of everywhere) {
      const message = await client.gets("messageComing", ({ id }) => id === guid);
      same([message.content, message.senderId, message.conversationId], ["hello", ana.id, direct], "messageComing");
      durable(message);
      durable(await client.gets("message.sent", ({ id }) => id === guid));
    }
    for (const client of [anaTablet, benPhone, benTablet]) {
      same((await client.gets("loadLastMessage")).conversationId, direct, "loadLastMessage");
    }
  });

  await check("sendMessage without a guid and without a callback: tempId is the message's id", async () => {
    anaPhone.emit("sendMessage", text(direct, "of its own"));
    const { tempId, messageId } = await anaPhone.gets("messageProcessed");
    same(tempId, messageId, "tempId");
    await benPhone.gets("messageComing", ({ id }) => id === messageId);
  });

  await check("sendMessage once more with the same guid: the first result, and nothing is told again", async () => {
    const again = await anaPhone.ask("sendMessage", { ...text(direct, "hello"), guid });
    same([again.status, again.messageId], ["success", guid], "the acknowledgement");
    await benPhone.fence(ana, direct);
    same(benPhone.heard.filter(({ name, data }) => name === "message.sent" && data.id === guid).length, 1, "how often");
  });

  await check("sendMessage with a file", async () => {
    const { fileUrl } = await ana.upload("a.txt", "content");
    const attachments = [{ fileUrl }];
    const image = { conversationId: direct, messageType: "IMAGE", content: "", attachments };
    const { messageId } = await anaPhone.ask("sendMessage", image);
    const message = await benPhone.gets("messageComing", ({ id }) => id === messageId);
    same(message.attachments, [{ fileUrl, mime: "text/plain", name: "a.txt", size: 7 }], "the file");
  });

  await check("sendMessageError: by event and by the acknowledgement", async () => {
    const { error } = await anaPhone.ask("sendMessage", { ...text(unknown, "x"), guid: unknown });
    same(error.code, "not_found", "the acknowledgement's problem");
    const told = await anaPhone.gets("sendMessageError");
    same([told.code, told.tempId], ["not_found", unknown], "sendMessageError");
    ensure(told.message, "sendMessageError says nothing");
    anaPhone.emit("sendMessage", { conversationId: direct, messageType: "TEXT", content: 7 });
    ensure((await anaPhone.gets("sendMessageError")).code, "a number is no content");
  });

  await check("deleteMessage -> deleteMessageQueued; => messageDeleted", async () => {
    anaPhone.emit("deleteMessage", { messageId: guid, conversationId: direct, deleteForEveryone: true });
    const queued = await anaPhone.gets("deleteMessageQueued");
    ensure(queued.messageId === guid && queued.status && queued.timestamp, JSON.stringify(queued));
    for (const client of [anaTablet, benPhone, benTablet]) {
      const deleted = await client.gets("messageDeleted", ({ messageId }) => messageId === guid);
      same([deleted.conversationId, deleted.deletedBy], [direct, ana.id], "messageDeleted");
      ensure(deleted.deletedAt, "messageDeleted has no time");
      durable(deleted);
      await client.gets("message.deleted", ({ id }) => id === guid);
    }
  });

  await check("deleteMessage for oneself: the other one is told nothing", async () => {
    const { id } = await ana.say(direct, "hidden soon");
    await anaPhone.gets("messageComing", (message) => message.id === id);
    anaPhone.emit("deleteMessage", { messageId: id, conversationId: direct, deleteForEveryone: false });
    same((await anaPhone.gets("deleteMessageQueued")).messageId, id, "deleteMessageQueued");
    await anaTablet.gets("message.hidden");
    await benPhone.fence(ana, direct);
    benPhone.never("messageDeleted", ({ messageId }) => messageId === id);
    benPhone.never("message.hidden");
    same((await ben.get(`/messages/${id}`)).id, id, "what the other one reads");
  });

  await check("deleteMessageError", async () => {
    anaPhone.emit("deleteMessage", { messageId: unknown, conversationId: direct });
    const { message, code } = await anaPhone.gets("deleteMessageError");
    ensure(message && code === "not_found", `${code}: ${message}`);
  });

  await check("messageRead => messageRead", async () => {
    const { id, seq } = await ana.say(direct, "read me");
    await benPhone.gets("messageComing", (message) => message.id === id);
    benPhone.emit("messageRead", { messageId: id, conversationId: direct });
    for (const client of [anaPhone, anaTablet, benTablet]) {
      const read = await client.gets("messageRead");
      same([read.conversationId, read.readBy, read.seq ?? seq], [direct, ben.id, seq], "messageRead");
      ensure(read.readAt, "messageRead has no time");
      same(read.messageId, id, "the message read");
      durable(read);
      same((await client.gets("receipt.read")).userId, ben.id, "receipt.read");
    }
  });
}

/** Every durable payload can be resumed from. */
export function durable(payload) {
  const { position, cursor } = payload;
  ensure(position > 0 && typeof cursor === "string", `without position or cursor: ${JSON.stringify(payload)}`);
}
