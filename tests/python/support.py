"""What the files here use: python-socketio clients against a running contract server.

The environment says where and how: CONTRACT_PORT is the port of the profile `handlers`,
CONTRACT_TRANSPORTS one of `polling`, `websocket` and `upgrade`.
"""

import itertools
import os
import queue
import threading
import unittest

import engineio
import engineio.payload
import socketio

PORT = int(os.environ["CONTRACT_PORT"])
MODE = os.environ.get("CONTRACT_TRANSPORTS", "upgrade")
TRANSPORTS = {
    "polling": ["polling"],
    "websocket": ["websocket"],
    "upgrade": ["polling", "websocket"],
}[MODE]
URL = f"http://127.0.0.1:{PORT}"

# Nothing waits for time to pass; this only turns a hang into a message.
DEADLINE = 30

# The client's own limit is 16 packets a poll, and a server puts all that waits into one; raising it is
# what its documentation advises.
engineio.payload.Payload.max_decode_packets = 10_000

_names = itertools.count()


def unique(prefix):
    """A name nobody else uses: a room, an event."""
    return f"{prefix} {os.getpid()}.{next(_names)}"


class _InOrder(engineio.Client):
    """Handles a message before the next one; the library gives each a thread, in no order."""

    def _trigger_event(self, event, *args, **kwargs):
        return super()._trigger_event(event, *args, **{**kwargs, "run_async": False})


class _Client(socketio.Client):
    def _engineio_client_class(self):
        return _InOrder


class Client:
    """One connection with the namespaces given, all of them joined."""

    def __init__(self, namespaces=("/",), url=URL, auth=None, headers=None, reconnection=False):
        self.io = _Client(
            reconnection=reconnection, reconnection_delay=0.02, reconnection_delay_max=0.1
        )
        self._heard = {}
        self._connect = lambda: self.io.connect(
            url,
            headers=headers or {},
            auth=auth,
            transports=TRANSPORTS,
            namespaces=list(namespaces),
            wait_timeout=DEADLINE,
        )

    def connect(self):
        self._connect()
        return self

    def close(self):
        # Not `disconnect()`: this client may stop writing before its close packet is out, and then waits
        # for its poll to end, which is up to a ping interval.
        if self.io.connected:
            self.io.eio.disconnect(abort=True)
        self.io.shutdown()

    def listen(self, event, namespace="/"):
        """From now on `next_of(event)` returns what comes, in order, as lists of arguments."""
        inbox = self._heard.setdefault((namespace, event), queue.Queue())
        self.io.on(event, lambda *args: inbox.put(list(args)), namespace=namespace)
        return self

    def next_of(self, event, namespace="/"):
        try:
            return self._heard[(namespace, event)].get(timeout=DEADLINE)
        except queue.Empty:
            raise AssertionError(f"no `{event}` within {DEADLINE} s") from None

    def all_of(self, event, namespace="/"):
        """What has come so far."""
        inbox = self._heard[(namespace, event)]
        return [inbox.get() for _ in range(inbox.qsize())]

    def emit(self, event, *args, namespace="/"):
        self.io.emit(event, args, namespace=namespace)

    def ask(self, event, *args, namespace="/"):
        """All arguments of the acknowledgement."""
        answer = queue.Queue()
        self.io.emit(event, args, namespace=namespace, callback=lambda *args: answer.put(args))
        try:
            return list(answer.get(timeout=DEADLINE))
        except queue.Empty:
            raise AssertionError(f"no answer to `{event}` within {DEADLINE} s") from None

    def ask1(self, event, *args, namespace="/"):
        (answer,) = self.ask(event, *args, namespace=namespace)
        return answer

    def fence(self, namespace="/"):
        """What the server sent before now has arrived after this: sockets receive in order."""
        self.ask("echo-ack", namespace=namespace)


class Case(unittest.TestCase):
    """Closes the clients of each test."""

    def connect(self, *args, **kwargs):
        client = Client(*args, **kwargs)
        self.addCleanup(client.close)
        return client.connect()

    def eventually(self, look, what):
        end = threading.Event()
        timer = threading.Timer(DEADLINE, end.set)
        timer.start()
        try:
            while not look():
                if end.wait(0.01):
                    self.fail(f"never: {what}")
        finally:
            timer.cancel()
