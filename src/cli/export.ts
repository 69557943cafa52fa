/** `heddle export wiring`: devices and cables, of a server or of files, as a drawing or as somebody else's topology. */
import { group, type Resource } from '../api/object.ts';
import { yamlText } from '../kit/yaml.ts';
import { apiVersionOf, pathOf } from '../client/discovery.ts';
import { itemsOf } from '../client/live.ts';
import { containerlabOf } from '../convert/wiring/containerlab.ts';
import { diagramOf, type Diagram } from '../convert/wiring/diagram.ts';
import { dotOf } from '../convert/wiring/dot.ts';
import { drawioOf } from '../convert/wiring/drawio.ts';
import { mermaidOf } from '../convert/wiring/mermaid.ts';
import type { ExitStatus, Io } from './io.ts';
import { checkSources, formatFaults } from './offline.ts';
import { withSession, type GlobalOptions, type Session } from './session.ts';
import { readSources } from './source.ts';

export const wiringFormats = ['mermaid', 'dot', 'drawio', 'containerlab'] as const;
export type WiringFormat = (typeof wiringFormats)[number];

export interface ExportOptions extends GlobalOptions {
  readonly format: WiringFormat;
  /** Files instead of the server. */
  readonly filename?: readonly string[];
}

const formats: Readonly<Record<WiringFormat, (diagram: Diagram) => string>> = {
  mermaid: mermaidOf,
  dot: dotOf,
  drawio: drawioOf,
  containerlab: (diagram) => yamlText(containerlabOf(diagram, 'heddle')),
};

export const exportWiring = async (io: Io, options: ExportOptions): Promise<ExitStatus> => {
  const print = (objects: readonly Resource[]): ExitStatus => {
    io.out(formats[options.format](diagramOf(objects)));
    return 0;
  };
  if (options.filename === undefined) return withSession(io, options, async (session) => print(await readServer(session)));
  const { sources, faults } = await readSources(options.filename, io.stdin);
  const all = [...faults, ...checkSources(sources)];
  io.note(formatFaults(all));
  return all.length > 0 ? 1 : print(sources.map(({ object }) => object));
};

const drawn = ['Switch', 'Server', 'Gateway', 'External', 'Connection'] as const;

const readServer = async (session: Session): Promise<Resource[]> => {
  const types = await session.types();
  const lists = drawn.map(async (kind) => {
    const type = types.find((each) => each.kind === kind && each.group === group);
    // An older server may not have all of them.
    if (type === undefined) return [];
    return itemsOf((await session.client.call({ path: pathOf(type, '', '') })).body, type, apiVersionOf(type));
  });
  return (await Promise.all(lists)).flat();
};
