// partials[model,tile,i] = Σ_{b in tile} ∂loss_b/∂parameter_i and losses[model,tile] = Σ loss_b: forward sweep, loss and
// backward sweep of a narrow network in one kernel. The end of a text that src/kernels/network-gradient.ts puts together.
//
// A workgroup is one tile of samples of one model, in passes of as many samples as its memory has slots for. In the sweeps
// LANES threads share a point; afterwards a thread owns an edge and adds what all points of the pass contribute to it, in
// order: no atomics, and the same bits each time. Tile t holds samples t·T … min(t·T + T, batch) − 1, T = ⌈batch/tiles⌉.
// Source: docs/mathematics.md, "A network in one kernel".
@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let tile = workgroup.x;
  slot = local % SLOTS;
  lane = local / SLOTS;
  model = workgroup.y;
  parameterBase = model * length;
  partialBase = (model * allTiles + firstTile + tile) * length;
  let tileSamples = (batch + tiles - 1u) / tiles;
  let tileStart = min(tile * tileSamples, batch);
  let tileEnd = min(tileStart + tileSamples, batch);
  for (var index = local; index < length; index += THREADS) {
    if (sumsAreLocal) {
      sums[index] = 0.0;
    } else {
      partials[partialBase + index] = 0.0;
    }
  }
  storageBarrier();
  // Looks like a bound known at run time only; drivers would unroll the loops over layers and compile for seconds.
  let layersEnd = select(0u, LAYERS, arrayLength(&x) > 0u);
  var loss = 0.0;
  for (var first = tileStart; first < tileEnd; first += SAMPLES) {
    let count = min(SAMPLES, tileEnd - first);
    workgroupBarrier();
    let isActive = slot < traces * count;
    if (isActive) {
      loadInputs(slot / count * batch + first + slot % count);
    }
    workgroupBarrier();
    for (var index = 0u; index < layersEnd; index++) {
      layer = layerAt(index);
      if (isActive && layer.isSpline) {
        locateInputs();
      }
      workgroupBarrier();
      if (isActive) {
        if (layer.isSpline) {
          splineForward();
        } else {
          affineForward();
        }
      }
      workgroupBarrier();
    }
    if (local < count) {
      loss += evaluateLoss(first + local, local, count);
    }
    workgroupBarrier();
    // The first layer's inputs are data.
    for (var index = layersEnd - 1u; index > 0u; index--) {
      layer = layerAt(index);
      if (isActive) {
        if (layer.isSpline) {
          splineBackward();
        } else {
          affineBackward();
        }
      }
      workgroupBarrier();
    }
    // The edges of all layers, so that threads of different layers go side by side.
    for (var edge = local; edge < EDGES; edge += THREADS) {
      let place = edgeAt(edge);
      layer = layerAt(place.x);
      if (layer.isSpline) {
        accumulateEdge(place.y / layer.outputs, place.y % layer.outputs, traces * count);
      } else {
        accumulateWeight(place.y / layer.outputs, place.y % layer.outputs, traces * count);
      }
    }
    for (var scalar = local; scalar < SCALARS; scalar += THREADS) {
      var sum = 0.0;
      for (var i = 0u; i < count; i++) {
        sum += scalarAdjoints[scalar * STRIDE + i];
      }
      setGradient(firstScalar + scalar, gradientAt(firstScalar + scalar) + sum);
    }
  }
  if (local < SAMPLES) {
    tileLosses[local] = loss;
  }
  workgroupBarrier();
  if (sumsAreLocal) {
    for (var index = local; index < length; index += THREADS) {
      partials[partialBase + index] = sums[index];
    }
  }
  if (local == 0u) {
    var total = 0.0;
    for (var i = 0u; i < SAMPLES; i++) {
      total += tileLosses[i];
    }
    losses[model * allTiles + firstTile + tile] = total;
  }
}

// Point `row` of x [channels, traces · batch, inputs] into the first layer's rows.
fn loadInputs(row: u32) {
  for (var channel = 0u; channel < channels; channel++) {
    for (var p = lane; p < INPUTS; p += LANES) {
      activations[(channel * INPUTS + p) * STRIDE + slot] = x[(channel * traces * batch + row) * INPUTS + p];
    }
  }
}
