import process from 'node:process'
import { pathToFileURL } from 'node:url'
import { findToolkits } from '../modules/find-toolkits.ts'
import { describeLoadError, hasLocation } from '../modules/load-error.ts'
import type { ModuleMessage } from './load-module.ts'
import { forbidConnecting } from './no-network.ts'

/* The process that loads a module for lint: whatever the module does or leaves open ends with it. */

const [, , file = ''] = process.argv

forbidConnecting()
process.on('disconnect', () => process.exit(1))

// The channel is lint's: a module that tells its parent process that it is ready finds none.
const send = process.send?.bind(process)
delete process.send

const report = (message: ModuleMessage): Promise<void> =>
  new Promise((resolve) => void send?.(message, () => resolve()))

try {
  const exports = (await import(pathToFileURL(file).href)) as object
  await report({ toolkits: findToolkits(exports) })
} catch (error) {
  await report({ failure: describeLoadError(error, file) })
  // Only what Node prints of an uncaught error says where the syntax of a module in plain JavaScript is wrong.
  if (error instanceof SyntaxError && !hasLocation(error)) {
    error.stack = String(error)
    throw error
  }
}
process.exit(0)
