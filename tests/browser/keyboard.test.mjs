// Everything without a mouse.

import assert from "node:assert/strict";
import { test } from "node:test";

import { stage, Visitor } from "./support.mjs";

const chat = stage();

const focused = (visitor) => visitor.page.evaluate(() => document.activeElement.id);

test("one comes in, talks, and goes from room to room by keys alone", async () => {
  const ada = await Visitor.arrive(chat, { hash: "#keys" });
  const { keyboard } = ada.page;
  assert.equal(await focused(ada), "name");
  await keyboard.type("Ada");
  await keyboard.press("Enter");
  await ada.isInRoom();
  assert.equal(await focused(ada), "text");
  await keyboard.type("By keys");
  await keyboard.press("Enter");
  await ada.sees("By keys");

  await keyboard.press("Control+k");
  assert.equal(await focused(ada), "join-name");
  await keyboard.type("Second Room");
  await keyboard.press("Enter");
  await ada.reads("#room-name", "second-room");
  assert.equal(await focused(ada), "text");
  await ada.isInRoom();
  await keyboard.type("In the second");
  await keyboard.press("Enter");
  await ada.sees("In the second");

  await keyboard.press("Alt+ArrowUp");
  await ada.reads("#room-name", "keys");
  await keyboard.press("Alt+ArrowDown");
  await ada.reads("#room-name", "second-room");
  await ada.leave();
});

test("unread messages are one key away", async () => {
  const ada = await chat.visit("Ada", { hash: "#near" });
  const bo = await chat.visit("Bo", { hash: "#far" });
  await ada.goTo("far");
  await ada.goTo("near");
  await bo.say("over here");
  await ada.page.locator(".badge").waitFor();
  await ada.page.keyboard.press("Alt+n");
  await ada.reads("#room-name", "far");
  await ada.sees("over here");
  await ada.leave();
  await bo.leave();
});

test("the shortcuts are listed, and Escape leads back to the message", async () => {
  const ada = await chat.visit("Ada");
  const { keyboard, page } = { keyboard: ada.page.keyboard, page: ada.page };
  await keyboard.press("Control+/");
  await page.locator("#keys-dialog[open]").waitFor();
  assert.ok((await page.locator("#key-list dt").count()) >= 8);
  await keyboard.press("Escape");
  await page.locator("#keys-dialog:not([open])").waitFor({ state: "attached" });
  assert.equal(await focused(ada), "text");
  await keyboard.press("Alt+m");
  assert.equal(await focused(ada), "timeline");
  await keyboard.press("Escape");
  assert.equal(await focused(ada), "text");
  await ada.leave();
});

test("everything that can be clicked is reached by Tab, in a sensible order and visibly", async () => {
  const ada = await chat.visit("Ada", { hash: "#tab" });
  await ada.goTo("tab-too");
  await ada.page.locator("#text").fill("something to send");
  // From the top of the page on.
  await ada.page.evaluate(() => document.querySelector(".skip").focus());
  const order = [];
  while (order.at(-1) !== "send") {
    const [name, seen] = await ada.page.evaluate(() => {
      const shown = (element) => {
        const { outlineStyle, boxShadow } = getComputedStyle(element);
        return outlineStyle !== "none" || boxShadow !== "none";
      };
      const element = document.activeElement;
      const form = element.closest("form");
      return [element.id || element.getAttribute("href") || element.tagName, shown(element) || (form !== null && shown(form))];
    });
    assert.ok(seen, `the focus on ${name} can be seen`);
    assert.ok(!order.includes(name), `${name} is reached twice; the order is ${order.join(", ")}`);
    order.push(name);
    await ada.page.keyboard.press("Tab");
  }
  for (const wanted of ["#text", "join-name", "#tab", "#tab-too", "#lobby", "change-name", "show-keys", "leave-room", "timeline", "text", "send"]) {
    assert.ok(order.includes(wanted), `${wanted} is reached; the order is ${order.join(", ")}`);
  }
  assert.ok(order.indexOf("join-name") < order.indexOf("timeline"));
  assert.ok(order.indexOf("text") < order.indexOf("send"));
  await ada.leave();
});

test("a screen reader is told of messages and of the connection, and every control has a name", async () => {
  const ada = await chat.visit("Ada", { hash: "#heard" });
  const bo = await chat.visit("Bo", { hash: "#heard" });
  await bo.say("Can you hear me?");
  await ada.page.locator("#announcer p", { hasText: "Bo: Can you hear me?" }).waitFor({ state: "attached" });
  assert.equal(await ada.page.locator("#status").getAttribute("role"), "status");
  const nameless = await ada.page.evaluate(() => {
    const named = (element) =>
      element.getAttribute("aria-label") || element.textContent.trim() || element.labels?.[0]?.textContent;
    return [...document.querySelectorAll("button, a, input, textarea")].filter((one) => !named(one)).map((one) => one.outerHTML);
  });
  assert.deepEqual(nameless, []);
  await ada.leave();
  await bo.leave();
});
