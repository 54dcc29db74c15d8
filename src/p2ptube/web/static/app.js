// The page. Text from the network only ever becomes text nodes, never markup.
import { call, listen, upload } from "./api.js";

const $ = (id) => document.getElementById(id);
const videos = new Map(); // ours, by id
const results = new Map(); // of the last search, by id
const jobs = new Map();
let watched = null; // the id of the video in the player
let endSearch = () => {};

function make(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

function say(error) {
  $("message").textContent = error instanceof Error ? error.message : error;
  $("message").hidden = !error;
}

// Runs what a click or a form asks for, and shows what went wrong.
async function attempt(work) {
  say("");
  try {
    await work();
  } catch (error) {
    say(error);
  }
}

const button = (text, work) =>
  make("button", { type: "button", textContent: text, onclick: () => attempt(work) });

function bytes(count) {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let unit = 0;
  while (count >= 1000 && unit < units.length - 1) { count /= 1000; unit += 1; }
  return `${count.toFixed(count < 100 && unit ? 1 : 0)} ${units[unit]}`;
}

function clock(seconds) {
  const pad = (n) => String(Math.floor(n)).padStart(2, "0");
  const minutes = Math.floor(seconds / 60);
  const rest = pad(seconds % 60);
  return minutes < 60 ? `${minutes}:${rest}` : `${Math.floor(minutes / 60)}:${pad(minutes % 60)}:${rest}`;
}

const percent = (fraction) => `${Math.floor(fraction * 100)}%`;

function facts(video) {
  const list = [clock(video.duration), bytes(video.size)];
  if (video.height) list.push(`${video.height}p`);
  if (video.publisher.name) list.push(`by ${video.publisher.name}`);
  const others = video.holders.length;
  // Of a complete video we are a holder ourselves, and the others are of interest only if any.
  if (others || video.state !== "complete") list.push(others === 1 ? "1 holder" : `${others} holders`);
  if (video.state === "fetching") list.push(`fetching ${percent(video.progress)}`);
  if (video.state === "error") list.push("error");
  if (video.detail) list.push(video.detail);
  return list.join(" · ");
}

// --- videos -------------------------------------------------------------------------------

function actions(video) {
  const path = `videos/${video.id}`;
  const list = [];
  if (video.state === "fetching") {
    list.push(button("Stop", async () => update(await call("DELETE", `${path}/fetch`))));
  } else if (video.state !== "complete") {
    list.push(button("Fetch", async () => update(await call("POST", `${path}/fetch`, { keep: true }))));
  }
  if (videos.has(video.id)) {
    list.push(button("Delete", async () => {
      if (!confirm(`Delete “${video.title}”?`)) return;
      await call("DELETE", `${path}?delete_file=${!video.in_place}`);
      remove(video.id);
    }));
  }
  return list;
}

function videoItem(video) {
  const picture = make("img", { src: `/poster/${video.id}`, alt: "", loading: "lazy" });
  picture.onerror = () => picture.remove();
  const title = make("a", {
    className: "title", href: `#/watch/${video.id}`, textContent: video.title || video.file_name,
  });
  const text = make("div", { className: "text" }, title,
    make("span", { className: "facts", textContent: facts(video) }));
  const item = make("li", {}, picture, text, make("div", { className: "actions" }, ...actions(video)));
  item.dataset.id = video.id;
  return item;
}

// Only the item that changed is drawn anew, so that the focus elsewhere stays where it is.
function draw(list, video) {
  const old = [...list.children].find((item) => item.dataset.id === video.id);
  if (old) old.replaceWith(videoItem(video));
  else list.prepend(videoItem(video));
}

function update(video) {
  if (video.state !== "remote") videos.set(video.id, video);
  if (videos.has(video.id)) {
    videos.set(video.id, video);
    draw($("videos"), video);
  }
  if (results.has(video.id)) {
    results.set(video.id, video);
    draw($("results"), video);
  }
  $("no-videos").hidden = videos.size > 0;
  if (watched === video.id) showWatched(video);
}

function remove(id) {
  videos.delete(id);
  for (const item of document.querySelectorAll("#videos li")) if (item.dataset.id === id) item.remove();
  $("no-videos").hidden = videos.size > 0;
  if (watched === id) location.hash = "#/";
}

async function loadVideos() {
  const list = await call("GET", "videos");
  videos.clear();
  $("videos").replaceChildren();
  $("no-videos").hidden = list.length > 0;
  for (const video of list.reverse()) update(video);
}

// --- search -------------------------------------------------------------------------------

function search(text) {
  endSearch();
  say("");
  results.clear();
  $("results").replaceChildren();
  $("results-section").hidden = false;
  $("results-state").textContent = "Searching …";
  endSearch = listen(`search?q=${encodeURIComponent(text)}`, {
    result: (video) => { results.set(video.id, video); draw($("results"), video); },
    problem: (error) => say(`${error.title}: ${error.detail}`),
    done: ({ count }, source) => {
      source.close(); // else the browser would search again
      $("results-state").textContent = count ? `${count} found` : `Nothing found for “${text}”.`;
    },
    error: (_, source) => { source.close(); attempt(showNode); },
  });
}

// --- watching -----------------------------------------------------------------------------

function showWatched(video) {
  $("watch-title").textContent = video.title || video.file_name;
  $("watch-facts").textContent = facts(video);
  $("watch-about").textContent = video.description;
  $("watch-actions").replaceChildren(...actions(video));
}

async function showSwarm() {
  const id = watched;
  if (!id || document.hidden) return;
  try {
    const swarm = await call("GET", `videos/${id}/swarm`);
    if (id !== watched) return;
    const have = [...swarm.pieces].filter((piece) => piece === "1").length;
    $("watch-swarm").textContent = `${swarm.peers.length} connections · down ${bytes(swarm.download_rate)}/s` +
      ` · up ${bytes(swarm.upload_rate)}/s · ${have} of ${swarm.pieces.length} pieces`;
  } catch {
    $("watch-swarm").textContent = "";
  }
}

async function route() {
  const id = /^#\/watch\/([^/?]+)$/.exec(location.hash)?.[1] ?? null;
  if (id === watched) return;
  watched = id;
  $("watch").hidden = !id;
  $("watch-swarm").textContent = "";
  $("player").removeAttribute("src");
  $("player").load(); // ends the old stream
  if (!id) return;
  await attempt(async () => {
    showWatched(await call("GET", `videos/${id}`));
    $("player").src = `/stream/${id}`;
    window.scrollTo(0, 0); // the player is the first thing of the page
    await showSwarm();
  });
}

// --- jobs, peers, the node ----------------------------------------------------------------

function showJob(job) {
  const over = job.state === "done" || job.state === "cancelled";
  if (over) jobs.delete(job.id);
  else jobs.set(job.id, job);
  $("jobs-section").hidden = jobs.size === 0;
  $("jobs").replaceChildren(...[...jobs.values()].map((each) => {
    const failed = each.state === "failed";
    const left = each.remaining === null ? "" : ` · ${clock(each.remaining)} left`;
    const text = failed ? `failed: ${each.error}` : `${each.stage || each.state} ${percent(each.progress)}${left}`;
    const body = make("div", { className: "text" },
      make("span", { className: "title", textContent: each.label }),
      make("span", { className: "facts", textContent: text }));
    if (!failed) body.append(make("progress", { max: 1, value: each.progress, ariaLabel: each.label }));
    const end = failed
      ? button("Dismiss", () => showJob({ ...each, state: "cancelled" }))
      : button("Cancel", async () => showJob(await call("DELETE", `jobs/${encodeURIComponent(each.id)}`)));
    return make("li", {}, body, end);
  }));
}

function showPeers(peers) {
  $("no-peers").hidden = peers.length > 0;
  $("peers").replaceChildren(...peers.map((peer) => {
    const words = [peer.kind, peer.alive ? "alive" : "silent"];
    if (peer.latency !== null) words.push(`${Math.round(peer.latency * 1000)} ms`);
    return make("li", {},
      make("div", { className: "text" },
        make("span", { className: "title", textContent: peer.name ? `${peer.name} (${peer.id})` : peer.id }),
        make("span", { className: "facts", textContent: words.join(" · ") })),
      button("Remove", async () => {
        await call("DELETE", `peers/${encodeURIComponent(peer.id)}`);
        await loadPeers();
      }));
  }));
}

const loadPeers = async () => showPeers(await call("GET", "peers"));

async function showNode() {
  const node = await call("GET", "node");
  $("node").textContent = `${node.name} · address for friends: ${node.peer_id} · ${bytes(node.storage_used)} used, ` +
    `${bytes(node.storage_free)} free · version ${node.version}`;
}

// --- adding -------------------------------------------------------------------------------

async function sendFiles(files) {
  const bar = $("upload-progress");
  bar.hidden = false;
  try {
    for (const file of files) showJob(await upload(file, (fraction) => { bar.value = fraction; }));
  } finally {
    bar.hidden = true;
  }
}

function onSubmit(id, work) {
  $(id).addEventListener("submit", (event) => {
    event.preventDefault();
    attempt(() => work(event.target));
  });
}

onSubmit("search", () => search($("query").value));
onSubmit("upload", async (form) => { await sendFiles([...$("file").files]); form.reset(); });
onSubmit("add-source", async (form) => {
  const text = $("source").value.trim();
  const isUrl = /^(https?:|magnet:)/i.test(text);
  showJob(await call("POST", "videos", isUrl ? { url: text } : { path: text }));
  form.reset();
});
onSubmit("add-peer", async (form) => {
  await call("POST", "peers", { address: $("address").value.trim() });
  form.reset();
  await loadPeers();
});
$("refresh-peers").onclick = () => attempt(async () => showPeers(await call("POST", "peers/refresh")));
$("rebuild-peers").onclick = () => attempt(async () => showPeers(await call("POST", "peers/rebuild", {})));
$("player").onerror = () => {
  if (watched) say("The video cannot be played now: nobody who has it can be reached, or it is damaged.");
};
for (const kind of ["dragover", "dragleave", "drop"]) {
  document.addEventListener(kind, (event) => {
    event.preventDefault();
    document.body.classList.toggle("dropping", kind === "dragover");
    const files = [...(event.dataTransfer?.files ?? [])];
    if (kind === "drop" && files.length) attempt(() => sendFiles(files));
  });
}
window.addEventListener("hashchange", route);

async function load() {
  await Promise.all([loadVideos(), loadPeers(), showNode()]);
  for (const job of await call("GET", "jobs")) if (job.state !== "failed") showJob(job);
}

// `ready` comes at first and after every reconnection: what was missed meanwhile is loaded anew.
listen("events", {
  ready: () => attempt(load),
  job: showJob,
  video: update,
  removed: remove,
  peers: showPeers,
  error: () => attempt(showNode), // says what is wrong
});
setInterval(showSwarm, 1000);
route();
