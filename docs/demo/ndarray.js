// The few lines of the package ndarray that nestkan needs for its results. A page made with a bundler uses the package
// itself; this one is served as it lies here, and a browser cannot load CommonJS.
export default function ndarray(data, shape) {
  const stride = shape.map((_, axis) => shape.slice(axis + 1).reduce((product, extent) => product * extent, 1));
  return {
    data,
    shape,
    stride,
    offset: 0,
    get: (...indices) => data[indices.reduce((at, index, axis) => at + index * stride[axis], 0)],
  };
}
