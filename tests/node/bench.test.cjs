'use strict';
// The profile `bench`, as the load generators use it.

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { ask, connect, once, record, unique } = require('./support.cjs');

async function settle(sockets) {
  await Promise.all(sockets.map((socket) => ask(socket, 'message-with-ack')));
}

test('a message comes back with all its arguments', async () => {
  const socket = await connect();
  for (const args of [[], [1, 'two', null], ['x'.repeat(1024)], [Buffer.alloc(1024, 1), { a: 1 }]]) {
    const back = once(socket, 'message-back');
    socket.emit('message', ...args);
    assert.deepEqual(await back, args);
  }
});

test('a message with an acknowledgement is answered with all its arguments', async () => {
  const socket = await connect();
  assert.deepEqual(await ask(socket, 'message-with-ack'), []);
  const args = [1, 'two', { three: [Buffer.from('4')] }];
  assert.deepEqual(await ask(socket, 'message-with-ack', ...args), args);
});

test('a broadcast reaches everybody, the sender too', async () => {
  const sockets = await Promise.all([connect(), connect(), connect()]);
  const heard = sockets.map((socket) => record(socket, 'news'));
  const id = unique('news');
  sockets[0].emit('broadcast', { id });
  await ask(sockets[0], 'message-with-ack');
  await settle(sockets);
  assert.deepEqual(heard, sockets.map(() => [[{ id }]]));
});

test('what is said in a room is heard there, and only there', async () => {
  const sockets = await Promise.all([connect(), connect(), connect()]);
  const heard = sockets.map((socket) => record(socket, 'said'));
  const room = unique('room');
  assert.deepEqual(await ask(sockets[0], 'join', room), []);
  assert.deepEqual(await ask(sockets[1], 'join', room), []);
  sockets[0].emit('say', room, Buffer.from('x'));
  await ask(sockets[0], 'message-with-ack');
  await settle(sockets);
  assert.deepEqual(heard, [[[Buffer.from('x')]], [[Buffer.from('x')]], []]);
});
