/** A program of its own, as text: the module of that name, bundled (.ci/build.mjs). */
declare module '*.bundle' {
  const source: string;
  export default source;
}
