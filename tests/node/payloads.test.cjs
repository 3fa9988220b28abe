'use strict';
// Large messages, and very many.

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { ask1, collect, connect, once } = require('./support.cjs');

const SIZES = [0, 1, 125, 126, 127, 65_535, 65_536, 250_000, 1_048_576];

test('big text comes down whole', async () => {
  const socket = await connect();
  for (const size of SIZES) {
    const text = await ask1(socket, 'big', size, 'text');
    assert.equal(text.length, size);
    assert.equal(text, 'x'.repeat(size));
  }
});

test('big binary comes down whole', async () => {
  const socket = await connect();
  for (const size of SIZES) {
    const bytes = await ask1(socket, 'big', size, 'binary');
    assert.ok(Buffer.alloc(size, 0xab).equals(bytes), `${size} bytes`);
  }
});

test('big text goes up and comes back whole', async () => {
  const socket = await connect();
  for (const size of SIZES) {
    const text = 'abcdefg é'.repeat(size / 10 + 1).slice(0, size);
    assert.ok(await ask1(socket, 'echo-ack', text) === text, `${size} characters`);
  }
});

test('big binary goes up and comes back whole', async () => {
  const socket = await connect();
  for (const size of SIZES) {
    const bytes = Buffer.alloc(size, 'sockeye');
    assert.ok(bytes.equals(await ask1(socket, 'echo-ack', bytes)), `${size} bytes`);
  }
});

test('several megabytes in flight keep their order', async () => {
  const socket = await connect();
  const sizes = [1_000_000, 10, 500_000, 0, 900_000, 3];
  const answers = sizes.map((size) => ask1(socket, 'echo-ack', 'y'.repeat(size)));
  const lengths = (await Promise.all(answers)).map((text) => text.length);
  assert.deepEqual(lengths, sizes);
});

test('sixty thousand events in one go arrive whole and in order', async () => {
  const socket = await connect();
  const count = 60_000;
  const burst = collect(socket, 'burst', count);
  socket.emit('burst', count);
  const order = (await burst).map(([index]) => index);
  assert.deepEqual(order, Array.from({ length: count }, (_, index) => index));
});

test('three answers of three megabytes each arrive whole', async () => {
  const socket = await connect();
  const size = 3_000_000;
  const answers = await Promise.all([1, 2, 3].map(() => ask1(socket, 'big', size, 'text')));
  for (const text of answers) assert.ok(text === 'x'.repeat(size));
  const binary = await Promise.all([1, 2, 3].map(() => ask1(socket, 'big', size, 'binary')));
  for (const bytes of binary) assert.ok(Buffer.alloc(size, 0xab).equals(bytes));
});

test('a message over the limit costs its sender the connection, and only that', async () => {
  const healthy = await connect();
  const socket = await connect('/', { reconnection: false });
  const gone = once(socket, 'disconnect');
  socket.emit('echo', 'z'.repeat(2_100_000));
  await gone;
  assert.equal(await ask1(healthy, 'echo-ack', 'alive'), 'alive');
});
