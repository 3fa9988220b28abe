// The conversation: messages in groups, days between them, and what still is on its way.

import type { Chat } from "../model/chat";
import { count, type Entry, type Pending, type Room } from "../model/room";
import { byId, make, reconcile, setText } from "./dom";
import { icon } from "./icons";
import { dayOf, fullTimeOf, midnight, paint, timeOf } from "./words";

/** One line of the list, ready to be drawn. */
type Line =
  | { kind: "day"; key: string; at: number }
  | { kind: "new"; key: string }
  | { kind: "note"; key: string; tone: string; text: string }
  | { kind: "message"; key: string; speech: Speech };

interface Speech {
  name: string;
  text: string;
  at: number;
  mine: boolean;
  state: "sent" | "pending" | "refused";
  problem: string;
  /** The first of a group shows who speaks; the last shows the time. */
  first: boolean;
  last: boolean;
  id: string;
}

/** Messages of one person within this time form a group. */
const GROUP = 5 * 60_000;
const NEAR_END = 80;

export class Timeline {
  readonly #box = byId("timeline");
  readonly #list = byId("entries");
  readonly #toEnd = byId<HTMLButtonElement>("to-end");
  #shown = "";

  constructor(
    readonly chat: Chat,
    readonly again: () => void,
  ) {
    this.#box.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    this.#toEnd.addEventListener("click", () => this.toEnd());
    new ResizeObserver(() => {
      if (this.chat.watching) this.#jump();
    }).observe(this.#box);
    document.addEventListener("visibilitychange", () => this.#scrolled());
  }

  draw(): void {
    const room = this.chat.rooms.get(this.chat.current);
    const changedRoom = this.#shown !== this.chat.current;
    this.#shown = this.chat.current;
    const lines = room ? linesOf(room, this.chat.pendingIn(room.name), this.chat.me.name) : [];
    const ownBefore = this.#list.querySelector(".own.pending:last-child");
    reconcile(
      this.#list,
      lines,
      (line) => line.key,
      printed,
      (line) => this.#line(line),
    );
    this.#drawEmpty(room, lines.length === 0);
    const wrote = !ownBefore && this.#list.querySelector(".own.pending:last-child");
    if (changedRoom || this.chat.watching || wrote) this.#jump();
    this.#drawToEnd(room);
  }

  toEnd(): void {
    this.#jump();
    byId("text").focus();
  }

  #jump(): void {
    this.#box.scrollTop = this.#box.scrollHeight;
    this.chat.watching = true;
  }

  #scrolled(): void {
    const { scrollTop, clientHeight, scrollHeight } = this.#box;
    this.chat.watching = scrollHeight - clientHeight - scrollTop < NEAR_END;
    if (this.chat.watching && document.visibilityState === "visible") this.chat.seen();
    this.#drawToEnd(this.chat.rooms.get(this.chat.current));
  }

