/**
 * Servers that a policy selects, found by the labels of their attachments. A set is named by what it selects, so policies of a
 * VPC that select alike share it, and a server that comes or goes is one row more or less, however many rules speak of it.
 */
import type { Selector } from '../../api/kinds/selector.ts';
import type { Resource } from '../../api/object.ts';
import { formatDigest, rowDigest } from '../../goal/digest.ts';
import { byText } from '../../kit/order.ts';
import type { Prefix } from '../../net/brand.ts';
import { hostPrefix } from '../../net/address.ts';
import { specOf } from '../intent.ts';
import { matches, selectorText, termsOf, termsToSearch } from '../selection.ts';
import { index, query, type View } from '../view.ts';
import { attachmentResolution } from './admission.ts';

const vpcOf = (attachment: Resource): string => `${attachment.metadata.namespace ?? ''}/${specOf('VPCAttachment', attachment).vpc}`;

/** Key: `namespace/vpc`. */
const attachmentsOfVpc = index('attachmentsOfVpc', 'VPCAttachment', (object, attachment) => [{ key: vpcOf(object), value: attachment }]);

/** Key: `<namespace>/<vpc>|<term>`; see `termsOf`. */
const attachmentsByTerm = index('attachmentsByTerm', 'VPCAttachment', (object, attachment) =>
  termsOf(object.metadata.labels ?? {}).map((term) => ({ key: `${vpcOf(object)}|${term}`, value: attachment })),
);

/** Attachments to one VPC, in subnets that a selector selects if there is one. */
export interface Choice {
  /** `namespace/vpc`. */
  readonly vpc: string;
  readonly subnets?: Selector | undefined;
  readonly attachments: Selector;
}

/** Equal for choices that say the same. */
const choiceText = ({ vpc, subnets, attachments }: Choice): string =>
  `${vpc} ${subnets === undefined ? '' : `of ${selectorText(subnets)} `}: ${selectorText(attachments)}`;

/** Name of the set: sixteen hexadecimal digits behind a letter, with which names begin everywhere. */
export const setName = (choice: Choice): string => `s${formatDigest(rowDigest(new TextEncoder().encode(choiceText(choice))))}`;

export interface Selected {
  /** `namespace/name` of the attachment. */
  readonly attachment: string;
  readonly prefixes: readonly Prefix[];
}

/** Key: JSON of a choice. Servers with an address, by name. */
const selectedServers = query('selectedServers', (view, key): readonly Selected[] => {
  const { vpc, subnets, attachments } = JSON.parse(key) as Choice;
  const terms = termsToSearch(attachments);
  const found = terms === undefined ? view.list(attachmentsOfVpc, vpc) : [...new Set(terms.flatMap((term) => view.list(attachmentsByTerm, `${vpc}|${term}`)))];
  const within = subnets === undefined ? undefined : new Set(subnetsSelected(view.at('VPC', vpc), subnets));
  return found.toSorted(byText).flatMap((attachment) => {
    const object = view.at('VPCAttachment', attachment);
    if (object === undefined || !matches(attachments, { name: object.metadata.name, labels: object.metadata.labels ?? {} })) return [];
    const { value } = view.query(attachmentResolution, attachment);
    if (value === undefined || within?.has(value.place.name) === false) return [];
    const prefixes = [value.address, value.ipv6Address].flatMap((address) => (address === undefined ? [] : [hostPrefix(address)]));
    return prefixes.length === 0 ? [] : [{ attachment, prefixes }];
  });
});

export const selectedBy = (view: View, choice: Choice): readonly Selected[] => view.query(selectedServers, JSON.stringify(choice));

/** Names of the subnets of a VPC that are selected; all without a selector. */
export const subnetsSelected = (vpc: Resource | undefined, selector: Selector | undefined): readonly string[] =>
  vpc === undefined
    ? []
    : Object.entries(specOf('VPC', vpc).subnets).flatMap(([name, { labels = {} }]) =>
        selector === undefined || matches(selector, { name, labels }) ? [name] : []);

export const choiceOf = (namespace: string, vpc: string, { subnets, attachments }: { subnets?: Selector; attachments: Selector }): Choice => ({
  vpc: `${namespace}/${vpc}`,
  ...(subnets === undefined ? {} : { subnets }),
  attachments,
});

export const selectedLayers = [attachmentsOfVpc, attachmentsByTerm, selectedServers];
