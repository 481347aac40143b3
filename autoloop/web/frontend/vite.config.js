import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vite";

// The policy allows no style attribute in what Svelte parses: builder.css holds this rule instead.
const strictStyles = {
  name: "strict-styles",
  renderChunk: (code) => code.replaceAll('<svelte-css-wrapper style="display: contents">', "<svelte-css-wrapper>"),
};

// File names are stable: the version is part of the folder's address (layout/assets.py).
export default defineConfig({
  base: "./",
  publicDir: false,
  plugins: [strictStyles, svelte()],
  build: {
    outDir: "../static/dist",
    emptyOutDir: true,
    target: "es2022",
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    reportCompressedSize: false,
    rollupOptions: {
      input: { main: "core/main.ts" },
      output: {
        entryFileNames: "[name].js",
        assetFileNames: "[name][extname]",
        chunkFileNames: (chunk) =>
          ((chunk.facadeModuleId ?? "").match(/islands\/(\w+)\/index/)?.[1] ?? chunk.name) + ".js",
      },
    },
  },
});
