/** A strict reader of the markup that the reports write: what it accepts is well-formed XML, apart from HTML's void tags. */

const VOID = new Set(['meta', '!doctype']);
const TAG = /<(\/?)([a-zA-Z!][\w-]*)((?:\s+[\w:-]+(?:="[^"<]*")?)*)\s*(\/?)>/y;
const TEXT = /[^<]+/y;
const REFERENCE = /&(?!(?:amp|lt|gt|quot|apos|#39|#\d+|#x[0-9a-fA-F]+);)/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: the characters XML 1.0 forbids.
const FORBIDDEN = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|\p{Surrogate}/u;

export interface Element {
  name: string;
  attributes: Record<string, string>;
  /** The text directly inside, references resolved. */
  text: string;
}

const resolve = (text: string) =>
  text
    .replace(/&lt;/g, '<')
    .replace(/&gt;/g, '>')
    .replace(/&quot;/g, '"')
    .replace(/&(?:#39|apos);/g, "'")
    .replace(/&amp;/g, '&');

function readAttributes(source: string): Record<string, string> {
  const pairs = [...source.matchAll(/([\w:-]+)(?:="([^"]*)")?/g)].map(([, name, value]) => [
    name,
    resolve(value ?? ''),
  ]);
  if (new Set(pairs.map(([name]) => name)).size < pairs.length) throw new Error(`attribute given twice: ${source}`);
  return Object.fromEntries(pairs);
}

/** All elements in document order; throws where the markup is not well formed. */
export function readMarkup(markup: string): Element[] {
  if (FORBIDDEN.test(markup)) throw new Error('forbidden character');
  if (REFERENCE.test(markup)) throw new Error(`bare ampersand: ${markup.slice(markup.search(REFERENCE)).slice(0, 60)}`);
  const elements: Element[] = [];
  const open: Element[] = [];
  let at = 0;
  while (at < markup.length) {
    TEXT.lastIndex = TAG.lastIndex = at;
    const text = TEXT.exec(markup);
    if (text) {
      const parent = open.at(-1);
      if (parent) parent.text += resolve(text[0]);
      at = TEXT.lastIndex;
      continue;
    }
    const tag = TAG.exec(markup);
    if (!tag) throw new Error(`not a tag: ${markup.slice(at, at + 60)}`);
    at = TAG.lastIndex;
    const [, closing, name, attributes, selfClosing] = tag;
    if (closing) {
      if (open.pop()?.name !== name) throw new Error(`</${name}> closes nothing`);
      continue;
    }
    const element = { name, attributes: readAttributes(attributes), text: '' };
    elements.push(element);
    if (!selfClosing && !VOID.has(name)) open.push(element);
  }
  if (open.length > 0) throw new Error(`<${open.at(-1)?.name}> is never closed`);
  return elements;
}

/** The elements of a class. */
export const withClass = (elements: Element[], name: string) =>
  elements.filter(({ attributes }) => attributes['class']?.split(' ').includes(name));

/** Nothing in the markup runs or loads: no script, no handler, no address but that of the SVG namespace and `data:` images. */
export function outsideReferences(elements: Element[]): string[] {
  const found = elements.flatMap(({ name, attributes }) => [
    ...(['script', 'iframe', 'object', 'embed', 'link', 'base', 'foreignObject'].includes(name) ? [name] : []),
    ...Object.keys(attributes).filter((attribute) => /^on/i.test(attribute)),
    ...['href', 'xlink:href', 'src', 'srcset', 'action'].filter(
      (attribute) => attribute in attributes && !attributes[attribute].startsWith('data:image/png;base64,'),
    ),
  ]);
  const attributes = elements.flatMap(({ attributes: all }) => Object.entries(all));
  const values = attributes.filter(([name]) => name !== 'aria-label' && name !== 'xmlns').map(([, value]) => value);
  const styles = elements.filter(({ name }) => name === 'style').map(({ text }) => text);
  const addresses = [...values, ...styles].join('\n').match(/https?:|@import|url\(/g);
  return [...found, ...(addresses ?? [])];
}
