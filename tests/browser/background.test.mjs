// A tab in the background: nobody looks at it and its timers are slow, and it has every message all the same.

import assert from "node:assert/strict";
import { after, test } from "node:test";

import { Line } from "../delivery/proxy.cjs";
import { stage, withoutWebSocket } from "./support.mjs";
import { background, HIDDEN_SINCE, Window } from "./window.mjs";

const chat = stage();

const lines = [];
after(() => lines.forEach((line) => line.close()));

/** A line to the server that can be cut, and how a page is told to take it. */
async function newLine() {
  const line = await Line.to(chat.server.port);
  lines.push(line);
  return { line, url: `http://127.0.0.1:${line.port}/` };
}

/** Ada, whom everybody sees, and Bo, whose tab is covered. */
async function adaAndHiddenBo(hash, options) {
  const ada = await chat.visit("Ada", { hash });
  const window = await Window.open();
  const bo = await chat.visit("Bo", { hash, window, ...options });
  await window.cover(bo.page);
  return { ada, bo };
}

async function isHiddenSince(visitor) {
  assert.deepEqual(await background(visitor.page), HIDDEN_SINCE);
}

/** Waits until the last message of a visitor has been delivered to so many of one. */
async function reached(visitor, count) {
  await visitor.reads(`.message.own:last-child .mark[title='Stored, and delivered to ${count} of 1']`, "");
}

/** Waits until so many messages of a visitor have been delivered to the other one. */
async function delivered(visitor, messages) {
  await visitor.page.waitForFunction((messages) => {
    const marks = document.querySelectorAll(".message.own .mark.checks[title='Stored, and delivered to 1 of 1']");
    return marks.length === messages;
  }, messages);
}

/** A connection that the visitor has lost, and that the server believes in; `line.up` ends that. */
async function loses(visitor, line) {
  line.down();
  line.halfOpen();
  await visitor.reads("#app[data-status='reconnecting'] #my-name", "Bo");
}

async function leave(...visitors) {
  for (const visitor of visitors) await visitor.leave();
}

/** Runs in a page: resolves when so many timers of 50 ms have run, one after the other. */
async function runTimers(count) {
  for (let n = 0; n < count; n += 1) await new Promise((resolve) => setTimeout(resolve, 50));
}

test("ten timers of a covered tab take longer than forty of the tab in front", async () => {
  const window = await Window.open();
  const bo = await chat.visit("Bo", { hash: "#timers", window });
  const front = await window.cover(bo.page);
  const covered = bo.page.evaluate(runTimers, 10).then(() => "covered");
  const inFront = front.evaluate(runTimers, 40).then(() => "in front");
  assert.equal(await Promise.race([covered, inFront]), "in front");
  await isHiddenSince(bo);
  await covered;
  await bo.leave();
});

for (const [how, script] of [["WebSocket", null], ["polling", withoutWebSocket]]) {
  test(`what is said to a hidden tab by ${how} is marked as delivered while it is hidden`, async () => {
    const { ada, bo } = await adaAndHiddenBo(`#hidden-${how}`, { script });
    await isHiddenSince(bo);
    for (const text of ["one", "two", "three"]) {
      await ada.say(text);
      await reached(ada, 1);
      await isHiddenSince(bo);
    }
    await bo.sees("one", "two", "three");
    await isHiddenSince(bo);
    await leave(ada, bo);
  });
}

test("a hidden tab whose connection is cut gets all of it once, and the ticks are completed, while it is hidden", async () => {
  const { line, url } = await newLine();
  const { ada, bo } = await adaAndHiddenBo("#cut", { url });
  const texts = ["before"];
  await ada.say("before");
  await reached(ada, 1);
  for (let round = 1; round <= 3; round += 1) {
    await loses(bo, line);
    for (let n = 1; n <= 3; n += 1) {
      texts.push(`${n} of round ${round}`);
      await ada.say(texts.at(-1));
    }
    await reached(ada, 0);
    await isHiddenSince(bo);
    line.up();
    await delivered(ada, texts.length);
    await bo.sees(...texts);
    await isHiddenSince(bo);
  }
  assert.equal(await bo.page.locator(".line.note").count(), 0);
  await leave(ada, bo);
});

test("a hidden tab gets all of it once from a server that was killed, and stays hidden", async () => {
  const { line, url } = await newLine();
  const { ada, bo } = await adaAndHiddenBo("#kill", { url });
  await ada.say("before");
  await reached(ada, 1);
  await loses(bo, line);
  await ada.say("stored, and not seen");
  await reached(ada, 0);
  await chat.server.kill();
  await ada.status("reconnecting");
  await ada.write("written meanwhile");
  await isHiddenSince(bo);
  line.up();
  await chat.server.start();
  await reached(ada, 1);
  await bo.sees("before", "stored, and not seen", "written meanwhile");
  await chat.server.kill();
  await ada.status("reconnecting");
  await ada.write("after a second time");
  await chat.server.start();
  await reached(ada, 1);
  await bo.sees("before", "stored, and not seen", "written meanwhile", "after a second time");
  await isHiddenSince(bo);
  assert.equal(await bo.page.locator(".line.note").count(), 0);
  await leave(ada, bo);
});

test("a page that is frozen has no message, and has it when it is awake again", async () => {
  const { ada, bo } = await adaAndHiddenBo("#frozen");
  const browser = await bo.context.newCDPSession(bo.page);
  await ada.say("one");
  await reached(ada, 1);
  await bo.sees("one");
  await browser.send("Page.setWebLifecycleState", { state: "frozen" });
  await ada.say("two");
  await reached(ada, 0);
  assert.deepEqual(await bo.page.locator(".message .words").allTextContents(), ["one"]);
  await browser.send("Page.setWebLifecycleState", { state: "active" });
  await delivered(ada, 2);
  await bo.sees("one", "two");
  await isHiddenSince(bo);
  await leave(ada, bo);
});
