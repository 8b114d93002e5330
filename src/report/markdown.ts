import { plainText } from './escape.ts';
import { formatNumber } from './format.ts';

export type Align = 'left' | 'right' | 'center';
/** Strings stand as they are; numbers go through `formatNumber`; null and undefined become a dash. */
export type Cell = string | number | null | undefined;

export interface TableData {
  columns: readonly string[];
  /** One array per row, as long as `columns`; shorter rows are filled with dashes, longer ones cut. */
  rows: readonly (readonly Cell[])[];
  /** Per column; by default a column of numbers is set right and any other left. */
  align?: readonly Align[];
}

export function cellText(cell: Cell): string {
  return typeof cell === 'string' ? cell : formatNumber(cell);
}

/** The alignment of each column of `table`, defaults included. */
export function columnAlignment({ columns, rows, align = [] }: TableData): Align[] {
  return columns.map((_, index) => {
    const cells = rows.map((row) => row[index] ?? null).filter((cell) => cell !== null);
    return align[index] ?? (cells.length > 0 && cells.every((cell) => typeof cell === 'number') ? 'right' : 'left');
  });
}

/** A cell must neither end its column nor its row, nor open a tag. */
function markdownCell(text: string): string {
  return plainText(text)
    .replace(/\\/g, '\\\\')
    .replace(/\|/g, '\\|')
    .replace(/</g, '&lt;')
    .replace(/\s*\r?\n\s*/g, ' ');
}

function pad(text: string, width: number, align: Align): string {
  const missing = width - [...text].length;
  const left = align === 'right' ? missing : align === 'center' ? Math.floor(missing / 2) : 0;
  return ' '.repeat(left) + text + ' '.repeat(missing - left);
}

function rule(width: number, align: Align): string {
  if (align === 'right') return `${'-'.repeat(width - 1)}:`;
  return align === 'center' ? `:${'-'.repeat(width - 2)}:` : '-'.repeat(width);
}

/**
 * A GitHub-flavoured Markdown table, its columns padded so that it reads as plain text too; no line break at the end.
 *
 * @example
 * markdownTable({ columns: ['method', 'test MSE'], rows: [['multilevel', 1.2e-6]] });
 */
export function markdownTable(table: TableData): string {
  const align = columnAlignment(table);
  const head = table.columns.map(markdownCell);
  const body = table.rows.map((row) => head.map((_, index) => markdownCell(cellText(row[index]))));
  const widths = head.map((name, index) =>
    Math.max(3, ...[name, ...body.map((row) => row[index])].map((text) => [...text].length)),
  );
  const line = (cells: string[]) => `| ${cells.join(' | ')} |`;
  const padded = (cells: string[]) => line(cells.map((text, index) => pad(text, widths[index], align[index])));
  return [padded(head), line(widths.map((width, index) => rule(width, align[index]))), ...body.map(padded)].join('\n');
}
