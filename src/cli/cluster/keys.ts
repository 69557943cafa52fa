/**
 * The keys by which devices know the control plane, authority and token secret, shared by the replicas of a cluster: a Secret has
 * them, and each replica a copy in its data folder. The first one makes them. Who may read the Secret can name any device.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ResourceClient } from '../../api/client.ts';
import type { Resource } from '../../api/object.ts';
import { openCertificateAuthority } from '../../apiserver/pki/authority.ts';
import { writeDurably } from '../../apiserver/pki/durable.ts';
import { HeddleError } from '../../kit/error.ts';
import { objectOr } from '../../kit/json.ts';
import { loadTokenSecret } from '../../southbound/tokens.ts';

/** By member of the Secret: the file in the data folder, and who may read that. */
const files: Readonly<Record<string, readonly [path: string, mode: number]>> = {
  'ca.key': [join('pki', 'ca.key'), 0o600],
  'ca.crt': [join('pki', 'ca.crt'), 0o644],
  'token-secret': ['token-secret', 0o600],
};

export interface SecretName {
  readonly namespace: string;
  readonly name: string;
}

/**
 * The folder has the Secret's keys when it resolves.
 * @throws HeddleError `Unavailable` when folder and Secret have different ones, `Invalid` when the Secret lacks some
 */
export const shareKeys = async (client: ResourceClient, { namespace, name }: SecretName, data: string): Promise<void> => {
  const read = (): Promise<Resource | undefined> => client.get({ kind: 'Secret', namespace, name }).catch(undefinedIf('NotFound'));
  const found = await read();
  if (found !== undefined) return take(found, data);
  await openCertificateAuthority(join(data, 'pki'));
  loadTokenSecret(join(data, 'token-secret'));
  const made = await client.create(await secretOf({ namespace, name }, data)).catch(undefinedIf('AlreadyExists'));
  if (made !== undefined) return;
  const other = await read();
  // Another replica was faster, and nobody has been told of our own keys yet.
  if (other !== undefined) await take(other, data, true);
};

const secretOf = async (metadata: SecretName, data: string): Promise<Resource> => {
  const members = Object.entries(files).map(async ([member, [path]]) => [member, (await readFile(join(data, path))).toString('base64')] as const);
  const object = { apiVersion: 'v1', kind: 'Secret', metadata, type: 'Opaque', data: Object.fromEntries(await Promise.all(members)) };
  return object;
};

const take = async (secret: Resource, data: string, overwrites = false): Promise<void> => {
  const members = objectOr(Reflect.get(secret, 'data'));
  const { namespace, name } = secret.metadata;
  const lacking = Object.keys(files).filter((member) => typeof members[member] !== 'string');
  if (lacking.length > 0) throw new HeddleError('Invalid', `Secret "${namespace}/${name}" has no ${lacking.join(', ')}: delete it to have new keys made, and give every device its new token`);
  for (const [member, [path, mode]] of Object.entries(files)) {
    const content = Buffer.from(String(members[member]), 'base64').toString('utf8');
    const held = await readFile(join(data, path), 'utf8').catch(() => undefined);
    if (held === content) continue;
    if (held !== undefined && !overwrites) {
      throw new HeddleError('Unavailable', `"${join(data, path)}" is another one than that of Secret "${namespace}/${name}": remove the one that devices do not know`);
    }
    await writeDurably(join(data, path), content, mode);
  }
};

const undefinedIf = (code: string) => (thrown: unknown): undefined => {
  if (HeddleError.from(thrown).code !== code) throw thrown;
};
