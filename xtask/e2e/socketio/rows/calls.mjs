// callUser, answerCall, refuseCall, closeCall, callSignal.

import { randomUUID } from "node:crypto";
import { Person } from "../../lib/people.mjs";
import { check, ensure, same } from "../../lib/report.mjs";
import { durable } from "./messages.mjs";

export async function calls({ doors, ana, ben, direct, anaPhone, anaTablet, benPhone, benTablet }) {
  const others = [anaTablet, benPhone, benTablet];
  let callId;

  await check("callUser => callUser and openCall, with signalData", async () => {
    const signalData = { type: "offer", sdp: "v=0" };
    anaPhone.emit("callUser", { conversationId: direct, callType: "VIDEO", signalData });
    const ringing = await anaPhone.gets("call.ringing");
    callId = ringing.id;
    same([ringing.status, ringing.callerId, ringing.callType], ["RINGING", ana.id, "VIDEO"], "call.ringing");
    durable(ringing);
    for (const client of others) {
      for (const name of ["callUser", "openCall"]) {
        const told = await client.gets(name);
        same([told.callId, told.conversationId, told.callType], [callId, direct, "VIDEO"], name);
        same(told.callerInfo.id, ana.id, "callerInfo");
        ensure(told.timestamp, `${name} has no time`);
        await carries(client, told, name === "callUser", signalData);
      }
    }
    anaPhone.never("callUser");
  });

  await check("callSignal => callSignal, to all devices of one or to one of them", async () => {
    const ice = { callId, toUserId: ben.id, kind: "candidate", payload: { candidate: "candidate:1" } };
    anaPhone.emit("callSignal", ice);
    for (const client of [benPhone, benTablet]) {
      const signal = await client.gets("callSignal", ({ kind }) => kind === "candidate");
      same([signal.callId, signal.fromUserId, signal.payload], [callId, ana.id, ice.payload], "callSignal");
      same(signal.fromSessionId, anaPhone.hello.sessionId, "fromSessionId");
    }
    const { sessionId } = benPhone.hello;
    anaPhone.emit("callSignal", { ...ice, toSessionId: sessionId, payload: { candidate: "candidate:2" } });
    same((await benPhone.gets("callSignal")).payload.candidate, "candidate:2", "the payload");
    await benTablet.fence(ana, direct);
    benTablet.never("callSignal", ({ payload }) => payload?.candidate === "candidate:2");
  });

  await check("answerCall => callAccepted, with signalData; the other device stops ringing", async () => {
    const signalData = { type: "answer", sdp: "v=0" };
    benPhone.emit("answerCall", { callId, signalData });
    for (const client of [anaPhone, anaTablet, benTablet]) {
      const accepted = await client.gets("callAccepted");
      same([accepted.callId, accepted.conversationId, accepted.answeredBy], [callId, direct, ben.id], "callAccepted");
      durable(accepted);
      await carries(client, accepted, true, signalData);
      same((await client.gets("call.answered")).status, "ONGOING", "the call");
    }
  });

  await check("closeCall by its conversation => closeCall", async () => {
    anaPhone.emit("closeCall", { conversationId: direct });
    let position;
    for (const client of others) {
      const closed = await client.gets("closeCall");
      same([closed.callId, closed.conversationId, closed.closedBy], [callId, direct, ana.id], "closeCall");
      ensure(closed.closedAt, "closeCall has no time");
      durable(closed);
      ({ position } = await client.gets("call.closed"));
    }
    same((await ben.get(`/calls/${callId}`, position)).status, "ENDED", "the call");
  });

  await check("refuseCall => refuseCall", async () => {
    anaPhone.emit("callUser", { conversationId: direct, callType: "VOICE" });
    ({ callId } = await benPhone.gets("callUser"));
    benPhone.emit("refuseCall", { conversationId: direct });
    let position;
    for (const client of [anaPhone, anaTablet, benTablet]) {
      const refused = await client.gets("refuseCall", (told) => told.callId === callId);
      same([refused.conversationId, refused.refusedBy], [direct, ben.id], "refuseCall");
      durable(refused);
      ({ position } = refused);
    }
    const { items } = await ana.get(`/conversations/${direct}/calls`, position);
    same([items[0].id, items[0].status, items[0].duration], [callId, "REFUSED", 0], "the history");
  });

  await check("userNotOnline, when nobody can ring", async () => {
    const asleep = await Person.register(doors[1], "asleep");
    const conversationId = await ana.direct(asleep);
    anaPhone.emit("callUser", { conversationId, callType: "VOICE" });
    same((await anaPhone.gets("userNotOnline")).conversationId, conversationId, "userNotOnline");
    same((await ana.get(`/conversations/${conversationId}/calls`)).items, [], "the history");
  });

  await check("callUserError, answerCallError, refuseCallError, closeCallError", async () => {
    for (const name of ["answerCall", "refuseCall", "closeCall"]) {
      anaPhone.emit(name, { callId: randomUUID() });
      const { code, message } = await anaPhone.gets(`${name}Error`);
      ensure(code === "not_found" && message, `${name}: ${code}: ${message}`);
    }
    anaPhone.emit("callUser", { conversationId: randomUUID(), callType: "VOICE" });
    const { code, message } = await anaPhone.gets("callUserError");
    ensure(code === "not_found" && message, `callUser: ${code}: ${message}`);
  });

  await check("a call that has ended can be neither answered nor closed again", async () => {
    benPhone.emit("answerCall", { callId });
    ensure((await benPhone.gets("answerCallError")).code, "answerCall");
  });
}

/** What a client attached to a call: in the event itself, or, when it was overtaken by it, as a signal after it. */
async function carries(client, told, isFirst, signalData) {
  if (told.signalData || !isFirst) {
    if (told.signalData) same(told.signalData, signalData, "signalData");
    return;
  }
  const { payload } = await client.gets("callSignal", (signal) => signal.callId === told.callId);
  same(payload, signalData, "the signal that came after its event");
  console.log("      (its signalData came after it)");
}
