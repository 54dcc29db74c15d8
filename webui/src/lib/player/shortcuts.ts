// The keys that people know from YouTube: which command a key means, and what the command does.

export type Command =
  | { do: "toggle" | "mute" | "fullscreen" | "theatre" | "captions" | "pip" | "help" }
  | { do: "seek"; by: number }
  | { do: "jump"; to: number }
  | { do: "frame"; by: number }
  | { do: "volume"; by: number }
  | { do: "speed"; by: 1 | -1 }
  | { do: "file"; by: 1 | -1 };

/** Where the focus is, as far as it decides whose key it is. */
export interface Where {
  /** In a text field, a list or a dialog: every key is theirs. */
  typing: boolean;
  /** On a button or link, which space presses. */
  control: boolean;
  /** On something that the arrows move: the volume, a region that scrolls. */
  arrows: boolean;
  /** In the player, or the player fills the screen: else up and down scroll the page. */
  player: boolean;
}

export interface Press {
  key: string;
  ctrlKey: boolean;
  metaKey: boolean;
  altKey: boolean;
  shiftKey: boolean;
}

export const SPEEDS = [0.25, 0.5, 0.75, 1, 1.25, 1.5, 1.75, 2];
const FRAME_SECONDS = 1 / 30;

const KEYS: Record<string, Command> = {
  k: { do: "toggle" },
  " ": { do: "toggle" },
  j: { do: "seek", by: -10 },
  l: { do: "seek", by: 10 },
  ",": { do: "frame", by: -1 },
  ".": { do: "frame", by: 1 },
  "<": { do: "speed", by: -1 },
  ">": { do: "speed", by: 1 },
  m: { do: "mute" },
  f: { do: "fullscreen" },
  t: { do: "theatre" },
  c: { do: "captions" },
  i: { do: "pip" },
  home: { do: "jump", to: 0 },
  end: { do: "jump", to: 1 },
  "?": { do: "help" },
};
const SHIFTED: Record<string, Command> = {
  n: { do: "file", by: 1 },
  p: { do: "file", by: -1 },
};
const ARROWS: Record<string, Command> = {
  ArrowLeft: { do: "seek", by: -5 },
  ArrowRight: { do: "seek", by: 5 },
  ArrowUp: { do: "volume", by: 0.05 },
  ArrowDown: { do: "volume", by: -0.05 },
};
const VERTICAL = new Set(["ArrowUp", "ArrowDown", "Home", "End"]);

/** `files`: only where the video is one of several files of a torrent. */
export const HELP: { keys: string[]; what: string; files?: true }[] = [
  { keys: ["k", "Space"], what: "Play or pause" },
  { keys: ["j", "l"], what: "10 seconds back or on" },
  { keys: ["←", "→"], what: "5 seconds back or on" },
  { keys: ["0", "…", "9"], what: "To that tenth of the video" },
  { keys: [",", "."], what: "One frame back or on, while paused" },
  { keys: ["<", ">"], what: "Slower or faster" },
  { keys: ["↑", "↓"], what: "Louder or quieter, in the player" },
  { keys: ["m"], what: "Sound off or on" },
  { keys: ["c"], what: "Captions, where there are any" },
  { keys: ["f"], what: "Full screen" },
  { keys: ["t"], what: "Theatre: the player as wide as the page" },
  { keys: ["i"], what: "Picture in picture" },
  { keys: ["⇧ N", "⇧ P"], what: "Next or previous video in the torrent", files: true },
  { keys: ["?"], what: "This list" },
];

export function commandOf(press: Press, where: Where): Command | undefined {
  if (where.typing || press.ctrlKey || press.metaKey || press.altKey) return undefined;
  if (press.key === " " && where.control) return undefined;
  if (VERTICAL.has(press.key) && !where.player) return undefined;
  if (press.key in ARROWS) return where.arrows ? undefined : ARROWS[press.key];
  if (/^[0-9]$/.test(press.key)) return { do: "jump", to: Number(press.key) / 10 };
  const key = press.key.toLowerCase();
  return (press.shiftKey ? SHIFTED[key] : undefined) ?? KEYS[key];
}

export function whereOf(target: EventTarget | null, player: Element): Where {
  // The focus leaves a dialog that was closed with the next frame only: keys until then are not meant for it.
  const there = target instanceof Element && !target.closest("dialog:not([open])");
  const element = there ? target : document.body;
  const within = (selector: string) => element.closest(selector) !== null;
  return {
    typing: within("input, textarea, select, [contenteditable]") || !!document.querySelector("dialog[open]"),
    control: within("button, a, summary, label, [role=button], [role=switch]"),
    arrows: within("media-volume-range, [role=region]"),
    player: player.contains(element) || (!!document.fullscreenElement && document.fullscreenElement === player),
  };
}

/** What a command needs of the player beyond the video itself. */
export interface Controls {
  fullscreen(): void;
  theatre(): void;
  captions(): void;
  pip(): void;
  help(): void;
  /** The next or the previous file of the torrent, where files can be chosen. */
  file?(by: 1 | -1): void;
  /** Shows in a word what happened. */
  say(text: string): void;
}

export function perform(command: Command, video: HTMLVideoElement, controls: Controls): void {
  switch (command.do) {
    case "toggle":
      if (video.paused) video.play().catch(() => undefined);
      else video.pause();
      break;
    case "seek":
      seekTo(video, video.currentTime + command.by);
      controls.say(`${command.by > 0 ? "+" : "−"}${Math.abs(command.by)} s`);
      break;
    case "jump":
      if (Number.isFinite(video.duration)) seekTo(video, command.to * video.duration);
      break;
    case "frame":
      if (video.paused) seekTo(video, video.currentTime + command.by * FRAME_SECONDS);
      break;
    case "volume":
      video.volume = clamp(Math.round((video.volume + command.by) * 100) / 100, 0, 1);
      video.muted = video.volume === 0;
      controls.say(`Volume ${Math.round(video.volume * 100)}%`);
      break;
    case "speed":
      video.playbackRate = nextSpeed(video.playbackRate, command.by);
      controls.say(`${video.playbackRate}×`);
      break;
    case "mute":
      video.muted = !video.muted;
      controls.say(video.muted ? "Sound off" : "Sound on");
      break;
    case "file":
      controls.file?.(command.by);
      break;
    default:
      controls[command.do]();
  }
}

export function nextSpeed(now: number, by: 1 | -1): number {
  const slowerFirst = by > 0 ? SPEEDS : [...SPEEDS].reverse();
  return slowerFirst.find((speed) => (by > 0 ? speed > now : speed < now)) ?? slowerFirst.at(-1) ?? 1;
}

function seekTo(video: HTMLVideoElement, to: number): void {
  const end = Number.isFinite(video.duration) ? video.duration : to;
  video.currentTime = clamp(to, 0, end);
}

const clamp = (value: number, low: number, high: number): number => Math.min(high, Math.max(low, value));
