// The conversation: messages in groups, days between them, and what still is on its way.

import type { Chat } from "../model/chat";
import { count, type Entry, type Pending, type Room } from "../model/room";
import type { Delivery } from "../protocol";
import { byId, make, reconcile, setText } from "./dom";
import { icon } from "./icons";
import { dayOf, fullTimeOf, midnight, paint, timeOf } from "./words";

/** One line of the list, ready to be drawn. */
type Line =
  | { kind: "day"; key: string; at: number }
  | { kind: "new"; key: string }
  | { kind: "note"; key: string; text: string }
  | { kind: "more"; key: string; loading: boolean }
  | { kind: "message"; key: string; speech: Speech };

interface Speech {
  name: string;
  text: string;
  at: number;
  mine: boolean;
  state: "sent" | "pending" | "refused";
  problem: string;
  /** Who has it; unknown of others' messages, and for a moment of one's own. */
  delivery: Delivery | undefined;
  /** The first of a group shows who speaks; the last shows the time. */
  first: boolean;
  last: boolean;
  id: string;
}

/** Messages of one person within this time form a group. */
const GROUP = 5 * 60_000;
const NEAR_END = 80;
/** What was said earlier is asked for before the reader gets there. */
const NEAR_START = 300;

/** What the timeline wants done. */
export interface Wishes {
  again(): void;
  older(room: Room): void;
}

/** A message in view, and how far below the upper edge it stands. */
interface Anchor {
  key: string;
  top: number;
}

export class Timeline {
  readonly #box = byId("timeline");
  readonly #list = byId("entries");
  readonly #toEnd = byId<HTMLButtonElement>("to-end");
  #shown = "";

  constructor(
    readonly chat: Chat,
    readonly wishes: Wishes,
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
    const lines = room ? linesOf(room, this.chat) : [];
    const ownBefore = this.#list.querySelector(".own.pending:last-child");
    const anchor = changedRoom || this.chat.watching ? null : this.#anchor();
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
    else this.#stay(anchor);
    this.#drawToEnd(room);
    this.#lookForOlder(room);
  }

  toEnd(): void {
    this.#jump();
    byId("text").focus();
  }

  #jump(): void {
    this.#box.scrollTop = this.#box.scrollHeight;
    this.chat.watching = true;
  }

  #anchor(): Anchor | null {
    const edge = this.#box.getBoundingClientRect().top;
    for (const line of this.#list.querySelectorAll<HTMLElement>(".message")) {
      const { top, bottom } = line.getBoundingClientRect();
      if (bottom > edge) return { key: line.dataset.key!, top };
    }
    return null;
  }

  /** What the reader reads stays where it is, whatever has come above. */
  #stay(anchor: Anchor | null): void {
    if (anchor === null) return;
    const line = this.#list.querySelector(`[data-key="${CSS.escape(anchor.key)}"]`);
    if (line) this.#box.scrollTop += line.getBoundingClientRect().top - anchor.top;
  }

  #lookForOlder(room: Room | undefined): void {
    if (room && this.#box.scrollTop < NEAR_START) this.wishes.older(room);
  }

  #scrolled(): void {
    const { scrollTop, clientHeight, scrollHeight } = this.#box;
    this.chat.watching = scrollHeight - clientHeight - scrollTop < NEAR_END;
    if (this.chat.watching && document.visibilityState === "visible") this.chat.seen();
    const room = this.chat.rooms.get(this.chat.current);
    this.#drawToEnd(room);
    this.#lookForOlder(room);
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
        return make("li", { class: "line note" }, make("span", {}, line.text));
      case "more":
        return make("li", { class: "line more" }, make("span", {}, line.loading ? "Fetching earlier messages…" : "Earlier messages"));
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
    if (speech.state === "sent") return make("div", { class: "below" }, time, tick(speech.delivery));
    if (speech.state === "pending") return make("div", { class: "below" }, time, mark("clock", "Waiting to be sent"));
    const discard = make("button", { type: "button", class: "link" }, "Discard");
    discard.addEventListener("click", () => this.chat.discard(speech.id));
    const again = make("button", { type: "button", class: "link" }, "Try again");
    again.addEventListener("click", () => {
      const pending = this.chat.outbox.find((one) => one.id === speech.id);
      if (pending) delete pending.problem;
      this.chat.changed();
      this.wishes.again();
    });
    return make("div", { class: "below" }, icon("problem"), `Not sent: ${speech.problem} `, again, discard);
  }
}

function mark(name: string, words: string): HTMLElement {
  const element = make("span", { class: `mark ${name}`, role: "img", "aria-label": words, title: words });
  element.prepend(icon(name));
  return element;
}

/** One tick: the server has it. Two: everybody else in the room has it, too. */
function tick(delivery: Delivery | undefined): HTMLElement {
  if (delivery === undefined) return mark("check", "Stored");
  const { to, of } = delivery;
  return mark(to === of ? "checks" : "check", `Stored, and delivered to ${to} of ${of}`);
}

function printed(line: Line): string {
  if (line.kind === "day") return dayOf(line.at);
  if (line.kind === "note") return line.text;
  if (line.kind === "new") return "";
  if (line.kind === "more") return String(line.loading);
  const { name, state, first, last, at, problem, delivery } = line.speech;
  return [name, state, first, last, at, problem, delivery?.to, delivery?.of].join("|");
}

function linesOf(room: Room, chat: Chat): Line[] {
  const speeches: (Speech | Entry)[] = room.entries.map((entry) => {
    return entry.kind === "note" ? entry : spoken(entry, chat.deliveries.get(entry.key));
  });
  for (const waiting of chat.pendingIn(room.name)) speeches.push(waitingSpeech(waiting, chat.me.name));
  const lines: Line[] = room.more ? [{ kind: "more", key: "more", loading: room.loading }] : [];
  let before: Speech | null = null;
  for (const speech of speeches) {
    if ("kind" in speech) {
      if (speech.kind === "note") lines.push(speech);
      before = null;
      continue;
    }
    if (!before || midnight(before.at) !== midnight(speech.at)) {
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

function spoken(entry: Extract<Entry, { kind: "message" }>, delivery: Delivery | undefined): Speech {
  const { id, text, at, person } = entry.message;
  const { mine } = entry;
  return { id, name: person.name, text, at, mine, state: "sent", problem: "", delivery, first: true, last: true };
}

function waitingSpeech(pending: Pending, name: string): Speech {
  const { id, text, at, problem = "", stored } = pending;
  const waiting = stored ? "sent" : "pending";
  const state = problem === "" ? waiting : "refused";
  return { id, name, text, at, mine: true, state, problem, delivery: undefined, first: true, last: true };
}
