"""Cubic spline networks on uniform grids in JAX: dense bases by the Cox-de Boor recursion, and closed forms."""
from __future__ import annotations

from typing import Sequence

import jax
import jax.numpy as jnp

DEGREE = 3

#: The dense formulation has one way only.
WAYS = {"dense": ["recursion"], "closed": ["gather", "cardinal"]}

Weights = list[jax.Array]


def bounds(layer: int) -> tuple[float, float]:
    """nestkan's defaults."""
    return (-1.0, 1.0) if layer == 0 else (-4.0, 4.0)


def apply_layer(way: str, layer: int, weights: jax.Array, x: jax.Array) -> jax.Array:
    """weights [inputs, intervals + 3, outputs], x [batch, inputs]"""
    inputs, coefficients, outputs = weights.shape
    intervals = coefficients - DEGREE
    start, end = bounds(layer)
    if way == "recursion":
        return recursion(x, intervals, start, end).reshape(x.shape[0], -1) @ weights.reshape(-1, outputs)
    position = (x - start) * (intervals / (end - start))
    if way == "cardinal":
        distance = jnp.abs(position[..., None] - jnp.arange(-1, coefficients - 1, dtype=x.dtype))
        outer = jax.nn.relu(2 - distance)
        inner = jax.nn.relu(1 - distance)
        bases = (outer * outer * outer) * (1 / 6) - (inner * inner * inner) * (2 / 3)
        return bases.reshape(x.shape[0], -1) @ weights.reshape(-1, outputs)
    cell = jnp.clip(jnp.floor(jax.lax.stop_gradient(position)), 0, intervals - 1)
    s = position - cell
    t = 1 - s
    ss = s * s
    tt = t * t
    values = jnp.stack((tt * t / 6, 2 / 3 + ss * (0.5 * s - 1), 2 / 3 + tt * (0.5 * t - 1), ss * s / 6), -1)
    rows = cell.astype(jnp.int32)[..., None] + jnp.arange(DEGREE + 1) + (jnp.arange(inputs) * coefficients)[:, None]
    return jnp.einsum("bik,biko->bo", values, weights.reshape(-1, outputs)[rows])


def recursion(x: jax.Array, intervals: int, start: float, end: float) -> jax.Array:
    """All bases [batch, inputs, intervals + 3], as in efficient-kan."""
    step = (end - start) / intervals
    grid = jnp.asarray([start + step * index for index in range(-DEGREE, intervals + DEGREE + 1)], dtype=x.dtype)
    x = x[..., None]
    bases = ((x >= grid[:-1]) & (x < grid[1:])).astype(x.dtype)
    for k in range(1, DEGREE + 1):
        left = (x - grid[: -(k + 1)]) / (grid[k:-1] - grid[: -(k + 1)])
        right = (grid[k + 1 :] - x) / (grid[k + 1 :] - grid[1:-k])
        bases = left * bases[..., :-1] + right * bases[..., 1:]
    return bases


def network(way: str, weights: Weights, x: jax.Array) -> jax.Array:
    for layer, values in enumerate(weights):
        x = apply_layer(way, layer, values, x)
    return x


def regression_loss(way: str, weights: Weights, x: jax.Array, targets: jax.Array) -> jax.Array:
    return jnp.square(network(way, weights, x) - targets).mean()


def laplacian(way: str, weights: Weights, x: jax.Array) -> jax.Array:
    """u_xx + u_yy at points [batch, 2], by forward differentiation twice along every coordinate."""

    def second(direction: jax.Array) -> jax.Array:
        tangent = jnp.broadcast_to(direction, x.shape)

        def slope(at: jax.Array) -> jax.Array:
            return jax.jvp(lambda point: network(way, weights, point), (at,), (tangent,))[1]

        return jax.jvp(slope, (x,), (tangent,))[1][:, 0]

    directions = jnp.eye(x.shape[1], dtype=x.dtype)
    return sum((second(direction) for direction in directions[1:]), second(directions[0]))


def poisson_loss(way: str, weights: Weights, x: jax.Array, f: jax.Array) -> jax.Array:
    return jnp.square(laplacian(way, weights, x) - f).mean()


def adam(weights: Weights, gradients: Weights, moments: tuple[Weights, Weights, jax.Array], rate: float) -> tuple:
    """Weights and moments after one step of Adam with its usual constants."""
    first, second, count = moments
    count = count + 1
    first = [0.9 * m + 0.1 * g for m, g in zip(first, gradients)]
    second = [0.999 * v + 0.001 * g * g for v, g in zip(second, gradients)]
    first_rate = rate / (1 - 0.9**count)
    second_scale = 1 / (1 - 0.999**count)
    updated = [w - first_rate * m / (jnp.sqrt(v * second_scale) + 1e-8) for w, m, v in zip(weights, first, second)]
    return updated, (first, second, count)


def zero_moments(weights: Sequence[jax.Array]) -> tuple[Weights, Weights, jax.Array]:
    return [jnp.zeros_like(w) for w in weights], [jnp.zeros_like(w) for w in weights], jnp.zeros((), dtype=jnp.float32)
