// How the plot of the rates looks. Colours are asked for at each drawing: the theme may change.

import type uPlot from "uplot";
import { rate } from "../format";
import { SPAN_SECONDS } from "./traffic";

const LEAST_TOP = 10_000;

/** 1, 2 or 5 times a power of ten, so that the axis does not move with every event. */
export function roundTop(highest: number): number {
  const wanted = Math.max(LEAST_TOP, highest * 1.05);
  const power = 10 ** Math.floor(Math.log10(wanted));
  return [1, 2, 5, 10].map((factor) => factor * power).find((top) => top >= wanted) ?? wanted;
}

export function plotOptions(width: number, height: number, colour: (name: string) => string): uPlot.Options {
  const line = (label: string, name: string): uPlot.Series => ({
    label,
    stroke: () => colour(name),
    width: 2,
    points: { show: false },
  });
  const axis = { stroke: () => colour("--muted"), font: "12px system-ui, sans-serif", ticks: { show: false } };
  const grid = { stroke: () => colour("--line"), width: 1 };
  return {
    width,
    height,
    padding: [8, 6, 0, 0],
    legend: { show: false },
    cursor: { show: false },
    scales: {
      x: { time: false, range: (_, __, last) => [last - SPAN_SECONDS, last] },
      y: { range: (_, __, highest) => [0, roundTop(highest)] },
    },
    axes: [
      { ...axis, grid: { show: false }, size: 24, gap: 8, splits: (_, __, ___, last) => minutes(last), values: ago },
      { ...axis, grid, size: 72, gap: 6, splits: (_, __, low, high) => [low, high / 2, high], values: rates },
    ],
    series: [{}, line("Down", "--accent"), line("Up", "--peer-1")],
  };
}

// The labels at the edges would be cut off, hence a bit inside.
const minutes = (last: number): number[] => [last - SPAN_SECONDS + 12, last - SPAN_SECONDS / 2, last - 6];
const ago = (): string[] => ["2 min ago", "1 min ago", "now"];
const rates = (_: uPlot, values: number[]): string[] => values.map((value) => (value === 0 ? "0" : rate(value)));
