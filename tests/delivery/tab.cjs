'use strict';
// The official client in a tab of a real browser, spoken to as a socket that is here.
//
// What happens to the one in the tab is told by the tab itself, in order, over the browser's own protocol.

const { EventEmitter } = require('node:events');
const { readFileSync } = require('node:fs');
const { createServer } = require('node:http');

const CLIENT = readFileSync(require.resolve('socket.io-client/dist/socket.io.js'), 'utf8');

// A page with nothing but the client, until `close`.
class Site {
  static async open() {
    const site = new Site();
    site.server = createServer((_, response) => {
      response.setHeader('content-type', 'text/html; charset=utf-8');
      response.end(`<!doctype html><title>a tab</title><script>${CLIENT}</script>`);
    });
    await new Promise((resolve) => site.server.listen(0, '127.0.0.1', resolve));
    return site;
  }

  get url() {
    return `http://127.0.0.1:${this.server.address().port}/`;
  }

  close() {
    this.server.close();
    this.server.closeAllConnections();
  }
}

// What `Page` wants of a socket, for one that is in a tab.
class TabSocket {
  io = Object.assign(new EventEmitter(), { engine: Object.assign(new EventEmitter(), { transport: {} }) });
  id = undefined;
  connected = false;
  recovered = false;
  #events = new EventEmitter();
  #tab;

  // What makes clients in this tab: for `Page.open`.
  static in(tab, site) {
    return async (url, options) => {
      await tab.goto(site.url);
      const browser = await tab.context().newCDPSession(tab);
      await browser.send('Runtime.enable');
      await browser.send('Runtime.addBinding', { name: 'tell' });
      const socket = new TabSocket(tab);
      browser.on('Runtime.bindingCalled', ({ payload }) => socket.#told(JSON.parse(payload)));
      await tab.evaluate(begin, { url, options });
      return socket;
    };
  }

  constructor(tab) {
    this.#tab = tab;
  }

  on(event, listener) {
    this.#events.on(event, listener);
  }

  once(event, listener) {
    this.#events.once(event, listener);
  }

  connect() {
    this.#do((socket) => void socket.connect());
  }

  disconnect() {
    this.#do((socket) => void socket.disconnect());
  }

  // The last argument is called with the answer.
  emit(event, ...args) {
    const answered = args.pop();
    const asked = this.#tab.evaluate(ask, [event, ...args]);
    asked.then((answer) => answered(...answer), gone);
  }

  #do(what) {
    this.#tab.evaluate(`(${what})(window.socket)`).catch(gone);
  }

  #told({ from, event, args, state }) {
    const { engine, transport, ...own } = state;
    Object.assign(this, own);
    Object.assign(this.io.engine, { id: engine, transport: { name: transport } });
    ({ socket: this.#events, manager: this.io, engine: this.io.engine })[from].emit(event, ...args);
  }
}

// A tab that is closed answers no more.
function gone(error) {
  if (!/closed/.test(error.message)) throw error;
}

// Runs in the tab.
function begin({ url, options }) {
  const socket = window.io(url, options);
  const { io: manager } = socket;
  const tell = (from, emitter, event, heard = 0) => emitter.on(event, (...args) => {
    const { id, connected, recovered = false } = socket;
    const { engine } = manager;
    const state = { id, connected, recovered, engine: engine?.id, transport: engine?.transport?.name };
    window.tell(JSON.stringify({ from, event, args: args.slice(0, heard), state }));
  });
  tell('socket', socket, 'connect');
  tell('socket', socket, 'event', 2);
  for (const event of ['disconnect', 'tick', 'gone', 'sockeye:gap']) tell('socket', socket, event, 1);
  tell('manager', manager, 'reconnect_attempt');
  manager.on('open', () => tell('engine', manager.engine, 'upgrade'));
  tell('manager', manager, 'open');
  window.socket = socket;
}

// Runs in the tab.
function ask([event, ...args]) {
  return new Promise((resolve) => {
    window.socket.emit(event, ...args, (...answer) => {
      resolve(answer.map((one) => (one instanceof Error ? String(one) : one)));
    });
  });
}

module.exports = { Site, TabSocket };
