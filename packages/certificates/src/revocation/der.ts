/** One element of DER: its tag, and where it and its content lie in the bytes that it was read from. */
export interface Element {
  tag: number;
  start: number;
  content: number;
  end: number;
}

export const tag = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  /** `[0]`, constructed. */
  context0: 0xa0,
};

/**
 * Reads the element at `start` (X.690 §8.1, §10.1); one that is not whole before `limit`, or has a long tag or a length that is
 * not definite, throws a RangeError. For what is too long to be made into objects.
 */
export function readElement(bytes: Uint8Array, start: number, limit: number): Element {
  const first = bytes[start + 1];
  const name = bytes[start];
  if (start + 2 > limit || first === undefined || name === undefined || (name & 0x1f) === 0x1f) {
    throw new RangeError('no DER element');
  }
  const lengthBytes = first < 0x80 ? 0 : first & 0x7f;
  if (first === 0x80 || lengthBytes > 4 || start + 2 + lengthBytes > limit) {
    throw new RangeError('no DER length');
  }
  let length = first < 0x80 ? first : 0;
  for (let index = 0; index < lengthBytes; index += 1) {
    length = length * 256 + (bytes[start + 2 + index] ?? 0);
  }
  const content = start + 2 + lengthBytes;
  if (content + length > limit) throw new RangeError('a DER element is cut off');
  return { tag: name, start, content, end: content + length };
}

/** The elements inside another one. */
export function* elementsOf(bytes: Uint8Array, { content, end }: Element): Generator<Element> {
  for (let at = content; at < end; ) {
    const element = readElement(bytes, at, end);
    yield element;
    at = element.end;
  }
}

/** The bytes of a whole element. */
export function wholeOf(bytes: Uint8Array, { start, end }: Element): Uint8Array {
  return bytes.subarray(start, end);
}

/** The bytes inside an element. */
export function contentOf(bytes: Uint8Array, { content, end }: Element): Uint8Array {
  return bytes.subarray(content, end);
}
