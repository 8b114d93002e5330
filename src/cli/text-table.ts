/** Tables for terminals: aligned columns, two spaces apart. */
import { type Align, cellText, columnAlignment, type TableData } from '../report/markdown.ts';

export function textTable(table: TableData): string {
  const align = columnAlignment(table);
  const rows = [table.columns, ...table.rows.map((row) => table.columns.map((_, index) => cellText(row[index])))];
  const widths = table.columns.map((_, index) => Math.max(...rows.map((row) => [...row[index]].length)));
  const line = (row: readonly string[]) =>
    row
      .map((text, index) => pad(text, widths[index], align[index]))
      .join('  ')
      .trimEnd();
  return rows.map(line).join('\n');
}

function pad(text: string, width: number, align: Align): string {
  const space = ' '.repeat(width - [...text].length);
  return align === 'right' ? space + text : text + space;
}
