import { escapeText, plainText } from '../escape.ts';

/**
 * The drawing's outer part: an SVG that stands alone as a file and inline in a page, in light and in dark.
 *
 * It paints its own background: a page may be dark where the system's preference, which an image file follows, is light.
 */

const LIGHT = ['#2f5fd0', '#c2500a', '#1a7f37', '#8a3ffc', '#0b7285', '#b4246c', '#8a6a00', '#59636e'];
const DARK = ['#7aa7ff', '#ff9d5c', '#4fd06f', '#c99bff', '#3fc7d8', '#ff84b7', '#e0b422', '#a3adb8'];
const variables = (colors: string[]) => colors.map((color, index) => `--series-${index}:${color}`).join(';');

const CSS = `.nestkan-chart{--ink:#1f2328;--muted:#59636e;--paper:#ffffff;${variables(LIGHT)};color:var(--ink);font-family:system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif;font-variant-numeric:tabular-nums}
@media (prefers-color-scheme:dark){.nestkan-chart{--ink:#e6edf3;--muted:#9aa4af;--paper:#0d1117;${variables(DARK)}}}`;

export const FONT_SIZE = 12;
const TITLE_SIZE = 15;
const LINE_HEIGHT = 1.35;
const EDGE = 12;
/** Longer texts do not fit a few lines whatever their letters. */
const MAX_WRAPPED = 1000;

/** The colour of a chart's series: eight tell apart in both schemes, then they repeat (see `seriesDash`). */
export const seriesColor = (index: number) => `var(--series-${index % LIGHT.length})`;

/** Dashed series, and series whose colour repeats, get a dash pattern of their own. */
export function seriesDash(index: number, dashed = false): string | undefined {
  if (dashed) return '6 4';
  return index >= LIGHT.length ? '1.5 3.5' : undefined;
}

function characterWidth(character: string): number {
  if (/[\u1100-\u11ff\u2190-\u21ff\u2e80-\uffff]|\p{Extended_Pictographic}/u.test(character)) return 1;
  return /[A-ZMW@%]/.test(character) ? 0.72 : 0.6;
}

/** Width of a text in pixels, on the wide side: no font is at hand to measure it with. */
export function textWidth(text: string, size = FONT_SIZE): number {
  let ems = 0;
  for (const character of text) ems += characterWidth(character);
  return ems * size;
}

/** `text` on one line, cut with an ellipsis where it is wider than `width` pixels. */
export function fitText(text: string, width: number, size = FONT_SIZE): string {
  const line = plainText(text).replace(/\s+/g, ' ').trim();
  const room = width / size - characterWidth('…');
  let [ems, kept] = [0, 0];
  for (const character of line) {
    ems += characterWidth(character);
    if (ems <= room) kept += character.length;
    else if (ems * size > width) return `${line.slice(0, kept).trimEnd()}…`;
  }
  return line;
}

/** Breaks a text at spaces into lines of at most `width` pixels; at most `maxLines`, the last one cut. */
function wrapText(text: string, width: number, size: number, maxLines = 3): string[] {
  const lines: string[] = [''];
  for (const word of plainText(text).trim().slice(0, MAX_WRAPPED).split(/\s+/)) {
    const current = lines.at(-1);
    const longer = current ? `${current} ${word}` : word;
    if (!current || textWidth(longer, size) <= width) lines[lines.length - 1] = longer;
    else lines.push(word);
  }
  const kept = lines.slice(0, maxLines);
  if (lines.length > maxLines) kept[maxLines - 1] = lines.slice(maxLines - 1).join(' ');
  return kept.map((line) => fitText(line, width, size));
}

export interface TextOptions {
  size?: number;
  anchor?: 'start' | 'middle' | 'end';
  muted?: boolean;
  bold?: boolean;
  className?: string;
  /** Keeps a text readable across lines that it lies on. */
  halo?: boolean;
}

