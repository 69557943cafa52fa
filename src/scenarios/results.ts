/** The files behind docs/scenarios.md: the catalogue, the last results, and the document itself. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import { scenarioDocument, type Case, type Results } from './document.ts';
import { readScenarios } from './scenario.ts';

const at = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url));
const resultsFile = at('testdata/scenarios/results.json');
export const documentFile = at('docs/scenarios.md');

export const readResults = (): Results =>
  existsSync(resultsFile) ? (JSON.parse(readFileSync(resultsFile, 'utf8')) as Results) : { day: 'never', pure: {}, lab: {} };

export const readCatalogue = (): readonly Case[] => parse(readFileSync(at('testdata/scenarios/catalogue.yaml'), 'utf8')) as readonly Case[];

/** The document as it must be. */
export const currentDocument = (): string => scenarioDocument(readScenarios(), readCatalogue(), readResults());

/** Results of scenarios that are no more are forgotten. */
export const writeResults = ({ day, pure, lab }: Results): void => {
  const names = new Set(readScenarios().map(({ name }) => name));
  const kept = (results: Results['pure']): Results['pure'] =>
    Object.fromEntries(Object.entries(results).filter(([name]) => names.has(name)).sort(([left], [right]) => (left < right ? -1 : 1)));
  writeFileSync(resultsFile, `${JSON.stringify({ day, pure: kept(pure), lab: kept(lab) }, null, 1)}\n`);
  writeFileSync(documentFile, currentDocument());
};
