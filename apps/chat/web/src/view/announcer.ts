// What a screen reader is told: messages of others in the open room, and how many elsewhere.

import type { Chat } from "../model/chat";
import type { Room } from "../model/room";
import type { Message } from "../protocol";
import { byId, make } from "./dom";

const KEPT = 8;

export function announceArrivals(chat: Chat): void {
  chat.onArrival = (room, message) => announce(sentence(chat, room, message));
}

function announce(words: string): void {
  const place = byId("announcer");
  place.append(make("p", {}, words));
  while (place.children.length > KEPT) place.firstElementChild!.remove();
}

function sentence(chat: Chat, room: Room, message: Message): string {
  if (room.name === chat.current) return `${message.person.name}: ${message.text}`;
  return `New message in ${room.name} from ${message.person.name}`;
}
