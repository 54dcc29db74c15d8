// The verified pieces that the page holds, in bounded memory.

export class Pieces {
  private readonly held = new Map<number, Uint8Array>();
  private size = 0;

  /** `most` in bytes. */
  constructor(readonly most: number) {}

  get bytes(): number {
    return this.size;
  }

  get count(): number {
    return this.held.size;
  }

  has(index: number): boolean {
    return this.held.has(index);
  }

  get(index: number): Uint8Array | undefined {
    return this.held.get(index);
  }

  add(index: number, data: Uint8Array): void {
    if (this.held.has(index)) return;
    this.held.set(index, data);
    this.size += data.length;
  }

  /**
   * Lets go of pieces until the rest fits, and says which. First goes what is farthest behind the
   * piece that is played, `at`; then what is farthest ahead. What is near stays in any case.
   */
  shrink(at: number, near: number): number[] {
    if (this.size <= this.most) return [];
    const away = [...this.held.keys()].filter((index) => index < at - near || index > at + near);
    const behind = away.filter((index) => index < at).sort((a, b) => a - b);
    const ahead = away.filter((index) => index > at).sort((a, b) => b - a);
    const dropped: number[] = [];
    for (const index of [...behind, ...ahead]) {
      if (this.size <= this.most) break;
      this.size -= this.held.get(index)?.length ?? 0;
      this.held.delete(index);
      dropped.push(index);
    }
    return dropped;
  }

  clear(): void {
    this.held.clear();
    this.size = 0;
  }
}

/** How much a page may hold on a machine with so many gigabytes (browsers say 8 at most). */
export function memoryFor(gigabytes: number | undefined): number {
  return (gigabytes === undefined || gigabytes >= 4 ? 256 : gigabytes >= 2 ? 128 : 64) * 2 ** 20;
}
