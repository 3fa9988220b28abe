'use strict';
// Rooms and audiences.

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { ask1, connect, eventually, fence, once, record, unique } = require('./support.cjs');

// `count` clients, each recording `event`.
async function listeners(count, event, namespace = '/') {
  const sockets = await Promise.all(Array.from({ length: count }, () => connect(namespace)));
  const heard = sockets.map((socket) => record(socket, event));
  const settle = () => Promise.all(sockets.map(fence));
  return { sockets, heard, settle };
}

test('joining and leaving shows in the list of rooms', async () => {
  const socket = await connect();
  assert.deepEqual(await ask1(socket, 'rooms'), []);
  assert.equal(await ask1(socket, 'join', 'b'), true);
  assert.equal(await ask1(socket, 'join', ['a', 'c', 'ü']), true);
  assert.equal(await ask1(socket, 'join', 'b'), true);
  assert.deepEqual(await ask1(socket, 'rooms'), ['a', 'b', 'c', 'ü']);
  assert.equal(await ask1(socket, 'leave', ['a', 'never joined']), true);
  assert.equal(await ask1(socket, 'leave', 'c'), true);
  assert.deepEqual(await ask1(socket, 'rooms'), ['b', 'ü']);
});

test('to-room reaches the others in the room', async () => {
  const [room, event] = [unique('room'), unique('event')];
  const { sockets: [a, b, c], heard, settle } = await listeners(3, event);
  await ask1(a, 'join', room);
  await ask1(b, 'join', room);
  a.emit('to-room', room, event, 'from a');
  await fence(a);
  c.emit('to-room', room, event, { from: 'c' });
  await fence(c);
  await settle();
  assert.deepEqual(heard, [[[{ from: 'c' }]], [['from a'], [{ from: 'c' }]], []]);
});

test('in-room reaches the sender too', async () => {
  const [room, event] = [unique('room'), unique('event')];
  const { sockets: [a, b], heard, settle } = await listeners(3, event);
  await ask1(a, 'join', room);
  await ask1(b, 'join', room);
  a.emit('in-room', room, event, Buffer.from('x'));
  await fence(a);
  await settle();
  assert.deepEqual(heard, [[[Buffer.from('x')]], [[Buffer.from('x')]], []]);
});

test('several rooms are one audience: each socket hears it once', async () => {
  const [one, two, event] = [unique('room'), unique('room'), unique('event')];
  const { sockets: [a, b, c], heard, settle } = await listeners(4, event);
  await ask1(a, 'join', [one, two]);
  await ask1(b, 'join', one);
  await ask1(c, 'join', two);
  a.emit('in-room', [one, two], event, 1);
  a.emit('to-room', [one, two], event, 2);
  await fence(a);
  await settle();
  assert.deepEqual(heard, [[[1]], [[1], [2]], [[1], [2]], []]);
});

test('except-room spares the room', async () => {
  const [room, event] = [unique('room'), unique('event')];
  const { sockets: [a, b], heard, settle } = await listeners(3, event);
  await ask1(b, 'join', room);
  a.emit('except-room', room, event, 1);
  await fence(a);
  await settle();
  assert.deepEqual(heard, [[[1]], [], [[1]]]);
});

test('broadcast reaches everyone but the sender, to-all everyone', async () => {
  const event = unique('event');
  const { sockets: [a], heard, settle } = await listeners(3, event);
  a.emit('broadcast', event, 1);
  a.emit('to-all', event, 2);
  await fence(a);
  await settle();
  assert.deepEqual(heard, [[[2]], [[1], [2]], [[1], [2]]]);
});

test('a socket is reached by its own id', async () => {
  const event = unique('event');
  const { sockets: [a, b], heard, settle } = await listeners(3, event);
  a.emit('to-room', b.id, event, 1);
  a.emit('to-room', a.id, event, 'never: a room without the sender');
  await fence(a);
  await settle();
  assert.deepEqual(heard, [[], [[1]], []]);
});

test('rooms of one name in two namespaces are strangers', async () => {
  const [room, event] = [unique('room'), unique('event')];
  const here = await connect('/');
  const there = await connect('/custom');
  const heard = [record(here, event), record(there, event)];
  await ask1(here, 'join', room);
  await ask1(there, 'join', room);
  there.emit('in-room', room, event, 'custom');
  there.emit('to-all', event, 'all of custom');
  await fence(there);
  await fence(here);
  assert.deepEqual(heard, [[], [['custom'], ['all of custom']]]);
  assert.equal(await ask1(here, 'count', room), 1);
});

test('count counts the sockets of a room, of several, and of the namespace', async () => {
  const [room, other] = [unique('room'), unique('room')];
  const sockets = await Promise.all([connect('/custom'), connect('/custom'), connect('/custom')]);
  assert.equal(await ask1(sockets[0], 'count', room), 0);
  for (const socket of sockets) await ask1(socket, 'join', room);
  await ask1(sockets[1], 'join', other);
  assert.equal(await ask1(sockets[0], 'count', room), 3);
  assert.equal(await ask1(sockets[0], 'count', other), 1);
  await eventually(async () => await ask1(sockets[0], 'count') === 3, 'three in the namespace');
});

test('who disconnects leaves its rooms', async () => {
  const room = unique('room');
  const [stays, goes, cut] = [await connect(), await connect(), await connect()];
  for (const socket of [stays, goes, cut]) await ask1(socket, 'join', room);
  assert.equal(await ask1(stays, 'count', room), 3);
  goes.disconnect();
  cut.io.reconnection(false);
  cut.io.engine.close();
  await eventually(async () => await ask1(stays, 'count', room) === 1, 'one is left in the room');
});

test('room-join moves a whole room into another', async () => {
  const [room, other, event] = [unique('room'), unique('room'), unique('event')];
  const { sockets: [a, b, c], heard, settle } = await listeners(3, event);
  await ask1(a, 'join', room);
  await ask1(b, 'join', room);
  assert.equal(await ask1(c, 'room-join', room, other), true);
  assert.deepEqual(await ask1(a, 'rooms'), [room, other].sort());
  c.emit('in-room', other, event, 1);
  await fence(c);
  await settle();
  assert.deepEqual(heard, [[[1]], [[1]], []]);
});

test('disconnect-room sends its members away and nobody else', async () => {
  const room = unique('room');
  const [a, b, outside] = [await connect(), await connect(), await connect()];
  await ask1(a, 'join', room);
  await ask1(b, 'join', room);
  const gone = Promise.all([once(a, 'disconnect'), once(b, 'disconnect')]);
  outside.emit('disconnect-room', room);
  for (const [reason] of await gone) assert.equal(reason, 'io server disconnect');
  await fence(outside);
  assert.equal(await ask1(outside, 'count', room), 0);
});

test('a room mixes clients of every transport', async () => {
  const [room, event] = [unique('room'), unique('event')];
  const kinds = [['polling'], ['websocket'], ['polling', 'websocket']];
  const sockets = await Promise.all(kinds.map((transports) => connect('/', { transports })));
  for (const socket of sockets) await ask1(socket, 'join', room);
  const heard = Promise.all(sockets.map((socket) => once(socket, event)));
  const payload = { text: 'é', bytes: Buffer.from([1, 2]) };
  sockets[0].emit('in-room', room, event, payload);
  assert.deepEqual(await heard, [[payload], [payload], [payload]]);
});
