export interface DtlsRecord {
  /** 20 change cipher spec, 21 alert, 22 handshake, 23 data. */
  type: number;
  epoch: number;
  fragment: Buffer;
}

const headerLength = 13;

/** Splits a datagram into DTLS records (RFC 6347 §4.1); what a capture cut off comes back shorter. */
export function dtlsRecords(datagram: Buffer): DtlsRecord[] {
  const records: DtlsRecord[] = [];
  for (let offset = 0; offset + headerLength <= datagram.length; ) {
    const length = datagram.readUInt16BE(offset + 11);
    records.push({
      type: datagram.readUInt8(offset),
      epoch: datagram.readUInt16BE(offset + 3),
      fragment: datagram.subarray(offset + headerLength, offset + headerLength + length),
    });
    offset += headerLength + length;
  }
  return records;
}
