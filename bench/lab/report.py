"""Pure: the runs of a program in words and numbers, for tables and plots."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from bench.lab.trial import Outcome

FETCHED = ("", "runs", "seconds", "time / bound", "copies from the origin")
WATCHED = (*FETCHED, "start (median, last)", "stalls")


@dataclass(frozen=True)
class Figures:
    """Medians of several runs of one program. Starts and stalls are of all viewers of all runs."""

    runs: int
    spent: float
    ratio: float
    beyond: bool  # at least so much: viewers were given up
    had_it: float  # the part of the viewers that had everything in time
    copies: float
    starts: tuple[float, ...] = ()  # infinite where nothing was ever seen
    stalls: tuple[float, ...] = ()  # seconds per viewer
    start_median: float = math.nan
    start_last: float = math.nan
    stalled: float = math.nan  # seconds, all viewers of a run together

    @classmethod
    def of(cls, outcomes: Sequence[Outcome]) -> Figures:
        ratio = statistics.median(outcome.ratio for outcome in outcomes)
        unfinished = [outcome.ratio for outcome in outcomes if not outcome.finished]
        seen = [each for outcome in outcomes for each in outcome.seen]
        starts = [run for outcome in outcomes if (run := _starts(outcome))]
        stalls = [run for outcome in outcomes if (run := _stalls(outcome))]
        watched = bool(starts)
        return cls(
            runs=len(outcomes),
            spent=statistics.median(outcome.spent for outcome in outcomes),
            ratio=ratio,
            beyond=bool(unfinished) and min(unfinished) <= ratio,
            had_it=sum(each.completed is not None for each in seen) / len(seen),
            copies=statistics.median(outcome.copies for outcome in outcomes),
            starts=tuple(start for run in starts for start in run),
            stalls=tuple(stall for run in stalls for stall in run),
            start_median=statistics.median(map(_middle, starts)) if watched else math.nan,
            start_last=statistics.median(map(max, starts)) if watched else math.nan,
            stalled=statistics.median(map(sum, stalls)) if watched else math.nan,
        )

    def cells(self, *, watching: bool) -> tuple[str, ...]:
        """A row of the table, without its first cell."""
        ratio = f"{self.ratio:.2f}"
        if self.beyond:
            ratio = f"> {self.ratio:.0f} ({self.had_it:.0%} had it)"
        more = "> " if self.beyond else ""
        fetched = (str(self.runs), f"{more}{self.spent:.1f}", ratio, f"{self.copies:.2f}")
        if not watching:
            return fetched
        if not self.starts:
            return (*fetched, "-", "-")
        start = f"{_seconds(self.start_median)}, {_seconds(self.start_last)}"
        return (*fetched, start, f"{self.stalled:.1f} s in all")


def _starts(outcome: Outcome) -> list[float]:
    viewings = [each.viewing for each in outcome.seen if each.viewing is not None]
    return [math.inf if viewing.start is None else viewing.start for viewing in viewings]


def _stalls(outcome: Outcome) -> list[float]:
    return [sum(each.viewing.stalls) for each in outcome.seen if each.viewing is not None]


def _middle(values: Sequence[float]) -> float:
    # The median, but without an average with infinity, of viewers that never saw anything.
    ordered = sorted(values)
    upper, lower = ordered[len(ordered) // 2], ordered[(len(ordered) - 1) // 2]
    return upper if math.isinf(upper) else (upper + lower) / 2


def _seconds(value: float) -> str:
    return "never" if math.isinf(value) else f"{value:.1f} s"
