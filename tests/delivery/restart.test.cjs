'use strict';
// The server is killed without a warning and started again on the same data and port.
//
// CONTRACT_PROGRAM, CONTRACT_SPARE_PORT and CONTRACT_DATA say what to start; see `server.cjs`.

const assert = require('node:assert/strict');
const { cpSync } = require('node:fs');
const { afterEach, test } = require('node:test');
const { Server } = require('./server.cjs');
const {
  MODES, Page, closeAll, numbers, settings, unique, within,
} = require('./support.cjs');

const STORED = ['/', '/async'];
const servers = new Set();

async function start(number, data, environment) {
  const server = Server.contract(number, data, environment);
  servers.add(server);
  await server.start();
  return server;
}

async function restart(server) {
  await server.kill();
  await server.start();
}

afterEach(async () => {
  closeAll();
  await Promise.all([...servers].map((server) => server.kill()));
  servers.clear();
});

// Publishes with the official client's own queue: what is not answered is sent again, under the same key.
async function publisher(setting) {
  return Page.open(setting, { retries: 1000, ackTimeout: 20_000 });
}

function insist(page, room, payload) {
  const key = unique('key');
  return within(new Promise((resolve, reject) => {
    page.socket.emit('publish', room, key, payload, (error, answer) => {
      if (error) reject(error);
      else resolve(answer.token);
    });
  }), `not published: ${payload}`);
}

const EACH = 120;
const KILLS = [60, 150, 260];

for (const namespace of STORED) {
  test(`${namespace}: killed three times while three talk, it loses and doubles nothing, in order`, async () => {
    const server = await start(0, unique('talk'));
    const setting = { port: server.port, namespace };
    const room = unique('room');
    const members = await Promise.all(MODES.map((mode) => Page.joined({ ...setting, mode }, room)));
    const [witness] = members;
    const away = await Page.joined(setting, room);
    const publishers = await Promise.all(numbers(3).map(() => publisher(setting)));
    const ids = [...members, away].map((page) => page.id);
    await away.cut();

    const said = publishers.map((page, who) => Promise.all(
      numbers(EACH).map((number) => insist(page, room, [who, number])),
    ));
    for (const heard of KILLS) {
      await witness.until(() => witness.heard.length >= heard, 'nobody talks');
      await restart(server);
    }
    const tokens = (await Promise.all(said)).flat();

    await away.back();
    const everybody = [...members, away];
    await Promise.all(everybody.map((page) => page.until(() => page.socket.connected, 'not back')));
    const fence = await Page.open(setting);
    await Promise.all(everybody.map((page) => page.fence(fence)));
    for (const page of everybody) assert.deepEqual(page.heard, witness.heard, 'one order for all');
    assert.equal(witness.heard.length, 3 * EACH);
    for (const who of numbers(3)) {
      const own = witness.heard.filter((payload) => payload[0] === who);
      assert.deepEqual(own, numbers(EACH).map((number) => [who, number]));
    }
    assert.deepEqual([...witness.tokens].sort(), tokens.sort(), 'the answers are the tokens');
    assert.deepEqual(everybody.map((page) => page.id), ids);
    assert.ok(everybody.every((page) => page.recovered), 'all are recovered');
    assert.ok(everybody.every((page) => page.gaps.length === 0), 'nobody is told of a gap');
  });
}

test('what happened before the server was killed is as it was afterwards', async () => {
  const server = await start(1, unique('away'));
  await Promise.all(settings(server.port, STORED).map((setting) => survives(server, setting)));
});

// All of them wait for one another at the restart.
let waiting = [];

async function together(server, count) {
  const killed = new Promise((resolve) => waiting.push(resolve));
  if (waiting.length === count) {
    const all = waiting;
    waiting = [];
    await restart(server);
    for (const go of all) go();
  }
  await killed;
}

