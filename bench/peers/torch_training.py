"""Training to a given error in PyTorch: efficient-kan's formulation or a faster one, one level, Adam or L-BFGS."""
from __future__ import annotations

import time
from typing import Any, Callable

import torch

from peer import Reply, read_arrays, weight_shapes
from torch_kan import laplacian, network

#: Part of the time that looking at the error may take; it is not counted.
LOOKING = 0.2


def train(request: dict[str, Any], device: torch.device) -> Reply:
    """Trains until the test error is at most `target` or `cap` seconds are over; errors are looked at off the clock."""
    loss_of, error_of, model = case(request, device)
    parameters = list(model.parameters())
    synchronise = torch.cuda.synchronize if device.type == "cuda" else lambda: None
    advance = lbfgs(parameters, loss_of) if request["optimizer"] == "lbfgs" else adam(parameters, loss_of, request["rate"])
    best = float("inf")
    spent = 0.0
    steps = 0
    stretch = 1
    while spent < request["cap"]:
        synchronise()
        start = time.perf_counter()
        for _ in range(stretch):
            advance()
        synchronise()
        trained = time.perf_counter()
        spent += trained - start
        steps += stretch
        error = error_of()
        looked = time.perf_counter() - trained
        best = min(best, error) if error == error else best
        if error <= request["target"] or error != error:
            break
        if looked > LOOKING * (trained - start):
            stretch = min(2 * stretch, 64)
    return {"seconds": spent, "error": best, "reached": best <= request["target"], "steps": steps}


def case(request: dict[str, Any], device: torch.device) -> tuple[Callable, Callable, torch.nn.Module]:
    counts = request["counts"]
    weights_shapes = weight_shapes(request["widths"], request["intervals"])
    if request["case"] == "regression":
        shapes = [[counts["train"], 2], [counts["train"], 1], [counts["test"], 2], [counts["test"], 1]]
    else:
        shapes = [[counts["volume"], 2], [counts["volume"]], [counts["boundary"], 2], [counts["test"], 2], [counts["test"], 1]]
    arrays = [
        torch.tensor(array, dtype=getattr(torch, request["precision"]), device=device)
        for array in read_arrays(request["dataFile"], shapes + weights_shapes)
    ]
    data, weights = arrays[: len(shapes)], arrays[len(shapes) :]
    model = network(request["way"], weights, request["intervals"])
    test, exact = data[-2:]

    def mean_squared_error() -> float:
        with torch.no_grad():
            return float((model(test) - exact).square().mean())

    def relative_error() -> float:
        with torch.no_grad():
            return float((model(test) - exact).norm() / exact.norm())

    def regression() -> torch.Tensor:
        return (model(data[0]) - data[1]).square().mean()

    def poisson() -> torch.Tensor:
        residual = laplacian(model, data[0]) - data[1]
        return 1e-3 * residual.square().mean() + model(data[2]).square().mean()

    if request["case"] == "regression":
        return regression, mean_squared_error, model
    data[0].requires_grad_(True)
    return poisson, relative_error, model


def adam(parameters: list[torch.nn.Parameter], loss_of: Callable, rate: float) -> Callable[[], None]:
    optimizer = torch.optim.Adam(parameters, lr=rate)

    def advance() -> None:
        optimizer.zero_grad(set_to_none=True)
        loss_of().backward(inputs=parameters)
        optimizer.step()

    return advance


def lbfgs(parameters: list[torch.nn.Parameter], loss_of: Callable) -> Callable[[], None]:
    optimizer = torch.optim.LBFGS(
        parameters, max_iter=10, history_size=50, tolerance_grad=0, tolerance_change=0, line_search_fn="strong_wolfe"
    )

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        loss = loss_of()
        loss.backward(inputs=parameters)
        return loss

    return lambda: optimizer.step(closure)
