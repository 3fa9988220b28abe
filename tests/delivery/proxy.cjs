'use strict';
// A line between one client and the server, and everything that can happen to a line.
//
//   client ── near ──┤ Line ├── far ── server
//
// Each client has a line of its own, so that nobody else notices.

const net = require('node:net');
const { Transform } = require('node:stream');

class Line {
  #server;
  #target;
  #pairs = new Set();
  #released = [];
  // `up`, `down` (new connections are refused) or `silent` (they are taken, and nothing comes of them).
  #state = 'up';
  #swallowed = new Set();
  #listened = [];
  #shape = () => null;

  // A line to this port of the server; clients connect to `port`.
  static async to(target) {
    const line = new Line(target);
    await new Promise((resolve) => line.#server.listen(0, '127.0.0.1', resolve));
    return line;
  }

  constructor(target) {
    this.#target = target;
    this.#server = net.createServer((near) => this.#take(near));
  }

  get port() {
    return this.#server.address().port;
  }

  // No new connections until `up`.
  down() {
    this.#state = 'down';
  }

  up() {
    this.#state = 'up';
    for (const near of this.#swallowed) near.destroy();
    this.#swallowed.clear();
  }

  // The client loses its connections, and the server learns nothing of it: to the server they are open and silent.
  halfOpen() {
    const pairs = this.#release();
    for (const { near } of pairs) near.destroy();
    return new Dead(pairs);
  }

  // Nothing is forwarded any more, in neither direction, and nobody is told. New connections are silent too, until
  // `up`.
  silence() {
    this.#state = 'silent';
    const pairs = this.#release();
    for (const { near } of pairs) near.resume();
    return new Dead(pairs);
  }

  // The server's side is not read any more, so that in the end its writes block.
  stopReading() {
    for (const { far, down } of this.#pairs) {
      far.unpipe(down);
      far.pause();
    }
  }

  readAgain() {
    for (const { far, down } of this.#pairs) far.pipe(down);
  }

  // Resolves when the server has a request to which it can answer: a WebSocket, or the next poll. Only then does it
  // notice at once that a line is cut.
  async listening() {
    if ([...this.#pairs].some((pair) => pair.listens)) return;
    await new Promise((resolve) => this.#listened.push(resolve));
  }

  // New connections: what the server says comes so many milliseconds late.
  delay(milliseconds) {
    this.#shape = () => new Transform({
      transform(chunk, _, done) {
        setTimeout(() => this.push(chunk), milliseconds);
        done();
      },
      flush(done) {
        setTimeout(done, milliseconds);
      },
    });
  }

  // New connections: so many bytes of what the server says come through in a second.
  throttle(bytesPerSecond) {
    this.#shape = () => new Transform({
      transform(chunk, _, done) {
        setTimeout(() => done(null, chunk), chunk.length * 1000 / bytesPerSecond);
      },
    });
  }

  // The next connections break when so many bytes of the server have come through. Resolves when one has.
  breakAfter(bytes) {
    let left = bytes;
    return new Promise((broken) => {
      this.#shape = (pair) => new Transform({
        transform(chunk, _, done) {
          const part = chunk.subarray(0, left);
          left -= part.length;
          done(null, part);
          if (left > 0) return;
          pair.near.end(() => pair.near.destroy());
          pair.far.end();
          broken();
        },
      });
    });
  }

  // New connections are as good as any.
  mend() {
    this.#shape = () => null;
  }

  close() {
    this.up();
    this.down();
    this.#server.close();
    this.#release();
    for (const { near, far } of this.#released) {
      near.destroy();
      far.destroy();
    }
  }

  #take(near) {
    near.on('error', () => {});
    if (this.#state === 'down') {
      near.destroy();
      return;
    }
    if (this.#state === 'silent') {
      this.#swallowed.add(near.resume());
      return;
    }
    const far = net.connect(this.#target, '127.0.0.1');
    far.on('error', () => near.destroy());
    near.setNoDelay(true);
    far.setNoDelay(true);
    const pair = { near, far };
    const shape = this.#shape(pair);
    pair.down = shape ?? near;
    near.once('data', (chunk) => this.#began(pair, chunk));
    near.pipe(far);
    far.pipe(pair.down);
    shape?.pipe(near);
    near.on('close', () => this.#pairs.has(pair) && far.end());
    far.on('close', () => this.#pairs.delete(pair));
    this.#pairs.add(pair);
  }

  #began(pair, chunk) {
    if (chunk.subarray(0, 4).toString('latin1') !== 'GET ') return;
    const passed = () => {
      pair.listens = true;
      for (const resolve of this.#listened) resolve();
      this.#listened = [];
    };
    if (pair.far.connecting) pair.far.once('connect', () => setImmediate(passed));
    else setImmediate(passed);
  }

  // Takes all connections off the line: nothing is forwarded any more; what the server says is thrown away.
  #release() {
    const pairs = [...this.#pairs];
    this.#pairs.clear();
    for (const { near, far, down } of pairs) {
      near.unpipe(far);
      far.unpipe(down);
      far.resume();
    }
    this.#released.push(...pairs);
    return pairs;
  }
}

// Connections that only the server believes in.
class Dead {
  #pairs;

  constructor(pairs) {
    this.#pairs = pairs;
  }

  // They end for the server too. Resolves when it has closed its side.
  async end() {
    const closed = this.#pairs.map(({ near, far }) => {
      near.destroy();
      far.end();
      return far.closed || new Promise((resolve) => far.once('close', resolve));
    });
    await Promise.all(closed);
  }
}

module.exports = { Line };
