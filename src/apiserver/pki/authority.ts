/**
 * The certificates of one data directory: an authority made at first start, the server's certificate, and the operator's
 * client certificate. They are renewed at start when they come near their end or the server's names changed.
 */
import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isIP } from 'node:net';
import { issueCertificate, makeAuthority, type IssueOptions, type KeyPair, type Subject } from './certificate.ts';
import { writeDurably } from './durable.ts';

export interface CertificateAuthority {
  /** PEM, for everyone who must trust what it signed. */
  readonly certificate: string;
  issueServer(commonName: string, names: readonly string[]): Promise<KeyPair>;
  issueClient(subject: Subject): Promise<KeyPair>;
  /**
   * The server key pair kept under `name` in this directory: made when absent, made anew when it expires within 30 days,
   * does not cover `names`, or was signed by another authority.
   */
  keptServer(name: string, names: readonly string[]): Promise<KeyPair>;
  /** The same for a client. */
  keptClient(name: string, subject: Subject): Promise<KeyPair>;
}

const authorityDays = 3650;
const leafDays = 365;
const renewMilliseconds = 30 * 86_400_000;

/** Opens the authority in `directory`, made there when it is not. Keys are readable by their owner only. */
export const openCertificateAuthority = async (directory: string): Promise<CertificateAuthority> => {
  const stored = await readPair(directory, 'ca');
  // A key without its certificate is a first start that was cut off: nobody trusts that authority yet.
  const authority = stored ?? (await makeAuthority('heddle-ca', authorityDays));
  if (stored === undefined) await writePair(directory, 'ca', authority);

  const kept = async (name: string, options: IssueOptions): Promise<KeyPair> => {
    const found = await readPair(directory, name);
    if (found !== undefined && isGood(found, authority, options)) return found;
    const made = await issueCertificate(authority, options);
    await writePair(directory, name, made);
    return made;
  };
  const server = (commonName: string, names: readonly string[]): IssueOptions => ({ subject: { commonName }, usage: 'server', names, days: leafDays });
  const client = (subject: Subject): IssueOptions => ({ subject, usage: 'client', days: leafDays });

  return {
    certificate: authority.certificate,
    issueServer: (commonName, names) => issueCertificate(authority, server(commonName, names)),
    issueClient: (subject) => issueCertificate(authority, client(subject)),
    keptServer: (name, names) => kept(name, server(`heddle-${name}`, names)),
    keptClient: (name, subject) => kept(name, client(subject)),
  };
};

const isGood = (pair: KeyPair, authority: KeyPair, options: IssueOptions): boolean => {
  const certificate = new X509Certificate(pair.certificate);
  const covers = (name: string): boolean => (isIP(name) === 0 ? certificate.checkHost(name) : certificate.checkIP(name)) !== undefined;
  return (
    certificate.validToDate.getTime() - Date.now() > renewMilliseconds &&
    certificate.verify(new X509Certificate(authority.certificate).publicKey) &&
    (options.names ?? []).every(covers)
  );
};

const readPair = async (directory: string, name: string): Promise<KeyPair | undefined> => {
  const [certificate, key] = await Promise.all([readText(join(directory, `${name}.crt`)), readText(join(directory, `${name}.key`))]);
  return certificate === undefined || key === undefined ? undefined : { certificate, key };
};

const readText = async (path: string): Promise<string | undefined> => {
  try {
    return await readFile(path, 'utf8');
  } catch (thrown) {
    if (thrown instanceof Error && 'code' in thrown && thrown.code === 'ENOENT') return undefined;
    throw thrown;
  }
};

/** The certificate last: a pair counts only when both are there. */
const writePair = async (directory: string, name: string, pair: KeyPair): Promise<void> => {
  await writeDurably(join(directory, `${name}.key`), pair.key, 0o600);
  await writeDurably(join(directory, `${name}.crt`), pair.certificate, 0o644);
};
