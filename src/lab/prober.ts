/**
 * Runs inside a node of the lab: sends what standard input lists, all at once, and says of each who answered.
 *
 *   in:  KEY tcp|udp ADDRESS PORT SOURCE-PORT SOURCE    SOURCE is an address, or "-" for any
 *   out: KEY ANSWER                                     none | the name of who answered
 *
 * A program of its own: one process for all probes of a node, where a shell would start four for each.
 */
import { createSocket } from 'node:dgram';
import { connect, isIPv6 } from 'node:net';
import { text } from 'node:stream/consumers';

/** Also for what is dropped on the way: a second packet of TCP is sent after a second and is not waited for. */
const patienceMilliseconds = 1_000;

interface Wanted {
  readonly address: string;
  readonly port: number;
  readonly localPort: number;
  readonly localAddress?: string;
}

/** Asks for `/`; the first line of the body is the name. */
const tcp = (wanted: Wanted): Promise<string> =>
  new Promise((resolve) => {
    let answer = '';
    const { address: host, port, ...local } = wanted;
    const socket = connect({ host, port, ...local, family: isIPv6(host) ? 6 : 4 });
    const end = (): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(answer.split('\r\n\r\n')[1]?.trim() || 'none');
    };
    const timer = setTimeout(end, patienceMilliseconds);
    socket.setEncoding('latin1').on('data', (part: string) => (answer += part));
    socket.once('connect', () => socket.write('GET / HTTP/1.0\r\n\r\n'));
    socket.once('close', end).once('error', end);
  });

/** A question of DNS (RFC 1035 §4): the text record of `who`. */
const question = Buffer.from('0001 0100 0001 0000 0000 0000 03 77686f 00 0010 0001'.replaceAll(' ', ''), 'hex');
/** In the answer, behind a pointer to the name, type, class, time to live and length. */
const textOffset = question.length + 12;

const udp = ({ address, port, localPort, localAddress }: Wanted): Promise<string> =>
  new Promise((resolve) => {
    const socket = createSocket(isIPv6(address) ? 'udp6' : 'udp4');
    const end = (answer: string): void => {
      clearTimeout(timer);
      socket.close();
      resolve(answer);
    };
    const timer = setTimeout(() => end('none'), patienceMilliseconds);
    socket.once('error', () => end('none'));
    socket.once('message', (message) => {
      const length = message[textOffset] ?? 0;
      end(message.toString('latin1', textOffset + 1, textOffset + 1 + length) || 'none');
    });
    socket.bind(localPort, localAddress, () => socket.send(question, port, address));
  });

const lines = (await text(process.stdin)).split('\n').filter((line) => line !== '');
await Promise.all(
  lines.map(async (line) => {
    const [key = '', proto, address = '', port, localPort, source] = line.split(' ');
    const wanted = { address, port: Number(port), localPort: Number(localPort), ...(source !== '-' && { localAddress: source ?? '' }) };
    const answer = await (proto === 'tcp' ? tcp(wanted) : udp(wanted));
    process.stdout.write(`${key} ${answer}\n`);
  }),
);
