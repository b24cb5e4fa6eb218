/** Version numbers of DTLS (RFC 6347 §4.1): HelloVerifyRequest has that of 1.0 whatever follows. */
const dtls12 = 0xfefd;
const dtls10 = 0xfeff;
const handshakeRecord = 22;
const clientHelloMessage = 1;
const helloVerifyMessage = 3;
const recordHeader = 13;
const messageHeader = 12;
/** ECDHE with RSA or ECDSA and AES-GCM, AES-GCM with RSA; no renegotiation. Nobody gets as far as choosing one. */
const suites = [0xc02b, 0xc02f, 0x009c, 0x00ff];

/** A first ClientHello of DTLS 1.2 (RFC 6347 §4.2.2) without session, as one datagram; `random` has 32 bytes. */
export function dtlsClientHello(random: Uint8Array): Buffer {
  if (random.length !== 32) throw new RangeError('the random of a ClientHello has 32 bytes');
  const version = Buffer.alloc(2);
  version.writeUInt16BE(dtls12);
  const offered = Buffer.alloc(2 + suites.length * 2);
  offered.writeUInt16BE(suites.length * 2);
  suites.forEach((suite, index) => {
    offered.writeUInt16BE(suite, 2 + index * 2);
  });
  // No session, no cookie, the suites, no compression, no extensions.
  const body = Buffer.concat([version, random, Buffer.from([0, 0]), offered, Buffer.from([1, 0, 0, 0])]);
  return record(clientHelloMessage, body, dtls12);
}

/** A HelloVerifyRequest with this cookie, as one datagram. */
export function dtlsHelloVerifyRequest(cookie: Uint8Array): Buffer {
  const version = Buffer.alloc(2);
  version.writeUInt16BE(dtls10);
  return record(helloVerifyMessage, Buffer.concat([version, Buffer.from([cookie.length]), cookie]), dtls10);
}

/** True for a datagram that begins a DTLS handshake. */
export function isDtlsClientHello(datagram: Uint8Array): boolean {
  return bodyOf(datagram, clientHelloMessage) !== undefined;
}

/** The cookie of a HelloVerifyRequest; undefined when the datagram is something else. */
export function readHelloVerifyRequest(datagram: Uint8Array): Buffer | undefined {
  const body = bodyOf(datagram, helloVerifyMessage);
  const length = body?.[2];
  if (body === undefined || length === undefined || body.length !== 3 + length) return undefined;
  return body.subarray(3);
}

function record(kind: number, body: Buffer, version: number): Buffer {
  const header = Buffer.alloc(recordHeader + messageHeader);
  header.writeUInt8(handshakeRecord, 0);
  header.writeUInt16BE(version, 1);
  header.writeUInt16BE(messageHeader + body.length, 11);
  header.writeUInt8(kind, recordHeader);
  header.writeUIntBE(body.length, recordHeader + 1, 3);
  header.writeUIntBE(body.length, recordHeader + 9, 3);
  return Buffer.concat([header, body]);
}

/** The body of the one whole message in the one record of a datagram. */
function bodyOf(datagram: Uint8Array, kind: number): Buffer | undefined {
  const bytes = Buffer.from(datagram.buffer, datagram.byteOffset, datagram.length);
  if (bytes.length < recordHeader + messageHeader || bytes[0] !== handshakeRecord) return undefined;
  const message = bytes.subarray(recordHeader);
  if (bytes.readUInt16BE(11) !== message.length || message[0] !== kind) return undefined;
  const body = message.subarray(messageHeader);
  const isWhole = message.readUIntBE(1, 3) === body.length && message.readUIntBE(9, 3) === body.length;
  return isWhole && message.readUIntBE(6, 3) === 0 ? body : undefined;
}
