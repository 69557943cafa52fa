/**
 * A backup file: lines of JSON, compressed by gzip. The first says what it is, then comes a line for each entry of the store and
 * each key file, and the last has the SHA-256 of all before it: a backup that was cut off or damaged is found out before anything
 * is restored from it.
 */
import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream, existsSync, renameSync, rmSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createGzip } from 'node:zlib';
import { HeddleError } from '../../kit/error.ts';
import { isJsonObject } from '../../kit/json.ts';
import type { Revision } from '../../store/store.ts';

const format = 'heddle-backup';
const version = 1;

export interface Heading {
  /** Of the store, when the backup was made. */
  readonly revision: Revision;
  /** ISO 8601. */
  readonly time: string;
  /** Version of the program. */
  readonly heddle: string;
}

export type Item =
  | { readonly key: string; readonly value: string }
  | KeyFile;

/** A file of the data folder by its path in it, contents in base64. */
export interface KeyFile {
  readonly file: string;
  readonly content: string;
}

export interface Counts {
  readonly entries: number;
  readonly files: number;
}

/**
 * Writes the file for its owner only; it appears under its name when it is whole and on the disk.
 * @throws HeddleError `AlreadyExists` when there is a file of that name
 */
export const writeBackup = async (path: string, heading: Heading, items: AsyncIterable<Item> | Iterable<Item>): Promise<Counts> => {
  if (existsSync(path)) throw new HeddleError('AlreadyExists', `"${path}" exists: choose another name, a backup is never written over`);
  const partial = `${path}.partial`;
  const counts = { entries: 0, files: 0 };
  try {
    rmSync(partial, { force: true });
    await pipeline(Readable.from(linesOf(heading, items, counts)), createGzip(), createWriteStream(partial, { mode: 0o600 }));
    await sync(partial);
    renameSync(partial, path);
    return counts;
  } finally {
    rmSync(partial, { force: true });
  }
};

const linesOf = async function* (heading: Heading, items: AsyncIterable<Item> | Iterable<Item>, counts: { entries: number; files: number }): AsyncGenerator<string> {
  const hash = createHash('sha256');
  const line = (content: object): string => {
    const text = `${JSON.stringify(content)}\n`;
    hash.update(text);
    return text;
  };
  yield line({ format, version, ...heading });
  for await (const item of items) {
    if ('key' in item) counts.entries += 1;
    else counts.files += 1;
    yield line(item);
  }
  yield `${JSON.stringify({ end: counts, sha256: hash.digest('hex') })}\n`;
};

const sync = async (path: string): Promise<void> => {
  const file = await open(path, 'r');
  await file.sync().finally(() => file.close());
};

/**
 * Reads the file to its end.
 * @throws HeddleError `Invalid` when it is no backup, of a later version, cut off or damaged
 */
export const checkBackup = async (path: string): Promise<Heading & Counts> => {
  const hash = createHash('sha256');
  const counts = { entries: 0, files: 0 };
  let heading: Heading | undefined;
  let isWhole = false;
  for await (const text of lines(path)) {
    if (isWhole) throw damaged(path, 'something follows its end');
    const content = parse(path, text);
    if (heading === undefined) heading = readHeading(path, content);
    else if ('sha256' in content) isWhole = true;
    else if ('key' in content) counts.entries += 1;
    else counts.files += 1;
    if (!isWhole) hash.update(`${text}\n`);
    else if (content['sha256'] !== hash.digest('hex')) throw damaged(path, 'its checksum does not match');
  }
  if (heading === undefined || !isWhole) throw damaged(path, 'it was cut off');
  return { ...heading, ...counts };
};

/** What is in a file that was checked. */
export const readItems = async function* (path: string): AsyncGenerator<Item> {
  for await (const text of lines(path)) {
    const { key, value, file, content } = parse(path, text);
    if (typeof key === 'string' && typeof value === 'string') yield { key, value };
    if (typeof file === 'string' && typeof content === 'string') yield { file, content };
  }
};

const lines = async function* (path: string): AsyncGenerator<string> {
  const source = createReadStream(path);
  const unzipped = createGunzip();
  const running = pipeline(source, unzipped).catch((thrown: unknown) => thrown);
  try {
    yield* split(unzipped);
  } catch (thrown) {
    const cause = await running;
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') throw new HeddleError('NotFound', `there is no file "${path}"`);
    throw damaged(path, HeddleError.from(thrown).message);
  }
};

/** By line feeds only: what else ends a line to people may stand in a JSON string. */
const split = async function* (source: AsyncIterable<Buffer>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest: string[] = [];
  for await (const chunk of source) {
    const [first = '', ...others] = decoder.decode(chunk, { stream: true }).split('\n');
    rest.push(first);
    for (const other of others) {
      yield rest.join('');
      rest = [other];
    }
  }
  const last = rest.join('');
  if (last !== '') yield last;
};

const parse = (path: string, text: string): Readonly<Record<string, unknown>> => {
  try {
    const content: unknown = JSON.parse(text);
    if (isJsonObject(content)) return content;
  } catch {
    // Said below.
  }
  throw damaged(path, 'it has a line that is none of a backup');
};

const readHeading = (path: string, content: Readonly<Record<string, unknown>>): Heading => {
  if (content['format'] !== format) throw new HeddleError('Invalid', `"${path}" is not a backup of Heddle`);
  if (content['version'] !== version) {
    throw new HeddleError('Invalid', `the backup "${path}" has format ${String(content['version'])}; this program reads ${version}`);
  }
  return { revision: Number(content['revision']), time: String(content['time']), heddle: String(content['heddle']) };
};

const damaged = (path: string, why: string): HeddleError => new HeddleError('Invalid', `the backup "${path}" cannot be used: ${why}`);
