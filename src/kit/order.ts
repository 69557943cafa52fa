/** Orders for sorting. Pure. */

/** Order of code units: the same on every machine, unlike a locale's. */
export const byText = (left: string, right: string): number => (left < right ? -1 : left > right ? 1 : 0);
