'use strict';
// HTTP/2 as Node.js itself speaks it: polling, and WebSockets by extended CONNECT (RFC 8441), as streams of one connection; in
// the clear, or over TLS where CONTRACT_CERTIFICATE names the server's certificate. Packets are the official parsers'.

const assert = require('node:assert/strict');
const { randomBytes } = require('node:crypto');
const { readFileSync } = require('node:fs');
const http2 = require('node:http2');
const { afterEach, test } = require('node:test');
const engine = require('engine.io-parser');
const { Decoder, Encoder, PacketType } = require('socket.io-parser');
const { PORT, once, within } = require('./support.cjs');

const CERTIFICATE = process.env.CONTRACT_CERTIFICATE;
const POLLING = '/socket.io/?EIO=4&transport=polling';
const WEBSOCKET = '/socket.io/?EIO=4&transport=websocket';

const connections = new Set();
afterEach(() => {
  for (const connection of connections) connection.destroy();
  connections.clear();
});

// A connection, and what the server allows on it.
async function connect() {
  const connection = CERTIFICATE
    ? http2.connect(`https://127.0.0.1:${PORT}`, { ca: readFileSync(CERTIFICATE) })
    : http2.connect(`http://127.0.0.1:${PORT}`);
  connections.add(connection);
  connection.setMaxListeners(0);
  [connection.allowed] = await once(connection, 'remoteSettings');
  assert.equal(connection.alpnProtocol, CERTIFICATE ? 'h2' : 'h2c');
  return connection;
}

// Status and body of one request.
async function ask(connection, method, path, body = null) {
  const headers = { ':method': method, ':path': path, 'content-type': 'text/plain;charset=UTF-8' };
  const stream = connection.request(headers, { endStream: body === null });
  if (body !== null) stream.end(body);
  const [answer] = await once(stream, 'response');
  let text = '';
  for await (const part of stream.setEncoding('utf8')) text += part;
  return [answer[':status'], text];
}

// A session that polls.
class Polling {
  static async open(connection) {
    const [status, text] = await ask(connection, 'GET', POLLING);
    assert.equal(status, 200);
    const [open] = engine.decodePayload(text);
    assert.equal(open.type, 'open');
    return new Polling(connection, JSON.parse(open.data).sid);
  }

  constructor(connection, sid) {
    this.connection = connection;
    this.sid = sid;
    this.path = `${POLLING}&sid=${sid}`;
  }

  async post(packet) {
    const [text] = new Encoder().encode(packet);
    assert.deepEqual(await ask(this.connection, 'POST', this.path, `4${text}`), [200, 'ok']);
  }

  // The packets of Engine.IO that a GET brings.
  async get() {
    const [status, text] = await ask(this.connection, 'GET', this.path);
    assert.equal(status, 200);
    return engine.decodePayload(text);
  }
}

const TEXT = 1;
const BINARY = 2;
const CLOSE = 8;

// A whole frame as clients send them: masked (RFC 6455, 5.2).
function frame(opcode, payload) {
  const { length } = payload;
  const head = Buffer.alloc(length < 126 ? 2 : length < 65_536 ? 4 : 10);
  head[0] = 0x80 | opcode;
  head[1] = 0x80 | (length < 126 ? length : length < 65_536 ? 126 : 127);
  if (head.length === 4) head.writeUInt16BE(length, 2);
  if (head.length === 10) head.writeBigUInt64BE(BigInt(length), 2);
  const mask = randomBytes(4);
  return Buffer.concat([head, mask, payload.map((byte, at) => byte ^ mask[at & 3])]);
}

// The whole frame of a server at the beginning of these bytes, and where it ends.
function parse(bytes) {
  if (bytes.length < 2) return null;
  assert.equal(bytes[0] & 0xf0, 0x80, 'nothing here is in pieces or compressed');
  assert.ok(bytes[1] < 128, 'a server masks nothing');
  let [, length] = bytes;
  const head = length < 126 ? 2 : length === 126 ? 4 : 10;
  if (bytes.length < head) return null;
  if (head === 4) length = bytes.readUInt16BE(2);
  if (head === 10) length = Number(bytes.readBigUInt64BE(2));
  const end = head + length;
  if (bytes.length < end) return null;
  return { opcode: bytes[0] & 0x0f, payload: bytes.subarray(head, end), end };
}

async function* frames(stream) {
  let read = Buffer.alloc(0);
  for await (const part of stream) {
    read = Buffer.concat([read, part]);
    for (let found = parse(read); found !== null; found = parse(read)) {
      read = read.subarray(found.end);
      yield found;
    }
  }
}

// A WebSocket that is a stream.
class WebSocket {
  #frames;

  static async open(connection, query = '') {
    assert.equal(connection.allowed.enableConnectProtocol, true);
    const stream = connection.request({
      ':method': 'CONNECT',
      ':protocol': 'websocket',
      ':path': WEBSOCKET + query,
      'sec-websocket-version': '13',
    });
    const [answer] = await once(stream, 'response');
    assert.equal(answer[':status'], 200);
    return new WebSocket(stream);
  }

  // A session with its main namespace.
  static async join(connection) {
    const socket = await WebSocket.open(connection);
    assert.equal((await socket.packet())[0], '0');
    socket.say({ type: PacketType.CONNECT, nsp: '/' });
    assert.ok((await socket.hear(PacketType.CONNECT)).data.sid);
    return socket;
  }

