/** docs/scenarios.md, made of the stories, of the catalogue they cover and of the results of the last run. Pure. */
import { basename } from 'node:path';
import type { Scenario } from './scenario.ts';

export interface Result {
  /** What went wrong, in one line; left out: it passed. */
  readonly failure?: string;
  readonly seconds?: number;
  /** What came of pings: `a -> b: 3 of 800 packets lost, longest gap 30 ms`. */
  readonly losses?: readonly string[];
}

export interface Results {
  /** Day of the last run that wrote something, as 2026-01-31. */
  readonly day: string;
  /** By scenario. */
  readonly pure: { readonly [scenario: string]: Result };
  readonly lab: { readonly [scenario: string]: Result };
}

export interface Case {
  readonly id: string;
  readonly case: string;
  /** What it waits for. */
  readonly later?: string;
}

export const scenarioDocument = (scenarios: readonly Scenario[], catalogue: readonly Case[], results: Results): string =>
  [
    '# Scenarios',
    '',
    'Made by `npm run scenarios` from `testdata/scenarios/`; do not edit. Each story is played in two ways: pure (the compiler makes',
    'rows, and after every step packets between all ordered pairs are followed over the rows and compared with intent) and in the lab',
    '(the same wiring in network namespaces: real agents, FRR, dnsmasq, nftables; ICMP, TCP and UDP, IPv4 and IPv6). What must pass',
    'follows from intent alone. `testdata/scenarios/README.md` is the format.',
    '',
    `Last run: ${results.day}. ${summary(scenarios, results)}`,
    '',
    '| scenario | story | covers | wiring | pure | lab |',
    '|---|---|---|---|---|---|',
    ...scenarios.map((scenario) => row(scenario, results)),
    '',
    '## Packets lost',
    'An echo request every 10 ms and direction while links, switches, agents or the controller fail and come back, or intent changes.',
    '',
    '| scenario | packets lost |',
    '|---|---|',
    ...scenarios.flatMap(({ name }) => (results.lab[name]?.losses ?? []).map((loss) => `| ${name} | ${cell(loss)} |`)),
    '',
    '## The catalogue',
    'Cases that a release must pass, and the scenarios that are them.',
    '',
    '| case | what | scenarios |',
    '|---|---|---|',
    ...catalogue.map(({ id, case: what, later }) => `| ${id} | ${what} | ${covering(scenarios, id) || (later === undefined ? 'none yet' : `later: ${later}`)} |`),
    '',
  ].join('\n');

const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ');

const covering = (scenarios: readonly Scenario[], id: string): string =>
  scenarios.filter(({ covers }) => covers.includes(id)).map(({ name }) => name.split('-')[0]).join(', ');

const row = ({ name, story, covers, wiring }: Scenario, { pure, lab }: Results): string =>
  `| ${name} | ${cell(story)} | ${covers.join(', ')} | ${basename(wiring, '.yaml')} | ${told(pure[name])} | ${told(lab[name])} |`;

const told = (result: Result | undefined): string => {
  if (result === undefined) return 'not run';
  const time = result.seconds === undefined ? '' : ` (${result.seconds} s)`;
  return result.failure === undefined ? `passes${time}` : `**fails**: ${cell(result.failure).slice(0, 160)}`;
};

const summary = (scenarios: readonly Scenario[], { pure, lab }: Results): string => {
  const passing = (results: Results['pure']): number => scenarios.filter(({ name }) => results[name] !== undefined && results[name].failure === undefined).length;
  return `Pure: ${passing(pure)} of ${scenarios.length} pass. Lab: ${passing(lab)} of ${scenarios.length} pass.`;
};
