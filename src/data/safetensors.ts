/**
 * Reading and writing safetensors files (https://huggingface.co/docs/safetensors, "Format").
 *
 * Eight bytes: header length N, little-endian. N bytes: JSON, each tensor's dtype, shape and data offsets, and
 * `__metadata__` of strings. Then the tensors, row-major, little-endian, end to end without holes.
 * Reading believes nothing that the file says about itself before it is checked.
 */
import { NestkanError } from '../errors.ts';

export interface Tensor {
  /** Sizes of the dimensions; empty for a single number. */
  readonly shape: readonly number[];
  readonly dtype: 'F64' | 'F32';
  /** Row-major, as many finite numbers as the shape says. */
  readonly data: ArrayLike<number>;
}

export interface DecodedTensor extends Tensor {
  readonly data: Float64Array | Float32Array;
}

export interface SafetensorsFile {
  readonly tensors: ReadonlyMap<string, DecodedTensor>;
  readonly metadata: ReadonlyMap<string, string>;
}

const LENGTH_BYTES = 8;
const ITEM_BYTES = { F64: 8, F32: 4 } as const;
/** The limit that the format's own library sets. */
const MAX_HEADER_BYTES = 100_000_000;
const MAX_DIMENSIONS = 8;
const METADATA = '__metadata__';

/**
 * The bytes of a file that holds these tensors and texts. Equal contents give equal bytes.
 *
 * @throws SHAPE_MISMATCH when a tensor's data do not fill its shape; NON_FINITE_INPUT for NaN, infinities and numbers
 *   that overflow F32; INVALID_ARGUMENT for the reserved name `__metadata__`
 */
export function encodeSafetensors(
  tensors: Readonly<Record<string, Tensor>>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array {
  for (const [name, tensor] of Object.entries(tensors)) checkTensor(name, tensor);
  // Wide items first keeps each tensor aligned to its item size.
  const names = Object.keys(tensors).sort(
    (a, b) => ITEM_BYTES[tensors[b].dtype] - ITEM_BYTES[tensors[a].dtype] || (a < b ? -1 : 1),
  );
  const header: [string, unknown][] = [[METADATA, metadata]];
  let end = 0;
  for (const name of names) {
    const { dtype, shape, data } = tensors[name];
    const begin = end;
    end += data.length * ITEM_BYTES[dtype];
    header.push([name, { dtype, shape, data_offsets: [begin, end] }]);
  }
  const json = new TextEncoder().encode(JSON.stringify(Object.fromEntries(header)));
  const start = Math.ceil((LENGTH_BYTES + json.length) / LENGTH_BYTES) * LENGTH_BYTES;
  const bytes = new Uint8Array(start + end).fill(0x20, LENGTH_BYTES, start);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, BigInt(start - LENGTH_BYTES), true);
  bytes.set(json, LENGTH_BYTES);
  let position = start;
  for (const name of names) position = writeItems(view, position, tensors[name]);
  return bytes;
}

/**
 * The tensors and texts of a file.
 *
 * @throws MODEL_FILE_INVALID, saying what is wrong, for anything but a sound file of finite F32 and F64 numbers
 */
export function decodeSafetensors(bytes: Uint8Array): SafetensorsFile {
  const headerBytes = headerLength(bytes);
  const header = parseHeader(bytes.subarray(LENGTH_BYTES, LENGTH_BYTES + headerBytes));
  const data = bytes.subarray(LENGTH_BYTES + headerBytes);
  const entries = [...header].filter(([name]) => name !== METADATA).map(([name, entry]) => parseEntry(name, entry));
  checkOffsets(entries, data.length);
  const tensors = new Map(entries.map((entry) => [entry.name, readTensor(entry, data)]));
  return { tensors, metadata: parseMetadata(header.get(METADATA)) };
}

interface Entry {
  readonly name: string;
  readonly dtype: 'F64' | 'F32';
  readonly shape: readonly number[];
  readonly begin: number;
  readonly end: number;
}

function checkTensor(name: string, { dtype, shape, data }: Tensor): void {
  const where = { tensor: name };
  if (name === METADATA) {
    throw new NestkanError('INVALID_ARGUMENT', `A tensor cannot be named ${METADATA}.`, { fix: 'Rename it.', where });
  }
  if (shape.length > MAX_DIMENSIONS || !shape.every(isSize) || itemCount(shape) !== data.length) {
    throw new NestkanError(
      'SHAPE_MISMATCH',
      `Tensor "${name}" of shape [${shape.join(', ')}] was given ${data.length} numbers.`,
      { fix: `Pass as many numbers as the shape has places, in at most ${MAX_DIMENSIONS} dimensions.`, where },
    );
  }
  const stored = dtype === 'F32' ? Math.fround : (value: number) => value;
  for (let i = 0; i < data.length; i++) {
    if (Number.isFinite(stored(data[i]))) continue;
    throw new NestkanError('NON_FINITE_INPUT', `Tensor "${name}" holds ${data[i]} at position ${i}.`, {
      fix: 'Save only finite numbers.',
      where: { ...where, position: i },
    });
  }
}

