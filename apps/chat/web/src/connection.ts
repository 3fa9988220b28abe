// The wire: the official client, told what this page wants from it.
//
// Three rules keep a message from being lost or doubled:
// 1. What is written goes to the outbox and leaves it only when the server has it.
// 2. After every connect each room is joined again from the last number this page has.
// 3. A message keeps its id however often it is sent; the server keeps one of each.

import { io, type Socket } from "socket.io-client";

import type { Chat } from "./model/chat";
import type { Pending, Room } from "./model/room";
import type { FromServer, Position, Posted, Refused, ToServer } from "./protocol";

const ANSWER_DEADLINE = 8_000;
const RETRY_AFTER = 1_000;
const TYPING_LASTS = 4_000;

export class Connection {
  readonly #socket: Socket<FromServer, ToServer>;
  #attempt = 0;
  #sending = false;

  constructor(readonly chat: Chat) {
    this.#socket = io({
      autoConnect: false,
      auth: (give) => give({ name: chat.me.name, key: chat.key }),
      reconnectionDelay: 400,
      reconnectionDelayMax: 4_000,
      timeout: 8_000,
    });
    this.#watchTheConnection();
    this.#takeWhatIsPushed();
  }

  start(): void {
    this.#socket.connect();
  }

  /** Joins a room, or joins it again from the last message this page has. */
  async join(room: Room): Promise<void> {
    if (!this.#socket.connected || room.phase === "joining") return;
    room.phase = "joining";
    this.chat.changed();
    const after = room.position;
    const answer = await this.#ask("join", withPosition(room.name, after));
    if (answer === null) {
      // The connection went away, and the next one joins again; or it is slow, and we ask again.
      if (room.phase === "joining") room.phase = "out";
      if (this.#socket.connected) setTimeout(() => void this.join(room), RETRY_AFTER);
    } else if ("error" in answer) {
      room.phase = "out";
      room.problem = answer.error.message;
    } else {
      void this.flush();
    }
    this.chat.changed();
  }

  leave(room: Room): void {
    if (this.#socket.connected) void this.#ask("leave", { room: room.name });
    this.chat.forget(room.name);
  }

  async rename(name: string): Promise<string | null> {
    if (!this.#socket.connected) {
      this.chat.rename(name);
      return null;
    }
    const answer = await this.#ask("rename", { name });
    if (answer === null) return "The server did not answer. Please try again.";
    if ("error" in answer) return answer.error.message;
    this.chat.rename(answer.name);
    return null;
  }

  typing(room: string, typing: boolean): void {
    if (this.#socket.connected) this.#socket.volatile.emit("typing", { room, typing });
  }

  /** Sends what waits, one message after the other, so that their order is the writer's. */
  async flush(): Promise<void> {
    if (this.#sending) return;
    this.#sending = true;
    try {
      for (let next = this.#next(); next; next = this.#next()) {
        if (!(await this.#send(next))) break;
      }
    } finally {
      this.#sending = false;
    }
  }

  #next(): Pending | undefined {
    if (!this.#socket.connected) return undefined;
    return this.chat.outbox.find((pending) => {
      return pending.problem === undefined && this.chat.rooms.get(pending.room)?.phase === "in";
    });
  }

  /** False if there is no sense in going on now. */
  async #send(pending: Pending): Promise<boolean> {
    const { room, id, text } = pending;
    const answer = await this.#ask("message", { room, id, text });
    if (answer === null) {
      if (this.#socket.connected) setTimeout(() => void this.flush(), RETRY_AFTER);
      return false;
    }
    if ("error" in answer) pending.problem = answer.error.message;
    else this.#confirm(pending, answer);
    this.chat.changed();
    return true;
  }

  // The push usually comes before the answer, and has settled the message already. It did not if the message was
  // taken before a reconnect and is too old to be replayed.
  #confirm(pending: Pending, { seq, at, epoch }: Posted): void {
    const room = this.chat.rooms.get(pending.room);
    if (!this.chat.settle(pending.id) || !room || room.has(pending.id)) return;
    if (room.follows(epoch, seq)) {
      room.add({ id: pending.id, seq, at, person: this.chat.me, text: pending.text }, this.chat.me.id);
    } else {
      void this.join(room);
    }
  }

  #watchTheConnection(): void {
    const { chat } = this;
    this.#socket.on("connect", () => {
      this.#attempt = 0;
      chat.status = { kind: "connected" };
      chat.changed();
    });
    this.#socket.on("disconnect", (reason) => {
      for (const room of chat.rooms.values()) room.phase = "out";
      this.#lost();
      // The client does not come back by itself when the server has said goodbye; a restarting server does.
      if (reason === "io server disconnect") setTimeout(() => this.#socket.connect(), RETRY_AFTER);
    });
    this.#socket.on("connect_error", (error) => {
      if (this.#socket.active) return this.#lost();
      chat.status = { kind: "refused", why: error.message };
      chat.changed();
    });
    this.#socket.io.on("reconnect_attempt", (attempt) => {
      this.#attempt = attempt;
      this.#lost();
    });
    addEventListener("offline", () => this.#lost());
    addEventListener("online", () => this.#lost());
  }

  #lost(): void {
    if (this.#socket.connected) return;
    const first = this.chat.me.id === "";
    if (!navigator.onLine) this.chat.status = { kind: "offline" };
    else if (first && this.#attempt === 0) this.chat.status = { kind: "connecting" };
    else this.chat.status = { kind: "reconnecting", attempt: this.#attempt };
    this.chat.changed();
  }

  #takeWhatIsPushed(): void {
    const { chat } = this;
    const on = this.#socket.on.bind(this.#socket);
    on("welcome", ({ you, rooms, limits }) => {
      chat.me = you;
      chat.limits = limits;
      chat.listings.clear();
      for (const listing of rooms) chat.listings.set(listing.room, listing);
      for (const room of chat.rooms.values()) void this.join(room);
      chat.changed();
    });
    on("room", (state) => {
      const room = chat.rooms.get(state.room);
      if (!room) return;
      const returning = room.position !== undefined;
      for (const message of room.take(state, chat.me.id)) {
        // What was said before the reader first came is history, not news.
        if (returning) chat.arrived(room, message);
        else chat.settle(message.id);
      }
      chat.changed();
    });
    on("message", ({ room: name, epoch, message }) => {
      const room = chat.rooms.get(name);
      if (!room) return;
      if (!room.follows(epoch, message.seq)) return void this.join(room);
      if (room.add(message, chat.me.id)) chat.arrived(room, message);
      else chat.settle(message.id);
      chat.changed();
    });
    on("here", ({ room, person }) => {
      chat.rooms.get(room)?.people.set(person.id, person);
      chat.changed();
    });
    on("gone", ({ room: name, person }) => {
      const room = chat.rooms.get(name);
      room?.people.delete(person);
      room?.typing.delete(person);
      chat.changed();
    });
    on("typing", ({ room: name, person, typing }) => {
      const room = chat.rooms.get(name);
      if (!room) return;
      if (typing) {
        room.typing.set(person, Date.now() + TYPING_LASTS);
        setTimeout(() => this.#stopTyping(room, person), TYPING_LASTS);
      } else {
        room.typing.delete(person);
      }
      chat.changed();
    });
    on("listing", (listing) => {
      if (listing.people > 0 || listing.given) chat.listings.set(listing.room, listing);
      else chat.listings.delete(listing.room);
      chat.changed();
    });
  }

  #stopTyping(room: Room, person: string): void {
    if ((room.typing.get(person) ?? Infinity) > Date.now()) return;
    room.typing.delete(person);
    this.chat.changed();
  }

  /** The answer, or null if the wish is worth another try: no answer came in time, or "not so fast" did. */
  async #ask<E extends Asked>(event: E, wish: Wish<E>): Promise<Answer<E> | null> {
    try {
      const socket = this.#socket.timeout(ANSWER_DEADLINE) as unknown as AnySocket;
      const answer = (await socket.emitWithAck(event, wish)) as Answer<E> | Refused;
      return isTooFast(answer) ? null : (answer as Answer<E>);
    } catch {
      return null;
    }
  }
}

// The client's own types lose the way from an event's name to its answer.
type Asked = "join" | "leave" | "message" | "rename";
type Wish<E extends Asked> = Parameters<ToServer[E]>[0];
type Answer<E extends Asked> = Parameters<Parameters<ToServer[E]>[1]>[0];
interface AnySocket {
  emitWithAck(event: string, wish: unknown): Promise<unknown>;
}

function isTooFast(answer: object | Refused): boolean {
  return "error" in answer && (answer as Refused).error.data?.code === "too_fast";
}

function withPosition(room: string, after: Position | undefined): Wish<"join"> {
  return after === undefined ? { room } : { room, after };
}
