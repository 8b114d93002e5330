"""Cubic spline networks on uniform grids in PyTorch: dense bases as in efficient-kan, and windows in closed form."""
from __future__ import annotations

from typing import NamedTuple, Sequence

import torch
import torch.nn.functional as functional

DEGREE = 3


class Grid(NamedTuple):
    intervals: int
    start: float
    end: float


def grid_of(layer: int, intervals: int) -> Grid:
    """nestkan's defaults: the first layer on [-1, 1], hidden ones on [-4, 4]."""
    return Grid(intervals, -1.0, 1.0) if layer == 0 else Grid(intervals, -4.0, 4.0)


class DenseLayer(torch.nn.Module):
    """All bases of all inputs by the Cox-de Boor recursion, then one matrix product, as efficient-kan has it.

    Source: github.com/Blealtan/efficient-kan, KANLinear.b_splines and forward, without the SiLU branch.
    """

    def __init__(self, grid: Grid, weights: torch.Tensor) -> None:
        """weights: [inputs, intervals + 3, outputs]."""
        super().__init__()
        step = (grid.end - grid.start) / grid.intervals
        knots = torch.arange(-DEGREE, grid.intervals + DEGREE + 1, dtype=torch.float64) * step + grid.start
        knots = knots.to(weights).expand(weights.shape[0], -1).contiguous()
        self.register_buffer("grid", knots)
        # [outputs, inputs, intervals + 3]
        self.spline_weight = torch.nn.Parameter(weights.permute(2, 0, 1).contiguous())

    def bases(self, x: torch.Tensor) -> torch.Tensor:
        """[batch, inputs, intervals + 3]"""
        grid = self.grid
        x = x.unsqueeze(-1)
        bases = ((x >= grid[:, :-1]) & (x < grid[:, 1:])).to(x.dtype)
        for k in range(1, DEGREE + 1):
            bases = ((x - grid[:, : -(k + 1)]) / (grid[:, k:-1] - grid[:, : -(k + 1)]) * bases[:, :, :-1]) + (
                (grid[:, k + 1 :] - x) / (grid[:, k + 1 :] - grid[:, 1:(-k)]) * bases[:, :, 1:]
            )
        return bases.contiguous()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return functional.linear(self.bases(x).view(x.shape[0], -1), self.spline_weight.flatten(1))

    @staticmethod
    def in_our_layout(tensor: torch.Tensor) -> torch.Tensor:
        return tensor.permute(1, 2, 0)


class ClosedFormLayer(torch.nn.Module):
    """The cubic B-spline in closed form, in four ways; weights [inputs, intervals + 3, outputs]."""

    def __init__(self, grid: Grid, weights: torch.Tensor, way: str) -> None:
        """
        way: bag, gather, scatter: the four values of an input's cell, applied by embedding_bag, by gathering weights, or
        scattered into dense bases; cardinal: dense bases, every one the same function of its distance to the input.
        """
        super().__init__()
        inputs, coefficients, _ = weights.shape
        self.intervals, self.start, self.end = grid
        self.way = way
        offsets = torch.arange(inputs).unsqueeze(-1) * coefficients + torch.arange(DEGREE + 1)
        self.register_buffer("offsets", offsets.to(weights.device))
        self.register_buffer("centres", torch.arange(-1, coefficients - 1).to(weights))
        self.spline_weight = torch.nn.Parameter(weights.clone())

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        weights = self.spline_weight.flatten(0, 1)
        position = (x - self.start) * (self.intervals / (self.end - self.start))
        if self.way == "cardinal":
            distance = (position.unsqueeze(-1) - self.centres).abs()
            outer = functional.relu(2 - distance)
            inner = functional.relu(1 - distance)
            bases = (outer * outer * outer) * (1 / 6) - (inner * inner * inner) * (2 / 3)
            return bases.flatten(1) @ weights
        cell = position.detach().floor().clamp(0, self.intervals - 1)
        s = position - cell
        t = 1 - s
        ss = s * s
        tt = t * t
        # [batch, inputs * 4]
        values = torch.stack((tt * t / 6, 2 / 3 + ss * (0.5 * s - 1), 2 / 3 + tt * (0.5 * t - 1), ss * s / 6), -1).flatten(1)
        rows = (cell.long().unsqueeze(-1) + self.offsets).flatten(1)
        if self.way == "bag":
            return functional.embedding_bag(rows, weights, per_sample_weights=values, mode="sum")
        if self.way == "gather":
            return torch.bmm(values.unsqueeze(1), functional.embedding(rows, weights)).squeeze(1)
        bases = torch.zeros(x.shape[0], weights.shape[0], dtype=x.dtype, device=x.device)
        return bases.scatter(1, rows, values) @ weights

    @staticmethod
    def in_our_layout(tensor: torch.Tensor) -> torch.Tensor:
        return tensor


#: The dense formulation has one way only.
WAYS = {"dense": ["recursion"], "closed": ["gather", "scatter", "bag", "cardinal"]}


def network(way: str, weights: Sequence[torch.Tensor], intervals: int) -> torch.nn.Sequential:
    """weights: one [inputs, intervals + 3, outputs] per layer."""
    layers: list[torch.nn.Module] = []
    for index, layer in enumerate(weights):
        grid = grid_of(index, intervals)
        layers.append(DenseLayer(grid, layer) if way == "recursion" else ClosedFormLayer(grid, layer, way))
    return torch.nn.Sequential(*layers)


def step_bytes(way: str, widths: Sequence[int], intervals: int, batch: int) -> int:
    """About what a step keeps, in float32: so many arrays like the largest one."""
    arrays = {"recursion": 25, "cardinal": 8, "scatter": 5, "gather": 3, "bag": 8}[way]
    values = {"bag": 4.0, "gather": 4.0}.get(way, intervals + 5.0)
    layers = zip(widths, widths[1:])
    return arrays * max(int(4 * batch * inputs * values * (outputs if way == "gather" else 1)) for inputs, outputs in layers)


def regression_loss(model: torch.nn.Module, x: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    return functional.mse_loss(model(x), targets)


def laplacian(model: torch.nn.Module, x: torch.Tensor) -> torch.Tensor:
    """u_xx + u_yy at points [batch, 2], which require gradients: differentiated twice, once more per coordinate."""
    u = model(x)
    slopes = torch.autograd.grad(u.sum(), x, create_graph=True)[0]
    seconds = [
        torch.autograd.grad(slopes[:, coordinate].sum(), x, create_graph=True)[0][:, coordinate]
        for coordinate in range(x.shape[1])
    ]
    return sum(seconds[1:], seconds[0])


def functional_laplacian(model: torch.nn.Module, x: torch.Tensor) -> torch.Tensor:
    """The same in the form that torch.compile can trace together with its backward pass."""

    def slopes(points: torch.Tensor) -> torch.Tensor:
        return torch.func.grad(lambda at: model(at).sum())(points)

    seconds = [
        torch.func.grad(lambda at, j=coordinate: slopes(at)[:, j].sum())(x)[:, coordinate] for coordinate in range(x.shape[1])
    ]
    return sum(seconds[1:], seconds[0])


def poisson_loss(model: torch.nn.Module, x: torch.Tensor, f: torch.Tensor) -> torch.Tensor:
    """Mean of (u_xx + u_yy - f)^2; f [batch]."""
    return (laplacian(model, x) - f).square().mean()


def functional_poisson_loss(model: torch.nn.Module, x: torch.Tensor, f: torch.Tensor) -> torch.Tensor:
    return (functional_laplacian(model, x) - f).square().mean()
