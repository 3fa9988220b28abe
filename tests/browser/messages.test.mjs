// Three people in the chat: messages, presence, typing, rooms.

import assert from "node:assert/strict";
import { test } from "node:test";

import { stage, Visitor } from "./support.mjs";

const chat = stage();

async function three(hash) {
  const visitors = [];
  for (const name of ["Ada", "Bo", "Chidi"]) visitors.push(await chat.visit(name, { hash }));
  return visitors;
}

async function leave(...visitors) {
  for (const visitor of visitors) await visitor.leave();
}

test("a message reaches every page in the room, and its writer learns that it is sent", async () => {
  const [ada, bo, chidi] = await three("#messages");
  await ada.say("Good morning");
  await bo.say("Morning, Ada");
  await chidi.say("Hello you two");
  for (const visitor of [ada, bo, chidi]) await visitor.sees("Good morning", "Morning, Ada", "Hello you two");
  await ada.reads(".message.own .mark.checks", "");
  assert.equal(await ada.page.locator(".message.other .speaker").first().textContent(), "Bo");
  await leave(ada, bo, chidi);
});

test("whoever comes later reads what was said before", async () => {
  const ada = await chat.visit("Ada", { hash: "#later" });
  await ada.say("one");
  await ada.say("two");
  const bo = await chat.visit("Bo", { hash: "#later" });
  await bo.sees("one", "two");
  await leave(ada, bo);
});

test("a message keeps its lines", async () => {
  const ada = await chat.visit("Ada", { hash: "#lines" });
  await ada.page.locator("#text").pressSequentially("first");
  await ada.page.keyboard.press("Shift+Enter");
  await ada.page.locator("#text").pressSequentially("second");
  await ada.page.keyboard.press("Enter");
  await ada.sees("first\nsecond");
  await leave(ada);
});

test("a message with control characters is not sent, and the page says why", async () => {
  const ada = await chat.visit("Ada", { hash: "#control" });
  await ada.write("in \u001b[31mred");
  await ada.reads("#text-left", "control characters");
  assert.ok(await ada.page.locator("#send").isDisabled());
  await ada.say("in\tblack");
  await ada.sees("in\tblack");
  await leave(ada);
});

test("everybody sees who is here, who is away, and who has gone", async () => {
  const [ada, bo, chidi] = await three("#presence");
  for (const visitor of [ada, bo, chidi]) await visitor.seesPeople("Ada", "Bo", "Chidi");
  await ada.reads("#room-people", "3 people here");
  await bo.goTo("presence-too");
  await bo.goTo("presence");
  await bo.page.locator("#leave-room").click();
  for (const visitor of [ada, chidi]) await visitor.seesPeople("Ada", "Chidi");
  await chidi.leave();
  await ada.reads("#room-people", "Only you are here");
  await ada.reads(".is-away .person-name", "Chidi");
  await leave(ada, bo);
});

test("a new name is seen by everybody at once", async () => {
  const ada = await chat.visit("Ada", { hash: "#rename" });
  const bo = await chat.visit("Bo", { hash: "#rename" });
  await ada.page.locator("#change-name").click();
  await ada.page.locator("#name").fill("Grace");
  await ada.page.locator("#name").press("Enter");
  for (const visitor of [ada, bo]) await visitor.seesPeople("Bo", "Grace");
  await ada.reads("#my-name", "Grace");
  await leave(ada, bo);
});

test("the others see that somebody types, and that it ends with the message", async () => {
  const [ada, bo, chidi] = await three("#typing");
  await bo.page.locator("#text").pressSequentially("I am wri");
  for (const visitor of [ada, chidi]) await visitor.reads("#typing-words", "Bo is typing");
  assert.equal(await bo.page.locator("#typing-words").textContent(), "");
  await bo.page.locator("#text").press("Enter");
  for (const visitor of [ada, chidi]) await visitor.reads("#typing-words", "");
  await leave(ada, bo, chidi);
});

