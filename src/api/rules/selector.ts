/** Rules of a selector: labels that can be, and expressions that say something. */
import type { Selector } from '../kinds/selector.ts';
import { memberPath, type Findings } from '../findings.ts';

const labelName = /^[A-Za-z0-9](?:[-\w.]{0,61}[A-Za-z0-9])?$/;
const labelPrefix = /^[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*$/;

export function checkLabels(path: string, labels: Readonly<Record<string, string>>, found: Findings): void {
  for (const [key, value] of Object.entries(labels)) {
    checkKey(memberPath(path, key), key, found);
    checkValue(memberPath(path, key), value, found);
  }
}

export function selectorRules(path: string, { matchLabels = {}, matchExpressions = [], names = [] }: Selector, found: Findings): void {
  checkLabels(`${path}.matchLabels`, matchLabels, found);
  for (const [index, { key, operator, values }] of matchExpressions.entries()) {
    const at = `${path}.matchExpressions[${index}]`;
    checkKey(`${at}.key`, key, found);
    const takesValues = operator === 'In' || operator === 'NotIn';
    if (takesValues && values === undefined) found.add(`${at}.values`, 'Required', `must be given for operator ${operator}`);
    if (!takesValues && values !== undefined) found.add(`${at}.values`, 'NotAllowed', `cannot be used with operator ${operator}; remove them`);
    for (const [position, value] of (values ?? []).entries()) {
      checkValue(`${at}.values[${position}]`, value, found);
      if (values?.indexOf(value) !== position) found.add(`${at}.values[${position}]`, 'Duplicate', `"${value}" is listed already`);
    }
  }
  for (const [index, name] of names.entries()) {
    if (names.indexOf(name) !== index) found.add(`${path}.names[${index}]`, 'Duplicate', `"${name}" is listed already`);
  }
}

/** As Kubernetes has it: an optional DNS subdomain and a slash before a name of at most 63 characters. */
function checkKey(path: string, key: string, found: Findings): void {
  const [last = '', ...before] = key.split('/').toReversed();
  const prefix = before.length > 1 ? undefined : before[0];
  const isKey = before.length <= 1 && labelName.test(last) && (prefix === undefined || (prefix.length <= 253 && labelPrefix.test(prefix)));
  if (!isKey) found.add(path, 'InvalidLabel', `"${key}" is no key of a label; use letters, digits, "-", "_" and ".", letter or digit at both ends`);
}

function checkValue(path: string, value: string, found: Findings): void {
  if (value === '' || labelName.test(value)) return;
  found.add(path, 'InvalidLabel', `"${value}" is no value of a label; use letters, digits, "-", "_" and ".", letter or digit at both ends`);
}
