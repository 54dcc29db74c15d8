// Bytes per second, over the last few seconds.

const WINDOW = 4;

export class Rate {
  private readonly marks: { at: number; bytes: number }[] = [];

  add(bytes: number, now: number): void {
    const last = this.marks.at(-1);
    if (last && now - last.at < 0.1) last.bytes += bytes;
    else this.marks.push({ at: now, bytes });
  }

  /** `over`: seconds to look back, at most the window. */
  perSecond(now: number, over = WINDOW): number {
    while (this.marks[0] && now - this.marks[0].at > WINDOW) this.marks.shift();
    const recent = this.marks.filter((mark) => now - mark.at <= over);
    return recent.reduce((sum, mark) => sum + mark.bytes, 0) / over;
  }
}
