/**
 * Who is meant by an end of a packet's way: `ns/name` is an attachment, `ns/vpc:address` an address in a VPC, a bare name a
 * Server, an External or an attachment of the namespace at hand, `name:address` an External or a VPC there, and an address
 * stands for itself. Whether the asker may see an object is asked before whether there is one.
 */
import { refKey, type ObjectRef, type Resource } from '../../api/object.ts';
import type { Compiler } from '../../compile/engine.ts';
import { deviceScope, isGroupScope, rowId } from '../../goal/rows.ts';
import { HeddleError } from '../../kit/error.ts';
import { familyOf, parseAddress } from '../../net/address.ts';
import type { Address } from '../../net/brand.ts';
import { networkOf } from '../../net/interfaceaddress.ts';
import { contains, firstHost, hostAt, prefixSize } from '../../net/prefix.ts';
import type { LearnedHost, Place } from '../../verify/packet.ts';
import { localScopes, rowIn, rowsIn, segmentsWith, vrfAt, vrfIn, type GoalReader, type VrfAt } from '../../verify/surroundings.ts';
import type { Objects } from '../objects.ts';

export interface EndSources {
  readonly goal: GoalReader;
  readonly compiler: Compiler;
  readonly objects: Objects;
  /** Whether the asker may read the object. */
  readonly sees: (ref: ObjectRef) => boolean;
  /** Of names without one. */
  readonly namespace: string;
}

/** One way in which an end can be met; a server that is attached twice has two. */
export interface End {
  readonly text: string;
  readonly object?: ObjectRef;
  /** Left out: an address of any VRF. */
  readonly vrf?: VrfAt;
  /** Ports it is behind; none: nobody says where it is. */
  readonly places: readonly Place[];
  readonly addresses: readonly Address[];
  readonly learned: readonly LearnedHost[];
  readonly assumptions: readonly string[];
}

/** @throws HeddleError `NotFound`, `Forbidden`, or `Conflict` when the object is not in force; each says what to do */
export const endsOf = (text: string, sources: EndSources): readonly [End, ...End[]] => {
  const address = parseAddress(text);
  if (address.ok) return [{ text, places: [], addresses: [address.value], learned: [], assumptions: [] }];
  const { namespace, name, at } = splitEnd(text);
  if (namespace !== undefined) {
    return at === undefined
      ? [attachmentEnd(text, named('VPCAttachment', namespace, name, sources), sources)]
      : [vpcEnd(text, named('VPC', namespace, name, sources), at, sources)];
  }
  return bareEnds(text, name, at, sources);
};

interface Split {
  readonly namespace?: string;
  readonly name: string;
  readonly at?: Address;
}

/** The first colon ends the name; what follows may be an IPv6 address. */
const splitEnd = (text: string): Split => {
  const [, namespace, name = '', rest] = /^(?:([^/:]+)\/)?([^/:]+)(?::(.+))?$/.exec(text) ?? [];
  const address = rest === undefined ? undefined : parseAddress(rest);
  if (name === '' || address?.ok === false) {
    throw new HeddleError('BadRequest', `"${text}" is no end of a trace: write a server, NAMESPACE/ATTACHMENT, NAMESPACE/VPC:ADDRESS, an External or an address`);
  }
  return { name, ...(namespace !== undefined && { namespace }), ...(address?.ok === true && { at: address.value }) };
};

const named = (kind: string, namespace: string, name: string, { objects, sees }: EndSources): Resource => {
  const ref = { kind, namespace, name };
  if (!sees(ref)) throw new HeddleError('Forbidden', `you may not read ${kind} "${namespace}/${name}"`);
  const object = objects.get(refKey(ref));
  if (object === undefined) throw new HeddleError('NotFound', `there is no ${kind} "${namespace}/${name}"`);
  return object;
};

