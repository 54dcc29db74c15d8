// What an address is worth to a friend. Pure.

export type Reach = "this computer" | "local network" | "internet";

const LOCAL_V4 = [/^10\./, /^192\.168\./, /^172\.(1[6-9]|2\d|3[01])\./, /^169\.254\./, /^100\.(6[4-9]|[7-9]\d|1[01]\d|12[0-7])\./];

/** "[::1]:5678" -> "::1" */
export function hostOf(address: string): string {
  const bracketed = /^\[([^\]]*)\]/.exec(address);
  if (bracketed) return bracketed[1] ?? "";
  const colon = address.lastIndexOf(":");
  return colon < 0 ? address : address.slice(0, colon);
}

/** From where a peer with this address can be reached, as far as the address tells. */
export function reach(address: string): Reach {
  const host = hostOf(address).toLowerCase();
  if (host === "localhost" || host === "::1" || host.startsWith("127.")) return "this computer";
  if (LOCAL_V4.some((range) => range.test(host)) || /^(fe[89ab]|f[cd])[0-9a-f]*:/.test(host)) return "local network";
  return host.endsWith(".local") ? "local network" : "internet";
}

export const REACH_HINTS: Record<Reach, string> = {
  "this computer": "It works on this computer only. Start the node with --host 0.0.0.0 to be found by others.",
  "local network":
    "It works for friends in your network (home, office). From elsewhere they need your public address and this port forwarded by your router.",
  internet: "It works from anywhere, if your router lets this port through.",
};
