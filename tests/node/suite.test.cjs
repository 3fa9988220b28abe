'use strict';
// The profile for the test suite of the official client: what that suite asks for.

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { ask, client, collect, connect, connected, once, record } = require('./support.cjs');

test('it answers, says and takes what the suite of the client wants', async () => {
  const socket = await connect();
  const hears = async (asked, heard, ...args) => {
    const answer = once(socket, heard);
    socket.emit(asked, ...args);
    // Events that can be recovered end in their place in the log.
    return (await answer).slice(0, -1);
  };
  const bytes = Buffer.from([1, 2, 3]);
  assert.deepEqual(await hears('hi', 'hi'), []);
  assert.deepEqual(await hears('false', 'false'), [false]);
  assert.deepEqual(await hears('doge', 'doge'), [Buffer.from('asdfasdf')]);
  assert.deepEqual(await hears('getbin', 'takebin'), [Buffer.from('asdfasdf')]);
  assert.deepEqual(await hears('buffa', 'buffack', bytes), []);
  assert.deepEqual(await hears('blob', 'back', bytes), []);
  const mixed = { hello: 'lol', message: bytes, goodbye: 'gotcha' };
  assert.deepEqual(await hears('jsonbuff', 'jsonbuff-ack', mixed), []);
  assert.deepEqual(await hears('jsonblob', 'jsonblob-ack', mixed), []);
  const isDate = (text) => new Date(text).toISOString() === text;
  assert.ok(isDate((await hears('getDate', 'takeDate'))[0]));
  assert.ok(isDate((await hears('getDateObj', 'takeDateObj'))[0].date));
  assert.ok(isDate((await ask(socket, 'getAckDate', {}))[0]));
  assert.deepEqual(await ask(socket, 'echo', 'x'), ['x']);
  assert.deepEqual(await ask(socket, 'getId'), [socket.id]);
  const texts = collect(socket, 'takeUtf8', 5);
  socket.emit('getUtf8');
  const [first, ...others] = (await texts).map(([text]) => text);
  assert.equal(first, 'てすと');
  assert.equal(others.at(-1), 'utf8 — string');
});

test('an answer is got if it is the right one', async () => {
  const socket = await connect();
  let answer = [5, { test: false }];
  socket.on('ack', (callback) => callback(...answer));
  const got = record(socket, 'got it');
  const asked = once(socket, 'ack');
  socket.emit('ack');
  await asked;
  answer = [5, { test: true }];
  const heard = once(socket, 'got it');
  socket.emit('ack');
  await heard;
  assert.equal(got.length, 1);
});

test('bytes that come in their order are acknowledged, and no others', async () => {
  const socket = await connect();
  const heard = record(socket, 'blob3-ack');
  socket.emit('blob3', Buffer.from([3]));
  socket.emit('abuff2', Buffer.from([2]));
  const acknowledged = once(socket, 'abuff2-ack');
  socket.emit('abuff1', Buffer.from([1]));
  socket.emit('abuff2', Buffer.from([2]));
  await acknowledged;
  assert.deepEqual(heard, []);
  const third = once(socket, 'blob3-ack');
  socket.emit('blob1', Buffer.from([1]));
  socket.emit('blob2', 'second');
  socket.emit('blob3', Buffer.from([3]));
  await third;
});

test('namespaces are there, refuse, or say the handshake', async () => {
  for (const name of ['/valid', '/asd', '/timeout_socket']) await connect(name);
  assert.equal((await ask(await connect('/foo'), 'getId')).length, 1);
  await assert.rejects(connect('/no'), { message: 'Auth failed (custom namespace)' });
  await assert.rejects(connect('/', { query: { fail: '1' } }), { message: 'Auth failed (main namespace)' });
  await assert.rejects(connect('/invalid'), { message: 'Invalid namespace' });
  const options = { query: { key1: '&=bla', key2: 'b a' }, auth: { token: 'abc' } };
  const abc = client('/abc', options);
  const said = once(abc, 'handshake');
  await connected(abc);
  const [handshake] = await said;
  assert.equal(handshake.query.key1, '&=bla');
  assert.deepEqual(handshake.auth, { token: 'abc' });
  const [asked] = await ask(await connect('/', options), 'getHandshake');
  assert.equal(asked.query.key2, 'b a');
  assert.match(asked.url, /key1=/);
});
