// What this window remembers across a reload.
//
// `sessionStorage` belongs to one window: two windows of one browser are two people. The name alone is also put
// into `localStorage`, as a suggestion for the next window.

import type { Delivery } from "../protocol";

export interface Unsent {
  room: string;
  id: string;
  text: string;
  at: number;
}

/** A session of the server, and up to where this page has its events. */
export interface Session {
  pid: string;
  offset?: string | undefined;
}

export interface Kept {
  /** Proves to the server that a reconnecting page is the same person; known to nobody else. */
  key: string;
  name: string;
  rooms: string[];
  unsent: Unsent[];
  /** Who has the newest of one's own messages. */
  deliveries: [id: string, delivery: Delivery][];
}

const PLACE = "sockeye-chat";
const SESSION = `${PLACE}-session`;

export function load(): Kept {
  const kept = read(sessionStorage, PLACE) as Partial<Kept> | null;
  return {
    key: kept?.key ?? madeUpId(),
    name: kept?.name ?? "",
    rooms: kept?.rooms ?? [],
    unsent: kept?.unsent ?? [],
    deliveries: kept?.deliveries ?? [],
  };
}

export function save(kept: Kept): void {
  write(sessionStorage, PLACE, kept);
}

/**
 * The session that this window has left behind when it was loaded again. It is taken, not only read: a copy of this
 * window has a copy of all that is kept, and has to begin a session of its own.
 */
export function takeSession(): Session | null {
  const session = read(sessionStorage, SESSION) as Session | null;
  write(sessionStorage, SESSION, null);
  return typeof session?.pid === "string" ? session : null;
}

export function leaveSession(session: Session): void {
  write(sessionStorage, SESSION, session);
}

export function suggestedName(): string {
  const name = read(localStorage, `${PLACE}-name`);
  return typeof name === "string" ? name : "";
}

export function suggestName(name: string): void {
  write(localStorage, `${PLACE}-name`, name);
}

/** A random UUID, also where `crypto.randomUUID` is missing: it exists only on https and localhost. */
export function madeUpId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6]! & 0x0f) | 0x40;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

// Storage may be full or forbidden; the chat then works without a memory.
function read(storage: Storage, place: string): unknown {
  try {
    return JSON.parse(storage.getItem(place) ?? "null");
  } catch {
    return null;
  }
}

function write(storage: Storage, place: string, value: unknown): void {
  try {
    storage.setItem(place, JSON.stringify(value));
  } catch {
    // See above.
  }
}
