// What every file here uses: the program, a browser, and a visitor of the chat.
//
// The environment says what to test: SOCKEYE_BIN is the program, BROWSER the browser's path, BROWSER_PACKAGES the
// folder in which the packages of package.json are installed.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { after, before } from "node:test";

import { chromium, FLAGS, Window } from "./window.mjs";

const { SOCKEYE_BIN, BROWSER } = process.env;
assert.ok(SOCKEYE_BIN, "SOCKEYE_BIN has to be set: tests/tests/browser.rs does it");

// Nothing waits for time to pass; this only turns a hang into a message.
const DEADLINE = 30_000;

/** The program, on a port and a directory of its own that it keeps over a restart. */
export class Server {
  port = 0;
  #data = mkdtempSync(join(tmpdir(), "sockeye-browser-"));
  #child = null;
  #arguments;

  constructor(...args) {
    this.#arguments = args;
  }

  // By its number: of `localhost` the client believes that it is there even when the browser is offline.
  get url() {
    return `http://127.0.0.1:${this.port}/`;
  }

  async start() {
    this.#child = spawn(SOCKEYE_BIN, ["--port", String(this.port), "--data", this.#data, ...this.#arguments], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const ended = once(this.#child, "exit").then(([code]) => assert.fail(`the program ended with ${code}`));
    ended.catch(() => {});
    this.port = await Promise.race([this.#announcedPort(), ended]);
  }

  async #announcedPort() {
    for await (const line of createInterface(this.#child.stdout)) {
      const port = /http:\/\/localhost:(\d+)/.exec(line)?.[1];
      if (port) return Number(port);
    }
    return assert.fail("the program printed no address");
  }

  /** As a power cut would: nobody is told. */
  async kill() {
    const child = this.#child;
    if (child === null) return;
    this.#child = null;
    const gone = once(child, "exit");
    child.kill("SIGKILL");
    await gone;
  }

  /** For good. */
  async end() {
    await this.kill();
    rmSync(this.#data, { recursive: true, force: true });
  }
}

/** A server and a browser for the tests of one file. */
export function stage({ arguments: args = [] } = {}) {
  const server = new Server(...args);
  const stage = { server, browser: null, visit: (name, options) => Visitor.enter(stage, name, options) };
  before(async () => {
    await server.start();
    stage.browser = await chromium.launch({ executablePath: BROWSER, args: FLAGS });
  });
  after(async () => {
    await Window.closeAll();
    await stage.browser?.close();
    await server.end();
  });
  return stage;
}

/** Somebody with a window of their own. */
export class Visitor {
  /** Whatever the page complains about that is not the network's fault. */
  complaints = [];

  /** In a tab of this window, or in a window that is always in front; through this address, or straight to the server. */
  static async arrive({ server, browser }, { hash = "", script = null, window = null, url = server.url, ...options } = {}) {
    const visitor = new Visitor();
    visitor.context =
      window?.context ??
      (await browser.newContext({ viewport: { width: 1280, height: 800 }, locale: "en-GB", ...options }));
    visitor.window = window;
    const { context } = visitor;
    context.setDefaultTimeout(DEADLINE);
    if (script) await context.addInitScript(script);
    visitor.page = await context.newPage();
    visitor.page.on("pageerror", (error) => visitor.complaints.push(String(error)));
    visitor.page.on("console", (message) => {
      if (message.type() !== "error" || message.text().includes("net::ERR_")) return;
      if (message.text().startsWith("WebSocket connection to")) return;
      visitor.complaints.push(message.text());
    });
    await visitor.page.goto(url + hash);
    return visitor;
  }

  static async enter(stage, name, options) {
    const visitor = await Visitor.arrive(stage, options);
    await visitor.page.locator("#name").fill(name);
    await visitor.page.locator("#name").press("Enter");
    await visitor.isInRoom();
    return visitor;
  }

  /** The connection stands and the room on show is open. */
  async isInRoom() {
    await this.status("connected");
    await this.page.waitForFunction(() => document.querySelectorAll("#people:not(.stale) .you").length === 1);
  }

  status(kind) {
    return this.page.waitForSelector(`#app[data-status="${kind}"]`);
  }

  async write(text) {
    await this.page.locator("#text").fill(text);
    await this.page.locator("#text").press("Enter");
  }

  /** Writes, and waits until the page says that it is sent. */
  async say(text) {
    await this.write(text);
    await this.page.waitForFunction(
      (text) => [...document.querySelectorAll(".message.sent .words")].some((words) => words.textContent === text),
      text,
    );
  }

  /** Waits until the page shows exactly these messages, in this order, each once. */
  async sees(...texts) {
    await this.#showsList(".message .words", texts);
  }

  /** Waits until the list of people holds exactly these names, in any order. */
  async seesPeople(...names) {
    await this.#showsList("#people:not(.stale) .person-name", names, true);
  }

  async goTo(room) {
    await this.page.locator("#join-name").fill(room);
    await this.page.locator("#join-name").press("Enter");
    await this.page.waitForFunction((room) => document.getElementById("room-name").textContent === room, room);
    await this.isInRoom();
  }

  /** The text of an element as soon as it is `wanted`. */
  async reads(selector, wanted) {
    await this.#eventually(() => this.page.locator(selector).first().textContent(), wanted, selector);
  }

  /** Complaints with these words were to be expected. */
  forgive(words) {
    this.complaints = this.complaints.filter((complaint) => !complaint.includes(words));
  }

  async leave() {
    const { complaints } = this;
    await (this.window ?? this.context).close();
    assert.deepEqual(complaints, []);
  }

  async #showsList(selector, wanted, sorted = false) {
    const list = async () => {
      const texts = await this.page.locator(selector).allTextContents();
      return sorted ? texts.sort() : texts;
    };
    await this.#eventually(list, sorted ? [...wanted].sort() : wanted, selector);
  }

  // Looks again whenever the page has drawn; the message says what was there in the end.
  async #eventually(look, wanted, what) {
    const until = Date.now() + DEADLINE;
    for (;;) {
      const seen = await look();
      if (JSON.stringify(seen) === JSON.stringify(wanted)) return;
      if (Date.now() > until) assert.deepEqual(seen, wanted, what);
      await this.page.evaluate(() => new Promise((resolve) => setTimeout(resolve, 20)));
    }
  }
}

/** Runs in the page. What an old proxy does to it: no WebSocket is ever made. */
export function withoutWebSocket() {
  window.WebSocket = class {
    constructor() {
      throw new Error("no WebSocket here");
    }
  };
}
