/**
 * VPCAttachment -> the host behind the port: its address and MAC. With it the address is reserved for DHCP, and a host
 * that never speaks is reachable all the same.
 */
import { deviceScope } from '../../goal/rows.ts';
import { clusterRef, specOf, tenantKey, tenantRef } from '../intent.ts';
import { attachmentResolution } from '../resolve/attachment.ts';
import { nothing, type Translator } from '../view.ts';

export const hostTranslator: Translator = {
  name: 'host',
  kind: 'VPCAttachment',
  translate: (object, view) => {
    const { value } = view.query(attachmentResolution, tenantKey(object));
    if (value?.address === undefined || value.mac === undefined) return nothing;
    const { leaf, segment, address, mac, port, server, vpc } = value;
    const { connection } = specOf('VPCAttachment', object);
    const row = {
      table: 'host',
      key: `${segment}/${address}`,
      value: { segment, address, mac, port, hostname: server },
    } as const;
    const from = [clusterRef('Server', server), clusterRef('Connection', connection), tenantRef('VPC', vpc)];
    return { rows: [{ scope: deviceScope(leaf), row, from }], findings: [] };
  },
};
