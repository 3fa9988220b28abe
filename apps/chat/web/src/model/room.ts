// One room as this page knows it. Nothing here speaks to the network or to the document.
//
// A message is known by its id. Whatever arrives twice (pushed and replayed, or sent again after a lost answer)
// is shown once; what the server has numbered stands in the server's order, and own messages that are still on
// their way stand below.

import type { Message, Person, Position, RoomState } from "../protocol";
import type { Unsent } from "./keep";

export interface Sent {
  kind: "message";
  key: string;
  message: Message;
  mine: boolean;
}

/** A line of the page itself: something that the reader has to know about what stands around it. */
export interface Note {
  kind: "note";
  key: string;
  tone: "restart" | "gap";
  text: string;
}

export type Entry = Sent | Note;

export interface Pending extends Unsent {
  /** Why the server will never take it; such a message waits for its writer to decide. */
  problem?: string;
}

export type Phase = "out" | "joining" | "in";

/** Older entries leave the page first. */
const KEPT_ENTRIES = 1000;

export class Room {
  phase: Phase = "out";
  problem = "";
  readonly entries: Entry[] = [];
  readonly people = new Map<string, Person>();
  readonly typing = new Map<string, number>();
  unread = 0;
  /** The first message that came while nobody was looking; the line "New" stands above it. */
  firstUnread: string | null = null;

  #epoch: string | null = null;
  #seq = 0;
  #notes = 0;
  readonly #known = new Set<string>();

  constructor(readonly name: string) {}

  /** What to ask for after a reconnect. */
  get position(): Position | undefined {
    return this.#epoch === null ? undefined : { epoch: this.#epoch, seq: this.#seq };
  }

  /** Takes the answer to `join`; returns the messages that are new to this page. */
  take(state: RoomState, me: string): Message[] {
    const returning = this.#epoch !== null;
    if (returning && this.#epoch !== state.epoch) {
      this.#note("restart", "The server was restarted. What stands above is only on this page.");
    } else if (returning && state.missing > 0) {
      this.#note("gap", `${count(state.missing, "message")} came while you were away, too many for the server to keep.`);
    }
    if (this.#epoch !== state.epoch) {
      this.#epoch = state.epoch;
      this.#seq = 0;
    }
    this.phase = "in";
    this.problem = "";
    this.typing.clear();
    this.people.clear();
    for (const person of state.people) this.people.set(person.id, person);
    const fresh = state.messages.filter((message) => this.add(message, me));
    this.#seq = Math.max(this.#seq, state.seq);
    return fresh;
  }

  /** Whether a pushed message follows the last one; if not, the page has to ask for what lies between. */
  follows(epoch: string, seq: number): boolean {
    return epoch === this.#epoch && seq <= this.#seq + 1;
  }

  /** Puts a message into its place; false if the page had it already. */
  add(message: Message, me: string): boolean {
    this.#seq = Math.max(this.#seq, message.seq);
    if (this.#known.has(message.id)) return false;
    this.#known.add(message.id);
    this.typing.delete(message.person.id);
    this.entries.splice(this.#placeFor(message.seq), 0, {
      kind: "message",
      key: message.id,
      message,
      mine: message.person.id === me,
    });
    this.#forgetOld();
    return true;
  }

  has(id: string): boolean {
    return this.#known.has(id);
  }

  // Messages come in order; only an own one whose answer was lost may have to move up, never past a note.
  #placeFor(seq: number): number {
    let place = this.entries.length;
    while (place > 0) {
      const before = this.entries[place - 1]!;
      if (before.kind === "note" || before.message.seq < seq) break;
      place -= 1;
    }
    return place;
  }

  #note(tone: Note["tone"], text: string): void {
    const last = this.entries.at(-1);
    if (last === undefined || (last.kind === "note" && last.tone === tone)) return;
    this.#notes += 1;
    this.entries.push({ kind: "note", key: `note-${this.#notes}`, tone, text });
  }

  #forgetOld(): void {
    while (this.entries.length > KEPT_ENTRIES) {
      const old = this.entries.shift()!;
      if (old.kind === "message") this.#known.delete(old.message.id);
    }
  }
}

export function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? "" : "s"}`;
}
