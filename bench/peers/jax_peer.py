"""JAX as a peer: `jax_peer.py FORMULATION`, dense or closed. Whole steps are compiled and dispatched without waiting."""
from __future__ import annotations

import os
import sys
import time
from typing import Any, Callable

# Several processes share the device.
os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")

import jax
import jax.numpy as jnp

from jax_kan import WAYS, adam, network, poisson_loss, regression_loss, zero_moments
from peer import Reply, Unsupported, read_arrays, serve, weight_shapes, write_arrays

FORMULATION = sys.argv[1]
#: What a step may keep. Several peers share a device.
MOST_BYTES = 30e9 if jax.devices()[0].platform != "cpu" else 6e9
#: Steps of the compiled loop.
LOOP = 32
TRIAL_SECONDS = 0.1


class Case:
    def __init__(self, request: dict[str, Any], way: str) -> None:
        task, widths, intervals, batch = (request[key] for key in ("task", "widths", "intervals", "batch"))
        outputs = 1 if task == "poisson" else widths[-1]
        shapes = [[batch, widths[0]], [batch, outputs], *weight_shapes(widths, intervals)]
        x, targets, *weights = (jnp.asarray(array, dtype=jnp.float32) for array in read_arrays(request["dataFile"], shapes))
        self.task = task
        self.note = way
        self.forward = jax.jit(lambda weights, x: network(way, weights, x))
        if task == "poisson":
            targets = targets[:, 0]
        self.data = (x, targets)
        loss = poisson_loss if task == "poisson" else regression_loss
        rate = request["rate"]
        self.gradient = jax.jit(lambda weights, x, targets: jax.value_and_grad(lambda w: loss(way, w, x, targets))(weights))

        def step(state: tuple, x: jax.Array, targets: jax.Array) -> tuple:
            weights, moments = state
            gradients = jax.grad(lambda w: loss(way, w, x, targets))(weights)
            return adam(weights, gradients, moments, rate)

        self.weights = weights
        self.one = jax.jit(step, donate_argnums=0)
        self.loop = jax.jit(
            lambda state, x, targets: jax.lax.fori_loop(0, LOOP, lambda _, state: step(state, x, targets), state),
            donate_argnums=0,
        )
        self.looped = False
        # Buffers that are donated are gone.
        self.state = ([jnp.array(w, copy=True) for w in weights], zero_moments(weights))

    def check(self, path: str) -> float:
        if self.task == "forward":
            y = self.forward(self.weights, self.data[0])
            write_arrays(path, [y])
            return float(jnp.square(y).mean())
        loss, gradients = self.gradient(self.weights, *self.data)
        write_arrays(path, gradients)
        return float(loss)

    def run(self, steps: int) -> int:
        """Makes at least so many steps and says how many."""
        if self.task == "forward":
            results = [self.forward(self.weights, self.data[0]) for _ in range(steps)]
            jax.block_until_ready(results[-1])
            return steps
        rounds = -(-steps // LOOP) if self.looped else steps
        function = self.loop if self.looped else self.one
        for _ in range(rounds):
            self.state = function(self.state, *self.data)
        jax.block_until_ready(self.state)
        return rounds * LOOP if self.looped else steps

    def trial(self, steps: int = 1) -> float:
        """Seconds of a step, the best of a few."""
        self.run(1)
        best = float("inf")
        end = time.perf_counter() + TRIAL_SECONDS
        while time.perf_counter() < end or best == float("inf"):
            start = time.perf_counter()
            made = self.run(steps)
            best = min(best, (time.perf_counter() - start) / made)
        return best

    def choose_loop(self) -> None:
        """Steps one by one or in a compiled loop, whatever is faster; the loop only where it does not take long."""
        if self.task == "forward":
            return
        alone = self.trial()
        if alone * LOOP > 0.5:
            return
        alone = self.trial(LOOP)
        self.looped = True
        self.looped = self.trial(LOOP) < alone
        if self.looped:
            self.note += f", loop of {LOOP}"


state: dict[str, Case] = {}


def prepare(request: dict[str, Any]) -> Reply:
    state.clear()
    widths, intervals, batch = request["widths"], request["intervals"], request["batch"]
    entries = 4 * batch * max(widths[:-1])
    # About so many arrays, fused as they are.
    step_bytes = {
        "recursion": 8 * entries * (intervals + 5),
        "cardinal": 5 * entries * (intervals + 5),
        "gather": 3 * entries * 4 * max(widths[1:]),
    }
    ways = [way for way in WAYS[FORMULATION] if step_bytes[way] <= MOST_BYTES]
    if not ways:
        raise Unsupported(f"skipped: memory, more than {MOST_BYTES / 1e9:g} GB")
    cases = {way: Case(request, way) for way in ways}
    times = {way: case.trial() for way, case in cases.items()} if len(ways) > 1 else {ways[0]: 0.0}
    case = cases[min(times, key=lambda way: times[way])]
    loss = case.check(request["checkFile"])
    case.choose_loop()
    state["case"] = case
    return {"loss": loss, "note": case.note}


def measure(request: dict[str, Any]) -> Reply:
    case = state["case"]
    start = time.perf_counter()
    steps = case.run(request["steps"])
    return {"seconds": time.perf_counter() - start, "steps": steps}


def release(_: dict[str, Any]) -> Reply:
    state.clear()
    return {}


handlers: dict[str, Callable[[dict[str, Any]], Reply]] = {"prepare": prepare, "time": measure, "release": release}
# float32 products, not TensorFloat-32, as everywhere in this comparison.
jax.config.update("jax_default_matmul_precision", "highest")
device = jax.devices()[0]
versions = f"JAX {jax.__version__}, Python {sys.version.split()[0]}"
serve({"versions": versions, "device": device.device_kind if device.platform != "cpu" else "cpu"}, handlers)
