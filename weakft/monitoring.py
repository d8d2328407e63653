"""Numbers of the last retraining for a monitoring system, in Prometheus's text format."""

import time
from collections.abc import Mapping
from pathlib import Path

from weakft.runs import Json

FILE = "weakft.prom"


def write_metrics(folder: Path, outcome: Json, metrics: Json) -> Path:
    """Replace `weakft.prom`, for node_exporter's textfile collector.

    Args:
        folder: where.
        outcome: as `weakft retrain --json` prints it.
        metrics: of the run in service; empty if there is none.
    """
    lines = [
        *_gauge("last_end_timestamp_seconds", "when retraining last ended", round(time.time())),
        *_gauge("new_rows", "training rows the run in service had not seen", outcome["new_rows"]),
        *_gauge("drifts", "statistics that drifted in those", len(outcome["drift"])),
        *_gauges(
            "last_status",
            "1 for how retraining last ended",
            "status",
            {name: name == outcome["status"] for name in ("unchanged", "promoted", "refused")},
        ),
    ]
    if metrics:
        lines += _about_the_run(metrics)
    file = folder / FILE
    unfinished = file.with_name(f".{FILE}.tmp")
    unfinished.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return unfinished.replace(file)


def _about_the_run(metrics: Json) -> list[str]:
    scores = {
        split: metrics["end_model"][split]["macro_f1"]["value"]
        for split in ("valid", "test")
        if split in metrics["end_model"]
    }
    coverage = metrics["labels"]["coverage"]
    return [
        *_gauge("coverage", "share of training rows some LF votes on", coverage),
        *_gauges("macro_f1", "of the model in service", "split", scores),
    ]


def _gauge(name: str, explained: str, value: float) -> list[str]:
    return [*_head(name, explained), f"weakft_{name} {value!r}"]


def _gauges(name: str, explained: str, label: str, values: Mapping[str, float]) -> list[str]:
    lines = [f'weakft_{name}{{{label}="{key}"}} {float(value)!r}' for key, value in values.items()]
    return [*_head(name, explained), *lines]


def _head(name: str, explained: str) -> list[str]:
    return [f"# HELP weakft_{name} {explained}", f"# TYPE weakft_{name} gauge"]
