// What is said is kept: over the death of the server, over reloads, and further up than a page shows at first.

import assert from "node:assert/strict";
import { test } from "node:test";

import { stage } from "./support.mjs";

const chat = stage();
const impatient = stage({ arguments: ["--away", "1"] });

const shows = (visitor, messages) =>
  visitor.page.waitForFunction((messages) => document.querySelectorAll(".message").length >= messages, messages);

const texts = (visitor) => visitor.page.locator(".message .words").allTextContents();

const ticks = (visitor, kind) => visitor.page.locator(`.message.own .mark.${kind}`).count();

test("a server that is killed in the middle of a conversation delivers each message once, in one order, with ticks", async () => {
  const names = ["Ada", "Bo", "Chidi"];
  const visitors = [];
  for (const name of names) visitors.push(await chat.visit(name, { hash: "#kill" }));
  const own = (name) => Array.from({ length: 25 }, (_, n) => `${name} ${n}`);
  const talking = visitors.map(async (visitor, number) => {
    for (const text of own(names[number])) await visitor.write(text);
  });
  for (const enough of [10, 40]) {
    await shows(visitors[0], enough);
    await chat.server.kill();
    await chat.server.start();
  }
  await Promise.all(talking);
  for (const visitor of visitors) {
    await shows(visitor, 75);
    await visitor.page.locator(".message.pending").first().waitFor({ state: "detached" });
  }
  const order = await texts(visitors[0]);
  assert.deepEqual([...order].sort(), names.flatMap(own).sort());
  for (const [number, visitor] of visitors.entries()) {
    await visitor.sees(...order);
    assert.deepEqual(order.filter((text) => text.startsWith(names[number])), own(names[number]));
    assert.equal((await ticks(visitor, "check")) + (await ticks(visitor, "checks")), 25);
    await visitor.seesPeople(...names);
    assert.equal(await visitor.page.locator(".line.note").count(), 0);
  }
  await visitors[0].say("all there?");
  await visitors[0].reads(".message.own:last-child .mark.checks[title='Stored, and delivered to 2 of 2']", "");
  for (const visitor of visitors) await visitor.leave();
});

test("who has a message is told after a restart, too, if the server was killed before it knew", async () => {
  const ada = await chat.visit("Ada", { hash: "#receipts" });
  const bo = await chat.visit("Bo", { hash: "#receipts" });
  const address = bo.page.url();
  await bo.page.goto("about:blank");
  await ada.say("is anybody there?");
  await ada.reads(".message.own .mark.check[title='Stored, and delivered to 0 of 1']", "");
  await chat.server.kill();
  await chat.server.start();
  await ada.isInRoom();
  await bo.page.goto(address);
  await bo.sees("is anybody there?");
  await ada.reads(".message.own .mark.checks[title='Stored, and delivered to 1 of 1']", "");
  for (const visitor of [ada, bo]) await visitor.leave();
});

test("a page that is loaded again goes on in its session, with the conversation and its own ticks", async () => {
  const ada = await chat.visit("Ada", { hash: "#again" });
  const bo = await chat.visit("Bo", { hash: "#again" });
  await ada.say("one");
  await bo.say("two");
  await ada.reads(".message.own .mark.checks[aria-label='Stored, and delivered to 1 of 1']", "");
  const address = ada.page.url();
  await ada.page.goto("about:blank");
  await bo.say("three");
  const greeting = ada.page.waitForRequest((request) => /^40\{"pid":"/.test(request.postData() ?? ""));
  await ada.page.goto(address);
  await greeting;
  await ada.isInRoom();
  await ada.sees("one", "two", "three");
  assert.equal(await ticks(ada, "checks"), 1);
  await bo.say("four");
  await ada.sees("one", "two", "three", "four");
  for (const visitor of [ada, bo]) {
    await visitor.seesPeople("Ada", "Bo");
    await visitor.leave();
  }
});

test("a copy of a window is a second window, and takes nothing from the first", async () => {
  const ada = await chat.visit("Ada", { hash: "#copy" });
  const bo = await chat.visit("Bo", { hash: "#copy" });
  await ada.say("in the first");
  const kept = await ada.page.evaluate(() => ({ ...sessionStorage }));
  const copy = await ada.context.newPage();
  await copy.addInitScript((kept) => Object.assign(sessionStorage, kept), kept);
  await copy.goto(ada.page.url());
  await copy.locator(".message.own", { hasText: "in the first" }).waitFor();
  await copy.locator("#text").fill("in the second");
  await copy.locator("#text").press("Enter");
  await bo.say("to both");
  await ada.sees("in the first", "in the second", "to both");
  await copy.locator(".message", { hasText: "to both" }).waitFor();
  await bo.seesPeople("Ada", "Bo");
  await copy.close();
  await ada.say("still here");
  await bo.sees("in the first", "in the second", "to both", "still here");
  assert.equal(await bo.page.locator(".is-away").count(), 0);
  await ada.leave();
  await bo.leave();
});

test("older messages come when the reader goes up, and what is read stays where it is", async () => {
  const said = [];
  // As fast as the server lets each of them.
  for (const name of ["Ada", "Bo", "Chidi"]) {
    const speaker = await chat.visit(name, { hash: "#up" });
    for (let n = 0; n < 38; n += 1) {
      said.push(`${name} says ${n}`);
      await speaker.write(said.at(-1));
    }
    await shows(speaker, Math.min(said.length, 50 + 38));
    await speaker.page.locator(".message.pending").first().waitFor({ state: "detached" });
    await speaker.leave();
  }
  const late = await chat.visit("Late", { hash: "#up" });
  await late.sees(...said.slice(-50));
  for (const wanted of [100, said.length]) {
    const before = await late.page.evaluate(() => {
      const timeline = document.getElementById("timeline");
      timeline.scrollTo(0, 200);
      const edge = timeline.getBoundingClientRect().top;
      const first = [...document.querySelectorAll(".message")].find((one) => one.getBoundingClientRect().top > edge);
      return { key: first.dataset.key, top: first.getBoundingClientRect().top };
    });
    await late.sees(...said.slice(-wanted));
    const top = await late.page.evaluate((key) => document.querySelector(`[data-key="${key}"]`).getBoundingClientRect().top, before.key);
    assert.ok(Math.abs(top - before.top) < 2, `it was at ${before.top} and is at ${top}`);
  }
  assert.equal(await late.page.locator(".line.more").count(), 0);
  await late.leave();
});

test("whoever does not come back is away first, and then gone, also when the server has been killed meanwhile", async () => {
  const visitors = [];
  for (const name of ["Ada", "Bo", "Chidi"]) visitors.push(await impatient.visit(name, { hash: "#gone" }));
  const [ada, bo, chidi] = visitors;
  await ada.seesPeople("Ada", "Bo", "Chidi");
  await chidi.leave();
  await ada.seesPeople("Ada", "Bo");
  await impatient.server.kill();
  await bo.leave();
  await impatient.server.start();
  await ada.isInRoom();
  await ada.seesPeople("Ada");
  await ada.leave();
});