async function survives(server, setting) {
  const all = STORED.length * MODES.length;
  const [room, left, entered, key] = ['room', 'left', 'entered', 'key'].map(unique);
  const other = await Page.open(setting);
  const page = await Page.joined(setting, room);
  await page.join(left);
  await page.join(entered);
  const first = await other.publish(room, 1, key);
  await page.hears(1);
  const { id } = page;
  await page.cut();
  await other.publish(room, 2);
  await other.publish(left, 3);
  await other.ask('remove', id, left);
  await other.publish(left, 'after the removal');
  await other.tell(id, 4);
  const before = await other.ask('history', room, 10);

  await together(server, all);

  await other.until(() => other.disconnects.length > 0 && other.socket.connected, 'not back');
  assert.equal(await other.publish(room, 'again', key), first, 'the key is known');
  assert.deepEqual(await other.ask('history', room, 10), before, 'history is the same');
  await other.publish(entered, 5);
  await other.publish(left, 'after the removal');
  await page.back();
  await page.fence(other);
  assert.deepEqual(page.heard, [1, 2, 3, 4, 5]);
  assert.equal(page.id, id);
  assert.equal(page.recovered, true);
  assert.deepEqual(page.gaps, []);
  assert.deepEqual(await page.rooms(), [room, entered].sort());
}

test('what was kept in memory is gone with the server, and everybody is told', async () => {
  const server = await start(0, unique('memory'));
  const room = unique('room');
  const members = await Promise.all(settings(server.port, ['/memory']).map((setting) => Page.joined(setting, room)));
  const [witness] = members;
  await witness.publish(room, 1);
  await Promise.all(members.map((page) => page.hears(1)));
  const ids = members.map((page) => page.id);
  await restart(server);
  await Promise.all(members.map((page) => page.until(() => page.gaps.length > 0, 'no notice of the gap')));
  await Promise.all(members.map((page) => page.settled()));
  for (const page of members) {
    assert.deepEqual(page.gaps, [{ reason: 'unknown-session' }]);
    assert.equal(page.recovered, false);
    assert.ok(!ids.includes(page.id), 'a new id');
    assert.deepEqual(await page.rooms(), []);
    assert.deepEqual(await page.ask('history', room, 10), []);
    await page.join(room);
  }
  await witness.publish(room, 2);
  for (const page of members) {
    await page.fence(witness);
    assert.deepEqual(page.heard, [1, 2]);
  }
  // What it is now survives a drop, as before.
  await witness.cut();
  await members[1].publish(room, 3);
  await witness.back();
  await witness.fence(members[1]);
  assert.deepEqual(witness.heard, [1, 2, 3]);
  assert.equal(witness.recovered, true);
});

test('who does not come back after the server was killed is gone in time', async () => {
  const server = await start(1, unique('gone'), { SESSION_MS: '2000' });
  await Promise.all(STORED.map(async (namespace) => {
    const setting = { port: server.port, namespace };
    const witness = await Page.joined(setting, 'lobby');
    const page = await Page.open(setting);
    const { id } = page;
    await page.cut();
    await together(server, STORED.length);
    await witness.until(() => witness.gone.includes(id), 'nobody is gone');
    assert.equal(witness.recovered, true);
    await page.back();
    await page.until(() => page.gaps.length > 0, 'no notice of the gap');
    assert.notEqual(page.id, id);
  }));
});

test('a position of the future is a new session', async () => {
  const server = await start(2, unique('now'));
  const scenes = await Promise.all(STORED.map(async (namespace) => {
    const setting = { port: server.port, namespace };
    const room = unique('room');
    const page = await Page.joined(setting, room);
    await page.publish(room, 1);
    await page.hears(1);
    return { setting, page, room, id: page.id };
  }));
  await Promise.all(scenes.map(({ page }) => page.cut()));
  await server.kill();
  const future = Server.contract(3, unique('future'));
  cpSync(server.data, future.data, { recursive: true });
  servers.add(future);
  await future.start();
  for (const scene of scenes) scene.token = await later({ ...scene.setting, port: future.port });
  await server.start();
  for (const { page, id, token } of scenes) {
    page.socket._lastOffset = token;
    await page.back();
    await page.until(() => page.gaps.length > 0, 'no notice of the gap');
    assert.deepEqual(page.gaps, [{ reason: 'unknown-position' }]);
    assert.equal(page.recovered, false);
    assert.notEqual(page.id, id);
    assert.deepEqual(page.heard, [1]);
  }
});

// The token of something that is said later there.
async function later(setting) {
  const page = await Page.open(setting);
  for (const payload of numbers(50)) await page.publish('nobody', payload);
  return page.publish('nobody', 'last');
}
