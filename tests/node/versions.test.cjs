'use strict';
// Clients of every version that may come: CONTRACT_CLIENT is 2, 3 or 4. Version 2 speaks Engine.IO 3, the others 4.

const assert = require('node:assert/strict');
const { afterEach, test } = require('node:test');
const { MODE, PORT, TRANSPORTS, ask, ask1, collect, eventually, fence, once, record, unique, within } =
  require('./support.cjs');

const VERSION = Number(process.env.CONTRACT_CLIENT ?? 4);
const OLD = VERSION === 2;
const io = require(VERSION === 4 ? 'socket.io-client' : `socket.io-client-${VERSION}`);

const opened = new Set();

afterEach(() => {
  for (const socket of opened) socket.disconnect();
  opened.clear();
});

// A client with a connection of its own, not connected yet.
function client(namespace = '/', options = {}) {
  const { port = PORT, ...rest } = options;
  const socket = io(`http://127.0.0.1:${port}${namespace}`, {
    transports: TRANSPORTS, forceNew: true, autoConnect: false, reconnectionDelay: 20, reconnectionDelayMax: 100, ...rest,
  });
  opened.add(socket);
  return socket;
}

async function connect(namespace, options) {
  const socket = client(namespace, options);
  const connected = once(socket, 'connect');
  socket.connect();
  await connected;
  return socket;
}

// What a refused client hears: an `error` in version 2, a `connect_error` in later ones.
async function refusal(namespace, options) {
  const socket = client(namespace, options);
  const refused = within(new Promise((resolve) => {
    socket.once(OLD ? 'error' : 'connect_error', resolve);
  }), 'no refusal');
  socket.connect();
  return refused;
}

test('the server knows which revision is spoken', async () => {
  const socket = await connect('/', { query: { room: 'a b' } });
  const { eio, query, nsp } = await ask1(socket, 'handshake');
  assert.equal(eio, OLD ? 3 : 4);
  assert.equal(query.EIO, OLD ? '3' : '4');
  assert.equal(query.room, 'a b');
  assert.equal(nsp, '/');
});

test('client and server agree about the id', async () => {
  for (const namespace of ['/', '/custom']) {
    const socket = await connect(namespace);
    assert.equal(await ask1(socket, 'id'), socket.id);
  }
});

test('the transport is the one that was asked for, also when the upgrade is over', async () => {
  const socket = await connect();
  const wanted = MODE === 'polling' ? 'polling' : 'websocket';
  await eventually(async () => await ask1(socket, 'transport') === wanted, `no ${wanted}`);
});

test('events and acknowledgements come back unchanged', async () => {
  const socket = await connect();
  const args = [null, true, 1.5, 'fish 🐟 né', [], { a: [1, { b: 'c' }] }];
  const back = once(socket, 'echo-back');
  socket.emit('echo', ...args);
  assert.deepEqual(await back, args);
  assert.deepEqual(await ask(socket, 'echo-ack', ...args), args);
});

test('bytes come back unchanged, however many and deep in the arguments', async () => {
  const socket = await connect();
  const args = [Buffer.from([0, 1, 4, 255]), { deep: [Buffer.alloc(0), Buffer.alloc(100_000, 7)] }, 'text 🐟'];
  const back = once(socket, 'echo-back');
  socket.emit('echo', ...args);
  assert.deepEqual(await back, args);
  assert.deepEqual(await ask(socket, 'echo-ack', ...args), args);
});

test('a large text with letters of every length comes back unchanged', async () => {
  const socket = await connect();
  const text = 'aé€🐟'.repeat(50_000);
  assert.equal(await ask1(socket, 'echo-ack', text), text);
});

test('the server asks, and the client answers', async () => {
  const socket = await connect();
  socket.on('call', (...args) => args.pop()(...args.reverse()));
  const result = once(socket, 'call-result');
  socket.emit('call-me', 1, Buffer.from([1]));
  assert.deepEqual(await result, [Buffer.from([1]), 1]);
});

test('a burst comes whole and in order, while the upgrade is under way', async () => {
  const socket = client();
  const burst = collect(socket, 'burst', 500);
  socket.on('connect', () => socket.emit('burst', 500));
  socket.connect();
  assert.deepEqual((await burst).map(([number]) => number), Array.from({ length: 500 }, (_, index) => index));
});

