"""Connecting, being refused, being sent away, coming back."""

import queue
import unittest

import socketio

from support import DEADLINE, MODE, URL, Case, Client


class Lifecycle(Case):
    def test_the_handshake_shows_auth_headers_and_namespace(self):
        client = self.connect(["/custom"], auth={"user": "zoë"}, headers={"X-Fish": "sockeye"})
        handshake = client.ask1("handshake", namespace="/custom")
        self.assertEqual(handshake["auth"], {"user": "zoë"})
        self.assertEqual(handshake["headers"]["x-fish"], "sockeye")
        self.assertEqual(handshake["query"]["EIO"], "4")
        self.assertEqual((handshake["nsp"], handshake["eio"]), ("/custom", 4))

    def test_the_transport_is_the_one_that_was_asked_for(self):
        client = self.connect()
        expected = "polling" if MODE == "polling" else "websocket"
        self.assertEqual(client.io.transport(), expected)
        self.assertEqual(client.ask1("transport"), expected)
        self.assertEqual(client.ask1("id"), client.io.get_sid())

    def test_namespaces_on_one_connection_are_apart(self):
        client = self.connect(["/", "/custom"])
        for namespace in ["/", "/custom"]:
            answer = client.ask1("handshake", namespace=namespace)
            self.assertEqual(answer["nsp"], namespace)
        client.emit("kick", False, namespace="/custom")
        self.eventually(lambda: "/custom" not in client.io.namespaces, "kicked from /custom")
        self.assertEqual(client.ask("echo-ack", "alive"), ["alive"])

    def refusal(self, namespace, **kwargs):
        client = Client([namespace], **kwargs)
        self.addCleanup(client.close)
        heard = queue.Queue()
        client.io.on("connect_error", heard.put, namespace=namespace)
        with self.assertRaises(socketio.exceptions.ConnectionError):
            client.connect()
        return heard.get(timeout=DEADLINE)

    def test_a_refusal_carries_message_and_data(self):
        expected = {"message": "not authorized", "data": {"code": "E_AUTH", "retryAfter": 5}}
        self.assertEqual(self.refusal("/auth", auth={"token": "wrong"}), expected)
        self.assertEqual(self.refusal("/nowhere"), {"message": "Invalid namespace"})

    def test_a_token_opens_the_door(self):
        for kwargs, user in [
            ({"auth": {"token": "secret", "user": "ann"}}, "ann"),
            ({"url": f"{URL}?token=secret"}, None),
        ]:
            client = Client(["/auth"], **kwargs).listen("welcome", "/auth")
            self.addCleanup(client.close)
            client.connect()
            self.assertEqual(client.next_of("welcome", "/auth"), [{"user": user}])

    def test_a_lost_connection_is_noticed_and_replaced(self):
        client = Client(reconnection=True).listen("connect").listen("disconnect")
        self.addCleanup(client.close)
        client.connect()
        client.next_of("connect")
        before = client.io.get_sid()
        client.emit("kill-transport")
        client.next_of("disconnect")
        if MODE == "polling":
            # There this client takes a close packet for its own wish, and stays away.
            client = self.connect()
        else:
            client.next_of("connect")
        self.assertNotEqual(client.io.get_sid(), before)
        self.assertEqual(client.ask("echo-ack", "again"), ["again"])

    def test_why_a_socket_went_is_remembered(self):
        observer = self.connect()
        for leave, reason in [
            (lambda client: client.emit("kick", False), "server namespace disconnect"),
            (lambda client: client.emit("kill-transport"), "forced close"),
        ]:
            client = self.connect()
            gone = client.io.get_sid()
            leave(client)
            self.eventually(lambda: observer.ask1("reason-of", gone) is not None, "a reason")
            self.assertEqual(observer.ask1("reason-of", gone), reason)


if __name__ == "__main__":
    unittest.main()
