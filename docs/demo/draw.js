// Heat maps and curves on canvases. Colours come from the page's style, so they follow its light or dark theme.

/** Blue, white or black, orange: the ends of the scale, and its middle in either theme. */
const LOW = [47, 95, 208];
const HIGH = [214, 96, 20];

function isDark() {
  return matchMedia('(prefers-color-scheme: dark)').matches;
}

/**
 * Values row by row, from the top left, on a diverging scale.
 *
 * @param {HTMLCanvasElement} canvas
 * @param {ArrayLike<number>} values
 * @param {{ low: number, high: number }} range
 */
export function drawMap(canvas, values, { low, high }) {
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext('2d'));
  const image = context.createImageData(canvas.width, canvas.height);
  const middle = isDark() ? 13 : 255;
  for (let index = 0; index < values.length; index++) {
    const t = Math.min(1, Math.max(-1, (2 * (values[index] - low)) / (high - low) - 1));
    const end = t < 0 ? LOW : HIGH;
    for (let channel = 0; channel < 3; channel++) {
      image.data[4 * index + channel] = middle + Math.abs(t) * (end[channel] - middle);
    }
    image.data[4 * index + 3] = 255;
  }
  context.putImageData(image, 0, 0);
}

const MARGIN = { left: 58, right: 12, top: 22, bottom: 34 };

/**
 * Loss against work, loss on a logarithmic scale.
 *
 * @param {HTMLCanvasElement} canvas
 * @param {import('./demo.js').Curve[]} curves
 * @param {number} totalWork right end of the axis
 */
export function drawCurves(canvas, curves, totalWork) {
  const [width, height] = [canvas.clientWidth, canvas.clientHeight];
  canvas.width = width * devicePixelRatio;
  canvas.height = height * devicePixelRatio;
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext('2d'));
  context.scale(devicePixelRatio, devicePixelRatio);
  const losses = curves.flatMap(({ points }) => points.map(({ loss }) => loss)).filter((loss) => loss > 0);
  if (losses.length === 0) return;
  const top = Math.ceil(Math.log10(Math.max(...losses)));
  const bottom = Math.min(top - 1, Math.floor(Math.log10(Math.min(...losses))));
  const x = (/** @type {number} */ work) => MARGIN.left + (work / totalWork) * (width - MARGIN.left - MARGIN.right);
  const y = (/** @type {number} */ exponent) =>
    MARGIN.top + ((top - exponent) / (top - bottom)) * (height - MARGIN.top - MARGIN.bottom);
  const style = getComputedStyle(document.documentElement);
  const color = (/** @type {string} */ name) => style.getPropertyValue(name);
  context.font = '12px system-ui, sans-serif';

  context.textAlign = 'right';
  context.textBaseline = 'middle';
  for (let exponent = bottom; exponent <= top; exponent++) {
    context.strokeStyle = color('--line');
    stroke(context, [MARGIN.left, y(exponent)], [width - MARGIN.right, y(exponent)]);
    context.fillStyle = color('--muted');
    context.fillText(`1e${exponent}`, MARGIN.left - 8, y(exponent));
  }
  context.textAlign = 'center';
  for (let tick = 0; tick <= 4; tick++) {
    const work = (totalWork * tick) / 4;
    context.fillText(String(work), Math.min(x(work), width - MARGIN.right - 12), height - MARGIN.bottom + 16);
  }

  for (const { color: name, points, refinements } of curves) {
    context.strokeStyle = color('--muted');
    context.setLineDash([2, 4]);
    for (const work of refinements) {
      stroke(context, [x(work), MARGIN.top], [x(work), height - MARGIN.bottom]);
      context.fillText('refined', x(work), MARGIN.top - 10);
    }
    context.setLineDash([]);
    context.strokeStyle = color(name);
    context.lineWidth = 2;
    stroke(context, ...points.map(({ work, loss }) => [x(work), y(Math.log10(loss))]));
    context.lineWidth = 1;
  }
}

/** @param {CanvasRenderingContext2D} context @param {number[][]} points */
function stroke(context, ...points) {
  context.beginPath();
  for (const [x, y] of points) context.lineTo(x, y);
  context.stroke();
}
