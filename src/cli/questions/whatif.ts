/** `heddle whatif`: who loses whom, and who loses redundancy, when something fails. */
import { whatIfView, type LossView, type LostPairView, type WhatIfView } from '../../api/whatifview.ts';
import { findType, pathOf } from '../../client/discovery.ts';
import { itemsOf } from '../../client/live.ts';
import { whatIf as judge } from '../../control/questions/whatif.ts';
import { HeddleError } from '../../kit/error.ts';
import type { ExitStatus, Io } from '../io.ts';
import { withSession, type GlobalOptions, type Session } from '../session.ts';
import { objectsOfFiles, World } from './world.ts';

export interface WhatIfOptions extends GlobalOptions {
  /** Words in pairs: `link leaf-1/E1/49 switch spine-1`. */
  readonly down?: readonly string[];
  readonly allSingle?: true;
  readonly filename?: readonly string[];
  readonly output: 'text' | 'json';
}

/** Exit status 1: somebody does not reach somebody any more. */
export const whatIf = async (io: Io, options: WhatIfOptions): Promise<ExitStatus> => {
  const { allSingle, filename, output } = options;
  const down = pairsOf(options.down ?? []);
  if ((allSingle === true) === down.length > 0) throw new HeddleError('BadRequest', 'say what fails with --down, such as --down switch spine-1, or use --all-single');
  const view = filename === undefined ? await withSession(io, options, (session) => askServer(session, down, allSingle === true)) : await judgeFiles(io, filename, down, allSingle === true);
  io.out(output === 'json' ? `${JSON.stringify(view, null, 2)}\n` : formatWhatIf(view));
  return view.losses.some(({ lost, cut }) => lost.length + cut.length > 0) ? 1 : 0;
};

const pairsOf = (words: readonly string[]): string[] => {
  if (words.length % 2 === 1) throw new HeddleError('BadRequest', `"${words.join(' ')}" are not pairs such as switch spine-1 or link leaf-1/E1/49`);
  return words.flatMap((word, index) => (index % 2 === 0 ? [`${word} ${words[index + 1] ?? ''}`] : []));
};

const askServer = async (session: Session, down: readonly string[], allSingle: boolean): Promise<WhatIfView> => {
  const type = findType(await session.types(), 'fabric');
  const fabric = itemsOf((await session.client.call({ path: pathOf(type, '') })).body, type, '')[0]?.metadata.name;
  if (fabric === undefined) throw new HeddleError('NotFound', 'there is no Fabric, and so nothing that could fail');
  const query = new URLSearchParams(allSingle ? { allSingle: 'true' } : {});
  for (const each of down) query.append('down', each);
  return (await session.client.call({ path: `${pathOf(type, '', fabric)}/${whatIfView}?${query.toString()}` })).body as WhatIfView;
};

const judgeFiles = async (io: Io, files: readonly string[], down: readonly string[], allSingle: boolean): Promise<WhatIfView> => {
  const { goal } = new World(await objectsOfFiles(io, files));
  const progress = (done: number, all: number): void => {
    if (io.isTerminal && all > 50) io.note(`\r${done + 1} of ${all} failures${done + 1 === all ? '\n' : ''}`);
  };
  return judge('files', goal, { down, allSingle }, () => performance.now(), progress);
};

const shownServers = 10;

const formatWhatIf = ({ tried, losses }: WhatIfView): string => {
  const blocks = losses.map((loss) => `${lines(loss).join('\n')}\n`);
  const summary = tried === 1 ? '' : `${tried} single failures tried: ${count(losses, ({ lost, cut }) => lost.length + cut.length > 0)} part somebody, ${
    count(losses, ({ lost, cut, degraded, single }) => lost.length + cut.length === 0 && degraded.length + single.length > 0)} take redundancy alone\n`;
  return `${blocks.join('\n')}${blocks.length > 0 && summary !== '' ? '\n' : ''}${summary}`;
};

const count = (losses: readonly LossView[], test: (loss: LossView) => boolean): number => losses.filter(test).length;

const lines = ({ name, cut, single, lost, degraded }: LossView): string[] => {
  const said = [
    ...serverLines('out of reach', cut),
    ...serverLines('left with one cable', single),
    ...lost.map((pair) => `  no longer: ${pairText(pair)}`),
    ...degraded.map((pair) => `  no redundancy: ${pairText(pair)}`),
  ];
  return [`${name}:${said.length === 0 ? ' nothing is lost' : ''}`, ...said];
};

const serverLines = (what: string, names: readonly string[]): string[] => {
  if (names.length === 0) return [];
  const more = names.length > shownServers ? ` and ${names.length - shownServers} more` : '';
  return [`  ${what}: ${names.slice(0, shownServers).join(', ')}${more}`];
};

const pairText = ({ from, to, pairs, example }: LostPairView): string => `${from} <-> ${to}, ${pairs} ${pairs === 1 ? 'pair' : 'pairs'} (${example})`;
