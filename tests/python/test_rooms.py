"""Rooms and audiences."""

import unittest

from support import Case, unique


class Rooms(Case):
    def setUp(self):
        self.event = unique("événement 🐟")
        self.room = unique("salle ü")

    def members(self, count):
        return [self.connect().listen(self.event) for _ in range(count)]

    def heard(self, clients):
        for client in clients:
            client.fence()
        return [client.all_of(self.event) for client in clients]

    def test_joining_and_leaving_shows_in_the_list(self):
        client = self.connect()
        self.assertIs(client.ask1("join", ["b", "a", "é"]), True)
        self.assertEqual(client.ask1("rooms"), ["a", "b", "é"])
        self.assertIs(client.ask1("leave", "a"), True)
        self.assertEqual(client.ask1("rooms"), ["b", "é"])

    def test_each_audience_is_who_it_says(self):
        a, b, c = clients = self.members(3)
        a.ask("join", self.room)
        b.ask("join", self.room)
        for index, (emit, rest) in enumerate(
            [
                ("to-room", [self.room]),
                ("in-room", [self.room]),
                ("except-room", [self.room]),
                ("broadcast", []),
                ("to-all", []),
            ]
        ):
            a.emit(emit, *rest, self.event, {"n": index, "bytes": b"x"})
        a.fence()
        each = [[args[0]["n"] for args in heard] for heard in self.heard(clients)]
        self.assertEqual(each, [[1, 4], [0, 1, 3, 4], [2, 3, 4]])

    def test_counting_moving_and_dismissing_a_room(self):
        a, b, outside = self.members(3)
        other = unique("salle")
        a.ask("join", self.room)
        b.ask("join", self.room)
        self.assertEqual(outside.ask1("count", self.room), 2)
        self.assertIs(outside.ask1("room-join", self.room, other), True)
        self.assertEqual(outside.ask1("count", other), 2)
        outside.emit("disconnect-room", other)
        self.eventually(lambda: not a.io.namespaces and not b.io.namespaces, "both are sent away")
        self.assertEqual(outside.ask1("count", other), 0)


if __name__ == "__main__":
    unittest.main()
