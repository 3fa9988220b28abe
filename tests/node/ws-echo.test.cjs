'use strict';
// The profile `ws-echo` with `ws`, a WebSocket of somebody else.

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { WebSocket } = require('ws');
const { PORT, once } = require('./support.cjs');

async function open(path = '/') {
  const socket = new WebSocket(`ws://127.0.0.1:${PORT}${path}`, { perMessageDeflate: false });
  await once(socket, 'open');
  return socket;
}

async function close(socket) {
  const closed = once(socket, 'close');
  socket.close(1000, 'done');
  const [code] = await closed;
  assert.equal(code, 1000);
}

async function echo(socket, message, options) {
  const back = once(socket, 'message');
  socket.send(message, options);
  const [data, isBinary] = await back;
  return isBinary ? data : data.toString();
}

test('text comes back as text and binary as binary, on any path', async () => {
  for (const path of ['/', '/some/where?a=b']) {
    const socket = await open(path);
    for (const text of ['', 'hello', 'é🐟', 'x'.repeat(125), 'y'.repeat(126), 'z'.repeat(65_536)]) {
      assert.equal(await echo(socket, text), text);
    }
    for (const size of [0, 1, 125, 126, 65_535, 65_536]) {
      const bytes = Buffer.alloc(size, size % 251);
      assert.ok(bytes.equals(await echo(socket, bytes)), `${size} bytes`);
    }
    await close(socket);
  }
});

test('sixteen mebibytes come back, more is refused with 1009', async () => {
  const socket = await open();
  const most = Buffer.alloc(16 * 1024 * 1024, 7);
  assert.ok(most.equals(await echo(socket, most)));
  const closed = once(socket, 'close');
  socket.on('error', () => {});
  socket.send(Buffer.concat([most, Buffer.from([7])]));
  assert.equal((await closed)[0], 1009);
});

test('a message in fragments with pings between comes back whole', async () => {
  const socket = await open();
  const back = once(socket, 'message');
  const pongs = [];
  socket.on('pong', (data) => pongs.push(data.toString()));
  socket.send('one ', { fin: false });
  socket.ping('between');
  socket.send('two ', { fin: false });
  socket.send('three', { fin: true });
  assert.equal((await back)[0].toString(), 'one two three');
  assert.deepEqual(pongs, ['between']);
  await close(socket);
});

test('ten thousand small messages keep their order', async () => {
  const socket = await open();
  const count = 10_000;
  const seen = [];
  const all = new Promise((resolve) => {
    socket.on('message', (data) => {
      seen.push(Number(data));
      if (seen.length === count) resolve();
    });
  });
  for (let index = 0; index < count; index += 1) socket.send(String(index));
  await all;
  assert.deepEqual(seen, Array.from({ length: count }, (_, index) => index));
  await close(socket);
});
