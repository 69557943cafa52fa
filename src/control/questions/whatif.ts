/** What is lost when something fails: what is meant by words, and every single failure in turns. */
import { setImmediate as turn } from 'node:timers/promises';
import { apiVersion } from '../../api/object.ts';
import { nearest } from '../../api/spelling.ts';
import type { LossView, WhatIfView } from '../../api/whatifview.ts';
import { HeddleError } from '../../kit/error.ts';
import { byText } from '../../kit/order.ts';
import { linkAt, WhatIf, type Goal, type Outage } from '../../verify/whatif.ts';
import { rowsIn } from '../../verify/surroundings.ts';

export interface WhatIfQuery {
  /** `switch NAME`, `link DEVICE/PORT` or `server NAME`, all at once. */
  readonly down: readonly string[];
  /** Every device and every cable, one after another. */
  readonly allSingle: boolean;
}

const parameters: ReadonlySet<string> = new Set(['down', 'allSingle', 'namespace', 'timeout', 'pretty']);

/** @throws HeddleError `BadRequest` */
export const readWhatIfQuery = (query: URLSearchParams): WhatIfQuery => {
  const unknown = [...query.keys()].find((name) => !parameters.has(name));
  if (unknown !== undefined) throw new HeddleError('BadRequest', `"${unknown}" is no parameter here; use down or allSingle`);
  const [down, allSingle] = [query.getAll('down'), query.get('allSingle') === 'true'];
  if (allSingle === down.length > 0) throw new HeddleError('BadRequest', 'say what fails with "down", such as "switch spine-1" or "link leaf-1/E1/49", or "allSingle" for everything in turn');
  return { down, allSingle };
};

const turnMilliseconds = 20;

/** @param progress told how many failures of how many were tried */
export const whatIf = async (name: string, goal: Goal, query: WhatIfQuery, clock: () => number, progress: (done: number, all: number) => void = () => undefined): Promise<WhatIfView> => {
  const judge = new WhatIf(goal);
  const outages = query.allSingle ? judge.singles() : [outageOf(query.down, goal, judge)];
  const losses: LossView[] = [];
  let began = clock();
  for (const [index, outage] of outages.entries()) {
    progress(index, outages.length);
    const steps = judge.steps(outage);
    let step = steps.next();
    for (; step.done !== true; step = steps.next()) {
      if (clock() - began < turnMilliseconds) continue;
      await turn();
      began = clock();
    }
    const loss = step.value;
    const isNothing = [loss.cut, loss.single, loss.lost, loss.degraded].every((list) => list.length === 0);
    if (!isNothing || !query.allSingle) losses.push(loss);
    if (clock() - began < turnMilliseconds) continue;
    await turn();
    began = clock();
  }
  const weight = ({ lost, cut }: LossView): number => lost.reduce((sum, { pairs }) => sum + pairs, 0) + cut.length;
  return { apiVersion, kind: 'WhatIf', metadata: { name }, tried: outages.length, losses: losses.sort((left, right) => weight(right) - weight(left) || byText(left.name, right.name)) };
};

const outageOf = (down: readonly string[], goal: Goal, judge: WhatIf): Outage => {
  const each = down.map((words) => one(words, goal, judge));
  return { name: each.map(({ name }) => name).join(', '), devices: each.flatMap(({ devices }) => devices), ports: each.flatMap(({ ports }) => ports) };
};

const one = (words: string, goal: Goal, judge: WhatIf): Outage => {
  const [, what = '', name = ''] = /^(\S+)\s+(\S+)$/.exec(words.trim()) ?? [];
  const devices = judge.devices();
  if (what === 'switch' || what === 'gateway') return { name: `${what} ${known(what, name, devices)}`, devices: [name], ports: [] };
  if (what === 'link') {
    const slash = name.indexOf('/');
    const [device, port] = [name.slice(0, slash), name.slice(slash + 1)];
    known('switch', device, devices);
    known(`cabled port of ${device}`, port, [...rowsIn(goal, `device/${device}`, 'port')].map(({ key }) => key));
    return linkAt(goal, { device, port });
  }
  if (what === 'server') {
    const ports = devices.flatMap((device) => [...rowsIn(goal, `device/${device}`, 'port')].map(({ key, value: { peer } }) => ({ device, port: key, peer })));
    const servers = new Set(ports.map(({ peer }) => peer.slice(0, peer.indexOf('/'))));
    known('cabled server', name, [...servers]);
    return { name: `server ${name}`, devices: [], ports: ports.filter(({ peer }) => peer.startsWith(`${name}/`)).map(({ device, port }) => ({ device, port })) };
  }
  throw new HeddleError('BadRequest', `"${words}" cannot fail: write switch NAME, link SWITCH/PORT or server NAME`);
};

const known = (what: string, name: string, all: readonly string[]): string => {
  if (all.includes(name)) return name;
  const near = nearest(name, all);
  throw new HeddleError('NotFound', `there is no ${what} "${name}"${near === undefined ? '' : `; did you mean "${near}"?`}`);
};
