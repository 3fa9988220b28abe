'use strict';
// Positions that nobody was given: a plain new session, and a notice that something may be missing.

const assert = require('node:assert/strict');
const { after, describe, test } = require('node:test');
const { AT_ONCE, DURABLE, PORT, Page, closeAll, meeting, resuming, unique } = require('./support.cjs');

after(closeAll);

// Somebody in a room who is away, and an event that it misses.
async function away(setting) {
  const scene = await meeting(setting);
  await scene.page.cut();
  await scene.other.publish(scene.room, 'missed');
  return scene;
}

async function isSomebodyNew({ page, other, room, id }, reason) {
  await page.back();
  await page.until(() => page.gaps.length > 0, 'no notice of the gap');
  await page.fence(other);
  assert.equal(page.recovered, false);
  assert.notEqual(page.id, id);
  assert.deepEqual(page.gaps, [{ reason }]);
  assert.deepEqual(page.heard, [1]);
  assert.deepEqual(await page.rooms(), []);
  await page.join(room);
  await other.publish(room, 2);
  await page.hears(2);
}

function swapped(token) {
  const letters = [...token];
  const last = letters.length - 1;
  letters[last] = letters[last] === 'A' ? 'B' : 'A';
  return letters.join('');
}

const FORGED = {
  'nothing at all': () => '',
  'a word': () => 'refresh',
  'letters of the right number': (token) => 'x'.repeat(token.length),
  'another first letter': (token) => (token[0] === 'A' ? 'B' : 'A') + token.slice(1),
  'a letter more': (token) => `${token}A`,
  'a letter less': (token) => token.slice(0, -1),
  'letters of no alphabet': (token) => `é\u0000${token.slice(2)}`,
  'a hundred thousand letters': () => 'x'.repeat(100_000),
};

describe('positions that nobody was given', { concurrency: AT_ONCE }, () => {
  for (const namespace of DURABLE) {
    const setting = { port: PORT, namespace };

    for (const [name, forge] of Object.entries(FORGED)) {
      test(`${namespace}: a forged position, ${name}, is a new session`, async () => {
        const scene = await away(setting);
        scene.page.socket._lastOffset = forge(scene.page.socket._lastOffset);
        await isSomebodyNew(scene, 'unknown-position');
      });
    }

    test(`${namespace}: the position of another namespace is a new session`, async () => {
      const foreign = await Page.open({ ...setting, namespace: namespace === '/' ? '/async' : '/' });
      const scene = await away(setting);
      scene.page.socket._lastOffset = await foreign.publish('nobody', 0);
      await isSomebodyNew(scene, 'unknown-position');
    });

    test(`${namespace}: the session of another namespace is a new session`, async () => {
      const foreign = await Page.open({ ...setting, namespace: namespace === '/' ? '/async' : '/' });
      const scene = await away(setting);
      scene.page.socket._pid = foreign.position.pid;
      await isSomebodyNew(scene, 'unknown-session');
    });

    for (const [name, forge] of Object.entries({ ...FORGED, 'another last letter': swapped })) {
      test(`${namespace}: a forged session, ${name}, is a new session`, async () => {
        const scene = await away(setting);
        const pid = forge(scene.page.socket._pid);
        // The official client names no session that is empty by itself.
        scene.page.socket.auth = resuming({ ...scene.page.position, pid });
        await isSomebodyNew(scene, 'unknown-session');
      });
    }

    test(`${namespace}: a session or a position that is no text is a new session`, async () => {
      const witness = await Page.open(setting);
      const { pid } = witness.position;
      for (const auth of [{ pid: 5 }, { pid: [pid] }, { pid: { pid } }, { pid, offset: 7 }]) {
        const page = await Page.open(setting, { auth });
        assert.notEqual(page.id, witness.id, JSON.stringify(auth));
        assert.notEqual(page.position.pid, pid, JSON.stringify(auth));
        page.close();
      }
      assert.equal(witness.disconnects.length, 0);
    });

    test(`${namespace}: a position without a session is a new session`, async () => {
      const other = await Page.open(setting);
      const offset = await other.publish('nobody', 0);
      const page = await Page.open(setting, { auth: { offset } });
      await page.fence(other);
      assert.deepEqual(page.heard, []);
      assert.deepEqual(page.gaps, []);
    });
  }
});
