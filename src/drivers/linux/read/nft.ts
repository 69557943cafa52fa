/** The rules of one namespace that are Heddle's. */
import { HeddleError } from '../../../kit/error.ts';
import type { Output } from '../../../kit/process.ts';
import type { Place } from '../model.ts';
import { listElements, parseTables, withElements } from '../nft.ts';
import type { NftTables } from '../nft.ts';
import { inside } from '../steps/step.ts';
import type { Runner } from '../tools/tools.ts';

/** Only of commands given one at a time does nft 1.0.6 list more than one set; it would write them down in the home directory. */
const listingSets = ['env', 'HOME=/dev/null', 'nft', '-i'] as const;

/**
 * Without what packets put into sets, which may be very much; so elements are read by themselves.
 * @throws HeddleError `Unavailable` when nft fails: rules that could not be read are not rules that are missing.
 */
export const readTables = async (place: Place, run: Runner): Promise<NftTables> => {
  const tables = parseTables(answer(place, await run(inside(place, ['nft', '-t', 'list', 'ruleset']))));
  const commands = listElements(tables);
  return commands === '' ? tables : withElements(tables, answer(place, await run(inside(place, listingSets), commands)));
};

const answer = (place: Place, { status, stdout, stderr }: Output): string => {
  if (status === 0) return stdout;
  throw new HeddleError('Unavailable', `the rules of "${place}" cannot be read: ${stderr.trim() || `nft exited ${status}`}`);
};
