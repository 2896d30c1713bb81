"""Teaches nbval, which runs the notebooks and compares outputs, what counts as a difference.

`scripts/notebook_outputs.py` holds the rules. Two more things are settled here: standard error is left
out of the comparison on both sides (progress bars write there, and the notebooks do not store it), and
cells run with `store_history`, because IPython decides by its history whether a trailing `;` silences
the last expression.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import Any

import nbval.kernel
import nbval.plugin
from notebook_outputs import Tolerance, reconcile

_TEXTS = ("text/plain", "text/html", "text/markdown", "text/latex", "image/svg+xml")


def _without_stderr(outputs: list[Any]) -> list[Any]:
    return [output for output in outputs if output.get("name") != "stderr"]


def _holder_and_keys(output: Mapping[str, Any]) -> tuple[Any, list[str]]:
    """Where an output keeps its texts: a stream in itself, a display in its data."""
    if output["output_type"] == "stream":
        return output, ["text"]
    data = output.get("data", {})
    return data, [key for key in _TEXTS if key in data]


def _reconcile_pair(new: Any, reference: Any, tolerance: Tolerance) -> None:
    new_texts, new_keys = _holder_and_keys(new)
    reference_texts, reference_keys = _holder_and_keys(reference)
    for key in set(new_keys) & set(reference_keys):
        markup = key in ("text/html", "image/svg+xml")
        new_texts[key], reference_texts[key] = reconcile(
            new_texts[key], reference_texts[key], tolerance, html=markup
        )


def _tolerant(compare: Callable[..., bool]) -> Callable[..., bool]:
    def compare_outputs(
        cell: nbval.plugin.IPyNbCell, test: list[Any], ref: list[Any], skip_compare: Any = None
    ) -> bool:
        new = _without_stderr(copy.deepcopy(test))
        reference = _without_stderr(copy.deepcopy(ref))
        tolerance = Tolerance.from_tags(cell.cell.metadata.get("tags", []))
        # Where the structure differs nbval's own comparison says so: pair only as far as both go.
        for ours, theirs in zip(new, reference, strict=False):
            if ours["output_type"] == theirs["output_type"]:
                _reconcile_pair(ours, theirs, tolerance)
        return compare(cell, new, reference, skip_compare)

    return compare_outputs


def _execute_with_history(kernel: Any, cell_input: str, *, allow_stdin: bool | None = None) -> Any:
    return kernel.kc.execute(cell_input, store_history=True, allow_stdin=allow_stdin, stop_on_error=False)


nbval.plugin.IPyNbCell.compare_outputs = _tolerant(nbval.plugin.IPyNbCell.compare_outputs)
nbval.kernel.RunningKernel.execute_cell_input = _execute_with_history
