import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vitest/config";

const TESTS = ["src/**/*.test.ts", "viewer/**/*.test.ts"];
const WITH_DOCUMENT = ["src/**/*.dom.test.ts"];

export default defineConfig(({ mode }) => ({
  plugins: [svelte()],
  base: "/static/",
  build: {
    outDir: "../src/p2ptube/web/static",
    emptyOutDir: true,
    // The page's Content-Security-Policy allows neither data: URLs nor inline scripts.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    target: "es2022",
  },
  test: {
    // Those that need a document say so in their names: to make one takes a second.
    projects: [
      { extends: true, test: { name: "plain", environment: "node", isolate: false, include: TESTS, exclude: WITH_DOCUMENT } },
      { extends: true, test: { name: "document", environment: "jsdom", include: WITH_DOCUMENT } },
    ],
    pool: "threads",
    testTimeout: 30_000, // the machine may have other work
  },
  resolve: mode === "test" ? { conditions: ["browser"] } : {},
}));
