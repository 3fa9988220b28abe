"""python-socketio on uvicorn and uvloop, answering the profile `bench`: python server.py --port N"""

import argparse

import socketio
import uvicorn

sio = socketio.AsyncServer(async_mode="asgi", cors_allowed_origins="*", http_compression=False)


@sio.on("message")
async def message(sid, *args):
    await sio.emit("message-back", args, to=sid)


@sio.on("message-with-ack")
async def message_with_ack(sid, *args):
    return args


@sio.on("broadcast")
async def broadcast(sid, x):
    await sio.emit("news", x)


@sio.on("join")
async def join(sid, room):
    await sio.enter_room(sid, room)


@sio.on("say")
async def say(sid, room, x):
    await sio.emit("said", x, to=room)


class Server(uvicorn.Server):
    """Says that it is ready when it listens."""

    async def startup(self, sockets=None):
        await super().startup(sockets)
        print("python-socketio is ready", flush=True)


parser = argparse.ArgumentParser()
parser.add_argument("--port", type=int, required=True)
config = uvicorn.Config(
    socketio.ASGIApp(sio),
    host="127.0.0.1",
    port=parser.parse_args().port,
    loop="uvloop",
    ws_per_message_deflate=False,
    log_level="warning",
    access_log=False,
)
Server(config).run()
