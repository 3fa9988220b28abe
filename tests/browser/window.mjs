// A window as people have it: one of its tabs is in front, and the others are hidden.
//
// Playwright tells every page that it is in front, and starts browsers whose timers never slow down. This one is started
// with neither, in Chromium's headless mode, which has windows and tabs as any desktop: a tab behind another one is in
// the background, with all that follows. It ends with its pipe, that is, with us.
//
// The environment says what to start: BROWSER is the browser's path, BROWSER_PACKAGES the folder in which the packages of
// package.json are installed.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";

const { BROWSER, BROWSER_PACKAGES } = process.env;
for (const [name, value] of Object.entries({ BROWSER, BROWSER_PACKAGES })) {
  assert.ok(value, `${name} has to be set: tests/tests/browser.rs does it`);
}
export const { chromium } = createRequire(join(BROWSER_PACKAGES, "package.json"))("playwright-core");

export const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

const opened = new Set();

export class Window {
  #profile = mkdtempSync(join(tmpdir(), "sockeye-window-"));
  #process = null;
  #browser = null;

  static async open() {
    const window = new Window();
    const own = ["--headless", "--no-startup-window", "--remote-debugging-pipe", `--user-data-dir=${window.#profile}`];
    opened.add(window);
    window.#process = spawn(BROWSER, [...FLAGS, ...own], { stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"] });
    window.#browser = await chromium.connectOverCDP(new Pipe(window.#process), { noDefaults: true });
    return window;
  }

  get context() {
    return this.#browser.contexts()[0];
  }

  /** Another tab, a new one if nobody says which, comes in front of this one: it is hidden from now on. */
  async cover(page, front = null) {
    if (front === null) {
      front = await this.context.newPage();
      // Until it has been somewhere a new tab answers nothing.
      await front.goto("data:text/html,<title>in front</title>");
    }
    await front.bringToFront();
    await page.waitForFunction(() => document.visibilityState === "hidden", null, { polling: 20 });
    await page.evaluate(countFrames);
    return front;
  }

  static async closeAll() {
    for (const window of opened) await window.close();
  }

  async close() {
    opened.delete(this);
    const gone = once(this.#process, "exit");
    const session = await this.#browser.newBrowserCDPSession();
    await session.send("Browser.close");
    await gone;
    rmSync(this.#profile, { recursive: true, force: true });
  }
}

/** Whether a page that was covered is hidden, and how many frames it was drawn for since: none, if it was never in front. */
export function background(page) {
  return page.evaluate(() => ({ state: document.visibilityState, frames: window.framesSinceCovered }));
}

export const HIDDEN_SINCE = { state: "hidden", frames: 0 };

/** Runs in the page. */
function countFrames() {
  window.framesSinceCovered = 0;
  const drawn = () => {
    window.framesSinceCovered += 1;
    requestAnimationFrame(drawn);
  };
  requestAnimationFrame(drawn);
}

/** The browser's own protocol, over its third and fourth file: JSON, each message ended by a zero. */
class Pipe {
  #process;

  constructor(process) {
    this.#process = process;
    const [, , , , fromBrowser] = process.stdio;
    let rest = "";
    fromBrowser.setEncoding("utf8").on("data", (text) => {
      const messages = (rest + text).split("\0");
      rest = messages.pop();
      for (const message of messages) this.onmessage?.(JSON.parse(message));
    });
    process.once("exit", () => this.onclose?.());
  }

  send(message) {
    this.#process.stdio[3].write(`${JSON.stringify(message)}\0`);
  }

  close() {
    this.#process.kill("SIGKILL");
  }
}
