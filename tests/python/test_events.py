"""Events and their arguments."""

import unittest

from support import Case, unique


class Events(Case):
    def echo(self, client, *args):
        client.listen("echo-back")
        client.emit("echo", *args)
        return client.next_of("echo-back")

    def test_every_kind_of_json_value_comes_back_unchanged(self):
        client = self.connect()
        self.assertEqual(self.echo(client), [])
        args = [None, True, False, 0, -1, 1.5, 1e300, 0.1 + 0.2, "", "text", [], {}, [[[]], [None]]]
        args.append({"a": {"b": [1, {"c": "d"}]}, "": " "})
        self.assertEqual(self.echo(client, *args), args)

    def test_integers_of_64_bits_and_more_come_back_to_the_last_digit(self):
        client = self.connect()
        args = [2**53 + 1, 2**63 - 1, -(2**63), 2**64 - 1, 2**100]
        self.assertEqual(self.echo(client, *args), args)

    def test_unicode_goes_both_ways_in_text_and_in_event_names(self):
        client = self.connect()
        for text in ["Ä Ö ü ß", "Привет", "日本語", "🐟🌊", "\x00\x01\x1e\x7f", '"quoted" \\ / \n']:
            self.assertEqual(self.echo(client, text, {text: text}), [text, {text: text}])
            event = unique(text)
            client.listen(event)
            client.emit("to-all", event, text)
            self.assertEqual(client.next_of(event), [text])

    def test_binary_anywhere_comes_back_as_binary(self):
        client = self.connect()
        args = [b"\x00\x01\xff", {"a": b"deep", "b": [b"", {"c": b"x"}], "d": "text"}, "between"]
        self.assertEqual(self.echo(client, *args), args)

    def test_a_burst_arrives_complete_and_in_order(self):
        client = self.connect().listen("burst")
        client.emit("burst", 500)
        order = [client.next_of("burst") for _ in range(500)]
        self.assertEqual(order, [[index] for index in range(500)])

    def test_text_and_binary_keep_their_order_among_each_other(self):
        client = self.connect().listen("echo-back")
        for index in range(100):
            client.emit("echo", index, b"x" if index % 3 == 0 else "x")
        order = [client.next_of("echo-back")[0] for _ in range(100)]
        self.assertEqual(order, list(range(100)))

    def test_a_megabyte_goes_up_and_down(self):
        client = self.connect()
        size = 1024 * 1024
        self.assertEqual(client.ask1("big", size, "text"), "x" * size)
        self.assertEqual(client.ask1("big", size, "binary"), b"\xab" * size)
        self.assertEqual(client.ask1("echo-ack", "y" * size), "y" * size)
        self.assertEqual(client.ask1("echo-ack", b"z" * size), b"z" * size)


if __name__ == "__main__":
    unittest.main()
