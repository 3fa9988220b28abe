"""python-socketio's server with what the tests of the client ask for: the words of the contract server's profile `handlers`.

    python server.py [--msgpack] [--ping MILLISECONDS]

Prints one line with its port when it is ready, and ends when its standard input does: with whoever started it.
"""

import argparse
import asyncio
import logging
import os
import socket
import sys
import threading

import engineio.payload
import socketio
import uvicorn

parser = argparse.ArgumentParser()
parser.add_argument("--msgpack", action="store_true")
parser.add_argument("--ping", type=int, default=25_000)
options = parser.parse_args()

# Who pings that often is on bad lines, where there would be no end of complaints.
if options.ping < 1000:
    logging.disable()

# The server's own limit is 16 packets a POST; raising it is what its documentation advises.
engineio.payload.Payload.max_decode_packets = 10_000

io = socketio.AsyncServer(
    # aiohttp would do too, but what it is given of a large POST is the first part only.
    async_mode="asgi",
    serializer="msgpack" if options.msgpack else "default",
    ping_interval=options.ping / 1000,
    ping_timeout=options.ping / 1000,
    max_http_buffer_size=2_000_000,
)

# What came, in order, for `notes`.
noted = []


class Words(socketio.AsyncNamespace):
    """The words of a namespace; `on_x_y` is what `x-y` calls."""

    async def trigger_event(self, event, *args):
        return await super().trigger_event(event.replace("-", "_"), *args)

    async def on_connect(self, sid, environ, auth):
        await self.save_session(sid, {"auth": auth, "environ": environ})

    async def on_echo(self, sid, *args):
        await self.emit("echo-back", args, to=sid)

    async def on_echo_ack(self, sid, *args):
        return args

    async def on_call_me(self, sid, *args):
        answer = asyncio.get_running_loop().create_future()
        await self.emit("call", args, to=sid, callback=lambda *args: answer.set_result(args))
        await self.emit("call-result", await answer, to=sid)

    async def on_burst(self, sid, count):
        for index in range(count):
            await self.emit("burst", index, to=sid)

    async def on_big(self, sid, size, kind=None):
        return b"\xab" * size if kind == "binary" else "x" * size

    async def on_note(self, sid, note, key=None):
        noted.append(note)
        return note

    async def on_notes(self, sid, prefix):
        # A list alone would be taken for one argument each only if it were a tuple.
        return [note for note in noted if note.startswith(prefix)]

    async def on_join(self, sid, rooms):
        for room in several(rooms):
            await self.enter_room(sid, room)
        return True

    async def on_leave(self, sid, room):
        await self.leave_room(sid, room)
        return True

    async def on_to_room(self, sid, rooms, event, payload):
        await self.emit(event, payload, room=several(rooms), skip_sid=sid)

    async def on_in_room(self, sid, rooms, event, payload):
        await self.emit(event, payload, room=several(rooms))

    async def on_broadcast(self, sid, event, payload):
        await self.emit(event, payload, skip_sid=sid)

    async def on_to_all(self, sid, event, payload):
        await self.emit(event, payload)

    async def on_kick(self, sid, close=False):
        await (self.on_kill_transport(sid) if close else self.disconnect(sid))

    async def on_kill_transport(self, sid):
        await io.eio.disconnect(io.manager.eio_sid_from_sid(sid, self.namespace))

    async def on_transport(self, sid):
        return io.transport(sid, self.namespace)

    async def on_id(self, sid):
        return sid

    async def on_handshake(self, sid):
        session = await self.get_session(sid)
        environ = session["environ"]
        headers = {
            name[5:].lower().replace("_", "-"): value
            for name, value in environ.items()
            if name.startswith("HTTP_")
        }
        pairs = (pair.partition("=") for pair in environ["QUERY_STRING"].split("&"))
        query = {name: value for name, _, value in pairs}
        return {
            "auth": session["auth"] or {},
            "query": query,
            "headers": headers,
            "nsp": self.namespace,
            "eio": 4,
        }


class Guarded(Words):
    """Who does not know the secret is refused, with data."""

    async def on_connect(self, sid, environ, auth):
        if not isinstance(auth, dict) or auth.get("token") != "secret":
            data = {"code": "E_AUTH", "retryAfter": 5}
            raise socketio.exceptions.ConnectionRefusedError("not authorized", data)
        await super().on_connect(sid, environ, auth)


def several(rooms):
    return rooms if isinstance(rooms, list) else [rooms]


def end_with_the_parent():
    sys.stdin.read()
    os._exit(0)


async def main():
    for namespace in [Words("/"), Words("/custom"), Guarded("/auth")]:
        io.register_namespace(namespace)
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(
        socketio.ASGIApp(io), http="h11", ws="wsproto", lifespan="off", log_level="error"
    )
    print(f"ready on 127.0.0.1:{listener.getsockname()[1]}", flush=True)
    await uvicorn.Server(config).serve(sockets=[listener])


threading.Thread(target=end_with_the_parent, daemon=True).start()
asyncio.run(main())
