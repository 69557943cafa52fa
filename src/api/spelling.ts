/** "Did you mean": the known word nearest to a misspelt one. */

/**
 * Fewest insertions, deletions, substitutions and swaps of neighbours that turn one word into the other (optimal string
 * alignment, Damerau 1964). O(n·m); both words are short.
 */
export function editDistance(left: string, right: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: right.length + 1 }, (_, index) => index);
  for (let i = 1; i <= left.length; i++) {
    const row = [i];
    for (let j = 1; j <= right.length; j++) {
      const same = left[i - 1] === right[j - 1];
      const swapped = i > 1 && j > 1 && left[i - 1] === right[j - 2] && left[i - 2] === right[j - 1];
      row[j] = Math.min(
        (last[j] ?? 0) + 1,
        (row[j - 1] ?? 0) + 1,
        (last[j - 1] ?? 0) + (same ? 0 : 1),
        swapped ? (beforeLast[j - 2] ?? 0) + 1 : Infinity,
      );
    }
    [beforeLast, last] = [last, row];
  }
  return last[right.length] ?? 0;
}

/** The word of `known` that was probably meant, upper and lower case alike; undefined when none is near enough. */
export function nearest(word: string, known: readonly string[]): string | undefined {
  // Nobody misspells a word of 64 characters beyond recognition; a longer one is not worth the n·m.
  if (word.length > 64) return undefined;
  let best: string | undefined;
  let bestDistance = Math.max(1, Math.floor(word.length / 3)) + 1;
  for (const candidate of known) {
    const distance = editDistance(word.toLowerCase(), candidate.toLowerCase());
    if (distance < bestDistance) [best, bestDistance] = [candidate, distance];
  }
  return best;
}
