import { expect, test } from "vitest";
import { Failure, type Backend } from "../backend";
import { AppState } from "../state.svelte";
import type { Settings } from "../types";
import { SettingsForm } from "./form.svelte";

const START: Settings = {
  name: "Me",
  port: 5678,
  swarm_port: 5679,
  web_port: 5680,
  public_port: null,
  public_url: "",
  max_peers: 50,
  tracker: [],
  dht: true,
  lan: true,
  upload_limit: 0,
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

function started(refuse?: string) {
  const node = { settings: { ...START }, restart: [] as string[], fixed: ["dht"] };
  const sent: Partial<Settings>[] = [];
  const backend = {
    settings: async () => structuredClone(node),
    changeSettings: async (change: Partial<Settings>) => {
      sent.push(change);
      if (refuse) throw new Failure(refuse, 422);
      Object.assign(node.settings, change);
      if ("port" in change) node.restart = ["port"];
      return structuredClone(node);
    },
  };
  return { form: new SettingsForm(new AppState(backend as unknown as Backend)), node, sent };
}

test("saving sends what changed, and tells what needs a restart", async () => {
  const { form, sent } = started();
  await form.load();
  expect([form.dirty, form.fixed]).toEqual([false, ["dht"]]);
  form.draft!.port = "6000";
  expect(form.dirty).toBe(true);
  expect(await form.save()).toBe(true);
  expect([sent, form.dirty, form.restart]).toEqual([[{ port: 6000 }], false, ["port"]]);
});

test("what is typed outlives a reload", async () => {
  const { form, node } = started();
  await form.load();
  form.draft!.name = "Typed";
  node.settings.max_peers = 7;
  await form.load();
  expect([form.draft!.name, form.draft!.max_peers, form.dirty]).toEqual(["Typed", "7", true]);
  form.discard();
  expect([form.draft!.name, form.dirty]).toEqual(["Me", false]);
});

test("what the form finds wrong is not sent", async () => {
  const { form, sent } = started();
  await form.load();
  form.draft!.max_peers = "many";
  expect(await form.save()).toBe(false);
  expect([sent, Object.keys(form.problems)]).toEqual([[], ["max_peers"]]);
});

test("what the node refuses stands beside the field until that is edited", async () => {
  const { form } = started("setting name: no");
  await form.load();
  form.draft!.name = "Bad";
  expect(await form.save()).toBe(false);
  expect(form.problems).toEqual({ name: "no" });
  form.edited("name");
  expect([form.problems, form.dirty]).toEqual([{}, true]);
});
