/** The charts of reports and documents: plain numbers in, one standalone SVG as a string out. */
export { type BarChart, barChart } from './charts/bar-chart.ts';
export { type EdgeCurve, type EdgeGrid, edgeGrid } from './charts/edge-grid.ts';
export { type HeatMap, heatMap } from './charts/heat-map.ts';
export { type LineChart, type LineSeries, lineChart } from './charts/line-chart.ts';
export { chartRow } from './charts/row.ts';
export { type ScatterChart, type ScatterSeries, scatterChart } from './charts/scatter-chart.ts';
