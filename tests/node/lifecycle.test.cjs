'use strict';
// Connecting, being sent away, coming back.

const assert = require('node:assert/strict');
const { test } = require('node:test');
const {
  MODE, ask, ask1, beside, client, collect, connect, connected, eventually, fence, once, record,
  settled, unique,
} = require('./support.cjs');

test('the handshake shows auth, query, headers, namespace and revision', async () => {
  const socket = await connect('/custom', {
    auth: { user: 'zoë', list: [1, { a: null }] },
    query: { room: 'a b&c=ü', empty: '' },
    extraHeaders: { 'X-Fish': 'sockeye' },
  });
  const { auth, query, headers, nsp, eio } = await ask1(socket, 'handshake');
  assert.deepEqual(auth, { user: 'zoë', list: [1, { a: null }] });
  assert.equal(query.room, 'a b&c=ü');
  assert.equal(query.empty, '');
  assert.equal(query.EIO, '4');
  assert.equal(query.transport, MODE === 'websocket' ? 'websocket' : 'polling');
  assert.equal(headers['x-fish'], 'sockeye');
  assert.match(headers.host, /^127\.0\.0\.1:\d+$/);
  assert.equal(nsp, '/custom');
  assert.equal(eio, 4);
});

test('without auth the handshake shows an empty object', async () => {
  const socket = await connect();
  assert.deepEqual((await ask1(socket, 'handshake')).auth, {});
});

test('auth as a function is asked at each connection', async () => {
  let asked = 0;
  const socket = await connect('/', {
    auth: (give) => {
      asked += 1;
      give({ asked });
    },
  });
  assert.deepEqual((await ask1(socket, 'handshake')).auth, { asked: 1 });
  const again = once(socket, 'connect');
  socket.emit('kill-transport');
  await again;
  assert.deepEqual((await ask1(socket, 'handshake')).auth, { asked: 2 });
});

test('the transport is the one that was asked for', async () => {
  const socket = await settled();
  assert.equal(await ask1(socket, 'transport'), MODE === 'polling' ? 'polling' : 'websocket');
});

test('the socket knows its own id, which is not the session id', async () => {
  const socket = await connect();
  assert.equal(await ask1(socket, 'id'), socket.id);
  assert.notEqual(socket.id, socket.io.engine.id);
});

test('a dynamic namespace says which one it is and is not the next one', async () => {
  const one = client('/dyn-101');
  const named = once(one, 'ns-info');
  await connected(one);
  assert.deepEqual(await named, [{ name: one.nsp }]);
  assert.deepEqual(await ask(one, 'echo-ack', 1, 'two'), [1, 'two']);
  const other = await connect('/dyn-102');
  const heard = record(other, 'all');
  one.emit('to-all', 'all', 1);
  await fence(one);
  await fence(other);
  assert.deepEqual(heard, []);
});

test('a name that no namespace matches is refused', async () => {
  await assert.rejects(connect('/dyn-x'), { message: 'Invalid namespace' });
});

test('kicked from a namespace, the connection stays for the others', async () => {
  const socket = await connect('/');
  const custom = beside(socket, '/custom');
  await connected(custom);
  const gone = once(custom, 'disconnect');
  custom.emit('kick', false);
  assert.deepEqual((await gone)[0], 'io server disconnect');
  assert.deepEqual(await ask(socket, 'echo-ack', 'alive'), ['alive']);
  await connected(custom);
  assert.deepEqual(await ask(custom, 'echo-ack', 'back'), ['back']);
});

test('kicked with the connection, every namespace goes', async () => {
  const socket = await connect('/', { reconnection: false });
  const custom = beside(socket, '/custom');
  await connected(custom);
  const gone = Promise.all([once(socket, 'disconnect'), once(custom, 'disconnect')]);
  custom.emit('kick', true);
  await gone;
  assert.equal(socket.connected || custom.connected, false);
  await connected(socket);
  assert.deepEqual(await ask(socket, 'echo-ack', 'again'), ['again']);
});

test('a lost connection comes back by itself with a new id', async () => {
  const socket = await connect();
  const before = socket.id;
  const gone = once(socket, 'disconnect');
  const again = once(socket, 'connect');
  socket.emit('kill-transport');
  assert.match((await gone)[0], /^transport (close|error)$/);
  await again;
  assert.notEqual(socket.id, before);
  assert.deepEqual(await ask(socket, 'echo-ack', 'again'), ['again']);
});

test('what was emitted while away arrives after the reconnect, once and in order', async () => {
  const socket = await connect();
  const gone = once(socket, 'disconnect');
  socket.emit('kill-transport');
  await gone;
  const back = collect(socket, 'echo-back', 50);
  for (let index = 0; index < 50; index += 1) socket.emit('echo', index);
  const order = (await back).map(([index]) => index);
  assert.deepEqual(order, Array.from({ length: 50 }, (_, index) => index));
});

