import { defineConfig } from "vite";

export default defineConfig({
  build: {
    target: "es2022",
    // The page's security policy allows no inlined scripts, styles or data addresses.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  // `npm run dev` serves the page with live reload and passes the rest on to a running server.
  server: { proxy: { "/socket.io": { target: "http://localhost:3000", ws: true } } },
});
