// The entry that Workers, `deno serve` and `bun run` want: a default export with `fetch`.
export { app as default } from './app.ts'
