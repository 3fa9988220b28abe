'use strict';
// What every file here uses: official clients against a running contract server.
//
// The environment says where and how: CONTRACT_PORT is the port of the server's profile,
// CONTRACT_TRANSPORTS one of `polling`, `websocket` and `upgrade` (polling first, as browsers do). With CONTRACT_PARSER
// `msgpack` they speak so, to the listener that does. With CONTRACT_DEFLATE they compress what they send.

const assert = require('node:assert/strict');
const { afterEach } = require('node:test');
const { io } = require('socket.io-client');

const PACKED = process.env.CONTRACT_PARSER === 'msgpack';
const PORT = Number(process.env.CONTRACT_PORT) + (PACKED ? 2 : 0);
const PARSER = PACKED ? { parser: require('socket.io-msgpack-parser') } : {};
const DEFLATE = process.env.CONTRACT_DEFLATE ? { perMessageDeflate: { threshold: 0 } } : {};
const MODE = process.env.CONTRACT_TRANSPORTS ?? 'upgrade';
const TRANSPORTS = MODE === 'upgrade' ? ['polling', 'websocket'] : [MODE];

// Nothing below waits for time to pass; this only turns a hang into a message.
const DEADLINE = 30_000;

assert.ok(PORT > 0, 'CONTRACT_PORT names the port of a running contract server');
assert.ok(['polling', 'websocket', 'upgrade'].includes(MODE), `no such mode: ${MODE}`);

const opened = new Set();

// A client with a connection of its own, not connected yet.
function client(namespace = '/', options = {}) {
  const { port = PORT, ...rest } = options;
  const socket = io(`http://127.0.0.1:${port}${namespace}`, {
    transports: TRANSPORTS,
    forceNew: true,
    autoConnect: false,
    reconnectionDelay: 20,
    reconnectionDelayMax: 100,
    ...PARSER,
    ...DEFLATE,
    ...rest,
  });
  opened.add(socket);
  return socket;
}

// A second namespace on the connection of `socket`, not connected yet.
function beside(socket, namespace, options = {}) {
  const other = socket.io.socket(namespace, options);
  opened.add(other);
  return other;
}

// A client that has joined its namespace. In mode `upgrade` the upgrade may still be under way.
async function connect(namespace = '/', options = {}) {
  const socket = client(namespace, options);
  await connected(socket);
  return socket;
}

async function connected(socket) {
  const outcome = within(new Promise((resolve, reject) => {
    socket.once('connect', resolve);
    socket.once('connect_error', reject);
  }), 'no `connect`');
  socket.connect();
  await outcome;
}

// Like `connect`, and the upgrade is over.
async function settled(namespace = '/', options = {}) {
  const socket = client(namespace, options);
  socket.io.once('open', () => {
    const { engine } = socket.io;
    socket.settled = MODE === 'upgrade' ? once(engine, 'upgrade') : Promise.resolve();
  });
  await connected(socket);
  await socket.settled;
  return socket;
}

// The arguments of the next `event`.
function once(emitter, event) {
  return within(new Promise((resolve) => {
    emitter.once(event, (...args) => resolve(args));
  }), `no \`${event}\``);
}

// The arguments of the next `count` times `event`, in order of arrival.
function collect(socket, event, count) {
  const seen = [];
  return within(new Promise((resolve) => {
    const take = (...args) => {
      seen.push(args);
      if (seen.length < count) return;
      socket.off(event, take);
      resolve(seen);
    };
    socket.on(event, take);
  }), () => `${seen.length} of ${count} \`${event}\``);
}

// Emits with an acknowledgement and returns all its arguments.
function ask(socket, event, ...args) {
  return within(new Promise((resolve) => {
    socket.emit(event, ...args, (...answer) => resolve(answer));
  }), `no answer to \`${event}\``);
}

// Like `ask`, for answers of one argument.
async function ask1(socket, event, ...args) {
  const answer = await ask(socket, event, ...args);
  assert.equal(answer.length, 1, `\`${event}\` is answered with one argument`);
  return answer[0];
}

// Whatever the server sent to `socket` before now has arrived after this: sockets receive in order.
async function fence(socket) {
  await ask(socket, 'echo-ack');
}

// Records every `event`, for checks that something does NOT come.
function record(socket, event) {
  const seen = [];
  socket.on(event, (...args) => seen.push(args));
  return seen;
}

// Asks again until `look` is content: for effects that nobody announces.
async function eventually(look, what) {
  const end = Date.now() + DEADLINE;
  for (;;) {
    if (await look()) return;
    if (Date.now() > end) assert.fail(`never: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

function within(promise, what) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => {
      reject(new Error(`${typeof what === 'function' ? what() : what} within ${DEADLINE} ms`));
    }, DEADLINE);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

let names = 0;
// A name nobody else uses: a room, an event.
function unique(prefix) {
  names += 1;
  return `${prefix} ${process.pid}.${names}`;
}

afterEach(() => {
  for (const socket of opened) socket.disconnect();
  opened.clear();
});

module.exports = {
  MODE, PACKED, PORT, TRANSPORTS, ask, ask1, beside, client, collect, connect, connected, eventually, fence, once,
  record, settled, unique, within,
};