test("what is said in one room is not heard in another, and counted where one is not looking", async () => {
  const [ada, bo, chidi] = await three("#rooms");
  await ada.goTo("upstream");
  await bo.goTo("upstream");
  await bo.seesPeople("Ada", "Bo");
  await ada.goTo("rooms");
  await bo.say("only here");
  await bo.say("and once more");
  await ada.reads('a[href="#upstream"] .badge', "2 unread");
  assert.match(await ada.page.title(), /^\(2\) rooms/);
  await ada.say("in the other room");
  await chidi.sees("in the other room");
  await ada.goTo("upstream");
  await ada.sees("only here", "and once more");
  assert.equal(await ada.page.locator(".badge").count(), 0);
  assert.equal(await ada.page.locator(".line.new").count(), 1);
  await leave(ada, bo, chidi);
});

test("a room that somebody has made is offered to the others, and gone when it is empty", async () => {
  const ada = await chat.visit("Ada", { hash: "#lobby" });
  const bo = await chat.visit("Bo", { hash: "#lobby" });
  await ada.goTo("made-by-ada");
  await bo.page.locator('#other-rooms a[href="#made-by-ada"]').click();
  await bo.seesPeople("Ada", "Bo");
  await bo.page.locator("#leave-room").click();
  await ada.seesPeople("Ada");
  await ada.page.locator("#leave-room").click();
  await bo.page.locator('#other-rooms a[href="#made-by-ada"]').waitFor({ state: "detached" });
  await leave(ada, bo);
});

test("a page that is loaded again is the same person, in the same rooms", async () => {
  const ada = await chat.visit("Ada", { hash: "#again" });
  const bo = await chat.visit("Bo", { hash: "#again" });
  await ada.goTo("again-too");
  await ada.goTo("again");
  await ada.say("before");
  await ada.page.reload();
  await ada.isInRoom();
  await ada.sees("before");
  assert.equal(await ada.page.locator(".message.own").count(), 1);
  assert.deepEqual(await ada.page.locator("#joined-rooms .room-label").allTextContents(), ["again", "again-too"]);
  await bo.seesPeople("Ada", "Bo");
  await leave(ada, bo);
});

test("names and messages are text, never markup", async () => {
  const evil = '<img src=x onerror="window.hacked=1">';
  const ada = await chat.visit(evil, { hash: "#text" });
  const bo = await chat.visit("<b>Bo</b>", { hash: "#text" });
  await ada.say(`${evil}<script>window.hacked=1</script>`);
  await bo.say("&amp; <i>so on</i>");
  for (const visitor of [ada, bo]) {
    await visitor.sees(`${evil}<script>window.hacked=1</script>`, "&amp; <i>so on</i>");
    await visitor.seesPeople(evil, "<b>Bo</b>");
    assert.equal(await visitor.page.locator("#app img, #entries i, #app b, #app script").count(), 0);
    assert.equal(await visitor.page.evaluate(() => window.hacked), undefined);
  }
  await leave(ada, bo);
});

test("nobody gets in without a name, and a refused one says why", async () => {
  const visitor = await Visitor.arrive(chat);
  await visitor.page.keyboard.press("Escape");
  await visitor.page.locator("#name").fill("   ");
  await visitor.page.locator("#name").press("Enter");
  await visitor.reads("#name-problem", "Please type a name.");
  await visitor.page.locator("#name").fill("A\u0001da");
  await visitor.page.locator("#name").press("Enter");
  await visitor.reads("#name-problem", "A name has no control characters.");
  // The page lets it pass and the server does not: it consists of signs that cannot be seen.
  await visitor.page.locator("#name").fill("\u202e\u202e");
  await visitor.page.locator("#name").press("Enter");
  await visitor.page.waitForFunction(() => document.getElementById("name-problem").textContent.includes("character"));
  await visitor.page.locator("#name").fill("Ada");
  await visitor.page.locator("#name").press("Enter");
  await visitor.isInRoom();
  // The page gives up a refused connection. A poll of it that was under way on another TCP connection can reach the
  // server after the goodbye, and is told that there is no such session.
  visitor.forgive("the server responded with a status of 400");
  await leave(visitor);
});
