import process from 'node:process'
import { pathToFileURL } from 'node:url'
import { toWireTool } from '@atp/core/protocol'
import { discoverToolkits, type FoundToolkit } from '../modules/find-toolkits.ts'
import { describeLoadError, hasLocation } from '../modules/load-error.ts'
import { holdClients } from './hold-clients.ts'
import { loadHint } from './load-hint.ts'
import type { AnnouncedToolkit, FromTools, ToTools } from './messages.ts'
import { reportLoads } from './report-loads.ts'
import { ToolRunner } from './tool-runner.ts'

/* The process of `atp dev` that loads the files of tools and runs the tools. A change of a file means a new process. */

const files = process.argv.slice(2)

process.on('disconnect', () => process.exit(1))
// A terminal sends Ctrl-C to all processes; when this one ends is for the command to say.
process.on('SIGINT', () => {})

// The channel is the command's: a module that tells its parent process that it is ready finds none.
const channel = process.send?.bind(process)
delete process.send

const send = (message: FromTools): Promise<void> =>
  new Promise((resolve) => {
    if (process.connected) channel?.(message, undefined, undefined, () => resolve())
    else resolve()
  })

await holdClients(files)
reportLoads((file, stamp) => void send({ type: 'file', file, stamp }))

/** The file was run, and is none of tools: no line of it is to blame. */
class UnusableFile extends Error {}

const toolkits = new Map<string, FoundToolkit>()
let loading = ''
try {
  for (loading of files) await load(loading)
} catch (error) {
  const why = error instanceof UnusableFile ? error.message : describeLoadError(error, loading) + loadHint(error)
  // Only what Node prints of an uncaught error says where the syntax of a module in plain JavaScript is wrong.
  const printsPlace = error instanceof SyntaxError && !hasLocation(error)
  await send({ type: 'failed', failure: `Cannot load ${loading}: ${why}`, printsPlace })
  if (printsPlace) {
    error.stack = String(error)
    throw error
  }
  process.exit(1)
}

const runner = new ToolRunner(toolkits, (message) => void send(message))
process.on('message', (message: ToTools) => runner.onMessage(message))
let announcing = false
for (const toolkit of toolkits.values()) {
  toolkit.onChange?.(() => {
    // Many tools registered in a row are one change.
    if (!announcing) queueMicrotask(announceAll)
    announcing = true
  })
}
announceAll()

function announceAll(): void {
  announcing = false
  void send({ type: 'ready', toolkits: [...toolkits.values()].map(announce) })
}

async function load(file: string): Promise<void> {
  const found = [...discoverToolkits((await import(pathToFileURL(file).href)) as object).keys()]
  if (found.length === 0) {
    throw new UnusableFile('it exports no toolkit: export a Toolkit, a ToolKitClient or a registry of them')
  }
  for (const toolkit of found) {
    const known = toolkits.get(toolkit.appName)
    if (known !== undefined && known !== toolkit) {
      throw new UnusableFile(`there is another toolkit "${toolkit.appName}": a name stands for one toolkit`)
    }
    toolkits.set(toolkit.appName, toolkit)
    // Of a copy of the package that was not held.
    if (toolkit.state !== undefined && toolkit.state !== 'idle') await toolkit.stop?.()
  }
}

function announce({ appName, caption, instructions, registeredTools }: FoundToolkit): AnnouncedToolkit {
  return { name: appName, caption, instructions, tools: [...registeredTools.values()].map(toWireTool) }
}
