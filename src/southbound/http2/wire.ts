/** HTTP/2 on the wire: frame heads, numbers and the names of numbers (RFC 9113, sections 4 to 7). */

export const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');

export const frameHeadBytes = 9;

export const frameType = {
  data: 0,
  headers: 1,
  priority: 2,
  rstStream: 3,
  settings: 4,
  pushPromise: 5,
  ping: 6,
  goaway: 7,
  windowUpdate: 8,
  continuation: 9,
} as const;

export const flag = { endStream: 0x1, ack: 0x1, endHeaders: 0x4, padded: 0x8, priority: 0x20 } as const;

export const setting = { initialWindowSize: 4, maxFrameSize: 5, maxConcurrentStreams: 3, maxHeaderListSize: 6 } as const;

export const errorCode = {
  noError: 0,
  protocolError: 1,
  internalError: 2,
  flowControlError: 3,
  streamClosed: 5,
  frameSizeError: 6,
  refusedStream: 7,
  cancel: 8,
  compressionError: 9,
  enhanceYourCalm: 11,
} as const;

/** Both sides', when nothing else was said. */
export const defaultFrameBytes = 16_384;
export const defaultWindow = 65_535;
export const largestWindow = 2 ** 31 - 1;

/** A fault of the other side for which the connection is given up. */
export class ConnectionFault extends Error {
  readonly code: number;

  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

export const writeFrameHead = (frame: Buffer, length: number, type: number, flags: number, stream: number): void => {
  frame.writeUIntBE(length, 0, 3);
  frame[3] = type;
  frame[4] = flags;
  frame.writeUInt32BE(stream, 5);
};

export const frameHead = (length: number, type: number, flags: number, stream: number): Buffer => {
  const head = Buffer.allocUnsafe(frameHeadBytes);
  writeFrameHead(head, length, type, flags, stream);
  return head;
};

export const frameOf = (type: number, flags: number, stream: number, content: Uint8Array): Buffer =>
  Buffer.concat([frameHead(content.length, type, flags, stream), content]);

export const numberFrame = (type: number, stream: number, value: number): Buffer => {
  const content = Buffer.allocUnsafe(4);
  content.writeUInt32BE(value, 0);
  return frameOf(type, 0, stream, content);
};

export const settingsFrame = (settings: readonly (readonly [id: number, value: number])[]): Buffer => {
  const content = Buffer.allocUnsafe(6 * settings.length);
  for (const [index, [id, value]] of settings.entries()) {
    content.writeUInt16BE(id, 6 * index);
    content.writeUInt32BE(value, 6 * index + 2);
  }
  return frameOf(frameType.settings, 0, 0, content);
};

export const goawayFrame = (lastStream: number, code: number): Buffer => {
  const content = Buffer.allocUnsafe(8);
  content.writeUInt32BE(lastStream, 0);
  content.writeUInt32BE(code, 4);
  return frameOf(frameType.goaway, 0, 0, content);
};

/** Content of a HEADERS or DATA frame without its padding. @throws ConnectionFault */
export const unpadded = (content: Buffer, flags: number): Buffer => {
  if ((flags & flag.padded) === 0) return content;
  const padding = content[0];
  if (padding === undefined || padding >= content.length) throw new ConnectionFault(errorCode.protocolError, 'more padding than frame');
  return content.subarray(1, content.length - padding);
};
