import { describe, expect, test } from "vitest";
import type { Settings } from "../types";
import { changes, draftOf, parse, problemsOf, rebased, touched } from "./draft";

const saved: Settings = {
  name: "Me",
  port: 5678,
  swarm_port: 5679,
  web_port: 5680,
  public_port: null,
  public_url: "",
  max_peers: 50,
  tracker: ["udp://t.example:1/announce"],
  dht: true,
  lan: true,
  upload_limit: 1_500_000,
  download_limit: 0,
  limit_lan: false,
  yielding: false,
  schedule: [],
  keep: true,
  play_window: 64_000_000,
  prefetch: true,
  blocked: [],
  connections_per_address: 50,
  stun_server: "",
  proxy: "",
  anonymous: false,
};

test("what is loaded means the same when it is read back", () => {
  for (const upload_limit of [0, 1, 64_000, 999_999, 1_000_000, 12_345_678]) {
    const settings = { ...saved, upload_limit };
    expect(parse(draftOf(settings))).toEqual({ settings, problems: {} });
    expect(touched(draftOf(settings), settings)).toBe(false);
  }
});

describe("limits", () => {
  const limit = (amount: string, unit: "kB/s" | "MB/s", limited = true) =>
    parse({ ...draftOf(saved), upload_limit: { limited, amount, unit } });

  test("are bytes per second, with a point or a comma", () => {
    expect(limit("2.5", "MB/s").settings.upload_limit).toBe(2_500_000);
    expect(limit("2,5", "MB/s").settings.upload_limit).toBe(2_500_000);
    expect(limit("300", "kB/s").settings.upload_limit).toBe(300_000);
  });

  test("unlimited is 0, whatever is typed beside it", () => {
    expect(limit("nonsense", "kB/s", false)).toMatchObject({ settings: { upload_limit: 0 }, problems: {} });
  });

  test.each(["", "0", "-1", "fast", "1e400"])("%j is no limit", (amount) => {
    const { settings, problems } = limit(amount, "kB/s");
    expect(problems.upload_limit).toContain("above 0");
    expect(settings).not.toHaveProperty("upload_limit");
  });
});

describe("a schedule", () => {
  const typed = (schedule: string) => parse({ ...draftOf(saved), schedule });

  test("is a list of lines", () => {
    const { settings, problems } = typed(" mon-fri  08:00-18:00 up=1MB/s\n\n22:00-06:00 up=unlimited down=8Mbit/s\n");
    expect(problems).toEqual({});
    expect(settings.schedule).toEqual(["mon-fri 08:00-18:00 up=1MB/s", "22:00-06:00 up=unlimited down=8Mbit/s"]);
  });

  test.each(["always", "mon-fri 8-18 up=1MB/s", "mon-fri 08:00-18:00", "daily 01:00-02:00 up=1MB/s\nnonsense"])(
    "%j is refused",
    (lines) => {
      const { settings, problems } = typed(lines);
      expect(problems.schedule).toContain("mon-fri");
      expect(settings).not.toHaveProperty("schedule");
    },
  );
});

describe("what is wrong is said beside the field", () => {
  const problems = (change: Partial<ReturnType<typeof draftOf>>) => parse({ ...draftOf(saved), ...change }).problems;

  test("ports", () => {
    for (const port of ["", "65536", "-1", "80.5", "http"]) expect(problems({ port }).port).toContain("65535");
    expect(problems({ port: "0", swarm_port: "0" })).toEqual({});
    expect(problems({ swarm_port: "5678" }).swarm_port).toBe("This is already the overlay port.");
  });

  test("the public address is an origin, while the public port is on", () => {
    for (const public_url of ["", "https://tube.example", "http://192.0.2.7:5681/", "https://[2001:db8::1]:81"]) {
      expect(problems({ public: true, public_url })).toEqual({});
    }
    for (const public_url of ["tube.example", "https://tube.example/watch", "ftp://tube.example", "https://a b"]) {
      expect(problems({ public: true, public_url })).toHaveProperty("public_url");
      expect(problems({ public: false, public_url })).toEqual({});
    }
  });

  test("the public port matters only while it is on", () => {
    expect(problems({ public: false, public_port: "x" })).toEqual({});
    expect(problems({ public: true, public_port: "x" })).toHaveProperty("public_port");
  });

  test("name, peers, trackers", () => {
    expect(problems({ name: "  " })).toHaveProperty("name");
    expect(problems({ name: "x".repeat(101) })).toHaveProperty("name");
    expect(problems({ max_peers: "0" })).toHaveProperty("max_peers");
    expect(problems({ tracker: ["wss://ok.example/announce", "", "ftp://no"] })).toEqual({
      "tracker.2": expect.stringContaining("udp://"),
    });
  });
});

test("only what changed is sent, and empty trackers are not", () => {
  const draft = { ...draftOf(saved), name: " New ", public: true, tracker: [...saved.tracker, " "] };
  expect(changes(draft, saved)).toEqual({ name: "New", public_port: 5681 });
});

test("a mistake counts as a change, or it could not be undone", () => {
  expect(touched({ ...draftOf(saved), port: "x" }, saved)).toBe(true);
});

test("unsaved changes survive newly loaded settings", () => {
  const draft = { ...draftOf(saved), name: "Typed", tracker: [] };
  const after = { ...saved, name: "Other", max_peers: 7 };
  expect(rebased(draft, saved, after)).toEqual({ ...draftOf(after), name: "Typed", tracker: [] });
});

test("what the node refuses is put beside its field, or nowhere in particular", () => {
  expect(problemsOf("setting port: Input should be less than 65536")).toEqual({ port: "Input should be less than 65536" });
  expect(problemsOf("setting tracker.0: no URL")).toEqual({ tracker: "no URL" });
  expect(problemsOf("the disk is full")).toEqual({ "": "the disk is full" });
});

describe("privacy", () => {
  const typed = (change: Partial<ReturnType<typeof draftOf>>) => parse({ ...draftOf(saved), ...change });

  test("blocked addresses are parted by whatever people part them by", () => {
    const { settings, problems } = typed({ blocked: " 192.0.2.7,198.51.100.0/24;\n2001:db8::/32 " });
    expect(settings.blocked).toEqual(["192.0.2.7", "198.51.100.0/24", "2001:db8::/32"]);
    expect(problems).toEqual({});
    expect(typed({ blocked: "192.0.2.7 example.org" }).problems.blocked).toContain("example.org");
  });

  test("a proxy and a STUN server are addresses, or nothing", () => {
    for (const proxy of ["", "socks5://127.0.0.1:9050", "http://name:p%40ss@proxy.example:8080/", "socks5://[::1]:1080"]) {
      expect(typed({ proxy }).problems).toEqual({});
    }
    for (const proxy of ["127.0.0.1:9050", "socks4://h:1", "http://h", "http://h:1/path"]) {
      expect(typed({ proxy }).problems).toHaveProperty("proxy");
    }
    expect(typed({ stun_server: "stun:stun.example.org:3478" }).problems).toEqual({});
    expect(typed({ stun_server: "stun.example.org" }).problems).toHaveProperty("stun_server");
    expect(typed({ connections_per_address: "0" }).problems).toHaveProperty("connections_per_address");
  });
});

test("the space for what is not kept is in megabytes", () => {
  const typed = (play_window: string) => parse({ ...draftOf(saved), play_window });
  expect(draftOf(saved).play_window).toBe("64");
  expect(typed("128").settings.play_window).toBe(128_000_000);
  for (const wrong of ["", "15", "a lot", "99999999"]) expect(typed(wrong).problems).toHaveProperty("play_window");
});
