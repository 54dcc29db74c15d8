import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vite";

// The viewer page: files with fixed names, which a node serves below /viewer/, and which
// `p2ptube site` copies to any other web host.
export default defineConfig({
  plugins: [svelte()],
  base: "./",
  publicDir: "viewer/public",
  build: {
    outDir: "../src/p2ptube/web/static/viewer",
    emptyOutDir: true,
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    target: "es2022",
    cssCodeSplit: false,
    rollupOptions: {
      input: { viewer: "viewer/main.ts", sw: "viewer/sw.ts" },
      output: {
        entryFileNames: "[name].js",
        chunkFileNames: "parts/[name]-[hash].js",
        assetFileNames: (asset) => (asset.names.some((name) => name.endsWith(".css")) ? "viewer.css" : "parts/[name]-[hash][extname]"),
      },
    },
  },
});
