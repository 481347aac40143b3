import { defineConfig } from "vite";

// File names are stable: the version is part of the folder's address (layout/assets.py).
export default defineConfig({
  base: "./",
  publicDir: false,
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
