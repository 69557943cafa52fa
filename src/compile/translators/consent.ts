/** PeeringConsent -> no rows of its own; what it names must be there, for a consent to nothing is a mistake. */
import { error } from '../finding.ts';
import { path, specOf } from '../intent.ts';
import type { Translator } from '../view.ts';

export const consentTranslator: Translator = {
  name: 'consent',
  kind: 'PeeringConsent',
  translate: (object, view) => {
    const { vpc: name, subnets } = specOf('PeeringConsent', object);
    const { namespace = '' } = object.metadata;
    const vpc = view.get('VPC', namespace, name);
    if (vpc === undefined) {
      return { rows: [], findings: [error('UnknownVPC', path('spec', 'vpc'), `there is no VPC "${name}" in namespace "${namespace}"; create it or name another`)] };
    }
    const declared = specOf('VPC', vpc).subnets;
    const unknown = subnets.filter((subnet) => !Object.hasOwn(declared, subnet));
    const names = Object.keys(declared).join('", "');
    return { rows: [], findings: unknown.map((subnet) => error('UnknownSubnet', path('spec', 'subnets'), `VPC "${name}" has no subnet "${subnet}"; it has "${names}"`)) };
  },
};
