// What to ask of whom. Pure: a situation in, requests out.
//
// Viewers who watch the same thing at the same time must not all take the same bytes from the
// node: its line would be divided by their number. So they take turns in bringing pieces from
// outside, known to all of them without a word from the order of their peer ids. The others wait for
// a piece to come from the viewer whose turn it is, and bring it themselves only when it gets late:
// first the next in turn, then the one after.

export interface Source {
  /** The peer id, 40 hex digits. */
  id: string;
  /** A browser like this one; all others are nodes: what they send costs somebody's server or line. */
  viewer: boolean;
  /** The piece that a viewer plays next, where it is known. */
  at: number | undefined;
  /** For how many seconds a viewer has said that it is bringing a piece; nothing if it does not. */
  claims(index: number): number | undefined;
  /** Whether it sends what it is asked for. */
  open: boolean;
  /** How many more blocks may be asked of it now. */
  room: number;
  has(index: number): boolean;
}

export interface Situation {
  me: string;
  /** Whether this viewer takes turns: not while the nodes that it knows let it wait. */
  brings: boolean;
  /** The piece that is needed first, and the end of the video. */
  first: number;
  end: number;
  /** Seconds that the player has in hand before `first`, and how long a piece lasts. */
  inHand: number;
  pieceSeconds: number;
  /** How far ahead of `first` to ask viewers and nodes, in pieces. */
  viewersAhead: number;
  nodesAhead: number;
  sources: Source[];
  /** How many blocks of a piece are neither here nor asked for. */
  missing(index: number): number;
}

export interface Request {
  index: number;
  from: string;
  blocks: number;
}

/** Viewers that are farther behind than this do not bring a piece in time for us. */
const TURN_SECONDS = 30;
/** How late it gets before the viewer whose turn is 1st, 2nd, 3rd ... brings a piece: seconds left. */
const TURNS = [Infinity, 2, 1.6, 1.3];
const LAST_TURN = 1;
/** For how long one is believed to be bringing a piece; less long when it is needed very soon. */
const HOPE_SECONDS = { early: 5, late: 2 };
const LATE_SECONDS = 1.2;

/** Seconds until a piece is needed. */
export const due = (situation: Situation, index: number): number =>
  situation.inHand + (index - situation.first) * situation.pieceSeconds;

/**
 * How many other viewers' turn it is before ours. All viewers count alike those who need the piece
 * and play soon enough before it; it is one's turn after the other's, piece by piece.
 */
export function turn(situation: Situation, index: number): number {
  const ahead = TURN_SECONDS / situation.pieceSeconds;
  const needs = (source: Source) =>
    source.viewer && source.at !== undefined && source.at <= index && index - source.at <= ahead && !source.has(index);
  const ids = situation.sources.filter(needs).map((source) => source.id);
  if (!situation.brings) return ids.length;
  const before = ids.filter((id) => id < situation.me).length;
  const everybody = ids.length + 1;
  return (((before - index) % everybody) + everybody) % everybody;
}

/** Whether to bring a piece from a node now, by whatever way. What another brings is not brought twice. */
export function mayBring(situation: Situation, index: number): boolean {
  const left = due(situation, index);
  const hope = left < LATE_SECONDS ? HOPE_SECONDS.late : HOPE_SECONDS.early;
  const brought = (source: Source) => !source.has(index) && (source.claims(index) ?? Infinity) < hope;
  return !situation.sources.some(brought) && left < (TURNS[turn(situation, index)] ?? LAST_TURN);
}

/** What to ask of the peers, what is needed first coming first. */
export function ask(situation: Situation): Request[] {
  const room = new Map(situation.sources.map((source) => [source.id, source.room]));
  const requests: Request[] = [];
  const end = Math.min(situation.end, situation.first + Math.max(situation.viewersAhead, situation.nodesAhead));
  for (let index = situation.first; index < end && [...room.values()].some((left) => left > 0); index += 1) {
    let blocks = situation.missing(index);
    while (blocks > 0) {
      const source = best(situation, index, room);
      if (!source) break;
      const left = room.get(source.id) ?? 0;
      const asked = Math.min(blocks, left);
      requests.push({ index, from: source.id, blocks: asked });
      room.set(source.id, left - asked);
      blocks -= asked;
    }
  }
  return requests;
}

/** Viewers before nodes; of them, the one with the most room. */
function best(situation: Situation, index: number, room: Map<string, number>): Source | undefined {
  const ahead = index - situation.first;
  const able = situation.sources.filter((source) => (room.get(source.id) ?? 0) > 0 && source.has(index));
  const viewers = able.filter((source) => source.viewer && ahead < situation.viewersAhead);
  const nodes = able.filter((source) => !source.viewer && ahead < situation.nodesAhead);
  const most = (sources: Source[]) =>
    sources.reduce<Source | undefined>(
      (found, source) => (!found || (room.get(source.id) ?? 0) > (room.get(found.id) ?? 0) ? source : found),
      undefined,
    );
  return most(viewers) ?? (nodes.length > 0 && mayBring(situation, index) ? most(nodes) : undefined);
}

export interface Origin {
  /** Bring over HTTP what is needed within so many seconds. */
  seconds: number;
  /** The most pieces of one request. */
  pieces: number;
  /** Whether a piece that peers were asked for does not come in time. */
  late(index: number): boolean;
}

/** The pieces [from, to) to bring over HTTP next: what no peer gives in time. */
export function bring(situation: Situation, origin: Origin): [from: number, to: number] | undefined {
  const wanted = (index: number) =>
    index < situation.end &&
    due(situation, index) < origin.seconds &&
    (origin.late(index) || (situation.missing(index) > 0 && mayBring(situation, index)));
  const furthest = Math.min(situation.end, situation.first + Math.ceil(origin.seconds / situation.pieceSeconds) + 1);
  for (let from = situation.first; from < furthest; from += 1) {
    if (!wanted(from)) continue;
    let to = from + 1;
    while (to - from < origin.pieces && wanted(to)) to += 1;
    return [from, to];
  }
  return undefined;
}
