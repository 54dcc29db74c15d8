// The other videos of a torrent, and the change to one of them.

import type { Backend } from "../backend";
import type { TorrentFile, Video } from "../types";
import { neighbour, playable } from "./files";

export class Choosing {
  private files = $state.raw<TorrentFile[]>([]);
  /** The index of the one that shall play, as long as the node has not said that it does. */
  wanted = $state<number>();
  /** Why it does not. */
  problem = $state("");
  private id = "";

  /** `taken` gets the video as it is with another file; `chosen` tells which one plays now. */
  constructor(
    private readonly backend: Backend,
    private readonly taken: (video: Video) => void,
    private readonly chosen: () => number | null,
  ) {}

  /** What there is to choose from, in the order of the names; nothing where there is no choice. */
  readonly list = $derived.by(() => playable(this.files, this.chosen()));
  /** Which one plays, or is about to. */
  readonly current = $derived.by(() => this.wanted ?? this.chosen());
  readonly next = $derived.by(() => neighbour(this.list, this.current, 1));

  titleOf(index: number | undefined): string {
    const file = this.list.find((each) => each.index === index);
    return file ? file.title || file.path : "";
  }

  /** From now on it is about this video. */
  open(id: string): void {
    if (id === this.id) return;
    this.id = id;
    this.files = [];
    this.wanted = undefined;
    this.problem = "";
  }

  async load(): Promise<void> {
    const { id } = this;
    try {
      const files = await this.backend.files(id);
      if (id === this.id) this.files = files;
    } catch {
      // What was known stays: the video says itself what is wrong with it.
    }
  }

  /** The next file or the one before; false where there is none. */
  step(by: 1 | -1): boolean {
    const file = neighbour(this.list, this.current, by);
    if (file) void this.choose(file.index);
    return file !== undefined;
  }

  /** Who chooses again meanwhile gets what was chosen last. */
  async choose(index: number): Promise<void> {
    const busy = this.wanted !== undefined;
    this.problem = "";
    if (!busy && index === this.chosen()) return;
    this.wanted = index;
    if (busy) return;
    const { id } = this;
    while (id === this.id && this.wanted !== undefined) {
      const now: number = this.wanted;
      const problem = await this.change(id, now);
      if (id !== this.id) return;
      if (this.wanted !== now) continue;
      this.problem = problem;
      this.wanted = undefined;
    }
  }

  private async change(id: string, index: number): Promise<string> {
    try {
      const video = await this.backend.chooseFile(id, index);
      if (id === this.id) this.taken(video);
      return "";
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      return `${this.titleOf(index)} cannot be opened: ${why}`;
    }
  }
}
