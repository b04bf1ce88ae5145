"""python-socketio's client for asyncio, with default options."""

import asyncio
import json
import os
import sys

import socketio

DOOR, TOKEN, CONVERSATION = (os.environ[name] for name in ("DOOR", "TOKEN", "CONVERSATION"))

sio = socketio.AsyncClient()
cursor = None


def tell(event, data=None):
    print(json.dumps({"event": event, "data": data}), flush=True)


def credentials():
    return {"token": TOKEN} | ({"since": cursor} if cursor else {})


@sio.event
async def connect():
    tell("connect")


@sio.event
async def disconnect(reason):
    tell("disconnect", reason)


@sio.event
async def connect_error(error):
    tell("connect_error", str(error))


@sio.on("hello")
async def hello(data):
    global cursor
    cursor = data["cursor"]
    tell("hello", data)


@sio.on("messageComing")
async def message_coming(message):
    global cursor
    cursor = message["cursor"]
    tell("messageComing", message)


async def main():
    await sio.connect(DOOR, auth=credentials)
    lines = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    while line := await lines.readline():
        message = {"conversationId": CONVERSATION, "messageType": "TEXT", "content": json.loads(line)["content"]}
        await sio.emit("sendMessage", message, callback=lambda answer: tell("ack", answer))
    await sio.disconnect()


asyncio.run(main())
