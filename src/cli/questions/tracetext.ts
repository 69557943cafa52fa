/** A trace as lines for people. Pure. */
import type { ActualView, StepView, TraceView, WayView } from '../../api/traceview.ts';
import { refKey } from '../../api/object.ts';
import { columnWidths, tableLine } from '../../kit/table.ts';

export const formatTrace = (view: TraceView): string => {
  const { from, to, packet: { protocol, port }, there, back, assumptions, actual } = view;
  const service = port === undefined ? protocol : `${protocol}/${port}`;
  return [
    `${endText(from)} -> ${endText(to)}  ${service}: ${resultText(view)}`,
    ...there.flatMap((way) => wayLines('there', way)),
    ...back.flatMap((way) => wayLines('back', way)),
    ...(actual === undefined ? [] : ['', ...actualLines(actual)]),
    ...(assumptions.length === 0 ? [] : ['', ...assumptions.map((each) => `note: ${each}`)]),
    '',
  ].join('\n');
};

const endText = ({ text, address }: TraceView['from']): string => (text === address || text.endsWith(`:${address}`) ? text : `${text} (${address})`);

const results: { readonly [Result in TraceView['result']]: string } = {
  delivered: 'delivered',
  oneway: 'delivered, but the answer does not come back',
  elsewhere: 'delivered to somebody else',
  dropped: 'dropped',
};

const resultText = ({ result, back }: Pick<TraceView, 'result' | 'back'>): string =>
  result === 'delivered' && back.length > 0 ? 'delivered, and so is the answer' : results[result];

const shownObjects = 3;

const wayLines = (direction: 'there' | 'back', { at, steps }: WayView): string[] => {
  const cells = steps.map((step) => [step.device ?? 'the fabric', step.text, step.row ?? '', objectsOf(step), stateOf(step)]);
  // What has no row may be long: it makes no column wide.
  const widths = columnWidths(cells.filter(([, , row, objects]) => row !== '' || objects !== ''));
  return [
    '',
    `${direction}${at === undefined ? '' : `, from ${at}`}`,
    ...steps.flatMap((step, index) => [`  ${tableLine(cells[index] ?? [], widths)}`, ...tunnelLines(step)]),
  ];
};

const stateOf = ({ actual }: StepView): string => (actual === undefined ? '' : actual.state === 'same' ? 'as it runs' : actual.state.toUpperCase());

const objectsOf = ({ objects = [] }: StepView): string => {
  const names = objects.slice(0, shownObjects).map((object) => refKey(object)).join(', ');
  return objects.length > shownObjects ? `${names} and ${objects.length - shownObjects} more` : names;
};

/** The cables of every way that is shown. */
const tunnelLines = ({ tunnel }: StepView): string[] =>
  (tunnel?.to ?? []).flatMap(({ ways }) => {
    if (ways === undefined) return [];
    const lines = ways.ways.filter((way) => way.length > 0).map((way) => `      ${way.map(({ from, to }) => `${from} -> ${to}`).join(', ')}`);
    return ways.count > ways.ways.length ? [...lines, `      and ${ways.count - ways.ways.length} more`] : lines;
  });

const actualLines = ({ result, differsAt, devices }: ActualView): string[] => {
  const what = result === 'unknown' ? 'nobody knows what becomes of it: a device on the way did not say' : results[result];
  const where = differsAt === undefined ? 'what the devices on the way run is what they are to run' : `first difference on the way ${differsAt.direction}: ${placeText(differsAt)}: ${differsAt.why}`;
  return [
    `as the devices run: ${what}`,
    `  ${where}`,
    ...devices.filter(({ state }) => state !== 'same').flatMap(({ device, state, message, rows, surplus }) => [
      `  ${device}: ${state}${message === undefined ? '' : `: ${message}`}`,
      ...rows.map(({ row, why }) => `    ${row}: ${why}`),
      ...surplus.map((step) => `    not wanted: ${step}`),
    ]),
  ];
};

const placeText = ({ device, row }: NonNullable<ActualView['differsAt']>): string => [device ?? 'the fabric', ...(row === undefined ? [] : [row])].join(' ');
