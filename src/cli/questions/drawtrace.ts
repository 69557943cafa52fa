/** A trace as a Mermaid flowchart: who is passed, over which cables, and where it ends. Pure. */
import type { StepView, TraceView, WayView } from '../../api/traceview.ts';

export const drawTrace = ({ from, to, there, back, result }: TraceView): string => {
  const drawing = new Drawing();
  for (const way of there) drawing.way(way, `${from.text} ${from.address}`, `${to.text} ${to.address}`, '-->');
  // The answer takes the same cables most of the time; where it does not end well, that is what is to be seen.
  if (result === 'oneway') for (const way of back) drawing.way(way, `${to.text} ${to.address}`, `${from.text} ${from.address}`, '-.->');
  return `flowchart LR\n${drawing.lines().map((line) => `  ${line}\n`).join('')}`;
};

class Drawing {
  readonly #nodes = new Map<string, string>();
  readonly #edges = new Set<string>();

  lines(): string[] {
    return [...this.#nodes].map(([text, id]) => `${id}["${escaped(text)}"]`).concat([...this.#edges]);
  }

  way({ steps, outcome }: WayView, source: string, destination: string, arrow: string): void {
    let [here, label] = [source, ''];
    for (const step of steps) {
      const device = step.device ?? 'the fabric';
      if (step.doing === 'encapsulated') {
        here = this.#tunnel(step, here, arrow);
        continue;
      }
      if (device !== here && step.doing !== 'delivered') {
        this.#edge(here, device, label, arrow);
        here = device;
      }
      label = ['leaked', 'permitted'].includes(step.doing) ? step.text : '';
      if (step.doing === 'dropped') this.#edge(here, step.text, '', arrow);
    }
    if (outcome !== 'dropped') this.#edge(here, outcome === 'elsewhere' ? 'somebody else' : destination, '', arrow);
  }

  /** Over every way that is known, else in one stroke; answers where it ends. */
  #tunnel({ tunnel, device }: StepView, here: string, arrow: string): string {
    if (tunnel === undefined) return here;
    const label = `VXLAN ${tunnel.vni}`;
    if (device !== undefined && device !== here) this.#edge(here, device, '', arrow);
    let end = device ?? here;
    for (const { device: far, vtep, ways } of tunnel.to) {
      end = far ?? `VTEP ${vtep ?? '?'}`;
      if (ways === undefined) this.#edge(device ?? here, end, label, arrow);
      for (const way of ways?.ways ?? []) for (const link of way) this.#edge(deviceOf(link.from), deviceOf(link.to), label, arrow);
    }
    return end;
  }

  #edge(from: string, to: string, label: string, arrow: string): void {
    this.#edges.add(`${this.#id(from)} ${arrow}${label === '' ? '' : `|"${escaped(label)}"|`} ${this.#id(to)}`);
  }

  #id(text: string): string {
    const id = this.#nodes.get(text) ?? `n${this.#nodes.size + 1}`;
    this.#nodes.set(text, id);
    return id;
  }
}

const deviceOf = (port: string): string => port.slice(0, port.indexOf('/'));

/** Mermaid's own spelling of quotes and of what it might read as markup. */
const escaped = (text: string): string => text.replaceAll('#', '#35;').replaceAll('"', '#quot;').replaceAll('<', '#lt;').replaceAll('>', '#gt;');