  #drawToEnd(room: Room | undefined): void {
    this.#toEnd.hidden = this.chat.watching;
    const unread = room?.unread ?? 0;
    setText(byId("to-end-words"), unread > 0 ? count(unread, "new message") : "Newest messages");
    this.#toEnd.classList.toggle("with-news", unread > 0);
  }

  #drawEmpty(room: Room | undefined, empty: boolean): void {
    byId("empty").hidden = !empty;
    if (!empty) return;
    if (room?.problem) {
      setText(byId("empty-title"), "This room cannot be entered");
      setText(byId("empty-words"), room.problem);
    } else if (room?.phase !== "in") {
      setText(byId("empty-title"), "One moment");
      setText(byId("empty-words"), "The room opens as soon as the server answers.");
    } else {
      setText(byId("empty-title"), `Nothing said in ${room.name} yet`);
      setText(byId("empty-words"), "Write the first message, or send the address of this page to somebody.");
    }
  }

  #line(line: Line): HTMLElement {
    switch (line.kind) {
      case "day":
        return make("li", { class: "line day" }, make("span", {}, dayOf(line.at)));
      case "new":
        return make("li", { class: "line new" }, make("span", {}, "New"));
      case "note":
        return make("li", { class: `line note ${line.tone}` }, make("span", {}, line.text));
      case "message":
        return this.#message(line.speech);
    }
  }

  #message(speech: Speech): HTMLElement {
    const side = speech.mine ? "own" : "other";
    const place = `${speech.first ? " first" : ""}${speech.last ? " last" : ""}`;
    const avatar = make("span", { class: "avatar", "aria-hidden": "true" });
    if (speech.first && !speech.mine) paint(avatar, speech.name);
    const name = make("span", { class: speech.first && !speech.mine ? "speaker" : "visually-hidden" }, speech.name);
    const item = make(
      "li",
      { class: `message ${side} ${speech.state}${place}` },
      !speech.mine && avatar,
      make("div", { class: "bubble" }, name, make("p", { class: "words", dir: "auto" }, speech.text)),
      this.#below(speech),
    );
    return item;
  }

  #below(speech: Speech): HTMLElement {
    const time = make("time", { datetime: new Date(speech.at).toISOString(), title: fullTimeOf(speech.at) }, timeOf(speech.at));
    if (!speech.mine) return make("div", { class: "below" }, time);
    if (speech.state === "sent") return make("div", { class: "below" }, time, mark("check", "Sent"));
    if (speech.state === "pending") return make("div", { class: "below" }, time, mark("clock", "Waiting to be sent"));
    const discard = make("button", { type: "button", class: "link" }, "Discard");
    discard.addEventListener("click", () => this.chat.discard(speech.id));
    const again = make("button", { type: "button", class: "link" }, "Try again");
    again.addEventListener("click", () => {
      const pending = this.chat.outbox.find((one) => one.id === speech.id);
      if (pending) delete pending.problem;
      this.chat.changed();
      this.again();
    });
    return make("div", { class: "below" }, icon("problem"), `Not sent: ${speech.problem} `, again, discard);
  }
}

function mark(name: string, words: string): HTMLElement {
  const element = make("span", { class: `mark ${name}`, title: words }, make("span", { class: "visually-hidden" }, words));
  element.prepend(icon(name));
  return element;
}

function printed(line: Line): string {
  if (line.kind === "day") return dayOf(line.at);
  if (line.kind === "note") return line.text;
  if (line.kind === "new") return "";
  const { name, state, first, last, at, problem } = line.speech;
  return [name, state, first, last, at, problem].join("|");
}

function linesOf(room: Room, pending: Pending[], myName: string): Line[] {
  const speeches: (Speech | Entry)[] = room.entries.map((entry) => {
    return entry.kind === "note" ? entry : spoken(entry.message.person.name, entry);
  });
  for (const waiting of pending) speeches.push(waitingSpeech(waiting, myName));
  const lines: Line[] = [];
  let before: Speech | null = null;
  for (const speech of speeches) {
    if ("kind" in speech) {
      if (speech.kind === "note") lines.push(speech);
      before = null;
      continue;
    }
    if (!lines.length || !before || midnight(before.at) !== midnight(speech.at)) {
      const day = midnight(speech.at);
      if (!lines.some((line) => line.kind === "day" && line.at === day)) {
        lines.push({ kind: "day", key: `day-${day}`, at: day });
        before = null;
      }
    }
    if (speech.id === room.firstUnread) {
      lines.push({ kind: "new", key: "new" });
      before = null;
    }
    if (before && together(before, speech)) {
      before.last = false;
      speech.first = false;
    }
    lines.push({ kind: "message", key: speech.id, speech });
    before = speech;
  }
  return lines;
}

function together(before: Speech, speech: Speech): boolean {
  return before.mine === speech.mine && before.name === speech.name && speech.at - before.at < GROUP;
}

function spoken(name: string, entry: Extract<Entry, { kind: "message" }>): Speech {
  const { id, text, at } = entry.message;
  return { id, name, text, at, mine: entry.mine, state: "sent", problem: "", first: true, last: true };
}

function waitingSpeech(pending: Pending, name: string): Speech {
  const { id, text, at, problem } = pending;
  const state = problem === undefined ? "pending" : "refused";
  return { id, name, text, at, mine: true, state, problem: problem ?? "", first: true, last: true };
}
