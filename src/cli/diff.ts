/** `heddle diff`: what `apply` would change, as the server itself would store it. Exit status 2 when anything differs. */
import { diff as lineDiff } from 'node:util';
import { stringify } from 'yaml';
import type { Resource } from '../api/object.ts';
import { HeddleError } from '../kit/error.ts';
import { formatRefusal } from './apply.ts';
import { mergePatchType } from '../client/http.ts';
import { pathOf } from '../client/discovery.ts';
import type { ExitStatus, Io } from './io.ts';
import { applyPatch, lastAppliedAnnotation, withLastApplied } from '../client/lastapplied.ts';
import { asObject, getObject } from '../client/live.ts';
import { fileTargets, type FileTarget } from './objects.ts';
import { withSession, type GlobalOptions, type Session } from './session.ts';

export interface DiffOptions extends GlobalOptions {
  readonly filename: readonly string[];
}

export const diff = (io: Io, options: DiffOptions): Promise<ExitStatus> =>
  withSession<ExitStatus>(io, options, async (session) => {
    let [differs, failed] = [false, false];
    for (const target of await fileTargets(session, options.filename)) {
      try {
        const text = await diffObject(session, target);
        differs ||= text !== '';
        io.out(text);
      } catch (thrown) {
        failed = true;
        io.note(formatRefusal(target.label, HeddleError.from(thrown)));
      }
    }
    return failed ? 1 : differs ? 2 : 0;
  });

const diffObject = async (session: Session, target: FileTarget): Promise<string> => {
  const live = await getObject(session.client, target);
  const wanted = withLastApplied(target.object);
  const patch = live === undefined ? undefined : applyPatch(live, wanted);
  if (live !== undefined && patch === undefined) return '';
  const query = '?dryRun=All&fieldManager=kubectl-client-side-apply';
  const { body } = await session.client.call(
    live === undefined
      ? { method: 'POST', path: pathOf(target.type, target.namespace) + query, body: wanted }
      : { method: 'PATCH', path: pathOf(target.type, target.namespace, target.name) + query, body: patch, contentType: mergePatchType },
  );
  return unified(target.label, live === undefined ? '' : comparable(live), comparable(asObject(body)));
};

/** What a person means by a difference: not the server's own bookkeeping, nor the annotation that apply keeps. */
const comparable = (object: Resource): string => {
  const { metadata, status: _, ...rest } = object;
  const { [lastAppliedAnnotation]: __, ...annotations } = metadata.annotations ?? {};
  const kept = Object.entries(metadata).filter(([member]) => ['name', 'namespace', 'labels', 'finalizers'].includes(member));
  return stringify(
    { ...rest, metadata: { ...Object.fromEntries(kept), ...(Object.keys(annotations).length > 0 ? { annotations } : {}) } },
    { sortMapEntries: true, lineWidth: 0 },
  );
};

const context = 3;

/** Unified diff of two texts, three lines of context, without line numbers; empty when they are equal. */
export const unified = (label: string, before: string, after: string): string => {
  if (before === after) return '';
  const entries = lineDiff(before.split('\n').slice(0, -1), after.split('\n').slice(0, -1));
  const near = (index: number): boolean =>
    entries.slice(Math.max(0, index - context), index + context + 1).some(([operation]) => operation !== 0);
  const lines: string[] = [`--- ${label} (live)`, `+++ ${label} (as applied)`];
  let gap = false;
  for (const [index, [operation, line]] of entries.entries()) {
    if (!near(index)) {
      gap = true;
      continue;
    }
    if (gap) lines.push('@@');
    gap = false;
    // util.diff speaks of the way from the second to the first: 1 is only in the first.
    lines.push(`${operation === 1 ? '-' : operation === -1 ? '+' : ' '}${line}`);
  }
  return `${lines.join('\n')}\n`;
};

