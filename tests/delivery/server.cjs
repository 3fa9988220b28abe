'use strict';
// Servers of a test's own: started, killed and started again on the same data.
//
// CONTRACT_PROGRAM is the contract server, CONTRACT_SPARE_PORT the first of four free ports, CONTRACT_DATA a folder
// for whatever they keep.

const assert = require('node:assert/strict');
const { spawn } = require('node:child_process');
const { readFileSync } = require('node:fs');
const { join } = require('node:path');
const { createInterface } = require('node:readline');
const { once, within } = require('./support.cjs');

const { CONTRACT_PROGRAM, CONTRACT_SPARE_PORT, CONTRACT_DATA } = process.env;

class Server {
  #command;
  #environment;
  #child = null;

  // One of the profile `delivery` on the spare port of this number (0 to 3), with data under this name.
  static contract(number, data, environment = {}, place = CONTRACT_DATA) {
    const port = Number(CONTRACT_SPARE_PORT) + number;
    assert.ok(port > 0 && CONTRACT_PROGRAM && place, 'the environment names a program to start');
    const folder = join(place, data);
    const profile = ['--profile', 'delivery', '--port', String(port), '--data', folder];
    const server = new Server(port, [CONTRACT_PROGRAM, ...profile], environment);
    server.data = folder;
    return server;
  }

  constructor(port, command, environment = {}) {
    this.port = port;
    this.#command = command;
    this.#environment = environment;
  }

  async start() {
    const [program, ...args] = this.#command;
    const child = spawn(program, args, {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, ...this.#environment },
    });
    this.#child = child;
    await within(new Promise((resolve, reject) => {
      createInterface({ input: child.stdout }).once('line', resolve);
      child.once('error', reject);
      child.once('exit', (code) => reject(new Error(`the server ended with ${code}`)));
    }), 'no line that says the server is ready');
  }

  // Without a warning: `kill -9`.
  async kill() {
    const child = this.#child;
    this.#child = null;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
  }

  signal(name) {
    this.#child.kill(name);
  }

  get isRunning() {
    return this.#child?.exitCode === null && this.#child.signalCode === null;
  }

  // Resident memory, in MiB; none where it has ended.
  memory() {
    if (!this.isRunning) return 0;
    const status = readFileSync(`/proc/${this.#child.pid}/status`, 'utf8');
    return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) / 1024;
  }
}

module.exports = { Server };
