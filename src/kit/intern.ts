/**
 * Equal texts as one string. What is read from JSON is a new string each time, also where thousands of objects say the same:
 * a time, a reason. The table is of a fixed size and forgets whatever has its place taken, so it needs no care.
 */
const slots = 1024;

export class Interner {
  readonly #texts: (string | undefined)[] = Array.from({ length: slots }, () => undefined);

  /** The text itself, as a string that others may hold already. */
  share(text: string): string {
    const slot = slotOf(text);
    const found = this.#texts[slot];
    if (found === text) return found;
    this.#texts[slot] = text;
    return text;
  }
}

/** A few characters tell texts apart well enough: two that meet in one slot cost memory, nothing else. */
const slotOf = (text: string): number => {
  const { length } = text;
  let hash = length;
  for (let at = Math.max(0, length - 8); at < length; at++) hash = (hash * 31 + text.charCodeAt(at)) >>> 0;
  return hash % slots;
};
