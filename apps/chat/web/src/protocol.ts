// The words of the chat, as they travel. `apps/chat/README.md` explains each of them.

export interface Person {
  /** Stable for one window of the browser; never shown. */
  id: string;
  name: string;
}

/** A person in a room; `away` has no connection, and is expected back. */
export interface Presence extends Person {
  away: boolean;
}

export interface Message {
  /** Made by the sender's page, so that a message sent twice is kept once. */
  id: string;
  /** Milliseconds since 1970, by the server's clock. */
  at: number;
  person: Person;
  text: string;
}

/** A message, and its place in the server's log. */
export interface PastMessage {
  token: string;
  message: Message;
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

/** The answer to `enter`, which a page asks first after it has connected. */
export interface Welcome {
  you: Person;
  /** The rooms that this page is in; after a reconnect those it was in. */
  inside: { room: string; people: Presence[] | null }[];
  rooms: RoomListing[];
  limits: Limits;
}

/** What was said in a room, oldest first. */
export interface PastPage {
  messages: PastMessage[];
  /** There is more before. */
  more: boolean;
}

/** The answer to `join`: a room as it is now. What happens there from now on follows. */
export interface RoomState extends PastPage {
  room: string;
  people: Presence[];
}

/** The answer to `message`: it is in the log. */
export interface Taken {
  token: string;
  /** It was there before, and is not pushed another time. */
  again: boolean;
}

/** How many of the others in the room have a message. */
export interface Delivery {
  to: number;
  of: number;
}

/** Every refusal says why: `message` to people, and `code`, where there is one, to this page. */
export interface Refused {
  error: { message: string; data?: { code: string } };
}

/** Every event that is not volatile ends in its place in the log. */
export interface FromServer {
  message(said: { room: string; message: Message }, token: string): void;
  here(who: { room: string; person: Presence }): void;
  gone(who: { room: string; person: string }): void;
  delivered(receipt: { room: string; id: string } & Delivery): void;
  typing(who: { room: string; person: string; typing: boolean }): void;
  listing(listing: RoomListing): void;
}

export interface ToServer {
  /** With the rooms of which this page knows everything but who is there now. */
  enter(wish: { rooms: string[] }, answer: (answer: Welcome | Refused) => void): void;
  join(wish: { room: string }, answer: (answer: RoomState | Refused) => void): void;
  leave(wish: { room: string }, answer: (answer: object | Refused) => void): void;
  message(wish: { room: string; id: string; text: string }, answer: (answer: Taken | Refused) => void): void;
  /** Who has these own messages? `delivered` tells. */
  receipts(wish: { room: string; ids: string[] }, answer: (answer: object | Refused) => void): void;
  history(wish: { room: string; before: string }, answer: (answer: PastPage | Refused) => void): void;
  typing(wish: { room: string; typing: boolean }): void;
  rename(wish: { name: string }, answer: (answer: Person | Refused) => void): void;
}
