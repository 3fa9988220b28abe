'use strict';
// What every file here uses: official clients, each behind a line of its own that can be cut.
//
// A setting says where and how: `{ port, namespace, mode }`; mode is `websocket`, `polling` or `upgrade` (polling
// first, as browsers do). CONTRACT_PORT in the environment is the port of a contract server with the profile
// `delivery`.

const assert = require('node:assert/strict');
const { io } = require('socket.io-client');
const { Line } = require('./proxy.cjs');

const PORT = Number(process.env.CONTRACT_PORT);

// Nothing below waits for time to pass; this only turns a hang into a message.
const DEADLINE = 25_000;

// The server's ping interval and ping timeout, and a little more.
const PINGS = 4500;

const TRANSPORTS = {
  polling: ['polling'],
  websocket: ['websocket'],
  upgrade: ['polling', 'websocket'],
};

// So many tests run at once: more would only wait for the processor until pings are late.
const AT_ONCE = 24;

const DURABLE = ['/', '/async', '/memory'];
const MODES = Object.keys(TRANSPORTS);

const opened = new Set();

// Everything that was opened goes.
function closeAll() {
  for (const page of opened) page.close();
  opened.clear();
}

// An official client behind a line of its own, and everything it has heard.
class Page {
  // Payloads of `event`, in order.
  heard = [];
  tokens = [];
  ticks = [];
  gaps = [];
  gone = [];
  // Questions that wait for an answer: `[payload, answer]`.
  questions = [];
  // How often a connection was opened, and what its namespace was told.
  opens = 0;
  disconnects = [];
  // Told of anything that is heard.
  #changed = new Set();

  // A client that has joined its namespace, and whose upgrade is over; here, or wherever `client` makes one.
  static async open(setting, { shape, client = io, ...options } = {}) {
    const line = await Line.to(setting.port);
    shape?.(line);
    const mode = setting.mode ?? 'websocket';
    const socket = await client(`http://127.0.0.1:${line.port}${setting.namespace ?? '/'}`, {
      transports: TRANSPORTS[mode],
      forceNew: true,
      autoConnect: false,
      reconnectionDelay: 20,
      reconnectionDelayMax: 60,
      ...options,
    });
    const page = new Page(line, setting.port, mode, socket);
    const connected = page.once('connect');
    page.socket.connect();
    await connected;
    await page.settled();
    return page;
  }

  // One that has joined this room.
  static async joined(setting, room) {
    const page = await Page.open(setting);
    await page.join(room);
    return page;
  }

  constructor(line, server, mode, socket) {
    this.line = line;
    this.server = server;
    this.mode = mode;
    this.socket = socket;
    this.#listen();
    opened.add(this);
  }

  get id() {
    return this.socket.id;
  }

  get recovered() {
    return this.socket.recovered === true;
  }

  #listen() {
    const note = (list) => (value) => this.#took(list, value);
    const take = (event, list) => this.socket.on(event, note(list));
    this.socket.on('event', (payload, token) => {
      this.tokens.push(token);
      this.#took(this.heard, payload);
    });
    take('tick', this.ticks);
    take('sockeye:gap', this.gaps);
    take('gone', this.gone);
    take('disconnect', this.disconnects);
    this.socket.on('question', (payload, answer) => this.#took(this.questions, [payload, answer]));
    this.socket.io.on('open', () => {
      this.opens += 1;
    });
    this.socket.on('connect', () => this.#look());
  }

  #took(list, value) {
    list.push(value);
    this.#look();
  }

  #look() {
    for (const look of this.#changed) look();
  }

  // Resolves when `look`, which is asked again whenever something happens to the client, is content.
  until(look, what, deadline = DEADLINE) {
    let ask;
    const content = new Promise((resolve) => {
      ask = () => look() && resolve();
      this.#changed.add(ask);
      ask();
    });
    const late = () => `${what}; heard: ${JSON.stringify(this.heard).slice(0, 400)}; `
      + `disconnects: ${this.disconnects}`;
    return within(content, late, deadline).finally(() => this.#changed.delete(ask));
  }

  hears(payload, deadline = DEADLINE) {
    const what = `\`${payload}\` was not heard`;
    return this.until(() => this.heard.includes(payload), what, deadline);
  }

  once(event) {
    return once(this.socket, event);
  }

  // The upgrade, where there is one, is over on both sides: only then may a connection break without one of them
  // waiting for its ping timeout.
  async settled() {
    if (this.mode !== 'upgrade') return;
    const { engine } = this.socket.io;
    if (engine.transport.name !== 'websocket') await once(engine, 'upgrade');
    await this.ask('whoami');
  }

  // Emits with an acknowledgement, which has at most one argument.
  ask(event, ...args) {
    return within(new Promise((resolve) => {
      this.socket.emit(event, ...args, resolve);
    }), () => `no answer to \`${event}\`; disconnects: ${this.disconnects}`);
  }

  // Resolves with the event's token when it is stored.
  async publish(room, payload, key = null) {
    const { token } = await this.ask('publish', room, key, payload);
    return token;
  }

  async tell(id, payload) {
    const { token } = await this.ask('tell', id, payload);
    return token;
  }

  async join(room) {
    assert.equal(await this.ask('join', room), true);
  }

  async leave(room) {
    assert.equal(await this.ask('leave', room), true);
  }

  async rooms() {
    return (await this.ask('whoami')).rooms;
  }

  // The connection is cut and the server has noticed; the client tries in vain to come back until `back`.
  async cut() {
    const dead = await this.halfOpen();
    await dead.noticed();
  }

  // The client has lost its connection and the server has not noticed; returns what the server believes in. The client
  // tries in vain to come back until `back`.
  async halfOpen() {
    await this.#listened();
    this.line.down();
    const gone = this.once('disconnect');
    const dead = this.#dead(this.line.halfOpen());
    await gone;
    return dead;
  }

  // Nothing comes through any more, and neither side is told.
  async silence() {
    await this.#listened();
    return this.#dead(this.line.silence());
  }

  // The server has a poll of this client, or a WebSocket: asked something else since it was sent, it has answered.
  async #listened() {
    const { id, transport } = this.socket.io.engine;
    await within(this.line.listening(), 'no poll');
    await isUnknown(this.server, id, transport.name);
    await within(this.line.listening(), 'no poll');
  }

