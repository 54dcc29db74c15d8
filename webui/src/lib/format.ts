const UNITS = ["B", "kB", "MB", "GB", "TB"];

/** 1234567 -> "1.2 MB" */
export function bytes(count: number): string {
  let value = Math.max(0, count);
  let unit = 0;
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${unit > 0 && value < 9.95 ? value.toFixed(1) : Math.round(value)} ${UNITS[unit]}`;
}

export const rate = (perSecond: number): string => `${bytes(perSecond)}/s`;

/** 3725 -> "1:02:05" */
export function clock(seconds: number): string {
  const whole = Math.max(0, Math.floor(Number.isFinite(seconds) ? seconds : 0));
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const two = (n: number) => String(n).padStart(2, "0");
  return h ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}

/** 95 -> "1 min 35 s" */
export function remaining(seconds: number): string {
  const whole = Math.max(1, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}

const AGES: [number, Intl.RelativeTimeFormatUnit][] = [
  [31536000, "year"],
  [2592000, "month"],
  [86400, "day"],
  [3600, "hour"],
  [60, "minute"],
];
const relative = new Intl.RelativeTimeFormat("en", { numeric: "auto" });

/** Unix seconds -> "3 hours ago" */
export function ago(unix: number, now: number = Date.now() / 1000): string {
  const age = Math.max(0, now - unix);
  for (const [seconds, unit] of AGES) {
    if (age >= seconds) return relative.format(-Math.floor(age / seconds), unit);
  }
  return "just now";
}

export const percent = (fraction: number): string => `${Math.floor(Math.min(1, Math.max(0, fraction)) * 100)}%`;

export const count = (n: number, one: string, many: string): string => `${n} ${n === 1 ? one : many}`;
