/** Text tables as kubectl prints them: upper-case headings, columns padded with blanks, nothing behind the last one. */

const gap = '   ';

/** Printed width of each column: the longest of its cells. */
export const columnWidths = (lines: readonly (readonly string[])[]): number[] => {
  const widths: number[] = [];
  for (const line of lines) {
    for (const [index, cell] of line.entries()) widths[index] = Math.max(widths[index] ?? 0, cell.length);
  }
  return widths;
};

/** One line, every cell but the last padded to its column. */
export const tableLine = (cells: readonly string[], widths: readonly number[]): string =>
  cells
    .map((cell, index) => (index === cells.length - 1 ? cell : cell.padEnd(widths[index] ?? 0)))
    .join(gap)
    .trimEnd();

/** Headings (printed in upper case) and rows; ends with a newline. */
export const formatTable = (headings: readonly string[], rows: readonly (readonly string[])[]): string => {
  const lines = [headings.map((heading) => heading.toUpperCase()), ...rows];
  const widths = columnWidths(lines);
  return lines.map((line) => `${tableLine(line, widths)}\n`).join('');
};
