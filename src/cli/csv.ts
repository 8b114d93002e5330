/** Comma-separated text to header and cells and back, by way of csv-parse and csv-stringify. */
import { CsvError, parse } from 'csv-parse/sync';
import { stringify } from 'csv-stringify/sync';
import { NestkanError } from '../node.ts';

/** What createTable makes a table from. */
export interface CsvText {
  readonly header: string[];
  readonly records: string[][];
  /** Line of each record's end in the file, counted from 1. */
  readonly lines: number[];
  /** What stands between columns. */
  readonly delimiter: string;
}

const DELIMITERS = [',', ';', '\t'];

/**
 * The header and records of a CSV file in UTF-8. Columns are separated by the comma, semicolon or tab that is most
 * frequent in the header; blank lines are skipped.
 *
 * @throws DATA_MALFORMED for bytes that are not UTF-8 and for quotes that are not closed
 */
export function parseCsv(bytes: Uint8Array): CsvText {
  const text = decode(bytes);
  const delimiter = detectDelimiter(text);
  const records: string[][] = [];
  const lines: number[] = [];
  try {
    parse(text, {
      trim: true,
      delimiter,
      relax_column_count: true,
      skip_empty_lines: true,
      max_record_size: 0,
      on_record: (record, { lines: line }) => {
        records.push(record);
        lines.push(line);
        return null;
      },
    });
  } catch (cause) {
    if (cause instanceof CsvError) throw malformed(cause);
    throw cause;
  }
  const [header = [], ...rows] = records;
  return { header, records: rows, lines: lines.slice(1), delimiter };
}

/** A header and rows as CSV text; cells that hold the delimiter, quotes, line breaks or outer spaces are quoted. */
export function formatCsv({ header, records, delimiter }: Omit<CsvText, 'lines'>): string {
  return stringify([header, ...records], { delimiter, quoted_match: /^\s|\s$/ });
}

function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new NestkanError('DATA_MALFORMED', 'The table is not UTF-8 text.', {
      fix: 'Save it as CSV in UTF-8.',
      cause,
    });
  }
}

function detectDelimiter(text: string): string {
  const header = headerLine(text).replace(/"[^"]*"/g, '');
  const count = (delimiter: string) => header.split(delimiter).length;
  return DELIMITERS.reduce((best, delimiter) => (count(delimiter) > count(best) ? delimiter : best));
}

function headerLine(text: string): string {
  return /[^\r\n]+/.exec(text)?.[0] ?? '';
}

function malformed(cause: CsvError): NestkanError {
  const line = typeof cause['lines'] === 'number' ? cause['lines'] : undefined;
  return new NestkanError('DATA_MALFORMED', `The table cannot be read: ${cause.message}.`, {
    fix: 'Close every quote, and write a quote inside a quoted value twice.',
    where: { line },
    cause,
  });
}
