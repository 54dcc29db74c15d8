"""Pictures of a scenario, as small PNG files."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.lab.report import Figures
from bench.lab.trial import Outcome
from bench.table import Plot

DOTS_PER_INCH = 80
WIDTH = 9.0


def draw(
    name: str,
    title: str,
    figures: Mapping[str, Figures],
    outcomes: Mapping[str, Outcome],
    directory: Path,
) -> list[Plot]:
    """Bars of the medians, and one run of each program over time, that of the median."""
    base = name.replace(".", "-")
    bars, course = directory / f"{base}.png", directory / f"{base}-time.png"
    _bars(bars, figures)
    _course(course, outcomes)
    return [
        Plot(bars, f"{title}: bars of what the table says"),
        Plot(course, f"{title}: what the origin sends, and how many are done, over time"),
    ]


def waits(path: Path, title: str, rows: Mapping[str, Sequence[float]]) -> Plot:
    """Each wait in seconds as a mark, a row per program."""
    plt = _pyplot()
    figure, axis = plt.subplots(figsize=(WIDTH, 0.9 + 0.4 * len(rows)))
    _spread(axis, list(rows.values()), "seconds until playing again, each seek")
    axis.set_yticks(range(len(rows)), list(rows))
    axis.set_ylim(len(rows) - 0.5, -0.5)
    _save(plt, figure, path)
    return Plot(path, f"{title}: every seek")


def _bars(path: Path, figures: Mapping[str, Figures]) -> None:
    watched = any(each.starts for each in figures.values())
    plt = _pyplot()
    rows = 2 if watched else 1
    figure, axes = plt.subplots(
        rows, 2, figsize=(WIDTH, rows * (0.9 + 0.3 * len(figures))), squeeze=False, sharey=True
    )
    labels = list(figures)
    _bar(axes[0][0], labels, [each.ratio for each in figures.values()], "time / bound")
    _bar(axes[0][1], labels, [each.copies for each in figures.values()], "copies from the origin")
    if watched:
        _spread(axes[1][0], [each.starts for each in figures.values()], "start, s per viewer")
        _spread(axes[1][1], [each.stalls for each in figures.values()], "stalls, s per viewer")
    _save(plt, figure, path)


def _bar(axis: Any, labels: list[str], values: list[float], title: str) -> None:
    places = range(len(labels))
    bars = axis.barh(places, values, color=[_color(place) for place in places])
    axis.bar_label(bars, fmt="%.2f", padding=2, fontsize=8)
    axis.set_yticks(places, labels)
    axis.set_xlim(0, max(values) * 1.15)
    if not axis.yaxis_inverted():
        axis.invert_yaxis()
    axis.axvline(1, color="grey", linewidth=0.8, linestyle=":")
    axis.set_title(title, fontsize=10)


def _spread(axis: Any, rows: Sequence[Sequence[float]], title: str) -> None:
    for place, values in enumerate(rows):
        shown = [value for value in values if math.isfinite(value)]
        axis.plot(shown, [place] * len(shown), "|", color=_color(place), markersize=12)
    # At least a second, so that hardly anything looks like hardly anything.
    most = max((value for row in rows for value in row if math.isfinite(value)), default=0.0)
    axis.set_xlim(-0.02 * max(1.0, most), 1.1 * max(1.0, most))
    axis.set_title(title, fontsize=10)


def _course(path: Path, outcomes: Mapping[str, Outcome]) -> None:
    plt = _pyplot()
    figure, (above, below) = plt.subplots(2, 1, figsize=(WIDTH, 5), sharex=True)
    for place, (label, outcome) in enumerate(outcomes.items()):
        times, rates = outcome.trace.times, _origin_rates(outcome)
        above.plot([0.0, *times], [0.0, *rates], color=_color(place), label=label, linewidth=1.2)
        done = sorted(each.completed for each in outcome.seen if each.completed is not None)
        last = times[-1] if times else outcome.spent
        below.step(
            [0.0, *done, max(last, outcome.spent)],
            [*range(len(done) + 1), len(done)],
            where="post",
            color=_color(place),
            label=label,
            linewidth=1.2,
        )
    bound = max(outcome.bound for outcome in outcomes.values())
    for axis, title in ((above, "sent by the origin, Mbit/s"), (below, "viewers with all of it")):
        axis.axvline(bound, color="grey", linewidth=0.8, linestyle=":")
        axis.set_title(title, fontsize=10)
        axis.set_ylim(bottom=0)
        axis.grid(alpha=0.3)
    below.set_xlabel("seconds (dotted: the lower bound)", fontsize=9)
    below.legend(fontsize=8, loc="upper left")
    _save(plt, figure, path)


def _origin_rates(outcome: Outcome) -> list[float]:
    trace = outcome.trace
    origins = [number for number, name in enumerate(trace.hosts) if name.startswith("origin")]
    return [sum(rates) for rates in zip(*map(trace.rates, origins), strict=True)]


def _color(place: int) -> str:
    return f"C{place % 10}"


def _pyplot() -> Any:
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    return plt


def _save(plt: Any, figure: Any, path: Path) -> None:
    figure.tight_layout()
    figure.savefig(path, dpi=DOTS_PER_INCH)
    plt.close(figure)