test('a lost connection is lost for all its namespaces, and all come back', async () => {
  const socket = await connect('/');
  const custom = beside(socket, '/custom');
  await connected(custom);
  const again = Promise.all([once(socket, 'connect'), once(custom, 'connect')]);
  socket.emit('kill-transport');
  await again;
  assert.deepEqual(await ask(custom, 'echo-ack', 1), [1]);
  assert.equal((await ask1(custom, 'handshake')).nsp, '/custom');
});

test('reason-of says why a socket went, in the words of the reference', async () => {
  const observer = await connect();
  const reason = async (id) => {
    let answer = null;
    await eventually(async () => {
      answer = await ask1(observer, 'reason-of', id);
      return answer !== null;
    }, `a reason of ${id}`);
    return answer;
  };
  const goes = async (leave, options = {}) => {
    const socket = await settled('/', { reconnection: false, ...options });
    const { id } = socket;
    leave(socket);
    return reason(id);
  };
  assert.equal(await ask1(observer, 'reason-of', observer.id), null);
  assert.equal(await ask1(observer, 'reason-of', 'nobody'), null);
  assert.equal(await goes((socket) => socket.emit('kick', false)), 'server namespace disconnect');
  assert.equal(await goes((socket) => socket.emit('kick', true)), 'server namespace disconnect');
  assert.equal(await goes((socket) => socket.emit('kill-transport')), 'forced close');
  assert.equal(await goes((socket) => socket.io.engine.close()), 'transport close');
  const custom = async () => {
    const socket = await connect('/');
    const other = beside(socket, '/custom');
    await connected(other);
    const { id } = other;
    other.disconnect();
    const witness = await connect('/custom');
    await eventually(async () => await ask1(witness, 'reason-of', id) !== null, 'a reason');
    return ask1(witness, 'reason-of', id);
  };
  assert.equal(await custom(), 'client namespace disconnect');
});

test('leaving one namespace keeps the other', async () => {
  const socket = await connect('/');
  const custom = beside(socket, '/custom');
  await connected(custom);
  socket.disconnect();
  const event = unique('event');
  const heard = record(socket, event);
  custom.emit('to-all', event, 1);
  await fence(custom);
  assert.deepEqual(heard, []);
  await connected(socket);
  assert.deepEqual(await ask(socket, 'echo-ack', 2), [2]);
});

test('leaving and joining at once is no mistake', async () => {
  const socket = await connect('/');
  const custom = beside(socket, '/custom');
  await connected(custom);
  for (let round = 0; round < 20; round += 1) {
    custom.emit('echo', round);
    custom.disconnect();
    await connected(custom);
    assert.deepEqual(await ask(custom, 'echo-ack', round), [round]);
  }
  assert.deepEqual(await ask(socket, 'echo-ack', 'alive'), ['alive']);
});

test('an unknown namespace is refused and the connection stays', async () => {
  const socket = await connect('/');
  const unknown = beside(socket, '/nowhere');
  const refused = once(unknown, 'connect_error');
  unknown.connect();
  const [error] = await refused;
  assert.equal(error.message, 'Invalid namespace');
  assert.equal(error.data, undefined);
  assert.deepEqual(await ask(socket, 'echo-ack', 'alive'), ['alive']);
});

test('a refused client learns the message and the data', async () => {
  for (const auth of [undefined, { token: 'wrong' }, { token: { secret: true } }]) {
    const socket = client('/auth', { auth });
    const refused = once(socket, 'connect_error');
    socket.connect();
    const [error] = await refused;
    assert.equal(error.message, 'not authorized');
    assert.deepEqual(error.data, { code: 'E_AUTH', retryAfter: 5 });
    assert.equal(socket.active, false);
  }
});

test('a token in auth or in the query opens the door', async () => {
  const welcomed = async (options) => {
    const socket = client('/auth', options);
    const welcome = once(socket, 'welcome');
    await connected(socket);
    return (await welcome)[0];
  };
  assert.deepEqual(await welcomed({ auth: { token: 'secret', user: 'ann' } }), { user: 'ann' });
  assert.deepEqual(await welcomed({ auth: { token: 'secret' } }), { user: null });
  assert.deepEqual(await welcomed({ query: { token: 'secret' } }), { user: null });
});

test('a refused client may try again with a better token', async () => {
  const socket = client('/auth', { auth: { token: 'wrong' } });
  const refused = once(socket, 'connect_error');
  socket.connect();
  await refused;
  socket.auth = { token: 'secret' };
  await connected(socket);
  assert.equal(socket.connected, true);
});
