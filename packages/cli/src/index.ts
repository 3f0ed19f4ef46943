// Every line is public API: adding one is a decision.
export type { CliIo, TextStream } from './cli-io.ts'
export { runCli } from './run-cli.ts'
export { defaultDataDir } from './settings.ts'
