/** The text of `show running-config` as contexts; indentation and closing words are FRR's own. */
import { getOrMake } from '../../../kit/maps.ts';

export interface Context {
  readonly path: readonly string[];
  readonly lines: readonly string[];
}

const closing = /^(exit|exit-vrf|exit-address-family|end)$/;
/** Lines that FRR opens a context with. A context without lines of its own is otherwise not to be told from a line. */
const opening = /^(router |vrf \S+$|bfd$|profile |address-family |interface |route-map |peer |line )/;

/** Lines that repeat the list they are an entry of; the list counts as a context here. */
const entry = /^((?:ip|ipv6) prefix-list \S+|bgp community-list standard \S+|mac access-list \S+) (seq .+)$/;

/** Contexts in order of appearance; lines outside any context have the empty path. */
export const parseConfiguration = (text: string): readonly Context[] => {
  const contexts = new Map<string, { path: string[]; lines: string[] }>([['', { path: [], lines: [] }]]);
  let path: string[] = [];
  for (const raw of text.split('\n')) {
    const line = raw.trim();
    if (line === '' || line === '!' || line === 'Building configuration...' || line === 'Current configuration:') continue;
    if (closing.test(line)) {
      path = path.slice(0, -1);
      continue;
    }
    const depth = raw.length - raw.trimStart().length;
    // A context without a closing word ends where indentation does.
    if (depth < path.length) path = path.slice(0, depth);
    const [, list, rest] = entry.exec(line) ?? [];
    if (list !== undefined && rest !== undefined) {
      getOrMake(contexts, list, () => ({ path: [list], lines: [] })).lines.push(rest);
    } else if (opening.test(line)) {
      path = [...path, line];
      contexts.set(path.join('\n'), { path, lines: [] });
    } else {
      contexts.get(path.join('\n'))?.lines.push(line);
    }
  }
  return [...contexts.values()];
};
