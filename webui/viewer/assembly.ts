// A piece that comes from peers, block by block.

export const BLOCK = 16 * 1024;

export interface Block {
  offset: number;
  length: number;
}

const FREE = 0;
const ASKED = 1;
const HERE = 2;

export class Assembly {
  readonly data: Uint8Array<ArrayBuffer>;
  /** Whom blocks came from: one of them is to blame if the hash is wrong. */
  readonly from = new Set<string>();
  /** Whether a node was asked, not only viewers. */
  outside = false;
  private readonly state: Uint8Array;

  /** `since`: when it was begun, seconds. */
  constructor(
    readonly index: number,
    length: number,
    readonly since: number,
  ) {
    this.data = new Uint8Array(length);
    this.state = new Uint8Array(Math.ceil(length / BLOCK));
  }

  /** How many blocks are neither here nor asked for. */
  get missing(): number {
    return this.state.reduce((sum, state) => sum + (state === FREE ? 1 : 0), 0);
  }

  get complete(): boolean {
    return this.state.every((state) => state === HERE);
  }

  /** The blocks that were asked for and are not here. */
  asked(): Block[] {
    return [...this.state.keys()].filter((i) => this.state[i] === ASKED).map((i) => this.block(i));
  }

  /** Marks up to `most` blocks as asked for, and gives them. */
  take(most: number): Block[] {
    const blocks: Block[] = [];
    for (let i = 0; i < this.state.length && blocks.length < most; i += 1) {
      if (this.state[i] !== FREE) continue;
      this.state[i] = ASKED;
      blocks.push(this.block(i));
    }
    return blocks;
  }

  /** A block that does not come from where it was asked for. */
  free(block: Block): void {
    const i = block.offset / BLOCK;
    if (this.state[i] === ASKED) this.state[i] = FREE;
  }

  put(block: Block, data: Uint8Array, from: string): void {
    if (data.length !== block.length) return this.free(block);
    this.data.set(data, block.offset);
    this.state[block.offset / BLOCK] = HERE;
    this.from.add(from);
  }

  private block(i: number): Block {
    return { offset: i * BLOCK, length: Math.min(BLOCK, this.data.length - i * BLOCK) };
  }
}
