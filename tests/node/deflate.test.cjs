'use strict';
// Clients that negotiate permessage-deflate beside others that do not, against a server that offers it.

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { WebSocket } = require('ws');
const { PORT, ask, connect, once, settled } = require('./support.cjs');

const WEBSOCKET = { transports: ['websocket'] };
const TEXT = 'the same words '.repeat(3000);

// What a client has agreed on with the server, and how many bytes have come to it.
function wire(socket) {
  const { ws } = socket.io.engine.transport;
  return { extensions: ws.extensions, read: ws._socket.bytesRead };
}

test('the client and the server agree, and what is sent is smaller both ways', async () => {
  const socket = await settled();
  const { extensions, read } = wire(socket);
  assert.equal(extensions, 'permessage-deflate');
  for (let round = 0; round < 5; round += 1) {
    const bytes = Buffer.alloc(100_000, round);
    const [text, echoed] = await ask(socket, 'echo-ack', TEXT, bytes);
    assert.equal(text, TEXT);
    assert.ok(bytes.equals(echoed));
  }
  assert.ok(wire(socket).read - read < 10_000, `${wire(socket).read - read} bytes`);
});

test('a broadcast reaches clients with and without compression', async () => {
  const deflating = await Promise.all([1, 2, 3].map(() => connect('/', WEBSOCKET)));
  const plain = await connect('/', { ...WEBSOCKET, perMessageDeflate: false });
  const polling = await connect('/', { transports: ['polling'] });
  const before = deflating.map((socket) => wire(socket).read);
  const all = [...deflating, plain, polling];
  const heard = all.map((socket) => once(socket, 'news'));
  plain.emit('to-all', 'news', TEXT);
  assert.deepEqual(await Promise.all(heard), all.map(() => [TEXT]));
  assert.equal(wire(plain).extensions, '');
  deflating.forEach((socket, index) => assert.ok(wire(socket).read - before[index] < 1000));
  assert.ok(wire(plain).read > TEXT.length);
});

test('messages of all kinds and sizes survive the contexts of both sides', async () => {
  const socket = await settled();
  for (let size = 1; size < 1_000_000; size *= 3) {
    const noise = require('node:crypto').randomBytes(size);
    const words = `é🐟 ${size} `.repeat(size / 10);
    const [text, bytes] = await ask(socket, 'echo-ack', words, noise);
    assert.equal(text, words);
    assert.ok(noise.equals(bytes), `${size} bytes`);
  }
});

// A WebSocket of Engine.IO without a client around it.
async function raw(options) {
  const url = `ws://127.0.0.1:${PORT}/socket.io/?EIO=4&transport=websocket`;
  const socket = new WebSocket(url, { perMessageDeflate: options });
  const texts = [];
  let wake = () => {};
  socket.on('message', (data) => { texts.push(data.toString()); wake(); });
  socket.next = async () => {
    while (texts.length === 0) await new Promise((resolve) => { wake = resolve; });
    return texts.shift();
  };
  await once(socket, 'open');
  assert.match(await socket.next(), /^0\{/);
  socket.send('40');
  assert.match(await socket.next(), /^40\{/);
  return socket;
}

test('a compressed message may come in fragments, with pings between', async () => {
  for (const options of [{ threshold: 0 }, { threshold: 0, clientNoContextTakeover: true }]) {
    const socket = await raw(options);
    for (const word of ['one', 'two', 'three']) {
      const packet = `42["echo","${word.repeat(5000)}"]`;
      const pong = once(socket, 'pong');
      socket.send(packet.slice(0, 9), { fin: false });
      socket.ping('between');
      socket.send(packet.slice(9, 9000), { fin: false });
      socket.send(packet.slice(9000), { fin: true });
      await pong;
      assert.equal(await socket.next(), packet.replace('echo', 'echo-back'));
    }
    socket.terminate();
  }
});

test('a client that wants a smaller window of the server is served without compression', async () => {
  const socket = await raw({ threshold: 0, serverMaxWindowBits: 10 });
  assert.equal(socket.extensions, '');
  socket.send(`42["echo","${TEXT}"]`);
  assert.equal(await socket.next(), `42["echo-back","${TEXT}"]`);
  socket.terminate();
});

test('a bomb is refused with 1009', async () => {
  const socket = await raw({ threshold: 0 });
  const closed = once(socket, 'close');
  socket.send(`42["echo","${'x'.repeat(50_000_000)}"]`);
  assert.equal((await closed)[0], 1009);
});
