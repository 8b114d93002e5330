import { escapeText } from '../escape.ts';

interface Size {
  readonly width: number;
  readonly height: number;
}

/**
 * Charts side by side, their top edges level, as one SVG.
 *
 * @param charts drawings of this folder, whose own titles stay
 */
export function chartRow(title: string, charts: readonly string[]): string {
  const sizes = charts.map(sizeOf);
  const width = sizes.reduce((sum, size) => sum + size.width, 0);
  const height = Math.max(0, ...sizes.map((size) => size.height));
  let left = 0;
  const placed = charts.map((chart, index) => {
    const svg = chart.replace('<svg ', `<svg x="${left}" `);
    left += sizes[index].width;
    return svg;
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" class="nestkan-chart" role="img" aria-label="${escapeText(title)}" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">`,
    `<title>${escapeText(title)}</title><desc>${charts.length} charts side by side.</desc>`,
    // Charts paint their own backgrounds, which end where they do.
    `<rect width="${width}" height="${height}" fill="var(--paper)"/>`,
    ...placed,
    '</svg>',
  ].join('\n');
}

function sizeOf(chart: string): Size {
  const [, width, height] = /^<svg [^>]* width="(\d+)" height="(\d+)"/.exec(chart)!;
  return { width: Number(width), height: Number(height) };
}
