/** Rules with their exact findings: testdata/rules/. Each case is judged as the API server and the compiler do it. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, it } from 'node:test';
import { isSeq, parseDocument, type Document } from 'yaml';
import { coreKinds } from '../api/core/index.ts';
import { kinds } from '../api/kinds.ts';
import { refKey, refOf, type Resource } from '../api/object.ts';
import { runNamespaceLifecycle } from '../apiserver/registry/namespaces.ts';
import { createRegistry } from '../apiserver/registry/registry.ts';
import { createScheme } from '../apiserver/scheme.ts';
import { HeddleError } from '../kit/error.ts';
import { createMemoryStore } from '../store/memory.ts';
import { CompileStage } from './compilestage.ts';
import { expand, readWiring, type ShortObject } from './scenario.ts';

interface Rule {
  readonly rule: string;
  readonly says: string;
  readonly wiring?: 'none';
  readonly given?: readonly ShortObject[];
  readonly old?: unknown;
  readonly object?: ShortObject;
  /** Instead of `object`: what is deleted. */
  readonly delete?: { readonly kind: string; readonly name: string };
  readonly findings?: readonly string[];
}

const folder = fileURLToPath(new URL('../../testdata/rules/', import.meta.url));
const writes = process.env['HEDDLE_WRITE_GOLDENS'] === '1';

const files = readdirSync(folder).filter((name) => name.endsWith('.yaml')).sort();

for (const file of files) {
  describe(`rules of ${file.replace('.yaml', '')}`, () => {
    const document = parseDocument(readFileSync(`${folder}${file}`, 'utf8'));
    const rules = (document.toJS() ?? []) as readonly Rule[];
    for (const [index, rule] of rules.entries()) {
      it(`${rule.rule}: ${rule.says}`, async () => {
        const said = rule.delete === undefined ? findingsOf(rule) : await refusalOf(rule, rule.delete);
        if (writes) writeFindings(document, index, said, `${folder}${file}`);
        else assert.deepEqual(said, rule.findings ?? []);
      });
    }
  });
}

it('docs/validation.md says the rules as they are', () => {
  const golden = fileURLToPath(new URL('../../docs/validation.md', import.meta.url));
  const text = validationPage();
  if (writes) writeFileSync(golden, text);
  assert.equal(text, readFileSync(golden, 'utf8'));
});

const validationPage = (): string => {
  const subjects = files.map((file) => {
    const rules = (parseDocument(readFileSync(`${folder}${file}`, 'utf8')).toJS() ?? []) as readonly Rule[];
    const rows = rules.map(({ rule, says, findings = [] }) => `| ${rule} | ${cell(says)} | ${findings.map((each) => `\`${cell(each)}\``).join('<br>') || 'accepted'} |\n`);
    return `## ${file.replace('.yaml', '')}\n| rule | says | finding |\n|---|---|---|\n${rows.join('')}`;
  });
  return `# Validation\n\nMade from \`testdata/rules/\` by the test that holds it (\`HEDDLE_WRITE_GOLDENS=1 npm test -- rules\` makes it anew). Every
object is answered with all of its findings at once; those that need a look at other objects are in its condition \`Accepted\`.
Deleting what others use is refused with their names.\n\n${subjects.join('\n')}`;
};

const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('`', "'");

/** The message by which the API refuses a deletion, or nothing. */
const refusalOf = async ({ wiring, given = [] }: Rule, { kind, name }: { readonly kind: string; readonly name: string }): Promise<string[]> => {
  const store = createMemoryStore();
  const scheme = createScheme([...coreKinds, ...kinds]);
  const registry = createRegistry(store, scheme);
  const lifecycle = await runNamespaceLifecycle(registry, (error) => assert.fail(error.message));
  try {
    for (const object of [...(wiring === 'none' ? [] : readWiring()), ...given.map(expand)]) await registry.create(scheme.byKind(object.kind), object);
    const served = scheme.byKind(kind);
    await registry.delete(served, served.kind.scope === 'Cluster' ? '' : 'default', name, { refuseInUse: true });
    return [];
  } catch (thrown) {
    const { code, message, findings } = HeddleError.from(thrown);
    assert.equal(code, 'Conflict');
    assert.ok(findings.every((finding) => finding.code === 'InUse'));
    return [`${message} (InUse)`];
  } finally {
    await lifecycle.close();
    await store.close();
  }
};

const findingsOf = ({ wiring, given = [], old, object }: Rule): string[] => {
  assert.ok(object !== undefined, 'a rule is about an object or a deletion');
  const stage = new CompileStage(wiring === 'none' ? [] : readWiring());
  for (const each of given) stage.apply([expand(each)]);
  if (old !== undefined) stage.apply([expand({ ...object, spec: old })]);
  const subject = expand(object);
  return stage.check(subject).map(({ path, message, code }) => textOf('error', path, message, code)).concat(compiled(stage, subject));
};

/** What the compiler says; nothing when the API would not have stored the object. */
const compiled = (stage: CompileStage, subject: Resource): string[] => {
  if (stage.check(subject).length > 0) return [];
  stage.apply([subject]);
  const findings = stage.findings(refOf(subject));
  assert.ok(findings.every(({ severity }) => severity !== 'pending'), `${refKey(refOf(subject))} waits for something that never comes`);
  return findings.map(({ severity, path, message, code }) => textOf(severity, path, message, code));
};

const textOf = (severity: string, path: string, message: string, code: string): string =>
  `${severity === 'error' ? '' : `${severity} `}${path}: ${message} (${code})`;

const writeFindings = (document: Document, index: number, findings: readonly string[], file: string): void => {
  assert.ok(isSeq(document.contents));
  if (findings.length === 0) document.deleteIn([index, 'findings']);
  else document.setIn([index, 'findings'], document.createNode(findings));
  writeFileSync(file, document.toString({ lineWidth: 0, flowCollectionPadding: true }));
};
