'use strict';
// What happens to a server from outside: it is stopped for a while; bytes of its data change while it is not running.
//
// CONTRACT_PROGRAM, CONTRACT_SPARE_PORT and CONTRACT_DATA say what to start; see `server.cjs`.

const assert = require('node:assert/strict');
const { closeSync, cpSync, openSync, readSync, readdirSync, statSync, writeSync } = require('node:fs');
const { join } = require('node:path');
const { afterEach, test } = require('node:test');
const { Server } = require('./server.cjs');
const { MODES, Page, closeAll, numbers, unique } = require('./support.cjs');

const servers = new Set();

async function start(server) {
  servers.add(server);
  await server.start();
  return server;
}

afterEach(async () => {
  closeAll();
  await Promise.all([...servers].map((server) => server.kill()));
  servers.clear();
});

test('a server that is stopped for longer than anybody waits, and goes on, loses and doubles nothing', async () => {
  const server = await start(Server.contract(0, unique('stopped')));
  const room = unique('room');
  const members = await Promise.all(MODES.map((mode) => Page.joined({ port: server.port, mode }, room)));
  const publisher = await Page.open({ port: server.port }, { retries: 1000, ackTimeout: 20_000 });
  const said = [];
  const say = (payload) => said.push(new Promise((resolve, reject) => {
    publisher.socket.emit('publish', room, unique('key'), payload, (error, answer) => (error ? reject(error) : resolve(answer)));
  }));
  numbers(50).forEach(say);
  await Promise.all(said);
  server.signal('SIGSTOP');
  numbers(50, 50).forEach(say);
  await Promise.all(members.map((page) => page.until(() => !page.socket.connected, 'still connected')));
  server.signal('SIGCONT');
  await Promise.all(said);
  const fence = await Page.open({ port: server.port });
  for (const page of members) {
    await page.until(() => page.socket.connected, 'not back');
    await page.fence(fence);
    assert.deepEqual(page.heard, numbers(100));
    assert.ok(page.recovered);
    assert.deepEqual(page.gaps, []);
  }
});

// Every file with something in it, and how much.
function files(folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .map((path) => ({ path, size: statSync(path).size }))
    .filter(({ size }) => size > 0);
}

function flip(path, at) {
  const file = openSync(path, 'r+');
  const byte = Buffer.alloc(1);
  readSync(file, byte, 0, 1, at);
  byte[0] ^= 1 << (at % 8);
  writeSync(file, byte, 0, 1, at);
  closeSync(file);
}

test('bytes that change while the server is not running lose nothing in silence', async () => {
  const written = Server.contract(0, unique('bytes'));
  await start(written);
  const room = unique('room');
  const setting = { port: written.port };
  const other = await Page.open(setting);
  const away = await Page.joined(setting, room);
  await other.publish(room, 0);
  await away.hears(0);
  await away.cut();
  for (const number of numbers(200, 1)) await other.publish(room, number);
  const { position } = away;
  await written.kill();
  closeAll();
  // Of each file a byte at its beginning, in its middle and near its end, one server each.
  const wounds = files(join(written.data, 'events'))
    .flatMap(({ path, size }) => [0.1, 0.5, 0.9].map((part) => ({ path, at: Math.floor(size * part) })))
    .slice(0, 24);
  assert.ok(wounds.length >= 6, 'there are files to damage');
  let announced = 0;
  for (const { path, at } of wounds) {
    const server = Server.contract(0, unique('wounded'));
    cpSync(written.data, server.data, { recursive: true });
    flip(path.replace(written.data, server.data), at);
    await start(server);
    const page = await Page.open(setting, { auth: position });
    if (page.gaps.length === 0 && (await page.rooms()).includes(room)) {
      await page.hears(200);
      assert.deepEqual(page.heard, numbers(200, 1), `${path} at ${at}`);
    } else {
      await page.until(() => page.gaps.length > 0, `nobody was told: ${path} at ${at}`);
      announced += 1;
    }
    await page.join(room);
    const speaker = await Page.open(setting);
    await speaker.publish(room, 'after');
    await page.hears('after');
    closeAll();
    await server.kill();
  }
  assert.ok(announced > 0, 'none of these bytes was needed');
});