function writeItems(view: DataView, start: number, { dtype, data }: Tensor): number {
  const size = ITEM_BYTES[dtype];
  for (let i = 0; i < data.length; i++) {
    if (dtype === 'F64') view.setFloat64(start + i * size, data[i], true);
    else view.setFloat32(start + i * size, data[i], true);
  }
  return start + data.length * size;
}

function headerLength(bytes: Uint8Array): number {
  if (bytes.length < LENGTH_BYTES) throw invalid(`it has ${bytes.length} bytes, too few for a header`);
  const length = Number(new DataView(bytes.buffer, bytes.byteOffset, LENGTH_BYTES).getBigUint64(0, true));
  if (length > MAX_HEADER_BYTES) throw invalid(`it claims a header of ${length} bytes`);
  if (length > bytes.length - LENGTH_BYTES) {
    throw invalid(`its header should have ${length} bytes, but ${bytes.length - LENGTH_BYTES} are there`);
  }
  return length;
}

function parseHeader(bytes: Uint8Array): Map<string, unknown> {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw invalid('its header is no UTF-8 text', cause);
  }
  if (!text.startsWith('{')) throw invalid('its header does not start with a brace');
  // Of equal names JSON.parse keeps the last; the data of the others then lack an owner, which checkOffsets refuses.
  return new Map(Object.entries(parseJson(text) as Record<string, unknown>));
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw invalid('its header is no JSON', cause);
  }
}

function parseEntry(name: string, entry: unknown): Entry {
  if (!isRecord(entry)) throw invalid(`tensor "${name}" is not described by an object`);
  const { dtype, shape, data_offsets: offsets, ...rest } = entry;
  const unknown = Object.keys(rest)[0];
  if (unknown !== undefined) throw invalid(`tensor "${name}" has an unknown field "${unknown}"`);
  if (dtype !== 'F64' && dtype !== 'F32') {
    throw invalid(`tensor "${name}" has dtype ${JSON.stringify(dtype)}, neither F64 nor F32`);
  }
  if (!Array.isArray(shape) || shape.length > MAX_DIMENSIONS || !shape.every(isSize)) {
    throw invalid(`tensor "${name}" has no valid shape`);
  }
  if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(isSize) || offsets[0] > offsets[1]) {
    throw invalid(`tensor "${name}" has no valid data offsets`);
  }
  const [begin, end] = offsets as number[];
  if (itemCount(shape) * ITEM_BYTES[dtype] !== end - begin) {
    throw invalid(`tensor "${name}" of shape [${shape.join(', ')}] does not fit into ${end - begin} bytes`);
  }
  return { name, dtype, shape, begin, end };
}

/** The tensors cover the data end to end: no overlap, no hole, nothing before, between or behind. */
function checkOffsets(entries: readonly Entry[], length: number): void {
  let position = 0;
  for (const { name, begin, end } of [...entries].sort((a, b) => a.begin - b.begin || a.end - b.end)) {
    if (begin !== position) {
      throw invalid(`tensor "${name}" begins at byte ${begin} of the data, where ${position} was expected`);
    }
    position = end;
  }
  if (position !== length) throw invalid(`its tensors take ${position} bytes, but ${length} are there`);
}

function readTensor({ name, dtype, shape, begin, end }: Entry, data: Uint8Array): DecodedTensor {
  const size = ITEM_BYTES[dtype];
  const view = new DataView(data.buffer, data.byteOffset + begin, end - begin);
  const values = dtype === 'F64' ? new Float64Array(itemCount(shape)) : new Float32Array(itemCount(shape));
  for (let i = 0; i < values.length; i++) {
    values[i] = dtype === 'F64' ? view.getFloat64(i * size, true) : view.getFloat32(i * size, true);
    if (!Number.isFinite(values[i])) throw invalid(`tensor "${name}" holds ${values[i]} at position ${i}`);
  }
  return { shape, dtype, data: values };
}

function parseMetadata(value: unknown): Map<string, string> {
  if (value === undefined) return new Map();
  if (!isRecord(value)) throw invalid('its metadata are no object');
  return new Map(
    Object.entries(value).map(([name, text]) => {
      if (typeof text !== 'string') throw invalid(`its metadata entry "${name}" is no text`);
      return [name, text];
    }),
  );
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isSize(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

/** Beyond 2^53 the product is rounded, but then it fits no file either. */
function itemCount(shape: readonly number[]): number {
  return shape.reduce((count, size) => count * size, 1);
}

function invalid(problem: string, cause?: unknown): NestkanError {
  return new NestkanError('MODEL_FILE_INVALID', `This is no sound safetensors file: ${problem}.`, {
    fix: 'Use a file that was saved completely, or save the model again.',
    cause,
  });
}
