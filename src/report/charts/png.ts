import { crc32, deflateSync } from 'node:zlib';

/** Source: W3C, Portable Network Graphics (PNG) Specification, sections 5 and 11. */

const SIGNATURE = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);

function chunk(type: string, data: Uint8Array): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const framed = Buffer.alloc(body.length + 8);
  framed.writeUInt32BE(data.length, 0);
  framed.set(body, 4);
  framed.writeUInt32BE(crc32(body), body.length + 4);
  return framed;
}

function header(width: number, height: number): Buffer {
  const data = Buffer.alloc(13);
  data.writeUInt32BE(width, 0);
  data.writeUInt32BE(height, 4);
  data.set([8, 3, 0, 0, 0], 8); // eight bits per pixel, palette colours, no interlacing
  return data;
}

export interface IndexedImage {
  width: number;
  height: number;
  /** Up to 256 colours, [red, green, blue] from 0 to 255. */
  palette: readonly (readonly number[])[];
  /** The palette's index that is fully transparent, if one is. */
  transparent?: number;
  /** Row by row from the top, an index into the palette per pixel. */
  pixels: Uint8Array;
}

/** A palette image as a `data:` URI with a PNG in it. */
export function pngDataUri({ width, height, palette, transparent, pixels }: IndexedImage): string {
  const scanlines = new Uint8Array(height * (width + 1)); // each begins with its filter type, 0: none
  for (let row = 0; row < height; row++)
    scanlines.set(pixels.subarray(row * width, (row + 1) * width), row * (width + 1) + 1);
  const opacity = transparent === undefined ? [] : palette.map((_, index) => (index === transparent ? 0 : 255));
  const chunks = [
    chunk('IHDR', header(width, height)),
    chunk('PLTE', Uint8Array.from(palette.flat())),
    ...(opacity.length > 0 ? [chunk('tRNS', Uint8Array.from(opacity))] : []),
    chunk('IDAT', deflateSync(scanlines, { level: 9 })),
    chunk('IEND', new Uint8Array()),
  ];
  return `data:image/png;base64,${Buffer.concat([SIGNATURE, ...chunks]).toString('base64')}`;
}
