/**
 * Finds members that a JSON text names twice. `JSON.parse` silently keeps the last, and a typo that repeats a field is
 * exactly what strict field validation must report.
 */

const token = /"(?:[^"\\]|\\.)*"|[{}[\],:]/g;

interface Frame {
  readonly type: 'object' | 'array';
  readonly path: string;
  readonly seen: Set<string>;
  /** Member being read (objects) or its position (arrays). */
  key: string;
  index: number;
  expectsKey: boolean;
}

/** Paths such as `spec.ports[0].name`, each once, in document order. The text must be valid JSON. */
export const duplicateMembers = (text: string): string[] => {
  const duplicates = new Set<string>();
  const stack: Frame[] = [];
  for (const [found] of text.matchAll(token)) {
    const frame = stack.at(-1);
    if (found === '{' || found === '[') stack.push(open(found, frame));
    else if (found === '}' || found === ']') stack.pop();
    else if (frame !== undefined && found === ',') advance(frame);
    else if (frame?.expectsKey === true && found.startsWith('"')) readKey(frame, found, duplicates);
  }
  return [...duplicates];
};

const open = (bracket: string, parent: Frame | undefined): Frame => ({
  type: bracket === '{' ? 'object' : 'array',
  path: parent === undefined ? '' : pathOf(parent),
  seen: new Set(),
  key: '',
  index: 0,
  expectsKey: bracket === '{',
});

const pathOf = (frame: Frame): string => {
  if (frame.type === 'array') return `${frame.path}[${frame.index}]`;
  return frame.path === '' ? frame.key : `${frame.path}.${frame.key}`;
};

const advance = (frame: Frame): void => {
  frame.index += 1;
  frame.expectsKey = frame.type === 'object';
};

const readKey = (frame: Frame, quoted: string, duplicates: Set<string>): void => {
  const key: unknown = JSON.parse(quoted);
  frame.key = String(key);
  frame.expectsKey = false;
  if (frame.seen.has(frame.key)) duplicates.add(pathOf(frame));
  frame.seen.add(frame.key);
};
