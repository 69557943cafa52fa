/** The core kinds that every client expects to find beside ours. */
import type { Kind } from '../object.ts';
import { eventKind } from './event.ts';
import { namespaceKind } from './namespace.ts';

export { eventKind, namespaceKind };

export const coreKinds: readonly Kind[] = [namespaceKind, eventKind];