const bareEnds = (text: string, name: string, at: Address | undefined, sources: EndSources): readonly [End, ...End[]] => {
  const { namespace } = sources;
  const find = (kind: string, within: string): Resource | undefined =>
    sources.sees({ kind, namespace: within, name }) ? sources.objects.get(refKey({ kind, namespace: within, name })) : undefined;
  const server = at === undefined ? find('Server', '') : undefined;
  if (server !== undefined) return serverEnds(text, server, sources);
  const external = find('External', '');
  if (external !== undefined) return [externalEnd(text, external, at, sources)];
  const own = find(at === undefined ? 'VPCAttachment' : 'VPC', namespace);
  if (own !== undefined) return [at === undefined ? attachmentEnd(text, own, sources) : vpcEnd(text, own, at, sources)];
  const tried = at === undefined ? `server, External or attachment of namespace "${namespace}"` : `External or VPC of namespace "${namespace}"`;
  throw new HeddleError('NotFound', `there is no ${tried} "${name}" that you may read`);
};

const serverEnds = (text: string, server: Resource, sources: EndSources): readonly [End, ...End[]] => {
  const { goal, compiler } = sources;
  const found = new Map<string, ObjectRef>();
  for (const { scope, row } of compiler.rowsOf(refOfNamed(server))) {
    if (row.table !== 'port' || !scope.startsWith(deviceScope(''))) continue;
    const ports = new Set([row.key, row.value.bundle]);
    for (const local of localScopes(goal, scope.slice(deviceScope('').length))) {
      for (const attached of rowsIn(goal, local, 'attachment')) {
        if (!ports.has(attached.value.port)) continue;
        for (const ref of compiler.explain(local, rowId(attached))) if (ref.kind === 'VPCAttachment') found.set(refKey(ref), ref);
      }
    }
  }
  const refs = [...found.values()].filter((ref) => sources.sees(ref)).sort((left, right) => (refKey(left) < refKey(right) ? -1 : 1));
  const ends = refs.flatMap((ref) => {
    const object = sources.objects.get(refKey(ref));
    return object === undefined ? [] : [attachmentEnd(text, object, sources)];
  });
  const [first, ...more] = ends;
  if (first === undefined) throw new HeddleError('Conflict', `server "${server.metadata.name}" is attached to no VPC`);
  return [first, ...more];
};

const refOfNamed = ({ kind, metadata: { namespace = '', name } }: Resource): ObjectRef => ({ kind, namespace, name });

const attachmentEnd = (text: string, object: Resource, sources: EndSources): End => {
  const { goal, compiler } = sources;
  const ref = refOfNamed(object);
  const rows = compiler.rowsOf(ref);
  const devicesOf = (scope: string): readonly string[] => (isGroupScope(scope) ? goal.devicesOf(scope) : [scope.slice(deviceScope('').length)]);
  const attached = rows.flatMap(({ scope, row }) => (row.table === 'attachment' ? [{ scope, row }] : []));
  const [one] = attached;
  if (one === undefined) throw new HeddleError('Conflict', `attachment "${ref.namespace}/${ref.name}" is not in force${whyNot(ref, compiler)}`);
  const places = attached.flatMap(({ scope, row: { value: { port, vlan } } }) =>
    devicesOf(scope).map((device): Place => ({ device, port, ...(vlan !== undefined && { vlan }) })));
  const said = rows.flatMap(({ row }) => (row.table === 'host' ? [row.value.address] : []));
  const { address, ipv6Address, segment } = one.row.value;
  const known = said.length > 0 ? said : [address, ipv6Address].flatMap((each) => each ?? []);
  const vrf = places[0] === undefined ? undefined : vrfAt(goal, places[0]);
  const prefixes = (rowIn(goal, one.scope, 'segment', `${segment}`)?.value.gateways ?? []).map(networkOf);
  // Whoever gets its address from others has one of its subnet.
  const assumed = prefixes.filter((prefix) => !known.some((each) => contains(prefix, each))).map((prefix) => hostAt(prefix, prefixSize(prefix) - 3n) ?? firstHost(prefix));
  const addresses = [...new Set([...known, ...assumed])];
  return {
    text,
    object: ref,
    ...(vrf !== undefined && { vrf }),
    places,
    addresses,
    learned: assumed.flatMap((each) => places.map((place) => ({ ...place, address: each }))),
    assumptions: known.length > 0 ? [] : [`the address of ${text} is in no row: ${assumed.join(' and ')} of its subnet is assumed`],
  };
};

