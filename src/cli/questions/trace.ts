/** `heddle trace`: the way of a packet through goal state, and through what devices run. */
import { parseAddress } from '../../net/address.ts';
import { traceView, type TraceView } from '../../api/traceview.ts';
import { HeddleError } from '../../kit/error.ts';
import type { ExitStatus, Io } from '../io.ts';
import { ask, type AskOptions, type Target } from './ask.ts';
import { drawTrace } from './drawtrace.ts';
import { formatTrace } from './tracetext.ts';

export interface TraceOptions extends AskOptions {
  readonly proto?: 'tcp' | 'udp' | 'icmp';
  readonly port?: string;
  readonly actual?: true;
  readonly output: 'text' | 'json' | 'mermaid';
}

/** Exit status 1: the packet does not arrive, or its answer does not; with --actual, so it is in truth or nobody knows. */
export const trace = async (io: Io, from: string, to: string, options: TraceOptions): Promise<ExitStatus> => {
  const { proto, port, actual, output } = options;
  const isBare = parseAddress(from).ok;
  if (isBare && parseAddress(to).ok) {
    throw new HeddleError('BadRequest', 'addresses alone do not say which VPC is meant: write NAMESPACE/VPC:ADDRESS, or name a server or an attachment at one end');
  }
  const query = {
    ...(isBare ? { from } : { to }),
    ...(proto === undefined ? {} : { protocol: proto }),
    ...(port === undefined ? {} : { port }),
    ...(actual === true ? { actual: 'true' } : {}),
  };
  const view = (await ask(io, options, targetsOf(isBare ? to : from), traceView, query)) as TraceView;
  if (output === 'json') io.out(`${JSON.stringify(view, null, 2)}\n`);
  else io.out(output === 'mermaid' ? drawTrace(view) : formatTrace(view));
  return view.result === 'delivered' && (view.actual === undefined || view.actual.result === 'delivered') ? 0 : 1;
};

/** Objects that the words may mean, the likeliest first; the server knows the words in the same sense. */
const targetsOf = (text: string): readonly Target[] => {
  const [, namespace, name, address] = /^(?:([^/:]+)\/)?([^/:]+)(?::(.+))?$/.exec(text) ?? [];
  if (name === undefined) {
    throw new HeddleError('BadRequest', `"${text}" is no end of a trace: write a server, NAMESPACE/ATTACHMENT, NAMESPACE/VPC:ADDRESS, an External or an address`);
  }
  const query = address === undefined ? {} : { address };
  const tenant = { kind: address === undefined ? 'vpcattachment' : 'vpc', name, query };
  if (namespace !== undefined) return [{ ...tenant, namespace }];
  const outside = { kind: 'external', name, query };
  return address === undefined ? [{ kind: 'server', name, query }, outside, tenant] : [outside, tenant];
};
