import { escapeText } from './escape.ts';
import { cellText, columnAlignment, type TableData } from './markdown.ts';

export interface Paragraph {
  kind: 'paragraph';
  text: string;
}

export interface Code {
  kind: 'code';
  text: string;
}

export interface Table extends TableData {
  kind: 'table';
  caption?: string;
  /** Numbers of rows, from zero, to set in bold. */
  highlight?: readonly number[];
}

export interface Figure {
  kind: 'figure';
  /** Markup from this folder's charts; it is put into the page as it is. */
  svg: string;
  caption?: string;
}

/** Small figures side by side, as many as there is room for. */
export interface Figures {
  kind: 'figures';
  figures: readonly Omit<Figure, 'kind'>[];
}

export interface KeyValues {
  kind: 'key-values';
  entries: readonly (readonly [key: string, value: string])[];
}

export type Block = Paragraph | Code | Table | Figure | Figures | KeyValues;

export interface Section {
  heading: string;
  blocks: readonly Block[];
}

export interface HtmlReport {
  title: string;
  subtitle?: string;
  sections: readonly Section[];
}

const CSS = `
:root{color-scheme:light dark;--ink:#1f2328;--muted:#59636e;--paper:#ffffff;--line:#d1d9e0;--wash:#f6f8fa;--accent:#2f5fd0}
@media (prefers-color-scheme:dark){:root{--ink:#e6edf3;--muted:#9aa4af;--paper:#0d1117;--line:#30363d;--wash:#161b22;--accent:#7aa7ff}}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif;-webkit-text-size-adjust:100%}
main{max-width:60rem;margin:0 auto;padding:2.5rem 1.25rem 4rem}
header{border-bottom:1px solid var(--line);padding-bottom:1rem;margin-bottom:2rem}
h1{font-size:1.75rem;line-height:1.25;margin:0;letter-spacing:-.01em}
h2{font-size:1.2rem;line-height:1.3;margin:2.5rem 0 .75rem}
h1,h2,p,dd,figcaption,caption{overflow-wrap:anywhere}
header p{margin:.4rem 0 0;color:var(--muted)}
p{margin:.75rem 0;max-width:44rem}
pre{background:var(--wash);border:1px solid var(--line);border-radius:6px;padding:.75rem 1rem;margin:.75rem 0;overflow-x:auto}
pre,code{font:.85rem/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}
.scroll{overflow-x:auto;margin:1rem 0}
table{border-collapse:collapse;font-size:.9rem;font-variant-numeric:tabular-nums}
caption{text-align:left;color:var(--muted);padding-bottom:.5rem}
th,td{padding:.35rem .9rem;border-bottom:1px solid var(--line);text-align:left;white-space:nowrap}
th:first-child,td:first-child{padding-left:.25rem}
thead th{border-bottom:2px solid var(--line);font-weight:600;vertical-align:bottom}
tbody th{font-weight:400}
.right{text-align:right}.center{text-align:center}
.highlight>*{font-weight:600;background:var(--wash)}
dl{display:grid;grid-template-columns:minmax(7rem,max-content) 1fr;gap:.3rem 1.5rem;margin:.75rem 0;font-size:.95rem;font-variant-numeric:tabular-nums}
dt{color:var(--muted)}dd{margin:0}
figure{margin:1.25rem 0 1.25rem -.75rem}
figure .scroll{margin:0}
figure svg{display:block;max-width:100%;height:auto}
.figures{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,21rem),1fr));gap:0 1rem;margin:1.25rem 0}.figures figure{margin-top:0;margin-bottom:0}
figcaption{color:var(--muted);font-size:.875rem;margin-top:.25rem;padding-left:.75rem;max-width:44rem}
@media (max-width:46rem){main{padding-top:1.5rem}dl{grid-template-columns:1fr;gap:0}dd{margin-bottom:.5rem}figure svg{max-width:max(100%,34rem)}}
@media print{main{max-width:none;padding:0}body{font-size:11pt}figure,tr,dl{break-inside:avoid}h2{break-after:avoid}.scroll{overflow:visible}pre{white-space:pre-wrap}}
`.trim();

function tableMarkup(table: Table): string {
  const align = columnAlignment(table).map((side) => (side === 'left' ? '' : ` class="${side}"`));
  const head = table.columns.map((name, index) => `<th scope="col"${align[index]}>${escapeText(name)}</th>`);
  const body = table.rows.map((row, rowIndex) => {
    const cells = table.columns.map((_, index) => {
      const tag = index === 0 ? 'th scope="row"' : 'td';
      return `<${tag}${align[index]}>${escapeText(cellText(row[index]))}</${tag.slice(0, 2)}>`;
    });
    return `<tr${table.highlight?.includes(rowIndex) ? ' class="highlight"' : ''}>${cells.join('')}</tr>`;
  });
  const caption = table.caption ? `<caption>${escapeText(table.caption)}</caption>` : '';
  return `<div class="scroll"><table>${caption}<thead><tr>${head.join('')}</tr></thead><tbody>\n${body.join('\n')}\n</tbody></table></div>`;
}

function figureMarkup({ svg, caption }: Omit<Figure, 'kind'>): string {
  const below = caption ? `<figcaption>${escapeText(caption)}</figcaption>` : '';
  return `<figure><div class="scroll">${svg}</div>${below}</figure>`;
}

function blockMarkup(block: Block): string {
  switch (block.kind) {
    case 'paragraph':
      return `<p>${escapeText(block.text)}</p>`;
    case 'code':
      return `<pre><code>${escapeText(block.text)}</code></pre>`;
    case 'table':
      return tableMarkup(block);
    case 'figure':
      return figureMarkup(block);
    case 'figures':
      return `<div class="figures">${block.figures.map(figureMarkup).join('\n')}</div>`;
    case 'key-values':
      return `<dl>${block.entries.map(([key, value]) => `<dt>${escapeText(key)}</dt><dd>${escapeText(value)}</dd>`).join('')}</dl>`;
  }
}

/**
 * One HTML file that needs nothing but itself: no script, no network, readable in light and dark, on paper and on a phone.
 *
 * Every text is escaped; only the figures' SVG goes in as it is.
 */
export function htmlReport({ title, subtitle, sections }: HtmlReport): string {
  const body = sections.map(
    ({ heading, blocks }) =>
      `<section>\n<h2>${escapeText(heading)}</h2>\n${blocks.map(blockMarkup).join('\n')}\n</section>`,
  );
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escapeText(title)}</title>
<style>${CSS}</style>
</head>
<body>
<main>
<header>
<h1>${escapeText(title)}</h1>${subtitle ? `\n<p>${escapeText(subtitle)}</p>` : ''}
</header>
${body.join('\n')}
</main>
</body>
</html>
`;
}
