// The wire: the official client, told what this page wants from it.
//
// Why no message is lost or doubled:
// 1. What is written goes to the outbox and leaves it only when the server has it. A message keeps its id however often
//    it is sent; the server keeps one of each.
// 2. The server keeps a session for this page. Whatever happens while the connection is lost, while the server is
//    started again, or while the page is loaded again, is pushed when the page is back: once, and in order.
// 3. Where there is no such session, rooms are joined anew: first comes what a room is, then everything after.

import { io, type Socket } from "socket.io-client";

import type { Chat } from "./model/chat";
import type { Pending, Room } from "./model/room";
import type { FromServer, Refused, ToServer, Welcome } from "./protocol";
import { keepSession } from "./session";

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
    keepSession(this.#socket);
    this.#watchTheConnection();
    this.#takeWhatIsSaid();
    this.#takeWhoIsHere();
  }

  start(): void {
    this.#socket.connect();
  }

  /** Joins a room, or joins it again. */
  join(room: Room): void {
    if (!this.#socket.connected || room.phase === "joining") return;
    room.phase = "joining";
    this.chat.changed();
    this.#asking("join", { room: room.name }, (answer) => {
      if (answer === null) {
        // The connection went away, and the next one joins again; or it is slow, and we ask again.
        if (room.phase === "joining") room.phase = "out";
        if (this.#socket.connected) setTimeout(() => this.join(room), RETRY_AFTER);
      } else if ("error" in answer) {
        room.phase = "out";
        room.problem = answer.error.message;
      } else if (this.chat.rooms.get(room.name) === room) {
        const returning = room.loaded;
        for (const message of room.take(answer, this.chat.me.id)) {
          // What was said before the reader first came is history, not news.
          if (returning) this.chat.arrived(room, message);
          else this.chat.settle(message.id);
        }
        this.#askAfter(room);
        void this.flush();
      }
      this.chat.changed();
    });
  }

  leave(room: Room): void {
    if (this.#socket.connected) void this.#ask("leave", { room: room.name });
    this.chat.forget(room.name);
  }

  /** Asks for what was said before the first message of a room. */
  async older(room: Room): Promise<void> {
    const before = room.oldest;
    if (!room.more || room.loading || room.phase !== "in" || before === undefined) return;
    room.loading = true;
    this.chat.changed();
    const answer = await this.#ask("history", { room: room.name, before });
    if (answer === null) await pause();
    else if ("error" in answer) room.more = false;
    // Unless the room was given anew meanwhile.
    else if (room.oldest === before) room.addOlder(answer, this.chat.me.id);
    room.loading = false;
    this.chat.changed();
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
      const waits = pending.problem === undefined && !pending.stored;
      return waits && this.chat.rooms.get(pending.room)?.phase === "in";
    });
  }

  /** False if there is no sense in going on now. */
  async #send(pending: Pending): Promise<boolean> {
    const { room, id, text } = pending;
    const answer = await this.#ask("message", { room, id, text });
    if (answer === null) {
      if (this.#socket.connected) await pause();
      return this.#socket.connected;
    }
    if ("error" in answer) pending.problem = answer.error.message;
    // The server had it before: it stands in the past of the room.
    else if (answer.again) this.chat.settle(id);
    else pending.stored = true;
    this.chat.changed();
    return true;
  }

  #watchTheConnection(): void {
    const { chat } = this;
    this.#socket.on("connect", () => {
      this.#attempt = 0;
      chat.status = { kind: "connected" };
      this.#enter();
      chat.changed();
    });
    this.#socket.on("disconnect", (reason) => {
      for (const room of chat.rooms.values()) room.phase = "out";
      for (const pending of chat.outbox) pending.stored = false;
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

  #enter(): void {
    const rooms = [...this.chat.rooms.values()].filter((room) => room.loaded).map((room) => room.name);
    this.#asking("enter", { rooms }, (answer) => {
      if (answer !== null && !("error" in answer)) this.#welcome(answer);
      else if (this.#socket.connected) setTimeout(() => this.#enter(), RETRY_AFTER);
    });
  }

  #welcome({ you, inside, rooms, limits }: Welcome): void {
    const { chat } = this;
    chat.me = you;
    chat.limits = limits;
    chat.listings.clear();
    for (const listing of rooms) chat.listings.set(listing.room, listing);
    const people = new Map(inside.map((one) => [one.room, one.people]));
    for (const room of chat.rooms.values()) {
      const present = people.get(room.name);
      // The session is back, and with it came all that was said meanwhile.
      if (room.loaded && present) {
        room.resume(present);
        this.#askAfter(room);
      } else {
        this.join(room);
      }
    }
    // Left while there was no connection.
    for (const room of people.keys()) if (!chat.rooms.has(room)) void this.#ask("leave", { room });
    void this.flush();
    chat.changed();
  }

  // Whoever waited for receipts of these messages may have gone with the server.
  #askAfter(room: Room): void {
    const ids = room.unsettled(this.chat.deliveries);
    if (ids.length > 0) void this.#ask("receipts", { room: room.name, ids });
  }

  #takeWhatIsSaid(): void {
    const { chat } = this;
    this.#socket.on("message", ({ room: name, message }, token) => {
      const room = chat.rooms.get(name);
      // Before the answer to `join` the page knows nothing of the room, and has it from there.
      if (!room?.loaded) return;
      if (room.add({ token, message }, chat.me.id)) chat.arrived(room, message);
      else chat.settle(message.id);
      if (!chat.isReadingUp(room)) room.trim();
      chat.changed();
    });
    this.#socket.on("delivered", ({ id, to, of }) => chat.delivered(id, { to, of }));
  }

  #takeWhoIsHere(): void {
    const { chat } = this;
    const on = this.#socket.on.bind(this.#socket);
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
  #ask<E extends Asked>(event: E, wish: Wish<E>): Promise<Answer<E> | null> {
    return new Promise((done) => this.#asking(event, wish, done));
  }

  /** The same, at once: what is pushed right behind an answer must not be taken before it. */
  #asking<E extends Asked>(event: E, wish: Wish<E>, done: (answer: Answer<E> | null) => void): void {
    const socket = this.#socket.timeout(ANSWER_DEADLINE) as unknown as AnySocket;
    socket.emit(event, wish, (error, answer) => {
      done(error !== null || isForLater(answer as Answer<E>) ? null : (answer as Answer<E>));
    });
  }
}

// The client's own types lose the way from an event's name to its answer.
type Asked = "enter" | "join" | "leave" | "message" | "receipts" | "history" | "rename";
type Wish<E extends Asked> = Parameters<ToServer[E]>[0];
type Answer<E extends Asked> = Parameters<Parameters<ToServer[E]>[1]>[0];
interface AnySocket {
  emit(event: string, wish: unknown, done: (error: Error | null, answer: unknown) => void): void;
}

const pause = (): Promise<void> => new Promise((done) => setTimeout(done, RETRY_AFTER));

function isForLater(answer: object | Refused): boolean {
  if (!("error" in answer)) return false;
  const code = (answer as Refused).error.data?.code;
  return code === "too_fast" || code === "busy";
}