test('rooms are joined, spoken to and left', async () => {
  const [one, two, three] = await Promise.all([connect(), connect(), connect()]);
  const room = unique('room');
  for (const socket of [one, two]) assert.equal(await ask1(socket, 'join', room), true);
  const heard = [one, two, three].map((socket) => record(socket, 'said'));
  one.emit('to-room', room, 'said', Buffer.from([1, 2]));
  one.emit('in-room', room, 'said', 'both');
  await fence(one);
  await Promise.all([two, three].map(fence));
  assert.deepEqual(heard, [[['both']], [[Buffer.from([1, 2])], ['both']], []]);
  assert.deepEqual(await ask1(two, 'rooms'), [room]);
  assert.equal(await ask1(two, 'leave', room), true);
  assert.equal(await ask1(one, 'count', room), 1);
});

test('clients of this version and of today hear each other in one room', async () => {
  const { connect: ofToday } = require('./support.cjs');
  const [one, other] = await Promise.all([connect(), ofToday()]);
  const room = unique('room');
  for (const socket of [one, other]) assert.equal(await ask1(socket, 'join', room), true);
  for (const speaker of [one, other]) {
    const heard = [one, other].map((socket) => once(socket, 'said'));
    speaker.emit('in-room', room, 'said', { fish: 'né 🐟', bytes: Buffer.from([4, 1]) });
    for (const [what] of await Promise.all(heard)) assert.deepEqual(what, { fish: 'né 🐟', bytes: Buffer.from([4, 1]) });
  }
});

test('a namespace is told what belongs to it: a query in version 2, auth in later ones', async () => {
  const what = { token: 'secret', user: 'zoë & co' };
  const socket = client(OLD ? `/auth?token=secret&user=${encodeURIComponent(what.user)}` : '/auth', { auth: what });
  const welcome = once(socket, 'welcome');
  socket.connect();
  assert.deepEqual(await welcome, [{ user: what.user }]);
});

test('a refusal says why', async () => {
  const refused = await refusal('/auth');
  const data = { code: 'E_AUTH', retryAfter: 5 };
  assert.deepEqual(OLD ? refused : { message: refused.message, data: refused.data },
    OLD ? data : { message: 'not authorized', data });
  const unknown = await refusal('/nobody');
  assert.equal(unknown.message, 'Invalid namespace');
});

test('two namespaces share a connection and leave it one by one', async () => {
  const main = await connect();
  const custom = main.io.socket('/custom');
  opened.add(custom);
  const joined = once(custom, 'connect');
  custom.connect();
  await joined;
  assert.deepEqual(await ask(custom, 'echo-ack', 'custom'), ['custom']);
  const gone = once(custom, 'disconnect');
  custom.emit('kick', false);
  assert.deepEqual((await gone)[0], 'io server disconnect');
  assert.deepEqual(await ask(main, 'echo-ack', 'main'), ['main']);
});

test('a lost connection comes back by itself', async () => {
  const socket = await connect();
  const id = socket.id;
  const lost = once(socket, 'disconnect');
  socket.emit('kill-transport');
  assert.match((await lost)[0], /^transport (close|error)$/);
  await once(socket, 'connect');
  assert.notEqual(socket.id, id);
  assert.deepEqual(await ask(socket, 'echo-ack', 1), [1]);
});

test('the server knows why a client has left', async () => {
  const [leaver, watcher] = await Promise.all([connect(), connect()]);
  const id = leaver.id;
  leaver.disconnect();
  await eventually(async () => await ask1(watcher, 'reason-of', id) === 'client namespace disconnect', 'no reason');
});

test('volatile events come or do not, and what follows comes', async () => {
  const socket = await connect();
  const seen = record(socket, 'vol');
  const end = once(socket, 'vol-end');
  socket.emit('volatile', 20);
  assert.deepEqual(await end, [20]);
  assert.ok(seen.length <= 20);
});

test('with recovery it is a client like any other', async () => {
  const socket = await connect('/', { port: PORT + 1 });
  const news = once(socket, 'news');
  socket.emit('to-all', 'news', 'fish');
  assert.equal((await news)[0], 'fish');
});

if (OLD) {
  test('where it is not allowed it is refused', async () => {
    const socket = client('/', { port: PORT + 2, reconnection: false });
    const refused = once(socket, 'connect_error');
    socket.connect();
    await refused;
  });
}
