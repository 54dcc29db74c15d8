// What of a video is on this machine and at connected peers, along its time line. Bytes are taken as linear in time.

/** Neighbouring pieces in the same state; `from` and `to` are fractions of the video. */
export interface Run {
  from: number;
  to: number;
  state: "have" | "asked" | "swarm";
}

function stateOf(piece: string | undefined, peersHave: string | undefined): Run["state"] | undefined {
  if (piece === "1") return "have";
  if (piece === "2") return "asked";
  return peersHave === "1" ? "swarm" : undefined;
}

/**
 * `available`: see Swarm. `span`: where the video lies in the pieces, counted in them; all of them where
 * it is missing. Pieces that nobody has make no run.
 */
export function runs(pieces: string, available = "", span = { from: 0, length: pieces.length }): Run[] {
  const found: Run[] = [];
  const place = (piece: number) => Math.min(1, Math.max(0, (piece - span.from) / span.length));
  let start = 0;
  for (let at = 1; at <= pieces.length; at++) {
    const state = stateOf(pieces[start], available[start]);
    if (at < pieces.length && stateOf(pieces[at], available[at]) === state) continue;
    if (state) found.push({ from: place(start), to: place(at), state });
    start = at;
  }
  return found;
}

/** Draws the runs over the width of a canvas; a single piece is at least a pixel wide. */
export function drawRuns(
  canvas: HTMLCanvasElement,
  found: Run[],
  colours: Record<Run["state"], string>,
  size: { width: number; height: number; ratio: number },
): void {
  const width = Math.round(size.width * size.ratio);
  const height = Math.round(size.height * size.ratio);
  if (canvas.width !== width) canvas.width = width;
  if (canvas.height !== height) canvas.height = height;
  const context = canvas.getContext("2d");
  if (!context) return;
  context.clearRect(0, 0, width, height);
  for (const run of found) {
    const left = Math.floor(run.from * width);
    context.fillStyle = colours[run.state];
    context.fillRect(left, 0, Math.max(1, Math.ceil(run.to * width) - left), height);
  }
}
