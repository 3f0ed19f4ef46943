// What needs Node beside the root entry. Every line is public API: adding one is a decision.
export { createUtcpClient } from './node/create-utcp-client.ts'
export { type DotenvLoaderOptions, dotenvLoader, dotenvLoaderType } from './node/dotenv-loader.ts'
