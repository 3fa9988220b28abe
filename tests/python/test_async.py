"""The essentials once more with the asyncio client, which has other HTTP and WebSocket code below."""

import asyncio
import unittest

import socketio

from support import DEADLINE, MODE, TRANSPORTS, URL


class Asyncio(unittest.IsolatedAsyncioTestCase):
    async def connect(self, **kwargs):
        client = socketio.AsyncClient(
            reconnection_delay=0.02, reconnection_delay_max=0.1, **kwargs
        )
        await client.connect(URL, transports=TRANSPORTS, wait_timeout=DEADLINE)
        self.addAsyncCleanup(client.disconnect)
        return client

    async def test_events_and_acks_with_text_and_binary(self):
        client = await self.connect()
        heard = asyncio.Queue()
        client.on("echo-back", lambda *args: heard.put_nowait(list(args)))
        args = ["é", b"\x00\xff", {"deep": [b"x"]}, None, 1.5]
        await client.emit("echo", tuple(args))
        self.assertEqual(await asyncio.wait_for(heard.get(), DEADLINE), args)
        self.assertEqual(list(await client.call("echo-ack", tuple(args), timeout=DEADLINE)), args)

    async def test_a_megabyte_of_bytes_comes_back(self):
        client = await self.connect()
        size = 1024 * 1024
        self.assertEqual(await client.call("big", (size, "binary"), timeout=DEADLINE), b"\xab" * size)
        sent = bytes(range(256)) * 4096
        self.assertEqual(await client.call("echo-ack", sent, timeout=DEADLINE), sent)

    async def test_questions_in_flight_each_get_their_own_answer(self):
        client = await self.connect()
        asked = [client.call("echo-ack", index, timeout=DEADLINE) for index in range(100)]
        self.assertEqual(await asyncio.gather(*asked), list(range(100)))
        expected = "polling" if MODE == "polling" else "websocket"
        self.assertEqual(await client.call("transport", timeout=DEADLINE), expected)

    async def test_a_lost_connection_is_noticed_and_replaced(self):
        client = await self.connect()
        gone, back = asyncio.Event(), asyncio.Event()
        client.on("disconnect", lambda *args: gone.set())
        client.on("connect", back.set)
        await client.emit("kill-transport")
        await asyncio.wait_for(gone.wait(), DEADLINE)
        if MODE == "polling":
            # There this client takes a close packet for its own wish, and stays away.
            client = await self.connect()
        else:
            await asyncio.wait_for(back.wait(), DEADLINE)
        self.assertEqual(await client.call("echo-ack", "again", timeout=DEADLINE), "again")


if __name__ == "__main__":
    unittest.main()
