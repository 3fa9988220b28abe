'use strict';
// Many clients at once.

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { ask1, connect, fence, record, unique } = require('./support.cjs');

const CROWD = 200;

test('two hundred clients at once are all served, each with its own answers', async () => {
  const [room, event] = [unique('crowd'), unique('event')];
  const sockets = await Promise.all(Array.from({ length: CROWD }, () => connect()));
  assert.equal(new Set(sockets.map((socket) => socket.id)).size, CROWD);
  const heard = sockets.map((socket) => record(socket, event));

  const joined = sockets.map((socket) => ask1(socket, 'join', room));
  assert.ok((await Promise.all(joined)).every((answer) => answer === true));
  assert.equal(await ask1(sockets[0], 'count', room), CROWD);

  const answers = sockets.map((socket, index) => ask1(socket, 'echo-ack', { index }));
  for (const [index, answer] of (await Promise.all(answers)).entries()) {
    assert.deepEqual(answer, { index });
  }

  for (let index = 0; index < 5; index += 1) sockets[index].emit('in-room', room, event, index);
  await Promise.all(sockets.slice(0, 5).map(fence));
  await Promise.all(sockets.map(fence));
  for (const events of heard) {
    const numbers = events.map(([index]) => index).sort();
    assert.deepEqual(numbers, [0, 1, 2, 3, 4], 'every broadcast once, at everybody');
  }
});
