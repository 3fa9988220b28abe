"""Acknowledgements, both ways."""

import unittest

from support import Case, unique


class Acks(Case):
    def test_the_server_answers_with_every_argument(self):
        client = self.connect()
        self.assertEqual(client.ask("echo-ack"), [])
        args = [1, "é", {"a": []}, b"\x00\xff", [{"b": b"nested"}], None]
        self.assertEqual(client.ask("echo-ack", *args), args)

    def test_the_client_answers_a_question_of_the_server(self):
        client = self.connect().listen("call-result")
        client.io.on("call", lambda *args: (len(args), b"bytes", {"text": "ü"}))
        client.emit("call-me", "one", b"two", 3)
        self.assertEqual(client.next_of("call-result"), [3, b"bytes", {"text": "ü"}])

    def test_the_client_may_answer_with_nothing(self):
        client = self.connect().listen("call-result")
        client.io.on("call", lambda *args: None)
        client.emit("call-me")
        self.assertEqual(client.next_of("call-result"), [])

    def test_the_server_learns_of_an_answer_in_time(self):
        client = self.connect().listen("call-timeout-result")
        client.io.on("call", lambda: None)
        client.emit("call-timeout", 20_000)
        self.assertEqual(client.next_of("call-timeout-result"), ["ok"])

    def test_a_room_is_asked_and_everybody_answers(self):
        room = unique("who")
        clients = {}
        for name in ["cod", "asp", "bass"]:
            clients[name] = self.connect()
            clients[name].io.on("who", lambda name=name: name)
            self.assertIs(clients[name].ask1("join", room), True)
        self.assertEqual(clients["cod"].ask1("who", room), ["asp", "bass", "cod"])


if __name__ == "__main__":
    unittest.main()
