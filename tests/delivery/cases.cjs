'use strict';
// The nine ways in which the reference server loses, doubles or leaks events, each as a small play for one client
// behind a line. A case returns what its client has heard, and what it should have; see `verdict`.
//
// They run against any server that keeps the profile `delivery`, as far as they need it: `compare.cjs` plays them
// to the reference server too.

const { Page, eventually, meeting, unique } = require('./support.cjs');

// What a case has come to: every payload in its order, and whether the client was taken for who it is.
async function outcome({ page, other, id }, expected, wrong = []) {
  const isReached = await page.fence(other, 10_000).then(() => true, () => false);
  if (!isReached) wrong.push('hears nothing any more');
  const { heard, recovered } = page;
  return { heard, expected, recovered, sameId: page.id === id, wrong };
}

async function halfOpen(setting) {
  const scene = await meeting(setting);
  const { page, other, room } = scene;
  await page.halfOpen();
  await other.publish(room, 2);
  await page.backIn(room);
  await other.publish(room, 3);
  return outcome(scene, [1, 2, 3]);
}

async function beforeTheJoin(setting) {
  const scene = await meeting(setting);
  const { page, other } = scene;
  const late = unique('late');
  await other.publish(late, 'before the join');
  await page.join(late);
  await page.cut();
  await other.publish(late, 2);
  await page.back();
  return outcome(scene, [1, 2]);
}

async function removedBeforeTheServerNoticed(setting) {
  const scene = await meeting(setting);
  const { page, other, room, id } = scene;
  const dead = await page.halfOpen();
  await other.publish(room, 2);
  await other.ask('remove', id, room);
  await other.publish(room, 'after the removal');
  await dead.noticed();
  await page.back();
  return outcome(scene, [1, 2]);
}

async function removedWhileAway(setting) {
  const scene = await meeting(setting);
  const { page, other, room, id } = scene;
  await page.cut();
  await other.publish(room, 2);
  await other.ask('remove', id, room);
  await other.publish(room, 'after the removal');
  await page.back();
  return outcome(scene, [1, 2]);
}

async function noEventYet(setting) {
  const other = await Page.open({ ...setting, mode: 'websocket' });
  const page = await Page.open(setting);
  const room = unique('room');
  await page.join(room);
  const { id } = page;
  await page.cut();
  await other.publish(room, 1);
  await page.backIn(room);
  return outcome({ page, other, id }, [1]);
}

async function volatileString(setting) {
  const scene = await meeting(setting);
  const { page, other, room } = scene;
  // One that finds no poll waiting is dropped, as it may be.
  await eventually(() => {
    other.socket.emit('tick', room, 'a string, like a position');
    return page.ticks.length > 0;
  }, 'a tick arrives');
  await page.cut();
  await other.publish(room, 2);
  await page.backIn(room);
  return outcome(scene, [1, 2]);
}

async function leftAndCameAgain(setting) {
  const scene = await meeting(setting);
  const { page, other, room } = scene;
  page.socket.disconnect();
  await other.publish(room, 'while it was no member');
  page.socket.connect();
  await page.once('connect');
  await page.settled();
  await page.join(room);
  const { id } = page;
  await page.cut();
  await other.publish(room, 2);
  await page.backIn(room);
  return outcome({ page, other, id }, [1, 2]);
}

// The server keeps events for a short time here, and others talk elsewhere until what was said first is gone.
async function quiet(setting) {
  const scene = await meeting(setting);
  const { page, other, room } = scene;
  const elsewhere = unique('elsewhere');
  const first = await other.publish(elsewhere, 'first');
  await eventually(async () => {
    await other.publish(elsewhere, 'more');
    const kept = await other.ask('history', elsewhere, 100_000);
    return !kept.some(({ token }) => token === first);
  }, 'an event that is too old is dropped', 90_000);
  await page.cut();
  await other.publish(room, 2);
  await page.backIn(room);
  return outcome(scene, [1, 2]);
}

async function answerWhileReconnecting(setting) {
  const scene = await meeting(setting);
  const { page, other, id } = scene;
  const answered = other.ask('ask', id, 'why');
  await page.until(() => page.questions.length > 0, 'no question');
  const [[, answer]] = page.questions;
  await page.cut();
  await page.reconnecting();
  const connected = page.once('connect');
  answer('because');
  await connected;
  await page.settled();
  const wrong = [];
  if (await answered !== 'because') wrong.push('answer lost');
  if (page.opens !== 2) wrong.push('connection closed');
  if (page.questions.length !== 1) wrong.push('asked twice');
  return outcome(scene, [1], wrong);
}

async function droppedTwice(setting) {
  const scene = await meeting(setting);
  const { page, other, room } = scene;
  await page.cut();
  await other.publish(room, 2);
  await page.backIn(room);
  await other.publish(room, 3);
  await page.hears(3);
  const dead = await page.halfOpen();
  await other.publish(room, 4);
  await page.backIn(room);
  await dead.givenUp();
  await other.publish(room, 5);
  const isMember = (await page.rooms()).includes(room);
  return outcome(scene, [1, 2, 3, 4, 5], isMember ? [] : ['fell out of its room']);
}

const CASES = [
  ['A', 'a half-open connection: the client is back before the server notices', halfOpen],
  ['B', 'an event of a room before the client joined it is not replayed', beforeTheJoin],
  ['C', 'removed from a room before the server noticed the drop', removedBeforeTheServerNoticed],
  ['C2', 'removed from a room while it was away', removedWhileAway],
  ['D', 'a session that has received no event yet is recovered', noEventYet],
  ['E', 'a volatile event that ends in a string does not spoil the position', volatileString],
  ['F', 'left, came again and was dropped: nothing of the time between is replayed', leftAndCameAgain],
  ['G', 'a connection that was quiet for longer than events are kept is recovered', quiet],
  ['H', 'an answer that is written while the client reconnects arrives', answerWhileReconnecting],
  ['I', 'a drop that was noticed, and a half-open one after it', droppedTwice],
].map(([id, title, run]) => ({ id, title, run }));

// What is wrong with an outcome, in a few words each; nothing if it is as it should be.
function verdict({ heard, expected, recovered, sameId, wrong }) {
  const lost = expected.filter((payload) => !heard.includes(payload)).length;
  const leaked = heard.filter((payload) => !expected.includes(payload)).length;
  const doubled = heard.length - new Set(heard).size;
  const kept = heard.filter((payload) => expected.includes(payload));
  const inOrder = kept.every((payload, index) => index === 0
    || expected.indexOf(kept[index - 1]) <= expected.indexOf(payload));
  return [
    !recovered && 'not recovered',
    recovered && !sameId && 'another id',
    lost > 0 && `lost ${lost}`,
    doubled > 0 && `doubled ${doubled}`,
    leaked > 0 && `leaked ${leaked}`,
    !inOrder && 'out of order',
    ...wrong,
  ].filter(Boolean);
}

module.exports = { CASES, verdict };
