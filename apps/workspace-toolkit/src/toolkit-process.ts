import { ToolKitClient } from '@atp/core'
import type { ToolkitReport, ToolkitSettings } from './toolkit-supervisor.ts'
import { registerWorkspaceTools } from './workspace-toolkit.ts'

/* The process that serves the workspace tools. It ends with its parent: the channel closes even after a kill -9. */

const report = (message: ToolkitReport): void => void process.send?.(message)

/** Ends once the parent has been told. */
function endWith(message: ToolkitReport): void {
  if (process.send) process.send(message, () => process.exit(1))
  else process.exit(1)
}

async function serve(settings: ToolkitSettings): Promise<void> {
  const toolkit = new ToolKitClient({
    apiKey: settings.apiKey,
    appName: 'workspace',
    baseUrl: settings.baseUrl,
    caption: 'Reads, searches and measures the files of one folder',
    instructions: `The tools read the folder ${settings.folder}. Paths are relative to it.`,
  })
  const stop = async (): Promise<void> => {
    await toolkit.stop()
    process.exit(0)
  }
  process.on('disconnect', () => void stop())
  process.on('SIGTERM', () => void stop())
  // Ctrl-C reaches the whole group; the parent decides when this process ends.
  process.on('SIGINT', () => {})
  toolkit.on('disconnected', ({ error }) => {
    if (toolkit.state === 'refused')
      endWith({ type: 'refused', message: error?.message ?? 'the server gave no reason' })
  })
  try {
    registerWorkspaceTools(toolkit, { folder: settings.folder, hidden: settings.hidden })
    await toolkit.start()
    report({ type: 'ready', tools: [...toolkit.registeredTools.keys()] })
  } catch (error) {
    endWith({ type: toolkit.state === 'refused' ? 'refused' : 'failed', message: (error as Error).message })
  }
}

process.once('message', (settings: ToolkitSettings) => void serve(settings))
