/**
 * Text from outside (column names, file names, messages) on its way into HTML and SVG.
 *
 * Characters that XML 1.0 does not allow, even escaped, and halves of surrogate pairs become U+FFFD.
 */
export function plainText(value: string): string {
  return (
    value
      // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this removes.
      .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\ufffe\uffff]/g, '\ufffd')
      .replace(/\p{Surrogate}/gu, '\ufffd')
  );
}

const ENTITIES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

/** Text that is safe between tags and inside quoted attributes, in HTML and in XML alike. */
export function escapeText(value: string): string {
  return plainText(value).replace(/[&<>"']/g, (character) => ENTITIES[character]);
}
