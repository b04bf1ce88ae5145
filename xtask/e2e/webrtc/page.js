// One end of a call: a socket, a peer connection, a camera and a microphone. Whoever drives the page calls what is
// global here.

"use strict";

const heard = [];
const waiting = new Map();
const early = [];
const listening = [];
let socket;
let me;
let call;
let peer;
let remote;
let media;
let number = 0;

/** Opens the socket with the token as a subprotocol, as browsers must; the frame `hello`. */
function connect(url, token) {
  socket = new WebSocket(url, ["chatchit.v1", `bearer.${token}`]);
  return new Promise((resolve, reject) => {
    socket.onerror = () => reject(new Error("the socket does not open"));
    socket.onclose = ({ code }) => reject(new Error(`the socket was closed: ${code}`));
    socket.onmessage = ({ data }) => {
      const frame = JSON.parse(data);
      if (frame.hello) {
        me = frame.hello;
        resolve(me);
      } else {
        note(frame);
      }
    };
  });
}

/** What the servers for ICE are: by REST, from another origin. */
async function iceServers(door, token) {
  const answer = await fetch(`${door}/calls/ice-servers`, { headers: { Authorization: `Bearer ${token}` } });
  if (!answer.ok) throw new Error(`ice-servers: ${answer.status}`);
  return answer.json();
}

/** Camera and microphone, and a connection that will carry them. */
async function prepare(servers) {
  media = await navigator.mediaDevices.getUserMedia({ audio: true, video: { width: 320, height: 240, frameRate: 15 } });
  document.getElementById("own").srcObject = media;
  peer = new RTCPeerConnection({ iceServers: servers });
  for (const track of media.getTracks()) peer.addTrack(track, media);
  peer.ontrack = ({ streams: [stream] }) => {
    document.getElementById("theirs").srcObject = stream;
  };
  peer.onicecandidate = ({ candidate }) => {
    if (candidate) relay("candidate", candidate.toJSON());
  };
}

/** Rings. */
async function place(conversationId, callType) {
  call = await command("call.initiate", { conversationId, callType });
  return call;
}

/** Answers the call that rings here. */
async function answer() {
  // Known before the answer to the command is: the other's offer may come first.
  call = await told("call.ringing");
  call = await command("call.answer", { callId: call.id });
  return call;
}

/** Once somebody has answered: offers what is to be sent to them. */
async function offer() {
  const answered = await told("call.answered");
  const { userId } = answered.participants.find((participant) => participant.userId !== me.userId);
  remote = { toUserId: userId };
  await peer.setLocalDescription(await peer.createOffer());
  await relay("offer", { sdp: peer.localDescription.sdp });
}

/** Ends the call. */
function hangUp() {
  return command("call.close", { callId: call.id });
}

/** Waits until an event has come: its data. */
async function told(name) {
  for (;;) {
    const found = heard.find((frame) => frame.event === name);
    if (found) return found.data;
    await new Promise((resolve) => listening.push(resolve));
  }
}

/** How much has come in so far, and how the connection is. */
async function received() {
  const reports = [...(await peer.getStats()).values()].filter((report) => report.type === "inbound-rtp");
  const of = (kind, field) => reports.find((report) => report.kind === kind)?.[field] ?? 0;
  return {
    connection: peer.connectionState,
    ice: peer.iceConnectionState,
    audioPackets: of("audio", "packetsReceived"),
    videoFrames: of("video", "framesDecoded"),
  };
}

/** Lets go of everything. */
function end() {
  peer.close();
  for (const track of media.getTracks()) track.stop();
}

function note(frame) {
  if (frame.reply) {
    const { resolve, reject } = waiting.get(frame.reply);
    waiting.delete(frame.reply);
    if (frame.error) reject(new Error(`${frame.error.code}: ${frame.error.detail}`));
    else resolve(frame.ok);
  } else if (frame.signal === "call.signal") {
    // In order, one after the other: a candidate is of no use before its description.
    note.last = (note.last ?? Promise.resolve()).then(() => signalled(frame.data));
  } else if (frame.event) {
    heard.push(frame);
    for (const tell of listening.splice(0)) tell();
  }
}

async function signalled({ fromUserId, fromSessionId, kind, payload }) {
  remote = { toUserId: fromUserId, toSessionId: fromSessionId };
  if (kind === "candidate") {
    await (peer.remoteDescription ? peer.addIceCandidate(payload) : early.push(payload));
    return;
  }
  if (kind !== "offer" && kind !== "answer") return;
  await peer.setRemoteDescription({ type: kind, sdp: payload.sdp });
  for (const candidate of early.splice(0)) await peer.addIceCandidate(candidate);
  if (kind === "offer") {
    await peer.setLocalDescription(await peer.createAnswer());
    await relay("answer", { sdp: peer.localDescription.sdp });
  }
}

function relay(kind, payload) {
  return command("call.signal", { callId: call.id, ...remote, kind, payload });
}

function command(cmd, data) {
  number += 1;
  const id = String(number);
  const answered = new Promise((resolve, reject) => waiting.set(id, { resolve, reject }));
  socket.send(JSON.stringify({ id, cmd, data }));
  return answered;
}
