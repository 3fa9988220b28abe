// Several workers, and pages that have nothing but polling: each request may come to another thread.

import assert from "node:assert/strict";
import { test } from "node:test";

import { stage, withoutWebSocket } from "./support.mjs";

const chat = stage({ arguments: ["--workers", "2"] });

const NAMES = ["Ada", "Bo", "Chidi", "Dede", "Eve", "Fyn"];

test("six pages that poll in parallel talk through two workers, and nothing is lost or doubled", async () => {
  const visitors = [];
  const polls = new Map();
  for (const name of NAMES) {
    const visitor = await chat.visit(name, { hash: "#poll", script: withoutWebSocket });
    visitor.page.on("request", (request) => {
      if (request.url().includes("transport=polling")) polls.set(name, (polls.get(name) ?? 0) + 1);
    });
    visitor.page.on("websocket", () => assert.fail("this page has no WebSocket"));
    visitors.push(visitor);
  }
  const said = [];
  for (let round = 0; round < 5; round += 1) {
    for (const [number, visitor] of visitors.entries()) {
      said.push(`${NAMES[number]} ${round}`);
      await visitor.say(said.at(-1));
    }
  }
  for (const visitor of visitors) {
    await visitor.sees(...said);
    await visitor.seesPeople(...NAMES);
  }
  for (const name of NAMES) assert.ok(polls.get(name) >= 5, `${name} polls`);
  for (const visitor of visitors) await visitor.leave();
});
