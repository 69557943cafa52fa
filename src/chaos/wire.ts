/**
 * The network between devices and servers: every connection goes through it, to whichever server it is led to at that moment, in
 * pieces of any size, and may break or fall silent after any byte.
 */
import { type Socket, connect, createServer } from 'node:net';
import type { Random } from '../simulate/random.ts';

export interface WireFaults {
  /** Mean bytes, of both directions, after which a connection ends; 0 for never. */
  readonly breakBytes: number;
  /** Of those that end, the share that falls silent first, for up to this time. */
  readonly silentChance: number;
  readonly silentMilliseconds: number;
}

export const soundWire: WireFaults = { breakBytes: 0, silentChance: 0, silentMilliseconds: 0 };

export interface Wire {
  /** What devices dial. */
  readonly address: string;
  faults: WireFaults;
  /** Ports of the servers on 127.0.0.1; each connection goes to one of them by chance. None: nobody answers. */
  targets: readonly number[];
  /** Every connection breaks, as when a cable is cut. */
  cut(): void;
  close(): Promise<void>;
}

export const openWire = async (random: Random): Promise<Wire> => {
  const pairs = new Set<() => void>();
  const server = createServer((device) => {
    const port = random.pick(wire.targets);
    if (port === undefined) return void device.destroy();
    const far = connect(port, '127.0.0.1');
    const end = (): void => {
      pairs.delete(end);
      device.destroy();
      far.destroy();
    };
    pairs.add(end);
    join(device, far, end, wire.faults, random);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const wire: Wire = {
    address: `127.0.0.1:${port}`,
    faults: soundWire,
    targets: [],
    cut: () => pairs.forEach((end) => end()),
    close: async () => {
      wire.cut();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return wire;
};

const join = (device: Socket, far: Socket, end: () => void, faults: WireFaults, random: Random): void => {
  let left = faults.breakBytes === 0 ? Number.POSITIVE_INFINITY : Math.ceil(random.until(faults.breakBytes));
  let silent = false;
  const pass = (to: Socket) => (chunk: Buffer): void => {
    if (silent) return;
    to.write(chunk.subarray(0, left));
    left -= chunk.length;
    if (left > 0) return;
    silent = random.chance(faults.silentChance);
    if (silent) setTimeout(end, random.next() * faults.silentMilliseconds).unref();
    else end();
  };
  for (const [from, to] of [[device, far], [far, device]] as const) {
    from.setNoDelay(true);
    from.on('data', pass(to));
    from.on('error', end);
    from.on('close', end);
  }
};
