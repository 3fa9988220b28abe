'use strict';
// Plays the nine cases to this server and to the reference server, and prints what became of them as a Markdown
// table. Takes a minute: the reference drops old events once in that time.
//
//   CONTRACT_PROGRAM=target/release/contract NODE_PATH=target/black-box/delivery/node_modules \
//     node tests/delivery/compare.cjs

const { mkdtempSync, rmSync } = require('node:fs');
const { createServer } = require('node:net');
const { tmpdir } = require('node:os');
const { join } = require('node:path');
const { CASES, verdict } = require('./cases.cjs');
const { Server } = require('./server.cjs');
const { MODES, closeAll } = require('./support.cjs');

const { CONTRACT_PROGRAM } = process.env;
const running = new Set();

// G wants events to be forgotten soon, and H an answer that does not come to be missed soon.
const environment = (id) => ({
  ASK_MS: '3000',
  ...(id === 'G' && { EVENTS_MS: '1000' }),
});

async function freePort() {
  const probe = createServer();
  await new Promise((resolve) => probe.listen(0, '127.0.0.1', resolve));
  const { port } = probe.address();
  await new Promise((resolve) => probe.close(resolve));
  return port;
}

async function contract(id, folder) {
  const port = await freePort();
  const data = join(folder, id);
  const profile = ['--profile', 'delivery', '--port', String(port), '--data', data];
  return new Server(port, [CONTRACT_PROGRAM, ...profile], environment(id));
}

async function reference(id) {
  const port = await freePort();
  const program = [process.execPath, join(__dirname, 'reference.cjs'), String(port)];
  return new Server(port, program, environment(id));
}

// What became of one case, by each transport: the same words are said once.
async function play(start, { id, run }) {
  const server = await start(id);
  running.add(server);
  await server.start();
  const results = await Promise.all(MODES.map(async (mode) => {
    const outcome = await run({ port: server.port, namespace: '/', mode });
    const text = verdict(outcome).join(', ') || 'ok';
    return { mode, text };
  }));
  return inWords(results);
}

function inWords(results) {
  const texts = [...new Set(results.map(({ text }) => text))];
  if (texts.length === 1) return texts[0];
  const modes = (text) => results.filter((one) => one.text === text).map(({ mode }) => mode);
  return texts.map((text) => `${text} (${modes(text).join(', ')})`).join('; ');
}

async function compare(folder) {
  const servers = [(id) => contract(id, folder), reference];
  const rows = await Promise.all(CASES.map(async (one) => {
    const cells = await Promise.all(servers.map((start) => play(start, one)));
    return `| ${one.id} | ${one.title} | ${cells.join(' | ')} |`;
  }));
  const { version } = require('socket.io/package.json');
  console.log(`| case | what | sockeye | socket.io ${version} |\n|---|---|---|---|`);
  console.log(rows.join('\n'));
}

async function main() {
  if (!CONTRACT_PROGRAM) throw new Error('CONTRACT_PROGRAM names the contract server');
  const folder = mkdtempSync(join(tmpdir(), 'sockeye-compare-'));
  try {
    await compare(folder);
  } finally {
    closeAll();
    await Promise.all([...running].map((server) => server.kill()));
    rmSync(folder, { recursive: true, force: true });
  }
}

main().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