  // A connection that is no more, until the server has noticed.
  #dead(held) {
    const { id, transport } = this.socket.io.engine;
    const timedOut = Date.now() + PINGS;
    const isOver = () => isUnknown(this.server, id, transport.name);
    return {
      // The server knows it no more, or its ping timeout is over.
      givenUp: () => eventually(async () => Date.now() > timedOut || isOver(), 'the end of a dead connection'),
      // It ends for the server too, and the server has noticed.
      noticed: async () => {
        await within(held.end(), 'the server has not closed its side');
        await eventually(isOver, 'the server forgets the connection');
      },
    };
  }

  // The line is up again, and the client is back.
  async back() {
    const connected = this.once('connect');
    this.line.up();
    await connected;
    await this.settled();
  }

  // Comes back; and joins its room again where the server does not know it any more, as applications do.
  async backIn(room) {
    await this.back();
    if (!this.recovered) await this.join(room);
  }

  // A new connection is being opened on a line that is up: what is written now stands before the CONNECT.
  async reconnecting() {
    await once(this.socket.io, 'reconnect_attempt');
    this.line.up();
    assert.equal(this.socket.connected, false);
    assert.equal(this.socket.io.engine.readyState, 'opening');
  }

  // Whatever was sent to this client before now has arrived after this.
  async fence(other, deadline = DEADLINE) {
    const fence = unique('fence');
    await other.tell(this.id, fence);
    await this.hears(fence, deadline);
    const at = this.heard.indexOf(fence);
    this.heard.splice(at, 1);
    this.tokens.splice(at, 1);
  }

  // Goes as a page goes that is closed: without a word, and for good.
  async closePage() {
    this.socket.io.reconnection(false);
    await this.cut();
  }

  // What a page would keep to come back after a reload.
  get position() {
    return { pid: this.socket._pid, offset: this.socket._lastOffset };
  }

  close() {
    this.line.close();
    this.socket.disconnect();
  }
}

// A client in a room that has heard `1`, and another one that nothing ever happens to.
async function meeting(setting) {
  const other = await Page.open({ ...setting, mode: 'websocket' });
  const page = await Page.open(setting);
  const room = unique('room');
  await page.join(room);
  await other.publish(room, 1);
  await page.hears(1);
  return { page, other, room, id: page.id };
}

// The `auth` of a page that was loaded again: its position, for the first connection.
function resuming(position) {
  let kept = position;
  return (give) => {
    give(kept);
    kept = {};
  };
}

// Whether the server knows this Engine.IO session no more. It is asked by the transport that the session does not have:
// else it would complain of the transport, not of the session.
async function isUnknown(port, sid, transport) {
  const other = transport === 'polling' ? 'websocket' : 'polling';
  const query = new URLSearchParams({ EIO: 4, transport: other, sid });
  const answer = await fetch(`http://127.0.0.1:${port}/socket.io/?${query}`);
  const { code } = await answer.json();
  return code === 1;
}

// The arguments of the next `event`.
function once(emitter, event) {
  return within(new Promise((resolve) => {
    emitter.once(event, (...args) => resolve(args));
  }), `no \`${event}\``);
}

// Asks again until `look` is content: for effects that nobody announces.
async function eventually(look, what, deadline = DEADLINE) {
  const end = Date.now() + deadline;
  while (!await look()) {
    assert.ok(Date.now() < end, `never: ${what}`);
    await pause(20);
  }
}

function pause(milliseconds) {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

function within(promise, what, deadline = DEADLINE) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => {
      reject(new Error(`${typeof what === 'function' ? what() : what} within ${deadline} ms`));
    }, deadline);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

let names = 0;
// A name nobody else uses: a room, a payload.
function unique(prefix) {
  names += 1;
  return `${prefix} ${process.pid}.${names}`;
}

function numbers(count, from = 0) {
  return Array.from({ length: count }, (_, index) => from + index);
}

// Every durable namespace by every transport.
function settings(port = PORT, namespaces = DURABLE) {
  assert.ok(port > 0, 'CONTRACT_PORT names the port of a running contract server');
  return namespaces.flatMap((namespace) => MODES.map((mode) => ({ port, namespace, mode })));
}

module.exports = {
  AT_ONCE, DURABLE, MODES, PORT, Page, closeAll, eventually, meeting, numbers, once, pause, resuming, settings, unique,
  within,
};
