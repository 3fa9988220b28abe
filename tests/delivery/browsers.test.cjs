'use strict';
// A crowd with tabs of a real browser among it, one in front and the others hidden, all by the official client: lines are
// cut and half-open, the server is killed, and members are removed, while all the time somebody talks.
//
// BROWSER and BROWSER_PACKAGES name the browser (see `tests/browser/window.mjs`), SEED another course of events;
// CONTRACT_PROGRAM, CONTRACT_SPARE_PORT and CONTRACT_DATA say what to start (see `server.cjs`).

const assert = require('node:assert/strict');
const { after, test } = require('node:test');
const { Server } = require('./server.cjs');
const { Site, TabSocket } = require('./tab.cjs');
const {
  MODES, Page, closeAll, numbers, pause, unique, within,
} = require('./support.cjs');

const SEED = Number(process.env.SEED ?? 1);
const DROPS = 6; // of each member
const KILLS = 3;
const ROOMS = 12; // that members are removed from
const KEEN = { retries: 1000, ackTimeout: 20_000 };

let site = null;
let window = null;
let server = null;

after(async () => {
  closeAll();
  await window?.close();
  await server?.kill();
  site?.close();
});

test('tabs in front and hidden have everything once and in one order, whatever breaks', async () => {
  const { Window, background, HIDDEN_SINCE } = await import('../browser/window.mjs');
  site = await Site.open();
  window = await Window.open();
  server = Server.contract(0, unique('browsers'));
  await server.start();
  const setting = { port: server.port, namespace: '/' };
  const tab = async () => {
    const page = await window.context.newPage();
    return { page, client: TabSocket.in(page, site) };
  };
  const hidden = [await tab(), await tab(), await tab()];
  const front = await tab();

  const members = await Promise.all(MODES.map((mode) => Page.open({ ...setting, mode })));
  members.push(await Page.open({ ...setting, mode: 'upgrade' }, { client: front.client }));
  members.push(await Page.open({ ...setting, mode: 'upgrade' }, { client: hidden[0].client }));
  members.push(await Page.open({ ...setting, mode: 'polling' }, { client: hidden[1].client }));
  const witness = await Page.open(setting);
  const sayers = await Promise.all([{}, {}, { client: hidden[2].client }].map((where) => (
    Page.open(setting, { ...KEEN, ...where })
  )));
  const doorkeeper = await Page.open(setting, KEEN);
  for (const { page } of hidden) await window.cover(page, front.page);

  const room = unique('room');
  const rooms = numbers(ROOMS).map(() => unique('door'));
  for (const page of [witness, ...members]) {
    for (const one of [room, ...rooms]) await page.join(one);
  }
  const ids = members.map((page) => page.id);

  let isOver = false;
  const said = sayers.map((page, who) => say(page, room, who, () => isOver));
  const removed = removeSome({ doorkeeper, witness, rooms, ids, chance: dice('doors') });
  const broken = Promise.all([
    ...members.map((page, at) => drop(page, witness, dice(`member ${at}`))),
    killed(witness, dice('kills')),
    removed,
  ]);
  await broken.finally(() => {
    isOver = true;
  });
  const doors = await removed;
  const tokens = [...await Promise.all(said), doors.tokens].flat();

  const everybody = [witness, ...members];
  await Promise.all(everybody.map((page) => page.until(() => page.socket.connected, 'not back')));
  const fence = await Page.open(setting);
  await Promise.all(everybody.map((page) => page.fence(fence)));

  assert.deepEqual([...witness.tokens].sort(), tokens.sort(), 'what is answered is what is heard, once');
  for (const who of numbers(sayers.length)) {
    const own = witness.heard.filter((payload) => payload.who === who).map((payload) => payload.number);
    assert.deepEqual(own, numbers(own.length), 'each in its order');
  }
  const wrong = members.map((page, at) => differs(page, witness, (payload) => isFor(payload, at, doors.out)));
  assert.deepEqual(wrong, members.map(() => null), `SEED=${SEED}`);
  for (const [at, page] of members.entries()) {
    assert.deepEqual(await page.rooms(), [room, ...rooms.filter((_, door) => !doors.out[door].has(at))].sort());
    assert.ok(page.disconnects.length >= DROPS, 'it was dropped');
    assert.deepEqual(page.gaps, []);
    assert.equal(page.recovered, true);
  }
  assert.deepEqual(members.map((page) => page.id), ids);
  for (const { page } of hidden) assert.deepEqual(await background(page), HIDDEN_SINCE);
  assert.equal(await front.page.evaluate(() => document.visibilityState), 'visible');
});