  constructor(stream) {
    this.stream = stream;
    this.#frames = frames(stream);
  }

  send(opcode, payload) {
    this.stream.write(frame(opcode, Buffer.from(payload)));
  }

  // The next frame; none at the end of the stream.
  async next() {
    const { value = null } = await within(this.#frames.next(), 'no frame');
    return value;
  }

  // The next packet of Engine.IO that is no ping: text, or bytes.
  async packet() {
    for (;;) {
      const { opcode, payload } = await this.next();
      assert.ok(opcode === TEXT || opcode === BINARY, `opcode ${opcode}`);
      if (opcode === BINARY) return payload;
      const text = payload.toString();
      if (text !== '2') return text;
      this.send(TEXT, '3');
    }
  }

  say(packet) {
    for (const part of new Encoder().encode(packet)) {
      if (typeof part === 'string') this.send(TEXT, `4${part}`);
      else this.send(BINARY, part);
    }
  }

  // The next packet of Socket.IO, which has to be of this type.
  async hear(type) {
    const decoder = new Decoder();
    let heard = null;
    decoder.on('decoded', (packet) => { heard = packet; });
    while (heard === null) {
      const part = await this.packet();
      if (typeof part === 'string') assert.equal(part[0], '4', part);
      decoder.add(typeof part === 'string' ? part.slice(1) : part);
    }
    assert.equal(heard.type, type);
    return heard;
  }

  // Emits with an acknowledgement, and returns its arguments.
  async ask(event, ...args) {
    this.say({ type: PacketType.EVENT, nsp: '/', id: 7, data: [event, ...args] });
    const answer = await this.hear(PacketType.ACK);
    assert.equal(answer.id, 7);
    return answer.data;
  }

  // Says goodbye, with which this side of the stream ends (RFC 8441, 5).
  leave() {
    this.stream.end(frame(CLOSE, Buffer.from([1000 >> 8, 1000 & 0xff])));
  }

  // The code of the goodbye that comes next, behind which nothing may come.
  async left() {
    let last = await this.next();
    while (last.opcode !== CLOSE) last = await this.next();
    const code = last.payload.length < 2 ? null : last.payload.readUInt16BE(0);
    return [code, await this.next()];
  }

  async close() {
    this.leave();
    assert.deepEqual(await this.left(), [1000, null]);
  }
}

test('a session polls: what is posted is answered to the GET that waits on the same connection', async () => {
  const polling = await Polling.open(await connect());
  await polling.post({ type: PacketType.CONNECT, nsp: '/' });
  assert.match((await polling.get())[0].data, /^0\{"sid":/);
  const held = polling.get();
  await polling.post({ type: PacketType.EVENT, nsp: '/', id: 1, data: ['http-version'] });
  assert.deepEqual(await held, [{ type: 'message', data: '31["HTTP/2.0"]' }]);
});

test('a WebSocket is a stream: text and bytes of every size go both ways', async () => {
  const socket = await WebSocket.join(await connect());
  assert.deepEqual(await socket.ask('http-version'), ['HTTP/2.0']);
  assert.deepEqual(await socket.ask('transport'), ['websocket']);
  for (const size of [0, 100, 125, 126, 10_000, 65_536, 900_000]) {
    const args = ['é🐟'.repeat(size / 10), { bytes: randomBytes(size) }];
    assert.deepEqual(await socket.ask('echo-ack', ...args), args);
  }
  await socket.close();
});

test('a session that polls goes over to a stream of the same connection', async () => {
  const polling = await Polling.open(await connect());
  await polling.post({ type: PacketType.CONNECT, nsp: '/' });
  await polling.get();
  const held = polling.get();
  const socket = await WebSocket.open(polling.connection, `&sid=${polling.sid}`);
  socket.send(TEXT, '2probe');
  assert.equal(await socket.packet(), '3probe');
  assert.deepEqual(await held, [{ type: 'noop' }]);
  socket.send(TEXT, '5');
  assert.deepEqual(await socket.ask('transport'), ['websocket']);
  await socket.close();
});

test('both sides can say goodbye, and the connection goes on', async () => {
  const connection = await connect();
  await (await WebSocket.join(connection)).close();
  const kicked = await WebSocket.join(connection);
  kicked.say({ type: PacketType.EVENT, nsp: '/', data: ['kick', true] });
  await kicked.hear(PacketType.DISCONNECT);
  kicked.leave();
  assert.equal((await kicked.left())[1], null);
  const vanished = await WebSocket.join(connection);
  vanished.stream.close(http2.constants.NGHTTP2_CANCEL);
  const other = await WebSocket.join(connection);
  assert.deepEqual(await other.ask('echo-ack', 'still here'), ['still here']);
});

test('a thousand WebSockets on one connection: as many at once as the server allows, and all have their turn', async () => {
  const connection = await connect();
  const most = connection.allowed.maxConcurrentStreams;
  assert.equal(most, 200);
  let open = 0;
  let peak = 0;
  let isFull;
  const full = new Promise((resolve) => { isFull = resolve; });
  const visit = async (number) => {
    const socket = await WebSocket.join(connection);
    open += 1;
    peak = Math.max(peak, open);
    if (open === most) isFull();
    await within(full, () => `${open} are open`);
    assert.deepEqual(await socket.ask('echo-ack', number), [number]);
    open -= 1;
    await socket.close();
  };
  await Promise.all(Array.from({ length: 1000 }, (_, number) => visit(number)));
  assert.equal(peak, most);
});
