// The piece map's drawing, on any 2d context.

import type { Cell, Layout } from "./pieces";

export interface MapColours {
  missing: string;
  asked: string;
  before: string;
  playhead: string;
  ground: string;
  /** By the index in the swarm's `peers`. */
  sender: (source: number) => string;
}

const GAP = 1;

function place(layout: Layout, index: number): [x: number, y: number] {
  return [(index % layout.columns) * layout.cell, Math.floor(index / layout.columns) * layout.cell];
}

export function drawMap(
  context: CanvasRenderingContext2D,
  cells: readonly Cell[],
  playheads: readonly number[],
  layout: Layout,
  colours: MapColours,
): void {
  const side = layout.cell - GAP;
  cells.forEach((cell, index) => {
    const [x, y] = place(layout, index);
    context.fillStyle = colours.missing;
    context.fillRect(x, y, side, side);
    if (cell.asked) frame(context, x, y, side, colours.asked);
    if (cell.have === 0) return;
    context.fillStyle = cell.source < 0 ? colours.before : colours.sender(cell.source);
    // A cell of several pieces fills from below as they come.
    const height = Math.max(1, Math.round(side * cell.have));
    context.fillRect(x, y + side - height, side, height);
  });
  for (const index of playheads) mark(context, place(layout, index), side, colours);
}

/** A frame, not a colour alone: colours belong to the peers. */
function frame(context: CanvasRenderingContext2D, x: number, y: number, side: number, colour: string): void {
  context.strokeStyle = colour;
  context.lineWidth = 1;
  context.strokeRect(x + 0.5, y + 0.5, side - 1, side - 1);
}

/** Two rings around the cell, over its neighbours: they show on every colour. */
function mark(context: CanvasRenderingContext2D, [x, y]: [number, number], side: number, colours: MapColours): void {
  context.lineWidth = 2;
  context.strokeStyle = colours.ground;
  context.strokeRect(x - 2, y - 2, side + 4, side + 4);
  context.strokeStyle = colours.playhead;
  context.strokeRect(x, y, side, side);
}

/** Sizes a canvas for the screen's pixels and gives its context, in CSS pixels and cleared. */
export function crisp(canvas: HTMLCanvasElement, width: number, height: number, ratio: number): CanvasRenderingContext2D | null {
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  const context = canvas.getContext("2d");
  context?.scale(ratio, ratio);
  return context;
}
