// Narrow and wide, light and dark.

import assert from "node:assert/strict";
import { test } from "node:test";

import { stage } from "./support.mjs";

const chat = stage();
const PHONE = { viewport: { width: 375, height: 667 }, isMobile: true, hasTouch: true };

const widths = (visitor) => visitor.page.evaluate(() => [document.documentElement.scrollWidth, window.innerWidth]);

test("on a narrow screen nothing sticks out, however long a word is", async () => {
  const ada = await chat.visit("Ada", { ...PHONE, hash: "#narrow" });
  const bo = await chat.visit("B".repeat(40), { hash: "#narrow" });
  await bo.say("W".repeat(400));
  await bo.say(`https://example.com/${"a/".repeat(150)}`);
  await ada.say("and an own one: " + "x".repeat(200));
  await ada.page.locator(".message").nth(2).waitFor();
  assert.deepEqual(await widths(ada), [375, 375]);
  const outside = await ada.page.evaluate(() =>
    [...document.querySelectorAll(".talk *")].filter((one) => {
      const { left, right, width } = one.getBoundingClientRect();
      return width > 1 && (left < -1 || right > 376) && getComputedStyle(one).visibility !== "hidden";
    }).map((one) => one.outerHTML.slice(0, 120)),
  );
  assert.deepEqual(outside, []);
  await ada.leave();
  await bo.leave();
});

test("on a narrow screen rooms and people slide in, and one can change rooms there", async () => {
  const ada = await chat.visit("Ada", { ...PHONE, hash: "#small" });
  const { page } = ada;
  assert.equal(await page.locator("#rooms").isVisible(), false);
  await page.locator("#rooms-open").tap();
  await page.locator("#rooms.open").waitFor();
  assert.deepEqual(await widths(ada), [375, 375]);
  await page.locator('#other-rooms a[href="#river"]').tap();
  await ada.reads("#room-name", "river");
  await page.locator("#rooms:not(.open)").waitFor({ state: "attached" });
  await ada.isInRoom();
  await page.locator("#people-open").tap();
  await page.locator("#people.open").waitFor();
  await ada.seesPeople("Ada");
  await page.locator("#people-close").tap();
  await page.locator("#people:not(.open)").waitFor({ state: "attached" });
  await page.locator("#text").tap();
  await ada.say("from a phone");
  await ada.leave();
});

test("what can be touched is large enough", async () => {
  const ada = await chat.visit("Ada", { ...PHONE, hash: "#touch" });
  for (const id of ["rooms-open", "people-open", "leave-room", "send"]) {
    const { width, height } = await ada.page.locator(`#${id}`).boundingBox();
    assert.ok(width >= 36 && height >= 36, `${id} is ${width} × ${height}`);
  }
  await ada.leave();
});

// The contrast of an element's text with the first background below it, as WCAG 2 counts it.
function contrast(selector) {
  const luminance = (colour) => {
    const [r, g, b] = colour.match(/[\d.]+/g).map((part) => {
      const value = Number(part) / 255;
      return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const element = document.querySelector(selector);
  let below = element;
  while (getComputedStyle(below).backgroundColor === "rgba(0, 0, 0, 0)") below = below.parentElement;
  const one = luminance(getComputedStyle(element).color);
  const other = luminance(getComputedStyle(below).backgroundColor);
  return (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
}

test("it is dark where the reader likes it dark, and can be read both ways", async () => {
  const backgrounds = [];
  for (const colorScheme of ["light", "dark"]) {
    const ada = await chat.visit("Ada", { colorScheme, hash: `#${colorScheme}` });
    const bo = await chat.visit("Bo", { colorScheme, hash: `#${colorScheme}` });
    await ada.say("own");
    await bo.say("of another");
    await ada.sees("own", "of another");
    for (const text of [".own .words", ".other .words", ".other time", ".speaker", "#room-people", ".room", ".rooms-title", "#text-hint", ".me-status"]) {
      const seen = await ada.page.evaluate(contrast, text);
      assert.ok(seen >= 4.5, `${text} has a contrast of ${seen.toFixed(2)} when it is ${colorScheme}`);
    }
    backgrounds.push(await ada.page.evaluate(() => getComputedStyle(document.body).backgroundColor));
    await ada.leave();
    await bo.leave();
  }
  assert.notEqual(backgrounds[0], backgrounds[1]);
});

test("a conversation stays at its end, and says so when the reader has scrolled up", async () => {
  const ada = await chat.visit("Ada", { hash: "#long" });
  const bo = await chat.visit("Bo", { hash: "#long" });
  for (let n = 0; n < 25; n += 1) await bo.say(`line ${n}\n`.repeat(3).trim());
  const atEnd = () => {
    const box = document.getElementById("timeline");
    return box.scrollHeight - box.clientHeight - box.scrollTop < 80;
  };
  await ada.page.waitForFunction(() => document.querySelectorAll(".message").length === 25);
  await ada.page.waitForFunction(atEnd);
  await ada.page.evaluate(() => document.getElementById("timeline").scrollTo(0, 0));
  await ada.page.locator("#to-end").waitFor();
  await bo.say("news");
  await ada.reads("#to-end-words", "1 new message");
  await ada.page.locator("#to-end").click();
  await ada.page.waitForFunction(atEnd);
  await ada.page.locator("#to-end").waitFor({ state: "hidden" });
  await ada.leave();
  await bo.leave();
});