const whyNot = (ref: ObjectRef, compiler: Compiler): string => {
  const finding = compiler.findingsOf(ref).find(({ severity }) => severity === 'error');
  return finding === undefined ? ': wait until it is accepted' : `: ${finding.message}`;
};

const vpcEnd = (text: string, object: Resource, address: Address, sources: EndSources): End => {
  const { goal, compiler } = sources;
  const ref = refOfNamed(object);
  const vrf = vrfOf(ref, sources);
  if (vrf === undefined) throw new HeddleError('Conflict', `VPC "${ref.namespace}/${ref.name}" is not in force${whyNot(ref, compiler)}`);
  return { text, object: ref, vrf, places: placesOfAddress(goal, vrf, address), addresses: [address], learned: [], assumptions: [] };
};

const vrfOf = (ref: ObjectRef, { goal, compiler }: EndSources): VrfAt | undefined => {
  const scope = compiler.rowsOf(ref).find(({ row }) => row.table === 'vrf')?.scope;
  return scope === undefined ? undefined : vrfIn(goal, scope);
};

/** Where rows say that the address is. */
export const placesOfAddress = (goal: GoalReader, vrf: VrfAt, address: Address): Place[] =>
  [...segmentsWith(goal, vrf, address)].flatMap(([vni, { devices }]) =>
    devices.flatMap((device) => localScopes(goal, device).flatMap((scope) => {
      const host = rowIn(goal, scope, 'host', `${vni}/${address}`)?.value;
      const rows = host === undefined ? [...rowsIn(goal, scope, 'attachment')].map(({ value }) => value).filter((value) => value.address === address || value.ipv6Address === address) : [host];
      return rows.map(({ port, vlan }): Place => ({ device, port, ...(vlan !== undefined && { vlan }) }));
    })));

/** Of somebody outside whose address nobody said: documentation's (RFC 5737, RFC 3849). */
const someoneOutside: readonly Address[] = ['203.0.113.1' as Address, '2001:db8::1' as Address];

const externalEnd = (text: string, object: Resource, at: Address | undefined, sources: EndSources): End => {
  const ref = refOfNamed(object);
  const rows = sources.compiler.rowsOf(ref);
  const vrf = vrfOf(ref, sources);
  if (vrf === undefined) throw new HeddleError('Conflict', `External "${ref.name}" is not in force${whyNot(ref, sources.compiler)}`);
  const places = rows.flatMap(({ scope, row }): Place[] =>
    row.table === 'vrfPort' ? [{ device: scope.slice(deviceScope('').length), port: row.value.port, ...(row.value.vlan !== undefined && { vlan: row.value.vlan }) }] : []);
  const fixed = rows.flatMap(({ row }) => (row.table === 'route' ? [row.value.prefix] : row.table === 'vrfPeer' ? row.value.accept.map(({ prefix }) => prefix) : []));
  const behind = [4, 6].flatMap((family) => {
    const prefix = fixed.find((each) => familyOf(each) === family && !each.endsWith('/0'));
    const open = fixed.length === 0 || fixed.some((each) => familyOf(each) === family);
    return prefix !== undefined ? [firstHost(prefix)] : open ? someoneOutside.filter((each) => familyOf(each) === family) : [];
  });
  const addresses = at === undefined ? behind : [at];
  return {
    text,
    object: ref,
    vrf,
    places,
    addresses,
    learned: [],
    assumptions: at === undefined ? [`somebody behind ${text} is assumed to have ${addresses.join(' or ')}; write ${text}:ADDRESS to say who`] : [],
  };
};
