// Everything the page knows, and the one place that tells the views when it has changed.

import type { Delivery, Limits, Message, Person, RoomListing } from "../protocol";
import { load, madeUpId, save, suggestName, type Kept } from "./keep";
import { Room, type Pending } from "./room";

export type Status =
  | { kind: "connecting" }
  | { kind: "connected" }
  | { kind: "reconnecting"; attempt: number }
  | { kind: "offline" }
  | { kind: "refused"; why: string };

/** Of so many own messages the page remembers who has them. */
const KEPT_DELIVERIES = 200;

export class Chat {
  readonly rooms = new Map<string, Room>();
  readonly listings = new Map<string, RoomListing>();
  readonly outbox: Pending[];
  /** Who has one's own messages, as far as the server has told. */
  readonly deliveries: Map<string, Delivery>;
  limits: Limits = { name: 40, room: 32, text: 4000 };
  status: Status = { kind: "connecting" };
  me: Person = { id: "", name: "" };
  /** The room on show. */
  current = "lobby";
  /** Whether the reader has the end of the conversation in view. */
  watching = true;
  onArrival: (room: Room, message: Message) => void = () => {};

  readonly #kept: Kept;
  readonly #watchers: (() => void)[] = [];
  #due = false;

  constructor() {
    this.#kept = load();
    this.outbox = this.#kept.unsent.map((unsent) => ({ ...unsent }));
    this.deliveries = new Map(this.#kept.deliveries);
    this.me = { id: "", name: this.#kept.name };
    for (const name of this.#kept.rooms) this.rooms.set(name, new Room(name));
  }

  get key(): string {
    return this.#kept.key;
  }

  /** Calls `view` now and after every change, at most once per frame. */
  watch(view: () => void): void {
    this.#watchers.push(view);
    view();
  }

  changed(): void {
    if (this.#due) return;
    this.#due = true;
    // Not an animation frame: those stand still in a hidden window, and the title counts unread messages there.
    queueMicrotask(() => {
      this.#due = false;
      for (const view of this.#watchers) view();
    });
  }

  rename(name: string): void {
    this.me = { ...this.me, name };
    this.#kept.name = name;
    suggestName(name);
    this.#save();
    this.changed();
  }

  open(name: string): Room {
    this.current = name;
    const room = this.room(name);
    this.#save();
    this.seen();
    this.changed();
    return room;
  }

  room(name: string): Room {
    let room = this.rooms.get(name);
    if (!room) {
      room = new Room(name);
      this.rooms.set(name, room);
    }
    return room;
  }

  forget(name: string): void {
    this.rooms.delete(name);
    this.outbox.splice(0, this.outbox.length, ...this.outbox.filter((pending) => pending.room !== name));
    this.#save();
    this.changed();
  }

  /** A message from the server, pushed or replayed. */
  arrived(room: Room, message: Message): void {
    const mine = this.settle(message.id);
    if (mine || message.person.id === this.me.id) return;
    if (this.isWatched(room)) {
      room.firstUnread = null;
    } else {
      room.unread += 1;
      room.firstUnread ??= message.id;
    }
    this.onArrival(room, message);
  }

  /** Whether the reader has gone up in this room: then nothing is taken away above. */
  isReadingUp(room: Room): boolean {
    return room.name === this.current && !this.watching;
  }

  /** Whether a new message of this room is in somebody's view. */
  isWatched(room: Room): boolean {
    return room.name === this.current && this.watching && document.visibilityState === "visible";
  }

  seen(): void {
    const room = this.rooms.get(this.current);
    if (room && room.unread > 0) {
      room.unread = 0;
      this.changed();
    }
  }

  write(room: string, text: string): void {
    this.outbox.push({ room, text, id: madeUpId(), at: Date.now() });
    this.#save();
    this.changed();
  }

  pendingIn(room: string): Pending[] {
    return this.outbox.filter((pending) => pending.room === room);
  }

  /** The server has this message: it leaves the outbox. */
  settle(id: string): boolean {
    const place = this.outbox.findIndex((pending) => pending.id === id);
    if (place < 0) return false;
    this.outbox.splice(place, 1);
    this.#save();
    return true;
  }

  /** So many of the others have an own message. */
  delivered(id: string, delivery: Delivery): void {
    this.deliveries.delete(id);
    this.deliveries.set(id, delivery);
    for (const old of this.deliveries.keys()) {
      if (this.deliveries.size <= KEPT_DELIVERIES) break;
      this.deliveries.delete(old);
    }
    this.#save();
    this.changed();
  }

  discard(id: string): void {
    if (this.settle(id)) this.changed();
  }

  #save(): void {
    this.#kept.rooms = [...this.rooms.keys()];
    this.#kept.unsent = this.outbox.map(({ room, id, text, at }) => ({ room, id, text, at }));
    this.#kept.deliveries = [...this.deliveries];
    save(this.#kept);
  }
}
