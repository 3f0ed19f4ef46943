#!/usr/bin/env node
import process from 'node:process'
import type { CliIo, TextStream } from './cli-io.ts'
import { messageLine } from './plain-text.ts'
import { runCli } from './run-cli.ts'

/** What a command left open, such as a socket that a silent server does not close, may hold the process this long. */
const lingerMs = 1_000

/** Who wants to know that nobody reads stdout any more. */
const readerGone = new Set<() => void>()

const io: CliIo = {
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  env: process.env,
  cwd: process.cwd(),
  onInterrupt(listener) {
    process.on('SIGINT', listener)
    return () => {
      // The same Ctrl-C may come twice, and the second one must not cut off what is being written.
      process.on('SIGINT', () => {})
      process.off('SIGINT', listener)
    }
  },
  onQuit(listener) {
    process.on('SIGTERM', listener)
    readerGone.add(listener)
    return () => {
      // As above, for whoever passes the same signal on twice.
      process.on('SIGTERM', () => {})
      process.off('SIGTERM', listener)
      readerGone.delete(listener)
    }
  },
}

// A reader that has seen enough, such as `head`, is no failure; what cannot be written otherwise is one.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') fail(process.stderr, error)
  for (const listener of readerGone) listener()
})
process.stderr.on('error', () => {})
process.on('uncaughtException', (error) => {
  // `atp server` brings its own handler, which logs the defect and ends in order.
  if (process.listenerCount('uncaughtException') === 1) fail(process.stderr, error)
})

// Before anything is loaded that an older Node does not have.
const [major = 0] = process.versions.node.split('.').map(Number)
if (major < 24) fail(process.stderr, new Error(`atp needs Node 24 or newer, this is ${process.versions.node}`))

void runCli(process.argv.slice(2), io).then((exitCode) => {
  process.exitCode = exitCode
  process.stdout.write('', () => setTimeout(() => process.exit(exitCode), lingerMs).unref())
})

function fail(stderr: TextStream, error: Error): never {
  stderr.write(messageLine(`error: ${error.message}`))
  process.exit(1)
}