// Says one thing after the other, each until it is answered; returns the tokens.
async function say(page, room, who, isOver) {
  const tokens = [];
  for (let number = 0; !isOver(); number += 3) {
    const some = numbers(3, number).map((one) => insist(page, 'publish', room, unique('key'), { who, number: one }));
    for (const { token } of await Promise.all(some)) tokens.push(token);
    // Or there would be more to hear than there is time.
    await pause(10);
  }
  return tokens;
}

// By the client's own queue: what is not answered is sent again.
function insist(page, event, ...args) {
  return within(new Promise((resolve, reject) => {
    page.socket.emit(event, ...args, (error, answer) => (error ? reject(new Error(error)) : resolve(answer)));
  }), `no answer to ${event}`);
}

// Removes some members from each of these rooms, whether they are there or not, between two things that are said in it.
// Returns who is out of which, and the tokens of what was said.
async function removeSome({ doorkeeper, witness, rooms, ids, chance }) {
  const tokens = [];
  const out = rooms.map(() => new Set());
  for (const [door, room] of rooms.entries()) {
    await hearsMore(witness, 20 + chance(60));
    const tell = async (when) => {
      tokens.push((await insist(doorkeeper, 'publish', room, unique('key'), { door, when })).token);
    };
    await tell('before');
    for (const [at, id] of ids.entries()) {
      if (chance(2)) continue;
      await insist(doorkeeper, 'remove', id, room);
      out[door].add(at);
    }
    await tell('after');
  }
  return { tokens, out };
}

// Whether a member is to hear it: nothing of a room that it was removed from before.
function isFor({ door, when }, member, out) {
  return when !== 'after' || !out[door].has(member);
}

// Loses its connections again and again, and stays away for a while; the server may learn of it or not.
async function drop(page, witness, chance) {
  for (let round = 0; round < DROPS; round += 1) {
    await hearsMore(page, 1 + chance(40));
    page.line.down();
    const dead = page.line.halfOpen();
    if (chance(2)) dead.end();
    await page.until(() => !page.socket.connected, 'it notices nothing');
    await hearsMore(witness, chance(60));
    page.line.up();
  }
  await page.until(() => page.socket.connected, 'not back');
}

async function killed(witness, chance) {
  for (let round = 0; round < KILLS; round += 1) {
    await hearsMore(witness, 100 + chance(300));
    await server.kill();
    await server.start();
  }
}

function hearsMore(page, count) {
  const enough = page.heard.length + count;
  return page.until(() => page.heard.length >= enough, 'nobody talks');
}

// In what a member has heard something else than it should have, of what the witness has; `null` if in nothing.
function differs(page, witness, isForIt) {
  const wanted = witness.tokens.filter((_, at) => isForIt(witness.heard[at]));
  const lost = wanted.filter((token) => !page.tokens.includes(token)).length;
  const leaked = page.tokens.filter((token) => !wanted.includes(token)).length;
  const doubled = page.tokens.length - new Set(page.tokens).size;
  const at = page.tokens.findIndex((token, index) => token !== wanted[index]);
  if (at < 0 && page.tokens.length === wanted.length) return null;
  return `lost ${lost}, leaked ${leaked}, doubled ${doubled}; differs from event ${at} on`;
}

// Numbers below a bound, the same for a name and a seed: mulberry32.
function dice(name) {
  let state = [...`${SEED} ${name}`].reduce((hash, letter) => Math.imul(hash ^ letter.charCodeAt(0), 16777619), 2166136261);
  return (bound) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % bound;
  };
}
