// The words of the chat, as they travel. `apps/chat/README.md` explains each of them.

export interface Person {
  /** Stable for one window of the browser; never shown. */
  id: string;
  name: string;
}

export interface Message {
  /** Made by the sender's page, so that a message sent twice is kept once. */
  id: string;
  /** Its place in the room's order, counted from 1. */
  seq: number;
  /** Milliseconds since 1970, by the server's clock. */
  at: number;
  person: Person;
  text: string;
}

export interface RoomListing {
  room: string;
  people: number;
  /** The room belongs to the server and is listed even when nobody is in it. */
  given: boolean;
}

export interface Limits {
  name: number;
  room: number;
  text: number;
}

/** The first thing a page hears after it has connected. */
export interface Welcome {
  you: Person;
  rooms: RoomListing[];
  limits: Limits;
}

/** A room as it is now: the answer to `join`, pushed so that it keeps its order among all other pushes. */
export interface RoomState {
  room: string;
  /** The life of this room's memory. Another one means: what went before is forgotten, numbers start anew. */
  epoch: string;
  /** The number of the newest message. */
  seq: number;
  /** Those the page has not got yet. */
  messages: Message[];
  /** How many it will never get: they fell out of memory while it was away. */
  missing: number;
  people: Person[];
}

export interface Position {
  epoch: string;
  seq: number;
}

export interface Posted {
  epoch: string;
  seq: number;
  at: number;
}

/** Every refusal says why: `message` to people, and `code`, where there is one, to this page. */
export interface Refused {
  error: { message: string; data?: { code: string } };
}

export interface FromServer {
  welcome(welcome: Welcome): void;
  room(state: RoomState): void;
  message(posted: { room: string; epoch: string; message: Message }): void;
  here(who: { room: string; person: Person }): void;
  gone(who: { room: string; person: string }): void;
  typing(who: { room: string; person: string; typing: boolean }): void;
  listing(listing: RoomListing): void;
}

export interface ToServer {
  join(wish: { room: string; after?: Position }, answer: (answer: { room: string } | Refused) => void): void;
  leave(wish: { room: string }, answer: (answer: object | Refused) => void): void;
  message(wish: { room: string; id: string; text: string }, answer: (answer: Posted | Refused) => void): void;
  typing(wish: { room: string; typing: boolean }): void;
  rename(wish: { name: string }, answer: (answer: Person | Refused) => void): void;
}
