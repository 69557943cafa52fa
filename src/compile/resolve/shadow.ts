/** Statements of an ordered list that nothing ever reaches, because an earlier one has matched whatever they match. */
import { contains } from '../../net/prefix.ts';
import { warning, type CompileFinding } from '../finding.ts';
import { path, prefixOf, type Specs } from '../intent.ts';

type Statement = Specs['External']['inboundACL'][number];

/** A warning for each of them; it is compared with single earlier statements, not with what several match together. */
export const shadowedStatements = (statements: readonly Statement[]): CompileFinding[] =>
  statements.flatMap((statement, index) => {
    const earlier = statements.slice(0, index).findIndex((other) => covers(other, statement));
    const before = statements[earlier];
    if (before === undefined) return [];
    const outcome = before.action === statement.action ? 'does the same' : `does the opposite (${before.action})`;
    const message = `never decides: spec.inboundACL[${earlier}] matches all of it, comes first and ${outcome}; move it up or remove it`;
    return [warning('ShadowedStatement', path('spec', 'inboundACL', index), message)];
  });

const covers = (one: Statement, other: Statement): boolean =>
  (one.protocol === undefined || one.protocol === other.protocol) &&
  coversPrefix(one.source, other.source) &&
  coversPrefix(one.destination, other.destination) &&
  (one.ports === undefined || (other.ports !== undefined && one.ports.from <= other.ports.from && one.ports.to >= other.ports.to)) &&
  (one.established !== true || other.established === true) &&
  (one.icmpType === undefined || one.icmpType === other.icmpType) &&
  (one.icmpCode === undefined || one.icmpCode === other.icmpCode);

const coversPrefix = (one: string | undefined, other: string | undefined): boolean =>
  one === undefined || (other !== undefined && contains(prefixOf(one), prefixOf(other)));
