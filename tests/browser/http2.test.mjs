// HTTP/2 as a browser speaks it, over TLS: polling, WebSockets as streams (RFC 8441), and the upgrade from one to the other.
//
// The environment says where: CONTRACT_PORT is the port of a contract server with TLS, CLIENT the official client's bundle. The
// page is whatever the server says at its own origin.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { chromium, FLAGS } from "./window.mjs";

const { BROWSER, CLIENT, CONTRACT_PORT } = process.env;
assert.ok(CLIENT && CONTRACT_PORT, "CLIENT and CONTRACT_PORT have to be set: tests/tests/browser.rs does it");

let browser;
before(async () => {
  browser = await chromium.launch({ executablePath: BROWSER, args: FLAGS });
});
after(() => browser?.close());

/** A page of the server's origin, and what the browser says of the requests that carry its sessions. */
async function arrive() {
  const context = await browser.newContext({ ignoreHTTPSErrors: true });
  const page = await context.newPage();
  const seen = { polls: new Set(), websockets: [] };
  const cdp = await context.newCDPSession(page);
  cdp.on("Network.responseReceived", ({ response }) => {
    if (response.url.includes("transport=polling")) seen.polls.add(response.protocol);
  });
  cdp.on("Network.webSocketHandshakeResponseReceived", ({ response }) => seen.websockets.push(response.status));
  await cdp.send("Network.enable");
  await page.goto(`https://localhost:${CONTRACT_PORT}/socket.io/?EIO=4&transport=none`);
  await page.addScriptTag({ path: CLIENT });
  return { context, page, seen };
}

/** Runs in the page. Opens a session, waits for its upgrade, and says what comes back. */
async function talk(transports) {
  const socket = window.io({ transports });
  await new Promise((resolve, reject) => {
    socket.once("connect", resolve);
    socket.once("connect_error", reject);
  });
  const { engine } = socket.io;
  const last = transports.at(-1);
  if (engine.transport.name !== last) await new Promise((resolve) => engine.once("upgrade", resolve));
  const text = "é🐟".repeat(50_000);
  const echoed = await socket.emitWithAck("echo-ack", text);
  const bytes = await socket.emitWithAck("echo-ack", new Uint8Array(300_000).fill(7));
  const told = {
    version: await socket.emitWithAck("http-version"),
    transport: await socket.emitWithAck("transport"),
    isWhole: echoed === text && bytes.byteLength === 300_000,
  };
  socket.disconnect();
  return told;
}

// RFC 8441, 5: what is answered with 101 in HTTP/1.1 is answered with 200 in HTTP/2.
const OVER_HTTP_2 = 200;

test("a page polls over HTTP/2", async () => {
  const { context, page, seen } = await arrive();
  const told = await page.evaluate(talk, ["polling"]);
  assert.deepEqual(told, { version: "HTTP/2.0", transport: "polling", isWhole: true });
  assert.deepEqual([[...seen.polls], seen.websockets], [["h2"], []]);
  await context.close();
});

test("a page has a WebSocket over HTTP/2", async () => {
  const { context, page, seen } = await arrive();
  const told = await page.evaluate(talk, ["websocket"]);
  assert.deepEqual(told, { version: "HTTP/2.0", transport: "websocket", isWhole: true });
  assert.deepEqual([[...seen.polls], seen.websockets], [[], [OVER_HTTP_2]]);
  await context.close();
});

test("a page that polls goes over to a WebSocket, both over HTTP/2", async () => {
  const { context, page, seen } = await arrive();
  const told = await page.evaluate(talk, ["polling", "websocket"]);
  assert.deepEqual(told, { version: "HTTP/2.0", transport: "websocket", isWhole: true });
  assert.deepEqual([[...seen.polls], seen.websockets], [["h2"], [OVER_HTTP_2]]);
  await context.close();
});
