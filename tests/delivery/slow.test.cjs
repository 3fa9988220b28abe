'use strict';
// Clients that read slowly, or for a while not at all, while a lot is said: they are not disconnected, the server's
// memory stays flat, and they get everything; also those that are dropped while they catch up.
//
// CONTRACT_PROGRAM, CONTRACT_SPARE_PORT and CONTRACT_DATA say what to start; see `server.cjs`.

const assert = require('node:assert/strict');
const { afterEach, test } = require('node:test');
const { Server } = require('./server.cjs');
const {
  Page, closeAll, eventually, numbers, unique, within,
} = require('./support.cjs');

const EVENTS = 800;
const TEXT = 'x'.repeat(64 * 1024); // together 50 MiB
const BOUND = 150; // MiB
// A client that says nothing for as long as the ping timeout is given up, and is not what this is about.
const STALL = 1000;
const PACE = 25 * 1024 * 1024;

let server = null;

afterEach(async () => {
  closeAll();
  await server?.kill();
  server = null;
});

// `/async` is read from the log as `/` is.
const NAMESPACES = ['/', '/memory'];

for (const namespace of NAMESPACES) {
  test(`${namespace}: who does not read while 50 MiB are said gets all of it once and in order`, async () => {
    server = Server.contract(NAMESPACES.indexOf(namespace), unique('slow'));
    await server.start();
    const setting = { port: server.port, namespace };
    const room = unique('room');
    const slow = await Page.open(setting, { shape: (line) => line.throttle(PACE) });
    const brisk = await Page.open(setting);
    const publisher = await Page.open(setting);
    await slow.join(room);
    await brisk.join(room);
    const { id } = slow;
    const highest = watchMemory(server);

    slow.line.stopReading();
    const said = sayAll(publisher, room);
    await Promise.race([said, new Promise((resolve) => setTimeout(resolve, STALL))]);
    slow.line.readAgain();
    await said;

    await Promise.all([slow, brisk].map((page) => hearsAll(page)));
    await slow.fence(publisher);
    for (const page of [slow, brisk]) {
      assert.deepEqual(page.heard.map((payload) => payload.number), numbers(EVENTS));
      assert.ok(page.heard.every((payload) => payload.text === TEXT), 'nothing is changed');
      assert.deepEqual(page.disconnects, []);
    }
    assert.equal(slow.id, id);
    const memory = highest();
    assert.ok(memory < BOUND, `${memory} MiB of memory`);

    // It is live again.
    await publisher.publish(room, 'live');
    await slow.hears('live');
  });
}

for (const namespace of NAMESPACES) {
  test(`${namespace}: whose connection breaks again and again in a long replay has all of it once`, async () => {
    server = Server.contract(NAMESPACES.indexOf(namespace), unique('breaks'));
    await server.start();
    const setting = { port: server.port, namespace };
    const [page, other] = [await Page.open(setting), await Page.open(setting)];
    const room = unique('room');
    await page.join(room);
    await page.cut();
    for (const number of numbers(MISSED)) await other.publish(room, { number, text: TEXT });
    for (const bytes of BREAKS) await breaksAfter(page, bytes);
    page.line.mend();
    await page.back();
    await page.fence(other);
    assert.deepEqual(page.heard.map((payload) => payload.number), numbers(MISSED));
    assert.equal(page.recovered, true);
  });

  test(`${namespace}: who reads slowly and is dropped meanwhile has all of it once and in order`, async () => {
    server = Server.contract(NAMESPACES.indexOf(namespace), unique('dropped'));
    await server.start();
    const setting = { port: server.port, namespace };
    const slow = await Page.open(setting, { shape: (line) => line.throttle(PACE / 4) });
    const other = await Page.open(setting);
    const room = unique('room');
    await slow.join(room);
    const said = sayAll(other, room, EVENTS / 4);
    for (const heard of [5, 50, 100, 150]) {
      await slow.until(() => slow.heard.length >= heard, 'nothing comes');
      if (heard % 20) await slow.halfOpen();
      else await slow.cut();
      await slow.back();
    }
    await said;
    await slow.fence(other);
    const brief = slow.heard.map((payload) => payload.number);
    assert.equal(new Set(brief).size, brief.length, 'nothing twice');
    assert.deepEqual([...brief].sort((one, two) => one - two), numbers(EVENTS / 4));
    const past = await other.ask('history', room, EVENTS);
    assert.deepEqual(slow.tokens, past.map(({ token }) => token));
  });
}

// Events of a replay, and after how many bytes of it the connection breaks.
const MISSED = 40;
const BREAKS = [100_000, 300_000, 900_000, 1_200_000];

async function breaksAfter(page, bytes) {
  const broken = page.line.breakAfter(bytes);
  page.line.up();
  await within(broken, 'so much never came');
  page.line.down();
  await eventually(() => !page.socket.connected, 'the client notices');
}

function hearsAll(page) {
  return within(new Promise((resolve) => {
    const look = () => page.heard.length >= EVENTS && resolve();
    page.socket.on('event', () => setImmediate(look));
    look();
  }), () => `${page.heard.length} of ${EVENTS}`);
}

// A few at a time.
async function sayAll(page, room, count = EVENTS) {
  let next = 0;
  const one = async () => {
    while (next < count) {
      const number = next;
      next += 1;
      await page.publish(room, { number, text: TEXT });
    }
  };
  await Promise.all(numbers(8).map(one));
}

// Returns what tells the highest figure so far.
function watchMemory(watched) {
  let highest = 0;
  const look = () => {
    if (watched === server) highest = Math.max(highest, watched.memory());
  };
  const timer = setInterval(look, 20);
  return () => {
    look();
    clearInterval(timer);
    return Math.round(highest);
  };
}
