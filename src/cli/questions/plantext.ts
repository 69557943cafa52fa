/** A plan as lines for people: what is refused first, then what it does, then device by device. Pure. */
import { capacityTables, capacityWords } from '../../api/capacity.ts';
import type { PlannedDevice, PlannedObject, PlannedRow, PlanStatus } from '../../api/planview.ts';
import { isJsonObject } from '../../kit/json.ts';
import { formatDifference, formatViolation } from './verifytext.ts';

export interface PlanFormat {
  /** Every row and every command. */
  readonly all: boolean;
  readonly isColoured: boolean;
}

/** Of devices, and of rows and commands of each, unless all is asked for. */
const mostDevices = 8;
const mostRows = 12;
const mostCommands = 12;

export const formatPlan = (status: PlanStatus, format: PlanFormat): string => {
  const text = new Text(status, format);
  return `${text.lines().join('\n')}\n`;
};

class Text {
  readonly #status: PlanStatus;
  readonly #format: PlanFormat;

  constructor(status: PlanStatus, format: PlanFormat) {
    this.#status = status;
    this.#format = format;
  }

  lines(): string[] {
    const { result, rows } = this.#status;
    if (result === 'NoChange') return ['nothing would change'];
    const blocks = [this.#objects(), this.#refusals(), this.#summary(), this.#reach(), ...(rows.length > 0 ? [this.#rows(), ...this.#devices()] : [])];
    return blocks.filter(({ length }) => length > 0).flatMap((block, index) => (index === 0 ? block : ['', ...block]));
  }

  #objects(): string[] {
    const signs = { create: this.#green('+'), change: this.#yellow('~'), delete: this.#red('-'), none: ' ' };
    const words = { create: 'create', change: 'change', delete: 'delete', none: 'as it is' };
    return this.#status.objects.flatMap(({ object, action, notes }) => [
      `${signs[action]} ${object}  ${words[action]}`,
      ...notes.map(({ path, message }) => `    ${path === '' ? '' : `${path}: `}${message}`),
    ]);
  }

  #refusals(): string[] {
    const { objects, others, hiddenOthers, violations, holds, hiddenHolds, verified } = this.#status;
    const told = ({ object, findings }: PlannedObject): string[] => findings.map(({ path, code, message }) => `  ${object}: ${path === '' ? '' : `${path}: `}${message} (${code})`);
    const block = (title: string, lines: readonly string[]): string[] => (lines.length === 0 ? [] : [this.#red(title), ...lines]);
    return [
      ...block('refused:', objects.flatMap(told)),
      ...block('other objects would be refused:', [...others.flatMap(told), ...(hiddenOthers > 0 ? [`  ${hiddenOthers} that you may not read`] : [])]),
      ...block('not as promised, so it would be withheld:', violations.flatMap((violation) => formatViolation(violation).map((line) => `  ${line}`))),
      ...block('deletions would be held until somebody allows them:', [
        ...holds.map(({ device, reason, rows, of, limit }) => `  ${device}: ${rows} of ${of} rows would go, ${limit} may at once (${reason})`),
        ...(hiddenHolds > 0 ? [`  on ${count(hiddenHolds, 'device')}`] : []),
      ]),
      ...(verified === 'BudgetExhausted' ? [this.#yellow('not verified to the end: spec.verification.budget of the Fabric does not suffice')] : []),
      ...(verified === 'Off' ? ['not verified: spec.verification of the Fabric says so'] : []),
    ];
  }

  #summary(): string[] {
    const { blast, rollout, rows } = this.#status;
    const sum = blast.added + blast.changed + blast.removed;
    if (sum === 0) return ['no device gets another row'];
    const sessions = blast.sessions === 0 ? 'no session is reset' : this.#red(`${count(blast.sessions, 'session')} reset or ended`);
    const hidden = rows.length === 0 ? ['  which, is told to those who may read Switches'] : [];
    return [
      `${count(blast.devices, 'device')}: ${blast.added} rows added, ${blast.changed} changed, ${blast.removed} removed; ${sessions}`,
      ...hidden,
      ...rollout.map(({ fabric, waves }) => `fabric ${fabric} gets it in ${count(waves.length, 'wave')}: ${waves.map((wave) => wave.join(', ') || '…').join(' | ')}`),
    ];
  }

  #reach(): string[] {
    const { allows, denies, vpcsLeftOut, blast } = this.#status;
    if (blast.devices === 0) return [];
    return [...formatDifference({ allows, denies }).trimEnd().split('\n'), ...(vpcsLeftOut > 0 ? [`${count(vpcsLeftOut, 'more VPC')} not looked at: heddle verify --matrix --against server`] : [])];
  }

  /** Rows that devices share come once. */
  #rows(): string[] {
    const { rows, rowsLeftOut } = this.#status;
    const shown = [...Map.groupBy(rows, ({ scope }) => scope)].flatMap(([scope, own]) => [`rows of ${scope}`, ...this.#clipped(own, mostRows, (row) => [this.#row(row)], 'row')]);
    return [...shown, ...(rowsLeftOut > 0 ? [`${count(rowsLeftOut, 'more row')} not listed`] : [])];
  }

  #row({ row, change, before, after, objects }: PlannedRow): string {
    const from = objects.length === 0 ? '' : `  <- ${objects.slice(0, 3).join(', ')}${objects.length > 3 ? ` and ${objects.length - 3} more` : ''}`;
    if (change === 'add') return `${this.#green(`  + ${row}`)}  ${JSON.stringify(after)}${from}`;
    if (change === 'remove') return `${this.#red(`  - ${row}`)}  ${JSON.stringify(before)}${from}`;
    return `${this.#yellow(`  ~ ${row}`)}  ${differences(before, after)}${from}`;
  }

  #devices(): string[][] {
    const { devices, commandsLeftOut } = this.#status;
    const shown = this.#format.all ? devices : devices.slice(0, mostDevices);
    const blocks = shown.map((device) => this.#device(device));
    const left = devices.length - shown.length;
    return [...blocks, ...(left > 0 ? [[`${count(left, 'more device')}; --all shows them`]] : []), ...(commandsLeftOut > 0 ? [[`commands of ${count(commandsLeftOut, 'device')} not worked out`]] : [])];
  }

  #device({ device, added, changed, removed, resets, capacity, commands }: PlannedDevice): string[] {
    const use = capacityTables.flatMap((table) => {
      const { before, after, of } = capacity[table] ?? {};
      return before === after || after === undefined || of === undefined ? [] : [`${of - after} of ${of} ${capacityWords[table]} left`];
    });
    return [
      `${device}: +${added} ~${changed} -${removed}${use.length === 0 ? '' : `; ${use.join(', ')}`}`,
      ...resets.map(({ neighbour, what, why }) => this.#red(`  session with ${neighbour} ${what === 'reset' ? 'is reset' : 'ends'}: ${why}`)),
      ...(commands === undefined ? ['  commands: not known, its driver is not known here or it never connected'] : []),
      ...(commands?.length === 0 ? ['  no command'] : []),
      ...this.#clipped(commands ?? [], mostCommands, (command) => this.#command(command), 'command'),
    ];
  }

  /** What it is given to read is long, and left out unless all is asked for. */
  #command(command: string): string[] {
    const [first = '', ...input] = command.split('\n');
    if (!this.#format.all) return [`  $ ${first}${input.length === 0 ? '' : ` … ${count(input.length - 1, 'line')}`}`];
    return [`  $ ${first}`, ...input.map((line) => `    ${line}`)];
  }

  #clipped<Item>(items: readonly Item[], most: number, textOf: (item: Item) => readonly string[], word: string): string[] {
    const shown = this.#format.all ? items : items.slice(0, most);
    const left = items.length - shown.length;
    return [...shown.flatMap(textOf), ...(left > 0 ? [`  ${count(left, `more ${word}`)}; --all shows them`] : [])];
  }

  #green(text: string): string {
    return this.#colour(32, text);
  }

  #yellow(text: string): string {
    return this.#colour(33, text);
  }

  #red(text: string): string {
    return this.#colour(31, text);
  }

  #colour(code: number, text: string): string {
    return this.#format.isColoured ? `\x1b[${code}m${text}\x1b[0m` : text;
  }
}

const count = (number: number, word: string): string => `${number} ${word}${number === 1 ? '' : 's'}`;

/** Members that are others: `mtu 9000 -> 1500`. */
const differences = (before: unknown, after: unknown): string => {
  if (!isJsonObject(before) || !isJsonObject(after)) return `${JSON.stringify(before)} -> ${JSON.stringify(after)}`;
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])].filter((name) => JSON.stringify(before[name]) !== JSON.stringify(after[name]));
  return names.map((name) => `${name} ${JSON.stringify(before[name]) ?? 'none'} -> ${JSON.stringify(after[name]) ?? 'none'}`).join(', ');
};
