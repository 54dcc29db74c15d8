import { encode } from "uqr";

export interface QrDrawing {
  /** Modules per side, the quiet zone included. */
  size: number;
  /** SVG path data, a run of dark modules per rectangle. */
  path: string;
}

// Four light modules on each side: without them many cameras find no code.
const QUIET_ZONE = 4;

function runs(row: boolean[], y: number): string {
  let path = "";
  for (let x = 0; x < row.length; ) {
    if (!row[x]) {
      x += 1;
      continue;
    }
    const start = x;
    while (row[x]) x += 1;
    path += `M${start} ${y}h${x - start}v1h-${x - start}z`;
  }
  return path;
}

/** The code for a text; undefined where the text is too long for any code. */
export function qrDrawing(text: string): QrDrawing | undefined {
  try {
    const { data, size } = encode(text, { ecc: "L", border: QUIET_ZONE });
    return { size, path: data.map(runs).join("") };
  } catch {
    return undefined;
  }
}
