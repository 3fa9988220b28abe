'use strict';
// A disk that is full.
//
// CONTRACT_PROGRAM and CONTRACT_SPARE_PORT say what to start, see `server.cjs`; CONTRACT_SMALL is a folder on a file system of
// its own with some 40 MiB.

const assert = require('node:assert/strict');
const { rmSync, writeFileSync } = require('node:fs');
const { join } = require('node:path');
const { after, test } = require('node:test');
const { Server } = require('./server.cjs');
const { Page, closeAll, eventually, unique } = require('./support.cjs');

const { CONTRACT_SMALL } = process.env;
const server = Server.contract(0, unique('full'), {}, CONTRACT_SMALL);

after(async () => {
  closeAll();
  await server.kill();
});

// Nothing more fits.
function fill(file) {
  for (let size = 1 << 20; size >= 1 << 10; size >>= 1) {
    try {
      for (;;) writeFileSync(file, Buffer.alloc(size), { flag: 'a' });
    } catch (error) {
      assert.equal(error.code, 'ENOSPC');
    }
  }
}

test('a full disk refuses what is durable, serves everything else, and is taken again when there is room', async () => {
  await server.start();
  const setting = { port: server.port };
  const room = unique('room');
  const [member, speaker] = [await Page.joined(setting, room), await Page.open(setting)];
  const filler = join(CONTRACT_SMALL, 'filler');
  const taken = [];
  const say = async (number) => {
    const answer = await speaker.ask('publish', room, null, number);
    if (answer.token) taken.push(number);
    return Boolean(answer.token);
  };
  let next = 0;
  while (next < 20) assert.ok(await say(next++));
  fill(filler);
  while (await say(next++)) assert.ok(next < 200_000, 'it is never full');
  const plain = await Page.joined({ ...setting, namespace: '/plain' }, room);
  await plain.ask('publish', room, null, 'plain');
  await plain.hears('plain');
  assert.equal(typeof (await Page.open(setting)).id, 'string', 'others may come');
  rmSync(filler);
  await eventually(() => say(next++), 'it takes events again');
  await member.hears(taken.at(-1));
  assert.deepEqual(member.heard, taken, 'what was taken, in order, and nothing that was refused');
});
