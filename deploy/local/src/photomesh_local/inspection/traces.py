"""A trace as a tree, from the span files that the programs of the local stack write."""

import json
from collections.abc import Iterable, Iterator
from typing import Any

from photomesh_local.configuration.stack import Stack
from photomesh_local.processes.program import StackError

Span = dict[str, Any]
"""One line of a span file: trace_id, span_id, parent_id, service, name, start_ns, end_ns, status, attributes."""


def draw(stack: Stack, wanted: str) -> Iterator[str]:
    """Lines of every trace that has this trace id, or a span with this value as an attribute (request id, photo …)."""
    spans = list(_spans(stack))
    traces = {
        span["trace_id"] for span in spans if wanted in (span["trace_id"], *map(str, span["attributes"].values()))
    }
    if not traces:
        raise StackError(f"no span of the {stack.name} stack knows {wanted!r} (spans are written after a second)")
    for trace_id in sorted(traces):
        members = [span for span in spans if span["trace_id"] == trace_id]
        began = min(span["start_ns"] for span in members)
        took = (max(span["end_ns"] for span in members) - began) / 1e6
        yield f"trace {trace_id}: {len(members)} spans, {took:.1f} ms"
        ids = {span["span_id"] for span in members}
        # What came from outside, or whose parent was not recorded, is a root here.
        roots = [span for span in members if span["parent_id"] not in ids]
        yield from _branch(roots, members, began, depth=0)


def _branch(spans: Iterable[Span], members: list[Span], began: int, depth: int) -> Iterator[str]:
    for span in sorted(spans, key=lambda span: int(span["start_ns"])):
        offset, took = (span["start_ns"] - began) / 1e6, (span["end_ns"] - span["start_ns"]) / 1e6
        failed = "  ERROR" if span["status"] == "ERROR" else ""
        yield f"{offset:9.1f} ms {took:9.1f} ms  {'  ' * depth}{span['service']}: {span['name']}{failed}"
        children = [child for child in members if child["parent_id"] == span["span_id"]]
        yield from _branch(children, members, began, depth + 1)


def _spans(stack: Stack) -> Iterator[Span]:
    for file in sorted((stack.logs / "traces").glob("*.jsonl*")):
        with file.open() as lines:
            for line in lines:
                try:
                    yield json.loads(line)
                except json.JSONDecodeError:
                    continue  # a line that is being written, or that a killed process left half
