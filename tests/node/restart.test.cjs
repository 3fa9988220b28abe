'use strict';
// The server's process dies and comes back: clients find their way.
//
// CONTRACT_PROGRAM is the contract server, CONTRACT_SPARE_PORT a free port for it (and +3).
//
// Every client has finished its upgrade before the server dies: one whose WebSocket breaks between the
// answer to its probe and its `upgrade` packet has stopped polling, and the official client
// (engine.io-client 6.6) then notices nothing before its own ping timeout, 45 s later.

const assert = require('node:assert/strict');
const { spawn } = require('node:child_process');
const { createInterface } = require('node:readline');
const { after, test } = require('node:test');
const { ask, ask1, collect, once, settled, within } = require('./support.cjs');

const port = Number(process.env.CONTRACT_SPARE_PORT);
let server = null;

async function start() {
  const child = spawn(
    process.env.CONTRACT_PROGRAM,
    ['--profile', 'handlers', '--port', String(port)],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  server = child;
  await within(new Promise((resolve, reject) => {
    createInterface({ input: child.stdout }).once('line', resolve);
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`the server ended with ${code}`)));
  }), 'no line that says the server is ready');
}

async function kill(signal) {
  const gone = once(server, 'exit');
  server.kill(signal);
  await gone;
  server = null;
}

after(() => server?.kill('SIGKILL'));

for (const signal of ['SIGKILL', 'SIGTERM']) {
  test(`after ${signal} and a new start every client is back and whole`, async () => {
    await start();
    const sockets = await Promise.all([0, 1, 2].map(() => settled('/', { port })));
    const custom = await settled('/custom', { port });
    await ask1(sockets[0], 'join', 'room');

    const everyone = [...sockets, custom];
    const gone = Promise.all(everyone.map((socket) => once(socket, 'disconnect')));
    await kill(signal);
    for (const [reason] of await gone) assert.match(reason, /^transport (close|error)$/);

    const back = collect(sockets[1], 'echo-back', 20);
    for (let index = 0; index < 20; index += 1) sockets[1].emit('echo', index);
    const again = Promise.all(everyone.map((socket) => once(socket, 'connect')));
    await start();
    await again;

    const order = (await back).map(([index]) => index);
    assert.deepEqual(order, Array.from({ length: 20 }, (_, index) => index));
    assert.deepEqual(await ask1(sockets[0], 'rooms'), [], 'a new server knows no old rooms');
    assert.deepEqual(await ask(custom, 'echo-ack', 1), [1]);
    for (const socket of everyone) socket.disconnect();
    await kill('SIGKILL');
  });
}
