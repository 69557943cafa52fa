/** What tests of the stream need: a certificate for loopback, a silent log, and waiting for a condition. */
import { webcrypto } from 'node:crypto';
import 'reflect-metadata';
import * as x509 from '@peculiar/x509';
import { type Logger, loggerTo } from '../kit/log.ts';
import { until as untilAnswer } from '../kit/testing.ts';

export interface Certificate {
  readonly key: string;
  readonly certificate: string;
}

/** A certificate for 127.0.0.1, or another address, that is its own authority and ends in so many days; PEM. */
export const loopbackCertificate = async ({ address = '127.0.0.1', days = 1 } = {}): Promise<Certificate> => {
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const day = 24 * 60 * 60 * 1000;
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: 'CN=heddle test',
    notBefore: new Date(Date.now() - 9 * day),
    notAfter: new Date(Date.now() + days * day),
    signingAlgorithm: algorithm,
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(true),
      new x509.SubjectAlternativeNameExtension([{ type: 'ip', value: address }]),
    ],
  });
  const pkcs8 = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)).toString('base64');
  const key = `-----BEGIN PRIVATE KEY-----\n${pkcs8}\n-----END PRIVATE KEY-----\n`;
  return { key, certificate: certificate.toString('pem') };
};

export const silentLog: Logger = loggerTo({ write: () => {} }, 'test', 'silent');

/** Resolves as soon as the condition holds; fails, saying what was waited for, when it does not come true at all. */
export const until = async (what: string, condition: () => boolean): Promise<void> => {
  await untilAnswer(what, condition);
};
