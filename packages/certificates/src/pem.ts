export interface PemBlock {
  /** The words after BEGIN, such as `CERTIFICATE`. */
  label: string;
  /** The whole block with its BEGIN and END lines. */
  text: string;
  der: Buffer;
  encrypted: boolean;
}

const block = /-----BEGIN ([A-Z0-9 ]{1,40})-----([\s\S]*?)-----END \1-----/g;

/** Finds every PEM block of a text; what stands between blocks is ignored, as RFC 7468 §2 wants. */
export function readPem(text: string): PemBlock[] {
  return [...text.matchAll(block)].map(([whole, label = '', body = '']) => {
    // RFC 1421 headers of encrypted traditional keys end at an empty line.
    const headers = /^\s*((?:[A-Za-z-]+:.*\r?\n)+)\r?\n/.exec(body)?.[1] ?? '';
    return {
      label,
      text: whole,
      der: Buffer.from(body.slice(body.indexOf(headers) + headers.length), 'base64'),
      encrypted: label === 'ENCRYPTED PRIVATE KEY' || /^Proc-Type:.*ENCRYPTED/m.test(headers),
    };
  });
}
