/** Requests and answers that the tests of the protocol share. */
import assert from 'node:assert/strict';
import { request } from 'node:https';
import type { JsonObject } from '../kit/json.ts';
import { at, readKubeconfig, robot, type CallOptions, type TestServer } from './testing.ts';

export const robots = '/apis/test.heddle.dev/v1/namespaces/default/robots';
export const all = '/apis/test.heddle.dev/v1/robots';
export const table = 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json';
export const merge = { 'content-type': 'application/merge-patch+json' };

export const make = async ({ call }: TestServer, name: string, spec: JsonObject = {}, metadata: JsonObject = {}): Promise<JsonObject> => {
  const reply = await call('POST', robots, { body: robot(name, spec, metadata) });
  assert.equal(reply.status, 201, reply.text);
  return reply.json;
};

export const accept = (value: string): CallOptions => ({ headers: { accept: value } });
export const names = (list: unknown): unknown[] => {
  const items = at(list, 'items');
  return Array.isArray(items) ? items.map((item) => at(item, 'metadata.name')) : [];
};

/** Reads a watch until `count` lines came or it ended; answers the parsed lines. */
export const watchLines = async (test: TestServer, path: string, count: number, options: CallOptions & { meanwhile?: () => Promise<unknown> } = {}): Promise<JsonObject[]> => {
  const credentials = await readKubeconfig(test.server.kubeconfigPath);
  return new Promise((resolve, reject) => {
    const lines: JsonObject[] = [];
    const sent = request(test.server.url + path, { ...credentials, agent: false, headers: { ...options.headers } }, (response) => {
      let text = '';
      const finish = (): void => {
        sent.destroy();
        resolve(lines);
      };
      response.setEncoding('utf8').on('data', (part: string) => {
        text += part;
        for (let end = text.indexOf('\n'); end !== -1; end = text.indexOf('\n')) {
          lines.push(JSON.parse(text.slice(0, end)));
          text = text.slice(end + 1);
        }
        if (lines.length >= count) finish();
      });
      response.on('end', finish);
      response.on('error', () => undefined);
      // Headers have arrived before any event.
      options.meanwhile?.().catch(reject);
    });
    sent.on('error', (error) => (lines.length >= count ? undefined : reject(error)));
    sent.end();
  });
};

export const event = (line: JsonObject | undefined): string => `${String(at(line, 'type'))} ${String(at(line, 'object.metadata.name'))}`;
