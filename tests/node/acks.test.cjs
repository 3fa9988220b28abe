'use strict';
// Acknowledgements, both ways.

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { ask, ask1, collect, connect, once, unique } = require('./support.cjs');

test('the server answers with every argument it was given', async () => {
  const socket = await connect();
  assert.deepEqual(await ask(socket, 'echo-ack'), []);
  assert.deepEqual(await ask(socket, 'echo-ack', null), [null]);
  assert.deepEqual(await ask(socket, 'echo-ack', 1, 'é', { a: [] }), [1, 'é', { a: [] }]);
});

test('an answer may carry binary', async () => {
  const socket = await connect();
  const args = [Buffer.from([1, 2, 3]), { nested: [Buffer.from('x')] }, 'text'];
  assert.deepEqual(await ask(socket, 'echo-ack', ...args), args);
});

test('a thousand questions in flight each get their own answer', async () => {
  const socket = await connect();
  const questions = Array.from({ length: 1000 }, (_, index) => index);
  const answers = await Promise.all(questions.map((index) => ask1(socket, 'echo-ack', index)));
  assert.deepEqual(answers, questions);
});

test('the client answers a question of the server', async () => {
  const socket = await connect();
  const asked = [];
  socket.on('call', (...args) => {
    const answer = args.pop();
    asked.push(args);
    answer('yes', { n: 1 }, Buffer.from([9]));
  });
  const result = once(socket, 'call-result');
  socket.emit('call-me', 'please', Buffer.from([8]), null);
  assert.deepEqual(await result, ['yes', { n: 1 }, Buffer.from([9])]);
  assert.deepEqual(asked, [['please', Buffer.from([8]), null]]);
});

test('the client may answer with nothing', async () => {
  const socket = await connect();
  socket.on('call', (answer) => answer());
  const result = once(socket, 'call-result');
  socket.emit('call-me');
  assert.deepEqual(await result, []);
});

test('a client that answers late still gets its other events', async () => {
  const socket = await connect();
  const waiting = once(socket, 'call');
  socket.emit('call-me', 'later');
  const [, answer] = await waiting;
  assert.deepEqual(await ask(socket, 'echo-ack', 'meanwhile'), ['meanwhile']);
  const result = once(socket, 'call-result');
  answer('now');
  assert.deepEqual(await result, ['now']);
});

test('only the first of two answers counts', async () => {
  const socket = await connect();
  socket.once('call', (answer) => {
    answer('first');
    answer('second');
  });
  const results = collect(socket, 'call-result', 1);
  socket.emit('call-me');
  assert.equal((await results)[0][0], 'first');
  assert.deepEqual(await ask(socket, 'echo-ack'), []);
});

test('a question without an answer times out on the server', async () => {
  const socket = await connect();
  const result = once(socket, 'call-timeout-result');
  socket.emit('call-timeout', 50);
  assert.deepEqual(await result, ['timeout']);
});

test('an answer in time is seen as such', async () => {
  const socket = await connect();
  socket.on('call', (answer) => answer());
  const result = once(socket, 'call-timeout-result');
  socket.emit('call-timeout', 20_000);
  assert.deepEqual(await result, ['ok']);
});

test('a question that is not answered times out on the client', async () => {
  const socket = await connect();
  // The server asks back first, and gets no answer itself.
  await assert.rejects(
    socket.timeout(100).emitWithAck('call-me', 1),
    { message: 'operation has timed out' },
  );
});

test('a room is asked and everybody in it answers, the sender too', async () => {
  const room = unique('who');
  const names = ['cod', 'asp', 'bass'];
  const sockets = await Promise.all(names.map(() => connect()));
  const outsider = await connect();
  outsider.on('who', (answer) => answer('outsider'));
  for (const [index, socket] of sockets.entries()) {
    socket.on('who', (answer) => answer(names[index]));
    assert.equal(await ask1(socket, 'join', room), true);
  }
  assert.deepEqual(await ask1(sockets[0], 'who', room), ['asp', 'bass', 'cod']);
  assert.deepEqual(await ask1(outsider, 'who', room), ['asp', 'bass', 'cod']);
});

test('an empty room answers at once with nothing', async () => {
  const socket = await connect();
  assert.deepEqual(await ask1(socket, 'who', unique('empty')), []);
});

test('a silent member of a room is left out of the answers', async () => {
  const room = unique('who');
  const [talker, mute] = [await connect(), await connect()];
  talker.on('who', (answer) => answer('here'));
  await ask1(talker, 'join', room);
  await ask1(mute, 'join', room);
  assert.deepEqual(await ask1(talker, 'who', room), ['here']);
});
