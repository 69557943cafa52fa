/**
 * What the main job prints: one aligned line a step, with the time it took. On a terminal a step shows while it runs and
 * has colour (not under NO_COLOR); elsewhere a line is printed when its step has ended.
 */
import { styleText } from 'node:util';
import { formatDuration } from '../../kit/duration.ts';

export interface Line {
  readonly title: string;
  readonly detail?: string;
  /** Of what the line is about; printed at its end. */
  readonly milliseconds?: number;
  readonly verdict?: 'right' | 'wrong';
}

export interface Screen {
  heading(text: string): void;
  /** Shown until the next line is printed; terminals only. */
  running(title: string): void;
  line(line: Line): void;
  text(text: string): void;
}

export interface ScreenOptions {
  readonly out: (text: string) => void;
  readonly terminal: boolean;
  readonly colour: boolean;
}

const titleWidth = 34;
const detailWidth = 44;
const timeWidth = 9;

export const createScreen = ({ out, terminal, colour }: ScreenOptions): Screen => {
  const paint = (style: 'green' | 'red' | 'bold' | 'dim', text: string): string =>
    colour ? styleText(style, text, { validateStream: false }) : text;
  const clear = terminal ? '\r\u001B[K' : '';
  const mark = (verdict: Line['verdict']): string =>
    verdict === 'wrong' ? paint('red', '✘') : verdict === 'right' ? paint('green', '✔') : paint('dim', '·');
  return {
    heading: (text) => out(`${clear}\n${paint('bold', text)}\n`),
    running: (title) => (terminal ? out(`${clear}  ${paint('dim', `… ${title}`)}`) : undefined),
    line: ({ title, detail = '', milliseconds, verdict }) => {
      const time = milliseconds === undefined ? '' : formatDuration(milliseconds).padStart(timeWidth);
      const text = `${title.padEnd(titleWidth)} ${detail.padEnd(detailWidth)}`;
      out(`${clear}  ${mark(verdict)} ${time === '' ? text.trimEnd() : `${text} ${paint('dim', time)}`}\n`);
    },
    text: (text) => out(`${clear}${text}\n`),
  };
};
