// The chat page: who knows whom. What the page knows stands in `model/`, what it shows in `view/`, and how it speaks
// to the server in `connection.ts`.

import { Connection } from "./connection";
import { Chat } from "./model/chat";
import { suggestedName } from "./model/keep";
import { announceArrivals } from "./view/announcer";
import { Compose } from "./view/compose";
import { byId } from "./view/dom";
import { Drawers } from "./view/drawers";
import { drawIcons } from "./view/icons";
import { listenToKeys } from "./view/keys";
import { NameDialog } from "./view/name";
import { PeopleList } from "./view/people";
import { RoomList, roomName } from "./view/rooms";
import { StatusLine } from "./view/status";
import { Timeline } from "./view/timeline";

drawIcons();

const chat = new Chat();
const connection = new Connection(chat);
const drawers = new Drawers();
const nameDialog = new NameDialog();
const status = new StatusLine(chat);
const roomList = new RoomList(chat, enter);
const people = new PeopleList(chat);
const compose = new Compose(chat, connection);
const timeline = new Timeline(chat, {
  again: () => void connection.flush(),
  older: (room) => void connection.older(room),
});

/** Goes into a room; the address says which, so that a room can be sent as a link and Back works. */
function enter(name: string): void {
  if (roomInAddress() === name) arrive();
  else location.hash = encodeURIComponent(name);
}

function arrive(): void {
  const name = roomInAddress();
  const before = chat.rooms.get(chat.current);
  if (before && before.name !== name) before.firstUnread = null;
  const room = chat.open(name);
  if (room.phase === "out") connection.join(room);
  const inDrawer = drawers.close(false);
  if (!inDrawer || matchMedia("(pointer: fine)").matches) compose.focus();
}

function roomInAddress(): string {
  let typed = location.hash.slice(1);
  try {
    typed = decodeURIComponent(typed);
  } catch {
    // A broken address is a name like any other.
  }
  const { name, problem } = roomName(typed, chat.limits.room);
  return problem ? (chat.rooms.keys().next().value ?? "lobby") : name;
}

function leave(): void {
  const room = chat.rooms.get(chat.current);
  if (!room) return;
  const rooms = roomList.order();
  const place = rooms.indexOf(room.name);
  const next = rooms[place + 1] ?? rooms[place - 1];
  if (next === undefined) return;
  connection.leave(room);
  enter(next);
}

function step(by: number): void {
  const rooms = roomList.order();
  const place = rooms.indexOf(chat.current);
  enter(rooms[(place + by + rooms.length) % rooms.length] ?? chat.current);
}

function atTheDoor(problem = ""): void {
  nameDialog.ask("door", chat.me.name || suggestedName(), async (name) => {
    if (Array.from(name).length > chat.limits.name) return `A name has at most ${chat.limits.name} characters.`;
    chat.rename(name);
    connection.start();
    return null;
  }, problem);
}

function lookForRefusal(): void {
  if (chat.status.kind !== "refused") return;
  const { why } = chat.status;
  chat.status = { kind: "connecting" };
  atTheDoor(why);
}

addEventListener("hashchange", arrive);
byId("leave-room").addEventListener("click", leave);
byId("change-name").addEventListener("click", () => {
  nameDialog.ask("change", chat.me.name, (name) => connection.rename(name));
});
// A link to the room one is in already changes no address.
byId("rooms").addEventListener("click", (event) => {
  if ((event.target as Element).closest("a[aria-current]")) arrive();
});
listenToKeys({
  nextRoom: step,
  nextUnread: () => {
    const unread = [...chat.rooms.values()].find((room) => room.unread > 0);
    if (unread) enter(unread.name);
  },
  joinField: () => {
    drawers.rooms.open();
    byId("join-name").focus();
  },
  message: () => compose.focus(),
  messages: () => byId("timeline").focus(),
  toEnd: () => timeline.toEnd(),
  people: () => drawers.people.open(),
  escape: () => {
    if (!drawers.close()) timeline.toEnd();
  },
});

announceArrivals(chat);
chat.watch(() => {
  lookForRefusal();
  status.draw();
  roomList.draw();
  people.draw();
  compose.draw();
  timeline.draw();
  byId<HTMLButtonElement>("leave-room").disabled = chat.rooms.size < 2;
});
arrive();
if (chat.me.name) connection.start();
else atTheDoor();
