import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { onlyChild, readXml } from './reader.ts';
import { escapeXml, xml, xmlDocument } from './writer.ts';

const read = (text: string) => readXml(Buffer.from(text));

describe('reading XML', () => {
  test('gives elements, attributes and text with the five entities resolved', () => {
    const document = read('<a x="1 &amp; 2"><b>&lt;ok&gt; &#x41;<![CDATA[<raw>]]></b><!-- no --></a>');
    if (!document.ok) throw new Error(document.reason);
    expect(document.root.attributes.get('x')).toBe('1 & 2');
    expect(document.root.children[0]).toMatchObject({ name: 'b', text: '<ok> A<raw>' });
  });

  test('takes a byte order mark', () => {
    expect(read('\ufeff<a/>').ok).toBe(true);
  });

  test.each([
    ['billion-laughs', '<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'],
    ['prototype-entity', '<a>&constructor;</a>'],
    ['processing-instruction', '<a><?php x?></a>'],
    ['another-encoding', '<?xml version="1.0" encoding="utf-7"?><a/>'],
    ['attribute-twice', '<a b="1" b="2"/>'],
    ['two-roots', '<a/><b/>'],
    ['text-after-root', '<a/>text'],
    ['nothing', ''],
    ['unclosed', '<a><b></a>'],
    ['null-character-reference', '<a>&#0;</a>'],
    ['too-many-attributes', `<a ${Array.from({ length: 40 }, (_, index) => `a${index}=""`).join(' ')}/>`],
    ['too-large', `<a>${'x'.repeat(70_000)}</a>`],
  ])('refuses %s', (_name, text) => {
    expect(read(text).ok).toBe(false);
  });

  test('never throws', () => {
    const piece = fc.constantFrom(
      '<a>',
      '</a>',
      '<b x="',
      '"/>',
      '&amp;',
      '&',
      '<!--',
      '-->',
      '<![CDATA[',
      ']]>',
      'é',
      '\0',
    );
    fc.assert(
      fc.property(fc.array(fc.oneof(piece, fc.string()), { maxLength: 40 }), (pieces) => {
        expect(typeof read(pieces.join('')).ok).toBe('boolean');
      }),
      { numRuns: 2000 },
    );
  });

  test('tells a duplicate from an only child', () => {
    const document = read('<a><b/><c/><c/></a>');
    if (!document.ok) throw new Error(document.reason);
    expect(onlyChild(document.root, 'b')).toMatchObject({ name: 'b' });
    expect(onlyChild(document.root, 'c')).toBe('duplicate');
    expect(onlyChild(document.root, 'd')).toBeUndefined();
  });
});

describe('writing XML', () => {
  test('escapes values and leaves markup alone', () => {
    const inner = xml`<b>${'<script>'}</b>`;
    expect(xml`<a x="${'"\''}">${inner}${[inner]}</a>`.markup).toBe(
      '<a x="&quot;&#39;"><b>&lt;script&gt;</b><b>&lt;script&gt;</b></a>',
    );
  });

  test('gives back any printable text when it is read again', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        const document = readXml(Buffer.from(xmlDocument(xml`<a b="${text}">${text}</a>`)));
        if (!document.ok) throw new Error(document.reason);
        const printable = text.replaceAll(/[\t\n\r]/g, ' ').replaceAll(/[\p{Cc}\ufffe\uffff]/gu, '');
        expect(document.root.text).toBe(printable);
      }),
    );
  });

  test('drops control characters, which no document can hold', () => {
    expect(escapeXml('a\u0000\u001b[31m\u0085b\r\nc')).toBe('a[31mb  c');
  });
});
