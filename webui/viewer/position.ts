// An extension of the peer protocol (BEP 10) between viewers: which piece one plays next, and which
// ones it is bringing from a node at the moment. So the others know what will come without them.

import type { Wire } from "webtorrent/dist/webtorrent.min.js";

export const NAME = "p2t_at";

/** Said instead of a piece by a viewer that cannot bring any from nodes at the moment. */
export const NO_TURN = 2 ** 32 - 1;

const MOST_CLAIMS = 64;
const NUMBER = 4;

export class Position {
  /** What the peer said last. */
  at: number | undefined;
  /** Since when it has been bringing a piece; seconds. */
  private claims = new Map<number, number>();
  private said = "";

  constructor(private readonly wire: Wire) {}

  /** Tells the peer, if it understands and does not know it. */
  say(at: number, claims: number[]): void {
    const numbers = [at, ...claims.slice(0, MOST_CLAIMS)];
    if (!(NAME in this.wire.peerExtendedMapping) || this.said === numbers.join()) return;
    this.said = numbers.join();
    this.wire.extended(NAME, encode(numbers));
  }

  /** Called with what the peer says. */
  onMessage(data: Uint8Array): void {
    const numbers = decode(data);
    if (!numbers) return;
    const [at, ...claims] = numbers;
    const now = performance.now() / 1000;
    this.at = at;
    this.claims = new Map(claims.map((index) => [index, this.claims.get(index) ?? now]));
  }

  /** For how many seconds it has been bringing a piece; nothing if it is not. */
  brings(index: number): number | undefined {
    const since = this.claims.get(index);
    return since === undefined ? undefined : performance.now() / 1000 - since;
  }
}
Object.defineProperty(Position.prototype, "name", { value: NAME });

/** Numbers of 32 bits, big-endian. */
export function encode(numbers: number[]): Uint8Array {
  const data = new Uint8Array(numbers.length * NUMBER);
  const view = new DataView(data.buffer);
  numbers.forEach((number, i) => view.setUint32(i * NUMBER, number));
  return data;
}

/** The same numbers; nothing for a message that is none. */
export function decode(data: Uint8Array): number[] | undefined {
  const count = data.length / NUMBER;
  if (!Number.isInteger(count) || count < 1 || count > 1 + MOST_CLAIMS) return undefined;
  const view = new DataView(data.buffer, data.byteOffset, data.length);
  return Array.from({ length: count }, (_, i) => view.getUint32(i * NUMBER));
}
