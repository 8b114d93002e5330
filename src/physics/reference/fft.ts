/**
 * The discrete Fourier transform X_k = Σ_j x_j exp(−2πi jk/n), in place, for powers of two.
 *
 * Source: Cooley and Tukey, Math. Comp. 19 (1965); radix 2, decimation in time.
 */
export function createFft(n: number): (real: Float64Array, imaginary: Float64Array) => void {
  const cosines = Float64Array.from({ length: n / 2 }, (_, j) => Math.cos((2 * Math.PI * j) / n));
  const sines = Float64Array.from({ length: n / 2 }, (_, j) => -Math.sin((2 * Math.PI * j) / n));
  const reversed = bitReversal(n);
  return (real, imaginary) => {
    for (let j = 0; j < n; j++) {
      if (reversed[j] <= j) continue;
      swap(real, j, reversed[j]);
      swap(imaginary, j, reversed[j]);
    }
    for (let half = 1; half < n; half *= 2) {
      const stride = n / (2 * half);
      for (let start = 0; start < n; start += 2 * half) {
        for (let j = 0; j < half; j++) {
          const [c, s] = [cosines[j * stride], sines[j * stride]];
          const [upper, lower] = [start + j, start + j + half];
          const re = c * real[lower] - s * imaginary[lower];
          const im = c * imaginary[lower] + s * real[lower];
          real[lower] = real[upper] - re;
          imaginary[lower] = imaginary[upper] - im;
          real[upper] += re;
          imaginary[upper] += im;
        }
      }
    }
  };
}

function bitReversal(n: number): Uint32Array {
  const reversed = new Uint32Array(n);
  for (let j = 1; j < n; j++) reversed[j] = (reversed[j >> 1] >> 1) | (j % 2 === 1 ? n >> 1 : 0);
  return reversed;
}

function swap(array: Float64Array, a: number, b: number): void {
  const held = array[a];
  array[a] = array[b];
  array[b] = held;
}