/** One line of text with its baseline at (x, y). */
export function svgText(x: number, y: number, text: string, options: TextOptions = {}): string {
  const { size = FONT_SIZE, anchor = 'start', muted, bold, className, halo } = options;
  const attributes = [
    `x="${round(x)}" y="${round(y)}" font-size="${size}" fill="${muted ? 'var(--muted)' : 'currentColor'}"`,
    anchor === 'start' ? '' : ` text-anchor="${anchor}"`,
    bold ? ' font-weight="600"' : '',
    halo ? ' stroke="var(--paper)" stroke-width="4" paint-order="stroke"' : '',
    className ? ` class="${className}"` : '',
  ];
  return `<text ${attributes.join('')}>${escapeText(text)}</text>`;
}

export const round = (value: number) => Math.round(value * 100) / 100;

export interface LegendEntry {
  name: string;
  color: string;
  dash?: string;
  symbol: 'line' | 'dot' | 'box';
}

const SYMBOL_WIDTH = { line: 22, dot: 9, box: 12 };

function legendSymbol({ color, dash, symbol }: LegendEntry, x: number, middle: number): string {
  if (symbol === 'dot') return `<circle cx="${round(x + 4.5)}" cy="${round(middle)}" r="4" fill="${color}"/>`;
  if (symbol === 'box')
    return `<rect x="${round(x)}" y="${round(middle - 5)}" width="12" height="10" fill="${color}"/>`;
  const pattern = dash ? ` stroke-dasharray="${dash}"` : '';
  return `<line x1="${round(x)}" x2="${round(x + 22)}" y1="${round(middle)}" y2="${round(middle)}" stroke="${color}" stroke-width="2.5"${pattern}/>`;
}

/** Entries side by side, in as many rows as they need. */
function legend(entries: LegendEntry[], width: number, top: number): { markup: string; height: number } {
  if (entries.length === 0) return { markup: '', height: 0 };
  const rowHeight = 20;
  let [x, row] = [EDGE, 0];
  const markup = entries.map((entry) => {
    const indent = SYMBOL_WIDTH[entry.symbol] + 6;
    const name = fitText(entry.name, width - 2 * EDGE - indent);
    const needed = indent + textWidth(name);
    if (x > EDGE && x + needed > width - EDGE) [x, row] = [EDGE, row + 1];
    const middle = top + row * rowHeight + rowHeight / 2;
    const item = legendSymbol(entry, x, middle) + svgText(x + indent, middle + 4, name, { className: 'legend' });
    x += needed + 14;
    return item;
  });
  return { markup: markup.join(''), height: (row + 1) * rowHeight };
}

export interface Drawing {
  title: string;
  /** One or two sentences for those who cannot see the picture. */
  description: string;
  /** Pixels. */
  width: number;
  legend?: LegendEntry[];
  /** Remarks below the drawing, each its own lines. */
  notes?: string[];
  /** The drawing's height in pixels, and its markup with the origin at its top left corner. */
  body: { height: number; markup: string };
}

/** Title, legend, drawing and notes as one SVG. */
export function svgDocument({ title, description, width, legend: entries = [], notes = [], body }: Drawing): string {
  const inner = width - 2 * EDGE;
  let top = EDGE;
  const lines = (texts: string[], size: number, options: TextOptions) =>
    texts.map((text) => {
      top += size * LINE_HEIGHT;
      return svgText(EDGE, top - size * 0.35, text, { size, ...options });
    });
  // Bold letters are about 8 % wider.
  const heading =
    title.trim() === '' ? [] : lines(wrapText(title, inner / 1.08, TITLE_SIZE), TITLE_SIZE, { bold: true });
  if (heading.length > 0) top += 6;
  const key = legend(entries, width, top);
  top += key.height + (key.height > 0 ? 4 : 0);
  const drawing = `<g transform="translate(0,${round(top)})">${body.markup}</g>`;
  top += body.height;
  const remarks = notes.flatMap((note) => lines(wrapText(note, inner, 11), 11, { muted: true, className: 'note' }));
  const height = Math.ceil(top + EDGE);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" class="nestkan-chart" role="img" aria-label="${escapeText(title)}" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" fill="currentColor">`,
    `<title>${escapeText(title)}</title><desc>${escapeText(description)}</desc><style>${CSS}</style>`,
    `<rect width="${width}" height="${height}" fill="var(--paper)"/>`,
    ...heading,
    key.markup,
    drawing,
    ...remarks,
    '</svg>',
  ].join('\n');
}
