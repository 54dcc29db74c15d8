// The address bar: `#/watch/ID`, `#/search?q=...`. The hash, so that any static page can be the app.

export type Page = "home" | "search" | "watch" | "library" | "peers" | "settings";

export interface Route {
  page: Page;
  id: string;
  query: string;
  /** `#/library?add`: with the panel open in which videos are added. */
  add: boolean;
}

const PAGES = new Set<string>(["search", "watch", "library", "peers", "settings"]);

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return "";
  }
}

export function parse(hash: string): Route {
  const [path = "", search = ""] = hash.replace(/^#?\/?/, "").split("?", 2);
  const [page = "", id = ""] = path.split("/", 2);
  const parameters = new URLSearchParams(search);
  return {
    page: PAGES.has(page) ? (page as Page) : "home",
    id: decoded(id),
    query: parameters.get("q") ?? "",
    add: page === "library" && parameters.has("add"),
  };
}

/** The id of the button that the panel of `#/library?add` begins with. */
export const CHOOSE_ID = "choose-files";

export const href = {
  home: "#/",
  library: "#/library",
  add: "#/library?add",
  peers: "#/peers",
  settings: "#/settings",
  watch: (id: string) => `#/watch/${encodeURIComponent(id)}`,
  search: (text: string) => `#/search?q=${encodeURIComponent(text)}`,
};

export const route = $state<Route>(parse(location.hash));

addEventListener("hashchange", () => {
  const before = route.page + route.id + route.query;
  Object.assign(route, parse(location.hash));
  // Opening a panel of the page one is on is not going elsewhere.
  if (route.page + route.id + route.query !== before) scrollTo(0, 0);
});

export function go(to: string): void {
  location.hash = to;
}
