// What the mixer needs to know of the player.

export interface Player {
  /** Seconds that it can play on without another byte. */
  inHand(): number;
  /** The second up to which that is. */
  bufferedTo(): number;
  /** Seconds of video per second; 2 at double speed. */
  pace(): number;
  /** Seconds; 0 while unknown. */
  duration(): number;
  /** Whether play was pressed at all. */
  wanted(): boolean;
}

export function playerOf(video: HTMLVideoElement, known: number): Player {
  let pressed = !video.paused;
  video.addEventListener("play", () => (pressed = true));
  return {
    inHand: () => Math.max(0, bufferedTo(video) - video.currentTime),
    bufferedTo: () => bufferedTo(video),
    pace: () => Math.max(0.5, video.playbackRate),
    duration: () => (Number.isFinite(video.duration) && video.duration > 0 ? video.duration : known),
    wanted: () => pressed,
  };
}

/** The end of what is buffered around the playhead; 0 where nothing is. */
function bufferedTo(video: HTMLVideoElement): number {
  const { buffered, currentTime } = video;
  for (let i = 0; i < buffered.length; i += 1) {
    if (buffered.start(i) <= currentTime + 0.1 && buffered.end(i) > currentTime) return buffered.end(i);
  }
  return 0;
}
