/** Which address an attachment was given, as soon as it was. */
import type { VpcAttachmentStatus } from '../../api/kinds/vpcattachment.ts';
import { getObject } from '../../client/live.ts';
import { findType } from '../../client/discovery.ts';
import { systemClock as clock } from '../../kit/clock.ts';
import { HeddleError } from '../../kit/error.ts';
import type { Session } from '../session.ts';

/** IPv4 address without its prefix length; `Timeout` when none was allocated in time. */
export const addressOf = async (session: Session, attachment: string, timeoutMilliseconds: number): Promise<string> => {
  const type = findType(await session.types(), 'VPCAttachment');
  const deadline = clock.monotonic() + timeoutMilliseconds;
  while (clock.monotonic() < deadline) {
    const object = await getObject(session.client, { type, namespace: session.namespace, name: attachment });
    const { address } = (object?.status ?? {}) as VpcAttachmentStatus;
    if (address !== undefined) return address.replace(/\/\d+$/, '');
    await clock.sleep(20, session.io.signal);
  }
  throw new HeddleError('Timeout', `attachment "${attachment}" got no address`);
};
