'use strict';
// The change from polling to WebSocket under traffic. In the other modes there is no change to see.

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { MODE, ask1, client, collect, connected, once, within } = require('./support.cjs');

const COUNT = 500;
const numbers = Array.from({ length: COUNT }, (_, index) => index);

test('the engine offers just the upgrades there are', async () => {
  const socket = client();
  const open = new Promise((resolve) => {
    socket.io.once('open', () => resolve(socket.io.engine.transport.name));
  });
  await connected(socket);
  assert.equal(await within(open, 'no open'), MODE === 'websocket' ? 'websocket' : 'polling');
});

test('traffic both ways across the upgrade is neither lost nor doubled nor reordered', async () => {
  const socket = client();
  let upgraded = Promise.resolve();
  socket.io.once('open', () => {
    if (MODE === 'upgrade') upgraded = once(socket.io.engine, 'upgrade');
  });
  await connected(socket);
  const back = collect(socket, 'echo-back', COUNT);
  const burst = collect(socket, 'burst', COUNT);
  socket.emit('burst', COUNT);
  // In small steps, so that some are sent before, some during and some after the change.
  for (const index of numbers) {
    socket.emit('echo', index, index % 10 === 0 ? Buffer.from([1]) : null);
    if (index % 20 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  assert.deepEqual((await back).map(([index]) => index), numbers);
  assert.deepEqual((await burst).map(([index]) => index), numbers);
  await upgraded;
  assert.equal(await ask1(socket, 'transport'), MODE === 'polling' ? 'polling' : 'websocket');
});
