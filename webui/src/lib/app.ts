import { http } from "./http";
import { mock } from "./mock";
import { AppState } from "./state.svelte";

// `npm run dev` runs without a node; the mock is not part of what is built.
export const backend = import.meta.env.MODE === "mock" ? mock : http;
export const app = new AppState(backend);
