/**
 * The one method of the southbound contract, for both sides. What the server sends is bytes already: an Update is encoded once
 * and the same buffer goes to every subscriber.
 */
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import type { MethodDefinition } from '@grpc/grpc-js';
import {
  type FromAgent,
  FromAgentSchema,
  type FromServer,
  FromServerSchema,
} from '../goal/gen/heddle/agent/v1/agent_pb.ts';

/** `Hello.protocol` of this build; docs/protocol.md has a line for every change. */
export const protocolVersion = 1;

export const methodPath = '/heddle.agent.v1.GoalState/Sync';

const method = {
  path: methodPath,
  requestStream: true,
  responseStream: true,
  requestSerialize: (message: FromAgent): Buffer => Buffer.from(toBinary(FromAgentSchema, message)),
  requestDeserialize: (bytes: Buffer): FromAgent => fromBinary(FromAgentSchema, bytes),
} as const;

export const serverMethod: MethodDefinition<FromAgent, Buffer> = {
  ...method,
  responseSerialize: (bytes) => bytes,
  responseDeserialize: (bytes) => bytes,
};

export const agentMethod: MethodDefinition<FromAgent, FromServer> = {
  ...method,
  responseSerialize: (message) => Buffer.from(toBinary(FromServerSchema, message)),
  responseDeserialize: (bytes) => fromBinary(FromServerSchema, bytes),
};

export const encodeFromServer = (message: FromServer['message']): Buffer =>
  Buffer.from(toBinary(FromServerSchema, create(FromServerSchema, { message })));
