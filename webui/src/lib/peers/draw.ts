// Draws one dot of the picture, a shape for each kind: colour alone would not reach everyone.

import { KIND_NAMES, type Dot, type Kind } from "./network";

/** Colours of the theme that is shown, from the tokens of style.css. */
export interface Palette {
  kinds: Record<Kind, string>;
  background: string;
  text: string;
  line: string;
  strong: string;
  focus: string;
  font: string;
}

/** "#51605a" -> the same at a third of its strength: many lines over one another must not be a blot. */
export const translucent = (colour: string): string => (/^#[0-9a-f]{6}$/i.test(colour) ? `${colour}59` : colour);

export function paletteOf(element: Element): Palette {
  const style = getComputedStyle(element);
  const token = (name: string) => style.getPropertyValue(name).trim();
  return {
    kinds: {
      self: token("--accent"),
      p2ptube: token("--kind-p2ptube"),
      classic: token("--kind-classic"),
      unknown: token("--muted"),
    },
    background: token("--surface"),
    text: token("--text"),
    line: translucent(token("--muted")),
    strong: token("--muted"),
    focus: token("--focus"),
    font: style.fontFamily,
  };
}

/** Corners of a shape on the unit circle; a circle has none. */
export const CORNERS: Record<Kind, [number, number][]> = {
  p2ptube: [],
  classic: [
    [-0.86, -0.86],
    [0.86, -0.86],
    [0.86, 0.86],
    [-0.86, 0.86],
  ],
  unknown: [
    [0, -1.15],
    [1.15, 0],
    [0, 1.15],
    [-1.15, 0],
  ],
  self: Array.from({ length: 10 }, (_, index) => {
    const angle = (index / 10) * 2 * Math.PI - Math.PI / 2;
    const length = index % 2 ? 0.62 : 1.25;
    return [Math.cos(angle) * length, Math.sin(angle) * length] as [number, number];
  }),
};

type Context = CanvasRenderingContext2D;

function outline(context: Context, kind: Kind, x: number, y: number, radius: number): void {
  context.beginPath();
  const corners = CORNERS[kind];
  if (corners.length === 0) context.arc(x, y, radius, 0, 2 * Math.PI);
  for (const [dx, dy] of corners) context.lineTo(x + dx * radius, y + dy * radius);
  context.closePath();
}

export interface Look {
  palette: Palette;
  /** How many screen pixels a unit of the picture has. */
  scale: number;
  pointed: boolean;
  selected: boolean;
  /** Not of those that the user looks at now. */
  dim: boolean;
}

const LABEL_LENGTH = 22;

/** A label is short and has one line, whatever the network sent. */
export function label(dot: Dot): string {
  const text = (dot.kind === "self" ? KIND_NAMES.self : dot.name || dot.id).replace(/\s+/g, " ").trim();
  const characters = [...text];
  return characters.length > LABEL_LENGTH ? `${characters.slice(0, LABEL_LENGTH - 1).join("")}…` : text;
}

type Placed = Dot & { x?: number; y?: number };

export function drawLabel(context: Context, dot: Placed, palette: Palette, scale: number, strong: boolean): void {
  const [x, y] = [dot.x ?? 0, dot.y ?? 0];
  context.font = `${strong ? 600 : 400} ${12 / scale}px ${palette.font}`;
  context.textAlign = "center";
  context.textBaseline = "top";
  context.lineWidth = 3 / scale;
  context.lineJoin = "round";
  context.strokeStyle = palette.background;
  context.fillStyle = palette.text;
  const below = y + dot.radius * 1.2 + 3 / scale;
  context.strokeText(label(dot), x, below);
  context.fillText(label(dot), x, below);
}

export function drawDot(context: Context, dot: Placed, look: Look): void {
  const { palette, scale } = look;
  const [x, y] = [dot.x ?? 0, dot.y ?? 0];
  const colour = palette.kinds[dot.kind];
  context.globalAlpha = look.dim ? 0.25 : 1;
  // A rim in the ground's colour parts the dot from the lines and from its neighbours.
  outline(context, dot.kind, x, y, dot.radius);
  context.fillStyle = dot.kind === "unknown" ? palette.background : colour;
  context.fill();
  context.lineWidth = (dot.kind === "unknown" ? 2.5 : 1.5) / scale;
  context.strokeStyle = dot.kind === "unknown" ? colour : palette.background;
  context.stroke();
  if (look.pointed || look.selected) {
    outline(context, dot.kind, x, y, dot.radius + 4 / scale);
    context.lineWidth = 2.5 / scale;
    context.strokeStyle = look.selected ? palette.focus : palette.text;
    context.stroke();
  }
  context.globalAlpha = 1;
}
