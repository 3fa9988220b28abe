'use strict';
// The profile for the test suite of the official Engine.IO client: what that suite asks for.

const assert = require('node:assert/strict');
const { afterEach, test } = require('node:test');
const { Socket } = require('engine.io-client');
const { MODE, PORT, once, within } = require('./support.cjs');

const TRANSPORTS = MODE === 'upgrade' ? ['polling', 'websocket'] : [MODE];
const opened = new Set();

function open(options = {}) {
  const socket = new Socket(`http://127.0.0.1:${PORT}`, { transports: TRANSPORTS, ...options });
  opened.add(socket);
  return socket;
}

// Greeted: the server's first message has come.
async function greeted(options) {
  const socket = open(options);
  assert.deepEqual(await once(socket, 'message'), ['hi']);
  return socket;
}

async function answer(socket, message) {
  const heard = once(socket, 'message');
  socket.send(message);
  return (await heard)[0];
}

afterEach(() => {
  for (const socket of opened) socket.close();
  opened.clear();
});

test('it greets, echoes, and says what it is asked', async () => {
  const socket = await greeted();
  assert.equal(await answer(socket, 'hello'), 'hello');
  assert.deepEqual(Buffer.from(await answer(socket, 'give binary')), Buffer.from([0, 1, 2, 3, 4]));
  assert.deepEqual(Buffer.from(await answer(socket, Buffer.from([7]))), Buffer.from([7]));
  assert.match(await answer(socket, 'give utf8'), /^[а-я ]+$/);
});

test('it shows the headers of the request', async () => {
  const socket = await greeted({ extraHeaders: { 'X-Fish': 'sockeye' } });
  assert.equal(JSON.parse(await answer(socket, 'sendHeaders'))['x-fish'], 'sockeye');
});

test('whoever is to be denied is', async () => {
  const socket = open({ query: { deny: '1' } });
  const error = (await once(socket, 'error'))[0];
  assert.match(error.message, /xhr poll error|websocket error/);
});

test('the first answer sets its cookies', async () => {
  const response = await within(fetch(`http://127.0.0.1:${PORT}/engine.io/?EIO=4&transport=polling`), 'no answer');
  const cookies = response.headers.getSetCookie();
  assert.deepEqual(cookies.map((cookie) => cookie.split(';')[0]), ['1=1', '2=2', '3=3', '4=4']);
});

test('a message over a hundred bytes ends the connection', async () => {
  const socket = await greeted();
  const closed = once(socket, 'close');
  socket.send('x'.repeat(200));
  await closed;
});
