import { isUtf8 } from 'node:buffer';
import { SaxesParser } from 'saxes';

/** The largest document that is read at all. */
export const maximumDocumentBytes = 64 * 1024;
const maximumDepth = 16;
const maximumElements = 512;
const maximumAttributes = 32;

export interface XmlElement {
  name: string;
  attributes: ReadonlyMap<string, string>;
  children: XmlElement[];
  /** Character data directly inside the element. */
  text: string;
}

export type XmlDocument = { ok: true; root: XmlElement } | { ok: false; reason: string };

class Refusal extends Error {}

const emptyAttributes: ReadonlyMap<string, string> = new Map();

/**
 * Reads a document that came from a device that has not signed in: UTF-8 only, no document type, no
 * processing instructions, no entities but the five of XML itself, and bounded in size, depth and count
 * (protocol.md §7.1: the parser is the attack surface before sign-in).
 */
export function readXml(bytes: Buffer): XmlDocument {
  if (bytes.length > maximumDocumentBytes) return { ok: false, reason: 'the document is too large' };
  if (!isUtf8(bytes)) return { ok: false, reason: 'the document is not UTF-8' };
  const text = bytes.toString('utf8');
  if (text.includes('<!DOCTYPE') || text.includes('<!ENTITY')) {
    return { ok: false, reason: 'document types are not accepted' };
  }
  try {
    return { ok: true, root: parse(text) };
  } catch (error) {
    if (error instanceof Refusal) return { ok: false, reason: error.message };
    throw error;
  }
}

function parse(text: string): XmlElement {
  let root: XmlElement | undefined;
  let elements = 0;
  const open: XmlElement[] = [];
  const refuse = (reason: string): never => {
    throw new Refusal(reason);
  };

  const parser = new SaxesParser({ xmlns: false, position: false });
  parser.on('error', (error) => refuse(error.message));
  parser.on('doctype', () => refuse('document types are not accepted'));
  parser.on('processinginstruction', () => refuse('processing instructions are not accepted'));
  parser.on('xmldecl', ({ encoding, version }) => {
    if (version !== undefined && version !== '1.0') refuse('only XML 1.0 is accepted');
    if (encoding !== undefined && encoding.toLowerCase() !== 'utf-8') refuse('only UTF-8 is accepted');
  });
  parser.on('opentag', (tag) => {
    elements += 1;
    if (elements > maximumElements) refuse('the document has too many elements');
    if (open.length >= maximumDepth) refuse('the document is nested too deeply');
    const entries = Object.entries(tag.attributes);
    if (entries.length > maximumAttributes) refuse('an element has too many attributes');
    const element: XmlElement = {
      name: tag.name,
      attributes: entries.length === 0 ? emptyAttributes : new Map(entries),
      children: [],
      text: '',
    };
    const parent = open.at(-1);
    if (parent === undefined) root = element;
    else parent.children.push(element);
    open.push(element);
  });
  parser.on('closetag', () => {
    open.pop();
  });
  const addText = (characters: string) => {
    const element = open.at(-1);
    if (element !== undefined) element.text += characters;
  };
  parser.on('text', addText);
  parser.on('cdata', addText);

  parser.write(text).close();
  return root ?? refuse('the document has no element');
}

/** The only child of that name; `duplicate` when there are several, because then readers may disagree. */
export function onlyChild(element: XmlElement, name: string): XmlElement | undefined | 'duplicate' {
  let found: XmlElement | undefined;
  for (const child of element.children) {
    if (child.name !== name) continue;
    if (found !== undefined) return 'duplicate';
    found = child;
  }
  return found;
}
