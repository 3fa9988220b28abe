'use strict';
// What a client is over several connections and pages: identity, rooms, position, questions.

const assert = require('node:assert/strict');
const { after, describe, test } = require('node:test');
const {
  AT_ONCE, Page, closeAll, eventually, meeting, numbers, resuming, settings, unique,
} = require('./support.cjs');

after(closeAll);

describe('a client that comes back', { concurrency: AT_ONCE }, () => {
  for (const setting of settings()) {
    const where = `${setting.namespace} by ${setting.mode}`;

    test(`${where}: a page that is loaded again goes on where it was`, async () => {
      const { page, other, room, id } = await meeting(setting);
      const { position } = page;
      await page.closePage();
      await other.publish(room, 2);
      const again = await Page.open(setting, { auth: resuming(position) });
      await other.publish(room, 3);
      await again.fence(other);
      assert.equal(again.id, id);
      assert.deepEqual(again.heard, [2, 3]);
      assert.deepEqual(again.gaps, []);
      assert.deepEqual(await again.rooms(), [room]);
      await again.cut();
      await other.publish(room, 4);
      await again.back();
      await again.fence(other);
      assert.deepEqual(again.heard, [2, 3, 4]);
      assert.equal(again.recovered, true);
    });

    test(`${where}: a page that is loaded again before it heard anything goes on`, async () => {
      const other = await Page.open({ ...setting, mode: 'websocket' });
      const page = await Page.open(setting);
      const room = unique('room');
      await page.join(room);
      const { id, position: { pid } } = page;
      await page.closePage();
      await other.publish(room, 1);
      // What the page's storage gives for a position that was never put there.
      const again = await Page.open(setting, { auth: resuming({ pid, offset: null }) });
      await again.fence(other);
      assert.equal(again.id, id);
      assert.deepEqual(again.heard, [1]);
    });

    test(`${where}: a page that is loaded again takes over from the one that went silent`, async () => {
      const { page, other, room, id } = await meeting(setting);
      const { position } = page;
      const dead = await page.silence();
      await other.publish(room, 2);
      const again = await Page.open(setting, { auth: resuming(position) });
      await dead.givenUp();
      await other.publish(room, 3);
      await again.fence(other);
      assert.equal(again.id, id);
      assert.deepEqual(again.heard, [2, 3]);
      assert.deepEqual(await again.rooms(), [room]);
    });

    test(`${where}: a connection that goes silent is noticed by both, and nothing is missed`, async () => {
      const { page, other, room, id } = await meeting(setting);
      const dead = await page.silence();
      await other.publish(room, 2);
      await page.until(() => page.disconnects.length > 0, 'the client notices nothing');
      await dead.givenUp();
      await other.publish(room, 3);
      await page.back();
      await page.fence(other);
      assert.equal(page.id, id);
      assert.equal(page.recovered, true);
      assert.deepEqual(page.heard, [1, 2, 3]);
    });

    test(`${where}: dropped twenty times, it has everything once and in order`, async () => {
      const { page, other, room } = await meeting(setting);
      let next = 2;
      for (let round = 0; round < 20; round += 1) {
        if (round % 2) await page.cut();
        else await page.halfOpen();
        for (const payload of numbers(3, next)) await other.publish(room, payload);
        next += 3;
        await page.back();
      }
      await page.fence(other);
      assert.deepEqual(page.heard, numbers(next - 1, 1));
      assert.equal(page.recovered, true);
    });

    test(`${where}: dropped in the middle of what it missed, it has everything once`, async () => {
      const { page, other, room } = await meeting(setting);
      await page.cut();
      const text = 'x'.repeat(1000);
      const missed = numbers(60).map((number) => `${number} ${text}`);
      await Promise.all(missed.map((payload) => other.publish(room, payload)));
      const broken = page.line.breakAfter(20_000);
      page.line.up();
      await broken;
      page.line.mend();
      await eventually(() => page.opens === 3 && page.socket.connected, 'it is back');
      await page.settled();
      await page.fence(other);
      assert.deepEqual(short(page.heard), short([1, ...missed]));
    });

    test(`${where}: moved by the server while it was away, it is in its new rooms`, async () => {
      const { page, other, room, id } = await meeting(setting);
      await page.cut();
      await other.ask('remove', id, room);
      await page.back();
      assert.deepEqual(await page.rooms(), []);
      await page.join(room);
      await other.publish(room, 2);
      await page.fence(other);
      assert.deepEqual(page.heard, [1, 2]);
    });

    test(`${where}: a room that was left before the drop is not heard of again`, async () => {
      const { page, other, room } = await meeting(setting);
      await page.leave(room);
      await page.cut();
      await other.publish(room, 'after it left');
      await page.back();
      await page.fence(other);
      assert.deepEqual(page.heard, [1]);
      assert.deepEqual(await page.rooms(), []);
    });

    test(`${where}: left and joined again while connected, it misses what was said between`, async () => {
      const { page, other, room } = await meeting(setting);
      await page.leave(room);
      await other.publish(room, 'between');
      await page.join(room);
      await page.cut();
      await other.publish(room, 2);
      await page.back();
      await page.fence(other);
      assert.deepEqual(page.heard, [1, 2]);
    });

    test(`${where}: what is said to it alone while it is away arrives`, async () => {
      const { page, other, id } = await meeting(setting);
      await page.cut();
      await other.tell(id, 2);
      await page.back();
      await page.fence(other);
      assert.deepEqual(page.heard, [1, 2]);
    });

    test(`${where}: a question that is asked while it is away is answered when it is back`, async () => {
      const { page, other, id } = await meeting(setting);
      await page.cut();
      const answered = other.ask('ask', id, 'why');
      // Behind the question: both are asked in order.
      await other.tell(id, 2);
      await page.back();
      await page.until(() => page.questions.length > 0, 'no question');
      page.questions[0][1]('because');
      assert.equal(await answered, 'because');
      await page.fence(other);
      assert.equal(page.questions.length, 1);
      assert.deepEqual(page.heard, [1, 2]);
    });

    test(`${where}: a question that went to a dead connection is asked on the next one`, async () => {
      const { page, other, id } = await meeting(setting);
      await page.halfOpen();
      const answered = other.ask('ask', id, 'why');
      await other.tell(id, 2);
      await page.back();
      await page.until(() => page.questions.length > 0, 'no question');
      page.questions[0][1]('because');
      assert.equal(await answered, 'because');
      await page.fence(other);
      assert.equal(page.questions.length, 1);
    });

    test(`${where}: a question that was heard before the drop is not asked again`, async () => {
      const { page, other, id } = await meeting(setting);
      const answered = other.ask('ask', id, 'why');
      await page.until(() => page.questions.length > 0, 'no question');
      await page.fence(other);
      await page.cut();
      await page.back();
      await page.fence(other);
      page.questions[0][1]('because');
      assert.equal(await answered, 'because');
      assert.equal(page.questions.length, 1);
    });
  }
});

function short(payloads) {
  return payloads.map((payload) => String(payload).slice(0, 12));
}
