/** The one method of the southbound contract, for both sides. */
import { create, toBinary } from '@bufbuild/protobuf';
import { type FromServer, FromServerSchema } from '../goal/gen/heddle/agent/v1/agent_pb.ts';

/** `Hello.protocol` of this build; docs/protocol.md has a line for every change. */
export const protocolVersion = 2;

export const methodPath = '/heddle.agent.v1.GoalState/Sync';

export const encodeFromServer = (message: FromServer['message']): Buffer =>
  Buffer.from(toBinary(FromServerSchema, create(FromServerSchema, { message })));

/** Request header: servers, `host:port` with commas between, that could not serve the agent a moment ago. */
export const triedHeader = 'heddle-tried';
/** Trailer of a call that a server who does not lead refuses: `host:port` of the one who does. */
export const leaderHeader = 'heddle-leader';
