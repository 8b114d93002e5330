/**
 * One JSON document on standard output.
 *
 * JSON has no NaN and no infinities, and JSON.stringify would turn them into null in silence. They are written as the
 * strings "NaN", "Infinity" and "-Infinity", which Number() in JavaScript and float() in Python read back.
 */
export function toJson(value: unknown): string {
  return `${JSON.stringify(value, (_, item) => plain(item), 2)}\n`;
}

function plain(item: unknown): unknown {
  if (typeof item === 'number' && !Number.isFinite(item)) return String(item);
  if (typeof item === 'bigint') return Number(item);
  if (ArrayBuffer.isView(item) && !(item instanceof DataView)) return Array.from(item as unknown as ArrayLike<number>);
  if (item instanceof Map) return Object.fromEntries(item);
  if (item instanceof Set) return [...item];
  return item;
}
