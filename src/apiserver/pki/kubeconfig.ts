/** The file that makes `kubectl --kubeconfig` work with nothing else: address, authority and the operator's certificate. */
import type { KeyPair } from './certificate.ts';
import { yamlText } from '../../kit/yaml.ts';

const base64 = (text: string): string => Buffer.from(text).toString('base64');

export const kubeconfig = (server: string, authorityCertificate: string, user: KeyPair): string =>
  yamlText({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'heddle', cluster: { server, 'certificate-authority-data': base64(authorityCertificate) } }],
    users: [{ name: 'admin', user: { 'client-certificate-data': base64(user.certificate), 'client-key-data': base64(user.key) } }],
    contexts: [{ name: 'heddle', context: { cluster: 'heddle', user: 'admin', namespace: 'default' } }],
    'current-context': 'heddle',
  });
