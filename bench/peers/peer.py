"""JSON lines on standard input and output, and the binary files that go with them; see protocol.ts."""
from __future__ import annotations

import json
import math
import sys
import traceback
from typing import Any, Callable, Iterator, Sequence

import numpy

DEGREE = 3
Reply = dict[str, Any]


class Unsupported(Exception):
    """This peer cannot do what it was asked for; the message is what the report says."""


def read_arrays(path: str, shapes: Sequence[Sequence[int]]) -> Iterator[numpy.ndarray]:
    """float64 arrays of these shapes, one after the other in one file."""
    data = numpy.fromfile(path, dtype=numpy.float64)
    start = 0
    for shape in shapes:
        size = int(numpy.prod(shape))
        yield data[start : start + size].reshape(shape)
        start += size


def weight_shapes(widths: Sequence[int], intervals: int) -> list[list[int]]:
    return [[inputs, intervals + DEGREE, outputs] for inputs, outputs in zip(widths, widths[1:])]


def write_arrays(path: str, arrays: Sequence[numpy.ndarray]) -> None:
    numpy.concatenate([numpy.asarray(array, dtype=numpy.float64).ravel() for array in arrays]).tofile(path)


def serve(hello: Reply, handlers: dict[str, Callable[[dict[str, Any]], Reply]]) -> None:
    """Answers every line until `close` or the end of the input."""
    # Whatever a library prints goes to standard error.
    out = sys.stdout
    sys.stdout = sys.stderr

    def say(reply: Reply) -> None:
        # JSON has neither infinity nor NaN.
        finite = {key: None if isinstance(value, float) and not math.isfinite(value) else value for key, value in reply.items()}
        out.write(json.dumps(finite) + "\n")
        out.flush()

    say(hello)
    for line in sys.stdin:
        request = json.loads(line)
        if request["op"] == "close":
            return
        try:
            say(handlers[request["op"]](request))
        except Unsupported as reason:
            say({"unsupported": str(reason)})
        except Exception as error:  # noqa: BLE001: every failure is an answer
            traceback.print_exc()
            say({"failed": f"{type(error).__name__}: {error}".splitlines()[0][:300]})
