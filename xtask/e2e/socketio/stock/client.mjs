// The official client of JavaScript, with default options.

import readline from "node:readline";
import { io } from "socket.io-client";

const { DOOR, TOKEN, CONVERSATION } = process.env;
let cursor;

const tell = (event, data) => console.log(JSON.stringify({ event, data }));

const socket = io(DOOR, { auth: (give) => give({ token: TOKEN, since: cursor }) });
socket.on("connect", () => tell("connect"));
socket.on("disconnect", (reason) => tell("disconnect", reason));
socket.on("connect_error", (error) => tell("connect_error", String(error)));
socket.on("hello", (hello) => {
  cursor = hello.cursor;
  tell("hello", hello);
});
socket.on("messageComing", (message) => {
  cursor = message.cursor;
  tell("messageComing", message);
});

readline
  .createInterface({ input: process.stdin })
  .on("line", (line) => {
    const { content } = JSON.parse(line);
    const message = { conversationId: CONVERSATION, messageType: "TEXT", content };
    socket.emit("sendMessage", message, (answer) => tell("ack", answer));
  })
  .on("close", () => socket.disconnect());
