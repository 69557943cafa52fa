/**
 * Heddle's compiler: the engine with the queries, relations and translators of this network. The two lists are the pass
 * list; the order of translators does not matter, that of layers is the order in which they may build on each other.
 *
 * What a fault does. The result is a function of the objects as they are, never of what was there before, so a part with an
 * `error` contributes nothing, also when it was good a moment ago. The part is kept small: one subnet of a VPC, one pairing
 * of a peering, else the object. Of two that want the same thing the elder has it, and of pinned values whoever holds the
 * claim; so what runs is not harmed by what comes later. Two rows that contradict each other all the same are settled by
 * the goal table (merge.ts). `pending` is no fault: ids that are being handed out, and only what needs them waits.
 */
import { kindByName } from '../api/kinds.ts';
import { isDraining } from '../api/drain.ts';
import type { ObjectMeta, Resource } from '../api/object.ts';
import { objectOr, optional, type JsonObject } from '../kit/json.ts';
import { createEngine, type Compiler } from './engine.ts';
import { indexes, isQuarantined } from './relations.ts';
import { admissionLayers } from './resolve/admission.ts';
import { placementLayers } from './resolve/attachment.ts';
import { capacityLayers } from './resolve/capacity.ts';
import { connectionLayers } from './resolve/connection.ts';
import { externalLayers } from './resolve/external.ts';
import { externalPeeringLayers } from './resolve/externalpeering.ts';
import { consumerLayers } from './resolve/consumers.ts';
import { dhcpLayers } from './resolve/dhcp.ts';
import { externalVtepLayers } from './resolve/externalvtep.ts';
import { fabricLayers } from './resolve/fabric.ts';
import { leaseBlockLayers } from './resolve/leaseblocks.ts';
import { mappingLayers } from './resolve/mapping.ts';
import { overlapLayers } from './resolve/overlap.ts';
import { peeringLayers } from './resolve/peering.ts';
import { profileLayers } from './resolve/profile.ts';
import { selectedLayers } from './resolve/selected.ts';
import { switchLayers } from './resolve/switch.ts';
import { vpcLayers } from './resolve/vpc.ts';
import { same } from './same.ts';
import { attachmentTranslator } from './translators/attachment.ts';
import { connectionTranslator } from './translators/connection.ts';
import { consentTranslator } from './translators/consent.ts';
import { externalTranslator } from './translators/external.ts';
import { borderMembers, externalMembers, externalPeeringTranslator } from './translators/externalpeering.ts';
import { mappingTranslator } from './translators/mapping.ts';
import { peeringMembers, peeringTranslator } from './translators/peering.ts';
import { subnetRows } from './translators/segment.ts';
import { securityPolicyTranslator } from './translators/securitypolicy.ts';
import { serverTranslator } from './translators/server.ts';
import { gatewayTranslator, switchTranslator } from './translators/switch.ts';
import { addressSpaceUsageTranslator, fabricUsageTranslator } from './translators/usage.ts';
import { vpcTranslator } from './translators/vpc.ts';

/** Each may read those before it. */
const layers = [
  ...indexes,
  ...mappingLayers,
  ...fabricLayers,
  ...externalVtepLayers,
  ...profileLayers,
  ...switchLayers,
  ...connectionLayers,
  ...overlapLayers,
  ...dhcpLayers,
  ...vpcLayers,
  ...placementLayers,
  ...peeringLayers,
  ...externalLayers,
  ...externalPeeringLayers,
  ...consumerLayers,
  ...capacityLayers,
  ...admissionLayers,
  ...leaseBlockLayers,
  ...selectedLayers,
  subnetRows,
];

const translators = [
  fabricUsageTranslator,
  addressSpaceUsageTranslator,
  switchTranslator,
  gatewayTranslator,
  serverTranslator,
  connectionTranslator,
  vpcTranslator,
  attachmentTranslator,
  peeringTranslator,
  consentTranslator,
  externalTranslator,
  externalPeeringTranslator,
  securityPolicyTranslator,
  mappingTranslator,
];

/** A compiler that holds no objects yet. */
export const createCompiler = (): Compiler => createEngine({ layers, translators, pairs: [peeringMembers, externalMembers, borderMembers], project });

/**
 * What of an object can matter to the outcome, with defaults filled in. Status, labels and revisions cannot, but for the
 * phase of a claim and the labels of attachments, by which policies select; an object that is being deleted counts as gone,
 * so that its finalizers can wait for devices to let go, but one that is drained first is there until it is, and says so by its deletionTimestamp.
 * Nothing is copied that can be shared: the one who hands objects in mostly keeps them too.
 */
const project = (object: Resource): Resource | undefined => {
  const { deletionTimestamp } = object.metadata;
  if (deletionTimestamp !== undefined && !isDraining(object.metadata)) return undefined;
  const { apiVersion, kind } = object;
  const [identity, spec] = [withLabels(kind, object.metadata), specOf(object)];
  const metadata = deletionTimestamp === undefined ? identity : { ...identity, deletionTimestamp };
  return isQuarantined(object) ? { apiVersion, kind, metadata, spec, status: { phase: 'Quarantined' } } : { apiVersion, kind, metadata, spec };
};

const withLabels = (kind: string, metadata: ObjectMeta): ObjectMeta =>
  kind !== 'VPCAttachment' || metadata.labels === undefined ? identityOf(metadata) : { ...identityOf(metadata), labels: metadata.labels };

/** Spelt out, because an object that is put together from parts takes twice the room. */
const identityOf = ({ name, namespace, uid, creationTimestamp }: ObjectMeta): ObjectMeta => {
  if (uid !== undefined && creationTimestamp !== undefined) {
    return namespace === undefined ? { name, uid, creationTimestamp } : { name, namespace, uid, creationTimestamp };
  }
  return { name, ...optional('namespace', namespace), ...optional('uid', uid), ...optional('creationTimestamp', creationTimestamp) };
};

const specOf = (object: Resource): unknown => {
  const spec = kindByName(object.kind)?.defaults(object).spec ?? object.spec;
  // How rows get to devices is nothing to what rows there are, and every Switch reads the Fabric.
  const matters = object.kind === 'Fabric' ? withoutDelivery(objectOr(spec)) : spec;
  return same(matters, object.spec) ? object.spec : matters;
};

const deliveryMembers = new Set(['safety', 'verification', 'rollout']);
const withoutDelivery = (spec: JsonObject): JsonObject => Object.fromEntries(Object.entries(spec).filter(([member]) => !deliveryMembers.has(member)));
