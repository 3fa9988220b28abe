// How names, times and numbers look.

/** Up to two letters that stand for a name. */
export function initials(name: string): string {
  const words = name.trim().split(/[\s._-]+/).filter(Boolean);
  const first = letters(words[0] ?? "?");
  const last = words.length > 1 ? letters(words.at(-1)!) : [];
  return ((first[0] ?? "?") + (last[0] ?? "")).toLocaleUpperCase();
}

// What a reader sees as one letter, also in scripts that build letters from several characters.
function letters(word: string): string[] {
  if ("Segmenter" in Intl) {
    return Array.from(new Intl.Segmenter().segment(word), (part) => part.segment);
  }
  return Array.from(word);
}

/** A hue that always is the same for the same name. */
export function hueOf(name: string): number {
  let hash = 0x811c9dc5;
  for (const letter of name.trim().toLocaleLowerCase()) {
    hash = Math.imul(hash ^ letter.codePointAt(0)!, 0x01000193) >>> 0;
  }
  // Twelve hues that can be told apart.
  return ((hash >>> 8) % 12) * 30 + 15;
}

export function paint(avatar: HTMLElement, name: string): void {
  if (avatar.dataset.name === name) return;
  avatar.dataset.name = name;
  avatar.textContent = initials(name);
  avatar.style.setProperty("--hue", String(hueOf(name)));
}

/** Control characters, which show nothing; the server refuses them. In a message newline and tab are no such. */
export const controlIn = (name: string): boolean => /\p{Cc}/u.test(name);
export const controlInText = (text: string): boolean => controlIn(text.replace(/[\n\t]/g, ""));

const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const full = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "medium" });
const weekday = new Intl.DateTimeFormat(undefined, { weekday: "long", day: "numeric", month: "long" });

export const timeOf = (at: number): string => clock.format(at);
export const fullTimeOf = (at: number): string => full.format(at);

export function dayOf(at: number): string {
  const days = Math.round((midnight(Date.now()) - midnight(at)) / 86_400_000);
  if (days === 0) return "Today";
  return days === 1 ? "Yesterday" : weekday.format(at);
}

export function midnight(at: number): number {
  return new Date(at).setHours(0, 0, 0, 0);
}

/** "Ada", "Ada and Bo", "Ada, Bo and 3 others". */
export function listed(names: string[]): string {
  if (names.length <= 1) return names[0] ?? "";
  if (names.length <= 3) return `${names.slice(0, -1).join(", ")} and ${names.at(-1)!}`;
  return `${names[0]!}, ${names[1]!} and ${names.length - 2} others`;
}
