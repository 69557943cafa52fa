/**
 * What `JSON.parse` does silently and must not: of a member named twice it keeps the last, a typo that strict field validation
 * must report; whole numbers beyond 2^53 become others; nesting without end overflows whoever walks it later.
 */
import { HeddleError } from '../../kit/error.ts';

/** No object of any kind comes near it. */
export const maxDepth = 200;
/** As many duplicates as are told. */
const told = 100;

interface Frame {
  readonly isObject: boolean;
  /** Made with the second member. */
  seen: Set<string> | undefined;
  /** Member being read (objects) or its position (arrays). */
  key: string;
  index: number;
}

/**
 * Paths of members that the text names twice, such as `spec.ports[0].name`, each once, in document order. Throws `BadRequest`
 * for what cannot be kept as it was written. What is no JSON may pass, or throw a SyntaxError.
 */
export const scanJson = (text: string): string[] => {
  const duplicates = new Set<string>();
  const stack: Frame[] = [];
  let frame: Frame | undefined;
  let expectsKey = false;
  for (let at = 0; at < text.length; at += 1) {
    switch (text[at]) {
      case '{':
      case '[':
        if (stack.length === maxDepth) throw tooDeep();
        expectsKey = text[at] === '{';
        stack.push((frame = { isObject: expectsKey, seen: undefined, key: '', index: 0 }));
        break;
      case '}':
      case ']':
        stack.pop();
        frame = stack.at(-1);
        expectsKey = false;
        break;
      case ',':
        if (frame !== undefined) frame.index += 1;
        expectsKey = frame?.isObject === true;
        break;
      case '"': {
        const end = endOfString(text, at);
        if (expectsKey && frame !== undefined && readKey(frame, text.slice(at, end + 1)) && duplicates.size < told) duplicates.add(pathOf(stack));
        expectsKey = false;
        at = end;
        break;
      }
      default:
        if (startsNumber(text.charCodeAt(at))) at = checkNumber(text, at, stack) - 1;
    }
  }
  return [...duplicates];
};

export const tooDeep = (): HeddleError => new HeddleError('BadRequest', `the body is nested more than ${maxDepth} levels deep`);

/** Position of the closing quote, or the end of the text. */
const endOfString = (text: string, start: number): number => {
  for (let end = text.indexOf('"', start + 1); end !== -1; end = text.indexOf('"', end + 1)) {
    let slashes = 0;
    while (text[end - 1 - slashes] === '\\') slashes += 1;
    if (slashes % 2 === 0) return end;
  }
  return text.length;
};

/** Whether the object has the member already. */
const readKey = (frame: Frame, quoted: string): boolean => {
  const key: string = quoted.includes('\\') ? String(JSON.parse(quoted)) : quoted.slice(1, -1);
  if (frame.index === 1) frame.seen = new Set([frame.key]);
  frame.key = key;
  if (frame.seen?.has(key) === true) return true;
  frame.seen?.add(key);
  return false;
};

const pathOf = (stack: readonly Frame[]): string =>
  stack.reduce((path, { isObject, key, index }) => {
    if (!isObject) return `${path}[${index}]`;
    return path === '' ? key : `${path}.${key}`;
  }, '');

const startsNumber = (code: number): boolean => code === 0x2d || (code >= 0x30 && code <= 0x39);

const numberCharacters = new Set('0123456789+-.eE');

/** Where the number ends. */
const checkNumber = (text: string, start: number, stack: readonly Frame[]): number => {
  let end = start + 1;
  while (numberCharacters.has(text[end] ?? '')) end += 1;
  if (end - start < 4) return end;
  const written = text.slice(start, end);
  if (!isKept(written)) throw unkept(written, pathOf(stack));
  return end;
};

/** Whether a number is the same after it was read: fractions are rounded everywhere, whole numbers must not be. */
const isKept = (written: string): boolean => {
  const value = Number(written);
  return Number.isFinite(value) && (/[.eE]/.test(written) || Number.isSafeInteger(value));
};

export const unkept = (written: string, path: string): HeddleError => {
  const shown = written.length > 40 ? `${written.slice(0, 40)}…` : written;
  const message = `the number ${shown} cannot be kept exactly; whole numbers go to 9007199254740991, write larger ones as text`;
  return new HeddleError('BadRequest', `${path === '' ? 'the body' : path}: ${message}`, { findings: [{ path, code: 'FieldValueInvalid', message }] });
};
