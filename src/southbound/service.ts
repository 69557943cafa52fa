/** The one method of the southbound contract, for both sides. */
import { create, toBinary } from '@bufbuild/protobuf';
import { type FromServer, FromServerSchema } from '../goal/gen/heddle/agent/v1/agent_pb.ts';

/** `Hello.protocol` of this build; docs/protocol.md has a line for every change. */
export const protocolVersion = 2;

export const methodPath = '/heddle.agent.v1.GoalState/Sync';

export const encodeFromServer = (message: FromServer['message']): Buffer =>
  Buffer.from(toBinary(FromServerSchema, create(FromServerSchema, { message })));
