// One room as this page knows it. Nothing here speaks to the network or to the document.
//
// A message is known by its id. Whatever arrives twice (pushed, and on a page of the past; or sent again after a lost
// answer) is shown once. Messages are pushed in the order of the server's log; own ones that are still on their way
// stand below.

import type { Delivery, Message, PastMessage, PastPage, Presence, RoomState } from "../protocol";
import type { Unsent } from "./keep";

export interface Sent {
  kind: "message";
  key: string;
  message: Message;
  /** Its place in the server's log. */
  token: string;
  mine: boolean;
}

/** A line of the page itself: something that the reader has to know about what stands around it. */
export interface Note {
  kind: "note";
  key: string;
  text: string;
}

export type Entry = Sent | Note;

export interface Pending extends Unsent {
  /** Why the server will never take it; such a message waits for its writer to decide. */
  problem?: string;
  /** The server has it, and will push it in its turn. */
  stored?: boolean;
}

export type Phase = "out" | "joining" | "in";

/** Of so many own messages the server is asked who has them. */
const ASKED_AFTER = 10;

/** Older entries leave the page first. */
const KEPT_ENTRIES = 1000;

export class Room {
  phase: Phase = "out";
  problem = "";
  readonly entries: Entry[] = [];
  readonly people = new Map<string, Presence>();
  readonly typing = new Map<string, number>();
  unread = 0;
  /** The first message that came while nobody was looking; the line "New" stands above it. */
  firstUnread: string | null = null;
  /** The server has said once what this room is; since then it tells of every change. */
  loaded = false;
  /** More was said before the first entry. */
  more = false;
  /** That is being asked for. */
  loading = false;

  #notes = 0;
  readonly #known = new Set<string>();

  constructor(readonly name: string) {}

  /** How many people are here and not away. */
  get here(): number {
    return [...this.people.values()].filter((person) => !person.away).length;
  }

  /** The place of the first message, to ask for what came before. */
  get oldest(): string | undefined {
    return this.entries.find((entry) => entry.kind === "message")?.token;
  }

  /** Takes the answer to `join`; returns the messages that are new to this page. */
  take(state: RoomState, me: string): Message[] {
    const follows = state.messages.some(({ message }) => this.#known.has(message.id));
    if (!follows) this.#leap(state);
    this.loaded = true;
    this.resume(state.people);
    const fresh = state.messages.filter((past) => this.add(past, me));
    return fresh.map(({ message }) => message);
  }

  /** The page is in the room, with these people. */
  resume(people: Presence[]): void {
    this.phase = "in";
    this.problem = "";
    this.typing.clear();
    this.people.clear();
    for (const person of people) this.people.set(person.id, person);
  }

  /** Puts a new message below all others; false if the page had it already. */
  add(past: PastMessage, me: string): boolean {
    const entry = this.#entry(past, me);
    if (entry === null) return false;
    this.typing.delete(past.message.person.id);
    this.entries.push(entry);
    return true;
  }

  /** Puts what came before above all others. */
  addOlder(page: PastPage, me: string): void {
    const older = page.messages.map((past) => this.#entry(past, me));
    this.entries.unshift(...older.filter((entry) => entry !== null));
    this.more = page.more;
  }

  /** The newest own messages of which it is not known that everybody has them. */
  unsettled(deliveries: Map<string, Delivery>): string[] {
    const own = this.entries.filter((entry) => entry.kind === "message" && entry.mine).slice(-ASKED_AFTER);
    return own.map(({ key }) => key).filter((id) => {
      const delivery = deliveries.get(id);
      return delivery === undefined || delivery.to < delivery.of;
    });
  }

  has(id: string): boolean {
    return this.#known.has(id);
  }

  /** Lets the oldest entries go if there are too many: they can be asked for again. */
  trim(): void {
    while (this.entries.length > KEPT_ENTRIES) {
      const old = this.entries.shift()!;
      if (old.kind === "message") this.#known.delete(old.message.id);
      this.more = true;
    }
  }

  #entry({ token, message }: PastMessage, me: string): Sent | null {
    if (this.#known.has(message.id)) return null;
    this.#known.add(message.id);
    return { kind: "message", key: message.id, message, token, mine: message.person.id === me };
  }

  // What the server has does not follow what stands here. Either so much was said meanwhile that it is better read from
  // the end, upwards; or the server has forgotten what stands here.
  #leap(state: RoomState): void {
    if (state.more) {
      this.entries.splice(0);
      this.#known.clear();
      this.firstUnread = null;
    } else {
      this.#note("The server has lost what stands above. It is only on this page.");
    }
    this.more = state.more;
  }

  #note(text: string): void {
    const last = this.entries.at(-1);
    if (last === undefined || last.kind === "note") return;
    this.#notes += 1;
    this.entries.push({ kind: "note", key: `note-${this.#notes}`, text });
  }
}

export function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? "" : "s"}`;
}
