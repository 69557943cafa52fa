/**
 * A running simulation as another program drives it: one JSON object a line in, one a line out, with the `id` of the question.
 * Benchmarks and tests in other processes measure a server with it. Times are milliseconds since 1970, with fractions.
 */
import { createInterface } from 'node:readline';
import { formatDigest } from '../goal/digest.ts';
import { HeddleError } from '../kit/error.ts';
import { isJsonObject, type JsonObject } from '../kit/json.ts';
import { type Faults, noFaults } from './faults.ts';
import type { Fleet } from './fleet.ts';

export interface ControlOptions {
  readonly fleet: Fleet;
  readonly input: NodeJS.ReadableStream;
  readonly output: (line: string) => void;
}

type Command = (fleet: Fleet, question: JsonObject) => unknown;

const commands: Readonly<Record<string, Command>> = {
  /** What `heddle simulate devices -o json` prints. */
  status: (fleet) => fleet.status(),
  /** `{version}`, else all that are remembered: when which share of the devices had answered. */
  acknowledgements: (fleet, { version }) => {
    const wanted = typeof version === 'number' ? [version] : fleet.acknowledgements.versions();
    return { versions: wanted.map((each) => fleet.acknowledgements.of(each)) };
  },
  forget: (fleet) => fleet.acknowledgements.clear(),
  /** Digest of all scopes and rows in the data plane, of each device. */
  digests: (fleet, question) => ({
    devices: Object.fromEntries(
      named(fleet, question).map((name) => {
        const agent = fleet.agent(name);
        return [name, { connected: agent.connected, digest: formatDigest(agent.digest()), rows: agent.device.rows.size }];
      }),
    ),
  }),
  /** Agents die, and with them their connections; `start` brings them back with what they held. */
  crash: (fleet, question) => fleet.crash(named(fleet, question)),
  /** As crash, and the device comes back empty, as from the factory. */
  wipe: (fleet, question) => fleet.fail('lost', named(fleet, question)),
  /** As crash, and the data plane is empty, but the journal is there. */
  reboot: (fleet, question) => fleet.fail('kept', named(fleet, question)),
  start: (fleet, question) => fleet.start(named(fleet, question)),
  /** Connections break; agents dial again after 50 to 100 ms. */
  cut: (fleet, question) => fleet.cut(named(fleet, question)),
  /** `{faults}`: members as in `Faults`; those not named end. */
  faults: (fleet, { faults }) => fleet.setFaults({ ...noFaults, ...(isJsonObject(faults) ? (faults as Partial<Faults>) : {}) }),
};

/** Answers until the input ends or a `quit` comes. */
export const serveControl = async ({ fleet, input, output }: ControlOptions): Promise<void> => {
  const lines = createInterface({ input });
  for await (const line of lines) {
    if (line.trim() === '') continue;
    const { id, answer, quit } = await answerTo(fleet, line);
    output(`${JSON.stringify({ ...(id === undefined ? {} : { id }), ...answer })}\n`);
    if (quit) break;
  }
  lines.close();
};

const badRequest = (message: string): HeddleError => new HeddleError('BadRequest', message);

interface Answer {
  readonly id: unknown;
  readonly answer: object;
  readonly quit: boolean;
}

const answerTo = async (fleet: Fleet, line: string): Promise<Answer> => {
  let question: unknown;
  try {
    question = JSON.parse(line);
    if (!isJsonObject(question)) throw badRequest('a question is an object such as {"id": 1, "command": "status"}');
    const { id, command } = question;
    if (command === 'quit') return { id, answer: { ok: true }, quit: true };
    const run = typeof command === 'string' ? commands[command] : undefined;
    if (run === undefined) throw badRequest(`command ${JSON.stringify(command)} is not one of ${Object.keys(commands).join(', ')}, quit`);
    const result = await run(fleet, question);
    return { id, answer: { ok: true, ...(isJsonObject(result) ? result : {}) }, quit: false };
  } catch (thrown) {
    const id = isJsonObject(question) ? question['id'] : undefined;
    return { id, answer: { ok: false, error: HeddleError.from(thrown).message }, quit: false };
  }
};

/** `{devices: [names]}` or `{share: 0.25}`, the first quarter; all when neither is said. */
const named = (fleet: Fleet, { devices, share }: JsonObject): string[] => {
  if (Array.isArray(devices)) return devices.map(String);
  const names = [...fleet.agents()].map(({ name }) => name);
  return typeof share === 'number' ? names.slice(0, Math.ceil(share * names.length)) : names;
};
