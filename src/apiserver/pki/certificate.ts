/**
 * Making keys and X.509 certificates (RFC 5280). The library costs 20 MB of memory, so it is loaded only when a certificate
 * is made: at first start and near expiry.
 */
import { KeyObject, webcrypto } from 'node:crypto';
import { isIP } from 'node:net';

export interface KeyPair {
  /** PEM. */
  readonly certificate: string;
  /** PKCS#8 PEM. */
  readonly key: string;
}

export interface Subject {
  readonly commonName: string;
  /** Organizations: what Kubernetes takes as the groups of a user. */
  readonly organizations?: readonly string[];
}

export interface IssueOptions {
  readonly subject: Subject;
  readonly usage: 'server' | 'client';
  /** DNS names and addresses that a server is reached by. */
  readonly names?: readonly string[];
  readonly days: number;
}

const algorithm = { name: 'ECDSA', namedCurve: 'P-256' };
const signing = { name: 'ECDSA', hash: 'SHA-256' };
/** Clocks of clients may be behind. */
const backdateMilliseconds = 5 * 60 * 1000;
const dayMilliseconds = 86_400_000;

const loadLibrary = async () => {
  await import('reflect-metadata');
  return import('@peculiar/x509');
};

const validity = (days: number) => {
  const now = Date.now();
  return { notBefore: new Date(now - backdateMilliseconds), notAfter: new Date(now + days * dayMilliseconds) };
};

const nameOf = ({ commonName, organizations = [] }: Subject) => [{ CN: [commonName] }, ...organizations.map((O) => ({ O: [O] }))];

const generateKeys = () => webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);

const pemOf = (key: webcrypto.CryptoKey): string => KeyObject.from(key).export({ type: 'pkcs8', format: 'pem' }).toString();

/** A self-signed authority that may sign leaf certificates only. */
export const makeAuthority = async (commonName: string, days: number): Promise<KeyPair> => {
  const x509 = await loadLibrary();
  const keys = await generateKeys();
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: nameOf({ commonName }),
    keys,
    signingAlgorithm: signing,
    ...validity(days),
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { certificate: `${certificate.toString('pem')}\n`, key: pemOf(keys.privateKey) };
};

/** A new key and a certificate for it, signed by the authority. */
export const issueCertificate = async (authority: KeyPair, options: IssueOptions): Promise<KeyPair> => {
  const x509 = await loadLibrary();
  const issuer = new x509.X509Certificate(authority.certificate);
  const keys = await generateKeys();
  const usage = options.usage === 'server' ? x509.ExtendedKeyUsage.serverAuth : x509.ExtendedKeyUsage.clientAuth;
  const names = (options.names ?? []).map((value) => ({ type: isIP(value) === 0 ? ('dns' as const) : ('ip' as const), value }));
  const certificate = await x509.X509CertificateGenerator.create({
    subject: nameOf(options.subject),
    issuer: issuer.subjectName.toJSON(),
    publicKey: keys.publicKey,
    signingKey: await importKey(authority.key),
    signingAlgorithm: signing,
    ...validity(options.days),
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([usage]),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
      await x509.AuthorityKeyIdentifierExtension.create(issuer),
      ...(names.length === 0 ? [] : [new x509.SubjectAlternativeNameExtension(names)]),
    ],
  });
  return { certificate: `${certificate.toString('pem')}\n`, key: pemOf(keys.privateKey) };
};

const importKey = (pem: string): Promise<webcrypto.CryptoKey> => {
  const der = Buffer.from(pem.replace(/-----[^-]+-----|\s/g, ''), 'base64');
  return webcrypto.subtle.importKey('pkcs8', der, algorithm, false, ['sign']);
};
