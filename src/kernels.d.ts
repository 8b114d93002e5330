declare module '*.wgsl' {
  const source: string;
  export default source;
}

/** A WebAssembly module, assembled from its text (.ci/build.mjs). */
declare module '*.wat' {
  const binary: Uint8Array<ArrayBuffer>;
  export default binary;
}
