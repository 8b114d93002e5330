import { expect } from 'chai';
import fc from 'fast-check';
import { decodeSafetensors, encodeSafetensors, type Tensor } from '../../src/data/safetensors.ts';
import { createRandom } from '../../src/random.ts';

const small: Record<string, Tensor> = {
  weights: { dtype: 'F64', shape: [2, 2], data: [1, -2.5, 1e-300, 4] },
  bias: { dtype: 'F32', shape: [3], data: [0.5, 0, -8] },
};
const metadata = { format: 'nestkan', text: 'häßlich "quoted" {[' };

/** A file from its parts, as an outside writer would make it. */
function assemble(header: string | object, data: Uint8Array = new Uint8Array(0)): Uint8Array {
  const json = Buffer.from(typeof header === 'string' ? header : JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  return Buffer.concat([length, json, data]);
}

function problem(bytes: Uint8Array): string {
  try {
    decodeSafetensors(bytes);
  } catch (error) {
    expect((error as { code: string }).code, String(error)).to.equal('MODEL_FILE_INVALID');
    return (error as Error).message;
  }
  throw new Error('the file was accepted');
}

/** Decodes or fails with the one permitted error. */
function survives(bytes: Uint8Array): void {
  try {
    for (const { data, shape } of decodeSafetensors(bytes).tensors.values()) {
      expect(data.length).to.equal(shape.reduce((count, size) => count * size, 1));
      expect([...data].every(Number.isFinite)).to.equal(true);
    }
  } catch (error) {
    expect((error as { code?: string }).code, String(error)).to.equal('MODEL_FILE_INVALID');
  }
}

describe('safetensors', () => {
  it('reads as the format says: an independent reader finds every number', () => {
    const bytes = Buffer.from(encodeSafetensors(small, metadata));
    const headerLength = Number(bytes.readBigUInt64LE(0));
    const text = bytes.subarray(8, 8 + headerLength).toString('utf8');
    expect((8 + headerLength) % 8).to.equal(0);
    const { __metadata__, ...header } = JSON.parse(text);
    expect(__metadata__).to.deep.equal(metadata);
    expect(header).to.deep.equal({
      weights: { dtype: 'F64', shape: [2, 2], data_offsets: [0, 32] },
      bias: { dtype: 'F32', shape: [3], data_offsets: [32, 44] },
    });
    const data = bytes.subarray(8 + headerLength);
    expect(data.length).to.equal(44);
    expect([0, 8, 16, 24].map((at) => data.readDoubleLE(at))).to.deep.equal([1, -2.5, 1e-300, 4]);
    expect([32, 36, 40].map((at) => data.readFloatLE(at))).to.deep.equal([0.5, 0, -8]);
  });

  it('gives back what it was given, bit for bit', () => {
    const tensor = fc
      .tuple(fc.array(fc.nat(3), { maxLength: 4 }), fc.constantFrom('F32' as const, 'F64' as const))
      .chain(([shape, dtype]) => {
        const length = shape.reduce((count, size) => count * size, 1);
        const number = dtype === 'F32' ? fc.float : fc.double;
        const item = number({ noNaN: true, noDefaultInfinity: true });
        return fc.array(item, { minLength: length, maxLength: length }).map((data) => ({ shape, dtype, data }));
      });
    const name = fc.string({ unit: 'grapheme' }).filter((text) => text !== '__metadata__' && text !== '__proto__');
    fc.assert(
      fc.property(fc.dictionary(name, tensor), fc.dictionary(fc.string(), fc.string()), (tensors, texts) => {
        const file = decodeSafetensors(encodeSafetensors(tensors, texts));
        expect([...file.metadata].sort()).to.deep.equal(Object.entries(texts).sort());
        expect([...file.tensors.keys()].sort()).to.deep.equal(Object.keys(tensors).sort());
        for (const [key, { shape, dtype, data }] of file.tensors) {
          expect(shape).to.deep.equal(tensors[key].shape);
          expect(dtype).to.equal(tensors[key].dtype);
          expect([...data].every((number, i) => Object.is(number, tensors[key].data[i]))).to.equal(true);
        }
      }),
    );
  });

  it('gives equal bytes for equal contents, in whatever order', () => {
    const { weights, bias } = small;
    expect(encodeSafetensors({ bias, weights }, metadata)).to.deep.equal(encodeSafetensors(small, metadata));
  });

  it('reads from the middle of a larger buffer', () => {
    const bytes = encodeSafetensors(small, metadata);
    const larger = new Uint8Array(bytes.length + 13);
    larger.set(bytes, 5);
    const file = decodeSafetensors(larger.subarray(5, 5 + bytes.length));
    expect([...file.tensors.get('weights')!.data]).to.deep.equal(small['weights'].data);
  });

  it('refuses a file cut off at any byte, or with bytes behind its end', () => {
    const bytes = encodeSafetensors(small, metadata);
    for (let length = 0; length < bytes.length; length++) problem(bytes.subarray(0, length));
    expect(problem(Buffer.concat([bytes, Buffer.alloc(1)]))).to.contain('its tensors take 44 bytes, but 45 are there');
  });

  it('survives any single damaged byte', () => {
    const bytes = encodeSafetensors(small, metadata);
    const random = createRandom(1);
    for (let position = 0; position < bytes.length; position++) {
      for (const damage of [1, 0x80, 0xff, 1 + random.integer(254)]) {
        const damaged = bytes.slice();
        damaged[position] ^= damage;
        survives(damaged);
      }
    }
  });

  it('survives several damaged bytes, and noise', () => {
    const bytes = encodeSafetensors(small, metadata);
    const damages = fc.array(fc.tuple(fc.nat(bytes.length - 1), fc.nat(255)), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(damages, (list) => {
        const damaged = bytes.slice();
        for (const [position, value] of list) damaged[position] = value;
        survives(damaged);
      }),
      { numRuns: 1000 },
    );
    fc.assert(fc.property(fc.uint8Array({ maxLength: 64 }), survives));
    fc.assert(fc.property(fc.json(), fc.uint8Array(), (json, data) => survives(assemble(json, data))));
  });

  it('says what is wrong with a header', () => {
    const tensor = { dtype: 'F32', shape: [2], data_offsets: [0, 8] };
    const eight = new Uint8Array(8);
    const cases: [string, Uint8Array][] = [
      ['too few for a header', new Uint8Array(7)],
      ['claims a header', new Uint8Array(16).fill(0xff)],
      ['does not start with a brace', assemble('[]')],
      ['does not start with a brace', assemble(` {}`)],
      ['does not start with a brace', assemble('\u{feff}{}')],
      ['no JSON', assemble('{"a":')],
      ['no JSON', assemble('{"a\\x":1}')],
      ['no JSON', assemble('{}{}')],
      ['no JSON', assemble(`{"a":${'['.repeat(1_000_000)}`)],
      ['unknown field "a"', assemble(`${'{"a":'.repeat(5)}1${'}'.repeat(5)}`)],
      [
        'begins at byte 8',
        assemble(
          '{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"a":{"dtype":"F32","shape":[2],"data_offsets":[8,16]}}',
          new Uint8Array(16),
        ),
      ],
      ['not described by an object', assemble({ a: 3 })],
      ['not described by an object', assemble({ a: null })],
      ['unknown field "extra"', assemble({ a: { ...tensor, extra: 1 } }, eight)],
      ['dtype "I64"', assemble({ a: { ...tensor, dtype: 'I64' } }, eight)],
      ['no valid shape', assemble({ a: { ...tensor, shape: [-2] } }, eight)],
      ['no valid shape', assemble({ a: { ...tensor, shape: [1.5] } }, eight)],
      ['no valid shape', assemble({ a: { ...tensor, shape: '2' } }, eight)],
      ['no valid shape', assemble({ a: { ...tensor, shape: new Array(9).fill(1) } }, eight)],
      ['no valid data offsets', assemble({ a: { ...tensor, data_offsets: [8, 0] } }, eight)],
      ['no valid data offsets', assemble({ a: { ...tensor, data_offsets: [0] } }, eight)],
      ['does not fit into 8 bytes', assemble({ a: { ...tensor, shape: [3] } }, eight)],
      ['does not fit', assemble({ a: { ...tensor, shape: new Array(8).fill(2 ** 52) } }, eight)],
      ['begins at byte 4', assemble({ a: { ...tensor, data_offsets: [4, 12] } }, new Uint8Array(12))],
      ['begins at byte 4', assemble({ a: tensor, b: { ...tensor, data_offsets: [4, 12] } }, new Uint8Array(12))],
      ['begins at byte 12', assemble({ a: tensor, b: { ...tensor, data_offsets: [12, 20] } }, new Uint8Array(20))],
      ['take 8 bytes, but 0 are there', assemble({ a: tensor })],
      ['metadata entry "version" is no text', assemble({ __metadata__: { version: 1 } })],
      ['metadata are no object', assemble({ __metadata__: 'text' })],
    ];
    for (const [expected, bytes] of cases) expect(problem(bytes)).to.contain(expected);
    const notUtf8 = assemble('{"a":1}');
    notUtf8[10] = 0xff;
    expect(problem(notUtf8)).to.contain('no UTF-8');
  });

  it('refuses numbers that are not finite, in files and in tensors to be written', () => {
    const data = new Uint8Array(new Float32Array([1, NaN]).buffer);
    const bytes = assemble({ a: { dtype: 'F32', shape: [2], data_offsets: [0, 8] } }, data);
    expect(problem(bytes)).to.contain('tensor "a" holds NaN at position 1');
    for (const [dtype, number] of [
      ['F64', Infinity],
      ['F32', 1e39],
      ['F32', NaN],
    ] as const) {
      expect(() => encodeSafetensors({ a: { dtype, shape: [], data: [number] } }))
        .to.throw()
        .with.property('code', 'NON_FINITE_INPUT');
    }
  });

  it('refuses tensors that do not fill their shape, and the reserved name', () => {
    expect(() => encodeSafetensors({ a: { dtype: 'F64', shape: [2], data: [1] } }))
      .to.throw()
      .with.property('code', 'SHAPE_MISMATCH');
    expect(() => encodeSafetensors({ __metadata__: { dtype: 'F64', shape: [], data: [1] } }))
      .to.throw()
      .with.property('code', 'INVALID_ARGUMENT');
  });

  it('accepts what other writers may do: no metadata, padding, empty tensors, other orders', () => {
    const header = {
      b: { dtype: 'F32', shape: [1], data_offsets: [0, 4] },
      empty: { dtype: 'F64', shape: [0, 3], data_offsets: [4, 4] },
      a: { dtype: 'F32', shape: [], data_offsets: [4, 8] },
    };
    const data = new Uint8Array(new Float32Array([1.5, 2.5]).buffer);
    const { tensors, metadata: texts } = decodeSafetensors(assemble(`${JSON.stringify(header)}   `, data));
    expect([...tensors.get('a')!.data]).to.deep.equal([2.5]);
    expect([...tensors.get('b')!.data]).to.deep.equal([1.5]);
    expect(tensors.get('empty')!.data).to.have.length(0);
    expect(texts.size).to.equal(0);
  });
});
