/** All faults, and what a verifier is told before it is asked about one. */
import type { ObjectRef, Resource } from '../../api/object.ts';
import { refKey, refOf } from '../../api/object.ts';
import type { CompileFinding } from '../../compile/finding.ts';
import type { ScopeChange } from '../../goal/state.ts';
import { addressFaults } from './testing-addresses.ts';
import { Edits, type Scopes } from './testing-edits.ts';
import type { Fault } from './testing-fault.ts';
import { outsideFaults } from './testing-outside.ts';
import { peeringFaults } from './testing-peerings.ts';
import { attachmentFaults, segmentFaults } from './testing-places.ts';
import { policyFaults } from './testing-policies.ts';
import { underlayFaults } from './testing-underlay.ts';
import { withdrawalFaults } from './testing-withdrawals.ts';
import { readWorld, readWorldAfter, type World } from './testing-worlds.ts';

export interface Section {
  readonly title: string;
  readonly faults: readonly Fault[];
}

export const sections: readonly Section[] = [
  { title: 'Peerings, isolated and restricted subnets', faults: peeringFaults },
  { title: 'Policies', faults: policyFaults },
  { title: 'The way out', faults: outsideFaults },
  { title: 'VRFs, segments, shared scopes', faults: segmentFaults },
  { title: 'Attachments and hosts', faults: attachmentFaults },
  { title: 'Leases, mappings, static routes, host BGP', faults: addressFaults },
  { title: 'Underlay', faults: underlayFaults },
  { title: 'What is taken back or changed', faults: withdrawalFaults },
];

/** A fault made: what is published and proven, what is declared then, and what is proposed. */
export interface Made {
  readonly published: World;
  readonly changes: readonly { readonly ref: ObjectRef; readonly object: Resource | undefined }[];
  /** What the faulty compiler proposes, and the one without faults; each with what it newly says of objects. */
  readonly wrongly: Said;
  readonly rightly: Said;
}

export interface Said {
  readonly proposal: readonly ScopeChange[];
  /** By `refKey`. */
  readonly findings: ReadonlyMap<string, readonly CompileFinding[]>;
}

/** Compiles each world once. */
export class Workshop {
  readonly #worlds = new Map<string, World>();

  world(links: 'unnumbered' | 'numbered'): World {
    const found = this.#worlds.get(links) ?? readWorld(links);
    this.#worlds.set(links, found);
    return found;
  }

  make({ world: links = 'unnumbered', step, make }: Fault): Made {
    const published = this.world(links);
    const after = step === undefined ? published : readWorldAfter(step);
    const edits = new Edits(published.scopes, after.scopes);
    const rightly: Said = { proposal: edits.proposal(), findings: differing(published, after) };
    make(edits);
    const findings = step?.acceptsAll === true ? new Map<string, readonly CompileFinding[]>() : rightly.findings;
    return { published, changes: changesOf(published, after), wrongly: { proposal: edits.proposal(), findings }, rightly };
  }
}

const changesOf = (published: World, after: World): Made['changes'] => {
  const before = new Map(published.objects.map((object) => [refKey(refOf(object)), object]));
  const now = new Map(after.objects.map((object) => [refKey(refOf(object)), object]));
  const put = after.objects.filter((object) => JSON.stringify(before.get(refKey(refOf(object)))) !== JSON.stringify(object));
  const gone = published.objects.filter((object) => !now.has(refKey(refOf(object))));
  return [...put.map((object) => ({ ref: refOf(object), object })), ...gone.map((object) => ({ ref: refOf(object), object: undefined }))];
};

const differing = (published: World, after: World): ReadonlyMap<string, readonly CompileFinding[]> =>
  new Map([...after.findings].filter(([key, findings]) => JSON.stringify(findings) !== JSON.stringify(published.findings.get(key) ?? [])));

/** Rows by scope, as a proposal. */
export const everythingIn = (scopes: Scopes): ScopeChange[] => [...scopes].map(([scope, upserts]) => ({ scope, upserts, deletes: [] }));
