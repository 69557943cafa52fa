/**
 * The condition `Verified`, in words. Tenants read what is wrong, and of the rows and objects on its way their own; the packet that
 * shows it only when nobody else has a part in it, and never the port where it comes in. Operators read all of it. Pure.
 */
import { refKey, type ObjectRef } from '../../api/object.ts';
import { violationCodes, type RowRef, type Violation, type Witness } from '../../verify/verifier.ts';
import type { Statement } from '../conditions.ts';

/** What is known of one object. */
export type Mark =
  /** Rows of it are withheld, or are with devices all the same (`rows` is 0), for something that is wrong. */
  | { readonly type: 'fault'; readonly violation: Violation; readonly rows: number }
  /** The budget did not suffice, or the verifier failed; `rows` are withheld for it. */
  | { readonly type: 'exhausted'; readonly rows: number; readonly failed: boolean }
  | { readonly type: 'proven' }
  /** Nothing is checked. */
  | { readonly type: 'off' };

export interface Reader {
  /** Of a tenant; empty: of an operator, who may read everything. */
  readonly namespace: string;
  /** Objects that a row comes from. */
  readonly objectsOf: (row: RowRef) => readonly ObjectRef[];
}

const shownRows = 6;
const longestMessage = 1024;

export const statementOf = (mark: Mark, reader: Reader): Statement => {
  const said = (status: Statement['status'], reason: string, message: string): Statement => ({ type: 'Verified', status, reason, message: clip(message) });
  if (mark.type === 'proven') return said('True', 'Proven', 'does what was asked for and nothing else');
  if (mark.type === 'off') return said('Unknown', 'Off', 'spec.verification of the Fabric says that nothing is checked');
  const fate = mark.rows === 0 ? 'devices have it all the same' : `${mark.rows} ${mark.rows === 1 ? 'row is' : 'rows are'} withheld`;
  if (mark.type === 'exhausted' && mark.failed) return said('Unknown', 'VerifierFailed', `could not be checked, which is a fault of Heddle; ${fate}; the operator may set spec.verification.mode of the Fabric`);
  if (mark.type === 'exhausted') return said('Unknown', 'BudgetExhausted', `not checked to its end, spec.verification.budget of the Fabric did not suffice; ${fate}`);
  return said('False', mark.violation.code, `${faultText(mark.violation, reader)}; ${fate}`);
};

/** Of an object that is not accepted, or waits for an id. */
export const notJudged = (reason: 'NotAccepted' | 'Pending'): Statement => ({
  type: 'Verified',
  status: 'Unknown',
  reason,
  message: reason === 'Pending' ? 'nothing to check yet' : 'not accepted, see condition Accepted',
});

const faultText = (violation: Violation, reader: Reader): string => {
  const { code, message, witness } = violation;
  const isOperator = reader.namespace === '';
  const parts = [isOperator ? message : violationCodes[code]];
  if (witness !== undefined && violation.objects.every((key) => mayName(key, reader.namespace))) parts.push(witnessText(witness, isOperator));
  parts.push(...placesText(violation, reader));
  return parts.join('; ');
};

const witnessText = ({ packet, place, outcome }: Witness, isOperator: boolean): string => {
  const { protocol, source, destination, port } = packet;
  const said = `packet ${protocol} ${source} -> ${destination}${port === undefined ? '' : ` port ${port}`}`;
  return isOperator ? `${said}, in at ${place.device} ${place.port}, ${outcome}` : said;
};

/** Rows, and the objects they come from, that the reader may know of. */
const placesText = ({ rows, objects }: Violation, { namespace, objectsOf }: Reader): string[] => {
  const isShown = ({ namespace: of }: ObjectRef): boolean => namespace === '' || of === namespace;
  const parties = new Map<string, ObjectRef>();
  const shown: string[] = [];
  for (const row of rows) {
    const refs = objectsOf(row);
    if (refs.some((ref) => !isShown(ref)) || (refs.length === 0 && namespace !== '')) continue;
    shown.push(`${row.scope} ${row.row}`);
    for (const ref of refs) parties.set(refKey(ref), ref);
  }
  const named = [...new Set([...objects.filter((key) => mayName(key, namespace)), ...parties.keys()])];
  const list = (what: string, names: readonly string[]): string[] => {
    const rest = names.length - shownRows;
    return names.length === 0 ? [] : [`${what} ${names.slice(0, shownRows).join(', ')}${rest > 0 ? ` and ${rest} more` : ''}`];
  };
  return [...list('rows', shown), ...list('of', named)];
};

/** Of a key as `refKey` makes it: a tenant's own. */
const mayName = (key: string, namespace: string): boolean => {
  const [, second = '', third] = key.split('/');
  return namespace === '' || (third !== undefined && second === namespace);
};

const clip = (text: string): string => (text.length <= longestMessage ? text : `${text.slice(0, longestMessage - 1)}…`);
