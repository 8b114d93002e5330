"""PyTorch as a peer: `torch_peer.py FORMULATION MODE`, dense or closed; eager, graph (CUDA graphs) or compile."""
from __future__ import annotations

import os
import sys
import time
from typing import Any, Callable, Optional

import torch

from peer import Reply, Unsupported, read_arrays, serve, weight_shapes, write_arrays
from torch_kan import (
    WAYS,
    functional_poisson_loss,
    step_bytes,
    network,
    poisson_loss,
    regression_loss,
)
from torch_training import train

FORMULATION, MODE = sys.argv[1:3]
CUDA = torch.cuda.is_available()
DEVICE = torch.device("cuda" if CUDA else "cpu")
#: What a step may keep. Several peers share a device.
MOST_BYTES = 30e9 if CUDA else 6e9
#: Seconds for which ways and thread counts are tried.
TRIAL_SECONDS = 0.15
VERSION = tuple(int(part) for part in torch.__version__.split(".")[:2])


def synchronise() -> None:
    if CUDA:
        torch.cuda.synchronize()


class Case:
    """A network with data and an optimizer, and a step of it to be repeated."""

    def __init__(self, request: dict[str, Any], way: str, mode: str) -> None:
        self.task, widths, intervals, batch = (request[key] for key in ("task", "widths", "intervals", "batch"))
        self.way = way
        outputs = 1 if self.task == "poisson" else widths[-1]
        shapes = [[batch, widths[0]], [batch, outputs], *weight_shapes(widths, intervals)]
        x, targets, *weights = (
            torch.tensor(array, dtype=torch.float32, device=DEVICE) for array in read_arrays(request["dataFile"], shapes)
        )
        self.model = network(way, weights, intervals)
        self.parameters = list(self.model.parameters())
        options: dict[str, Any] = {"lr": request["rate"]}
        if VERSION >= (2, 4):
            options["fused"] = True
        if CUDA and mode == "graph":
            options["capturable"] = True
        self.optimizer = torch.optim.Adam(self.parameters, **options)
        loss_function = regression_loss
        if self.task == "poisson":
            targets = targets[:, 0]
            loss_function = poisson_loss if mode != "compile" else functional_poisson_loss
            x.requires_grad_(mode != "compile")
        self.x = x
        model = self.model
        if self.task == "forward":
            self.function: Callable[[], torch.Tensor] = lambda: model(x)
        else:
            self.function = lambda: loss_function(model, x, targets)
        if mode == "compile":
            self.function = torch.compile(self.function, mode="reduce-overhead" if CUDA else "default")
        self.step = self.one_step
        if mode == "graph":
            self.step = self.captured()

    def one_step(self) -> None:
        if self.task == "forward":
            with torch.no_grad():
                self.function()
            return
        self.optimizer.zero_grad(set_to_none=True)
        self.function().backward(inputs=self.parameters)
        self.optimizer.step()

    def captured(self) -> Callable[[], None]:
        """The whole step as one CUDA graph. Made after the gradients were checked, since it changes the parameters."""
        graph: Optional[torch.cuda.CUDAGraph] = None

        def replay() -> None:
            nonlocal graph
            if graph is None:
                stream = torch.cuda.Stream()
                stream.wait_stream(torch.cuda.current_stream())
                with torch.cuda.stream(stream):
                    for _ in range(3):
                        self.one_step()
                torch.cuda.current_stream().wait_stream(stream)
                graph = torch.cuda.CUDAGraph()
                with torch.cuda.graph(graph):
                    self.one_step()
            graph.replay()

        return replay

    def check(self, path: str) -> float:
        """Writes gradients, or for forward the output, and returns the loss."""
        if self.task == "forward":
            with torch.no_grad():
                y = self.function()
            write_arrays(path, [y.cpu().numpy()])
            return float(y.double().square().mean())
        self.optimizer.zero_grad(set_to_none=True)
        loss = self.function()
        loss.backward(inputs=self.parameters)
        gradients = [layer.in_our_layout(layer.spline_weight.grad).cpu().numpy() for layer in self.model]
        write_arrays(path, gradients)
        return float(loss.detach())

    def seconds(self, steps: int) -> float:
        synchronise()
        start = time.perf_counter()
        for _ in range(steps):
            self.step()
        synchronise()
        return time.perf_counter() - start

    def trial(self) -> float:
        """Seconds of a step, the best of a few."""
        self.seconds(1)
        best = float("inf")
        end = time.perf_counter() + TRIAL_SECONDS
        while time.perf_counter() < end or best == float("inf"):
            best = min(best, self.seconds(1))
        return best


state: dict[str, Any] = {}


def prepare(request: dict[str, Any]) -> Reply:
    release(request)
    reasons: list[str] = []
    for way in fastest_first(request):
        try:
            case = Case(request, way, MODE)
            loss = case.check(request["checkFile"])
            case.seconds(1)
            break
        except RuntimeError as error:
            # Not every way can be captured or compiled.
            reasons.append(f"{way}: {error}".splitlines()[0])
    else:
        raise RuntimeError("; ".join(reasons))
    if CUDA:
        torch.cuda.empty_cache()
    note = case.way
    if not CUDA:
        times = {}
        for threads in sorted({1, os.cpu_count() or 1}):
            torch.set_num_threads(threads)
            times[threads] = case.trial()
        threads = min(times, key=lambda count: times[count])
        torch.set_num_threads(threads)
        note += f", {threads} thread{'s' if threads > 1 else ''}"
    state["case"] = case
    return {"loss": loss, "note": note}


def fastest_first(request: dict[str, Any]) -> list[str]:
    """The ways that fit, as fast as they are in eager mode."""
    size = (request["widths"], request["intervals"], request["batch"])
    ways = [way for way in WAYS[FORMULATION] if step_bytes(way, *size) <= MOST_BYTES]
    # PyTorch cannot differentiate embedding_bag's gradient.
    ways = [way for way in ways if way != "bag" or request["task"] != "poisson"]
    if not ways:
        raise Unsupported(f"skipped: memory, more than {MOST_BYTES / 1e9:g} GB")
    if len(ways) == 1:
        return ways
    times = {way: Case(request, way, "eager").trial() for way in ways}
    return sorted(ways, key=lambda way: times[way])


def measure(request: dict[str, Any]) -> Reply:
    return {"seconds": state["case"].seconds(request["steps"])}


def release(_: dict[str, Any]) -> Reply:
    state.clear()
    if CUDA:
        torch.cuda.empty_cache()
    return {}


if MODE == "compile" and VERSION < (2, 0):
    raise SystemExit(f"PyTorch {torch.__version__} has no torch.compile")
versions = f"PyTorch {torch.__version__}, Python {sys.version.split()[0]}"
device = torch.cuda.get_device_name() if CUDA else "cpu"
handlers = {"prepare": prepare, "time": measure, "train": lambda request: train(request, DEVICE), "release": release}
serve({"versions": versions, "device": device}, handlers)
