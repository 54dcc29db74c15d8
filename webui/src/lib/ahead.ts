import { backend } from "./app";
import { isFree, leadsTo, Prefetcher } from "./prefetch";

/** One for the whole app: a card, and the page that it opens, want the same. */
export const prefetcher = new Prefetcher(backend, isFree);
export const toVideo = leadsTo(prefetcher);
