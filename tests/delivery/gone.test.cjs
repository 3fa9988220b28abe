'use strict';
// Who does not come back: CONTRACT_PORT was started with the SESSION_MS of the environment, a few seconds.

const assert = require('node:assert/strict');
const { after, describe, test } = require('node:test');
const { AT_ONCE, Page, closeAll, settings, unique } = require('./support.cjs');

const SESSION = Number(process.env.SESSION_MS);
assert.ok(SESSION > 0, 'SESSION_MS says for how long sessions are kept');

after(closeAll);

async function inTheLobby(setting) {
  const witness = await Page.open({ ...setting, mode: 'websocket' });
  await witness.join('lobby');
  return witness;
}

describe('where sessions are kept for a short time', { concurrency: AT_ONCE }, () => {
  for (const setting of settings()) {
    const where = `${setting.namespace} by ${setting.mode}`;

    test(`${where}: who stays away is gone after that time, once, and somebody new then`, async () => {
      const witness = await inTheLobby(setting);
      const page = await Page.open(setting);
      const room = unique('room');
      await page.join(room);
      const { id } = page;
      const since = Date.now();
      await page.cut();
      await witness.until(() => witness.gone.includes(id), 'nobody is gone');
      assert.ok(Date.now() - since >= SESSION, `gone after ${Date.now() - since} ms`);
      await witness.publish(room, 'missed');
      await page.back();
      await page.until(() => page.gaps.length > 0, 'no notice of the gap');
      await page.fence(witness);
      assert.equal(page.recovered, false);
      assert.notEqual(page.id, id);
      assert.deepEqual(page.gaps, [{ reason: 'unknown-session' }]);
      assert.deepEqual(page.heard, []);
      assert.deepEqual(await page.rooms(), []);
      assert.equal(witness.gone.filter((one) => one === id).length, 1);
    });

    test(`${where}: who leaves is gone at once`, async () => {
      const witness = await inTheLobby(setting);
      const page = await Page.open(setting);
      const { id } = page;
      page.socket.disconnect();
      const since = Date.now();
      await witness.until(() => witness.gone.includes(id), 'nobody is gone');
      assert.ok(Date.now() - since < SESSION, `gone after ${Date.now() - since} ms`);
    });

    test(`${where}: who comes back in time is not gone, however often`, async () => {
      const witness = await inTheLobby(setting);
      const page = await Page.open(setting);
      const leaver = await Page.open(setting);
      const { id } = page;
      await page.cut();
      await page.back();
      await page.halfOpen();
      await page.back();
      // One that goes away now is gone later than `page` would be.
      const { id: last } = leaver;
      await leaver.cut();
      await witness.until(() => witness.gone.includes(last), 'nobody is gone');
      assert.equal(witness.gone.includes(id), false);
      assert.equal(page.recovered, true);
      await page.fence(witness);
    });

    test(`${where}: who is gone is announced to those who were away themselves`, async () => {
      const witness = await inTheLobby(setting);
      const page = await Page.open(setting);
      const { id } = page;
      await witness.cut();
      page.socket.disconnect();
      await witness.back();
      assert.equal(witness.recovered, true);
      await witness.until(() => witness.gone.includes(id), 'nobody is gone');
    });
  }
});
