// Connections and servers come and go; messages stay.

import assert from "node:assert/strict";
import { test } from "node:test";

import { stage } from "./support.mjs";

const chat = stage();
const forgetful = stage({ arguments: ["--memory"] });

test("a server that is killed and started again loses and doubles nothing", async () => {
  const visitors = [];
  for (const name of ["Ada", "Bo", "Chidi"]) visitors.push(await chat.visit(name, { hash: "#restart" }));
  const [a, b, c] = visitors;
  await a.say("before 1");
  await b.say("before 2");
  for (const visitor of visitors) await visitor.sees("before 1", "before 2");

  await chat.server.kill();
  for (const visitor of visitors) await visitor.status("reconnecting");
  await c.write("meanwhile 1");
  await c.write("meanwhile 2");
  await c.sees("before 1", "before 2", "meanwhile 1", "meanwhile 2");
  assert.equal(await c.page.locator(".message.own.pending").count(), 2);
  await c.page.locator("#banner", { hasText: "2 messages will be sent" }).waitFor();
  assert.equal(await b.page.locator("#people.stale").count(), 1, "nobody can know who is here");

  await chat.server.start();
  for (const visitor of visitors) await visitor.isInRoom();
  await a.sees("before 1", "before 2", "meanwhile 1", "meanwhile 2");
  await b.say("after");
  for (const visitor of visitors) {
    await visitor.sees("before 1", "before 2", "meanwhile 1", "meanwhile 2", "after");
    await visitor.seesPeople("Ada", "Bo", "Chidi");
    assert.equal(await visitor.page.locator(".line.note").count(), 0);
    assert.equal(await visitor.page.locator(".message.pending").count(), 0);
  }

  const late = await chat.visit("Late", { hash: "#restart" });
  await late.sees("before 1", "before 2", "meanwhile 1", "meanwhile 2", "after");
  for (const visitor of [...visitors, late]) await visitor.leave();
});

test("a server that keeps nothing loses nothing of what the pages show, and they draw a line under it", async () => {
  const ada = await forgetful.visit("Ada", { hash: "#forgotten" });
  const bo = await forgetful.visit("Bo", { hash: "#forgotten" });
  await ada.say("before");
  await bo.sees("before");
  await forgetful.server.kill();
  await ada.status("reconnecting");
  await ada.write("meanwhile");
  await forgetful.server.start();
  for (const visitor of [ada, bo]) {
    await visitor.sees("before", "meanwhile");
    await visitor.seesPeople("Ada", "Bo");
    assert.equal(await visitor.page.locator(".line.note").count(), 1);
    await visitor.leave();
  }
});

test("a page that was offline gets what it missed, and sends what it could not", async () => {
  const ada = await chat.visit("Ada", { hash: "#offline" });
  const bo = await chat.visit("Bo", { hash: "#offline" });
  await ada.say("one");
  await bo.sees("one");

  await bo.context.setOffline(true);
  await bo.status("offline");
  await bo.write("from the tunnel");
  await ada.say("two");
  await ada.say("three");
  await bo.sees("one", "from the tunnel");

  await bo.context.setOffline(false);
  await bo.isInRoom();
  await bo.sees("one", "two", "three", "from the tunnel");
  await ada.sees("one", "two", "three", "from the tunnel");
  assert.equal(await bo.page.locator(".line.note").count(), 0);
  await ada.leave();
  await bo.leave();
});

test("what was written without a connection survives that the page is loaded again", async () => {
  const ada = await chat.visit("Ada", { hash: "#reload" });
  await ada.say("sent");
  await ada.context.setOffline(true);
  await ada.status("offline");
  await ada.write("not sent yet");
  await ada.sees("sent", "not sent yet");
  await ada.context.setOffline(false);
  await ada.page.reload();
  await ada.isInRoom();
  await ada.sees("sent", "not sent yet");
  await ada.page.locator(".message.pending").waitFor({ state: "detached" });
  await ada.leave();
});

test("many messages written in one go arrive in their order", async () => {
  const ada = await chat.visit("Ada", { hash: "#many" });
  const bo = await chat.visit("Bo", { hash: "#many" });
  await chat.server.kill();
  await ada.status("reconnecting");
  const texts = Array.from({ length: 60 }, (_, n) => `number ${n}`);
  for (const text of texts) await ada.write(text);
  await chat.server.start();
  await ada.sees(...texts);
  await bo.sees(...texts);
  await ada.page.locator(".message.pending").first().waitFor({ state: "detached" });
  await bo.sees(...texts);
  await ada.leave();
  await bo.leave();
});
