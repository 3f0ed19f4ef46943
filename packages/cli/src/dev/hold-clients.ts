import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'
import { ToolKitClient } from '@atp/core'

/**
 * From now on clients of toolkits in this process do not connect: `start` has nothing to do, as their tools are served
 * already. Concerns this copy of `@atp/core` and those that the given files import.
 */
export async function holdClients(files: readonly string[]): Promise<void> {
  hold(ToolKitClient)
  for (const file of files) {
    let path: string
    try {
      path = createRequire(file).resolve('@atp/core')
    } catch {
      // None of its own, and then none to hold.
      continue
    }
    const copy = (await import(pathToFileURL(path).href)) as { ToolKitClient?: typeof ToolKitClient }
    if (copy.ToolKitClient) hold(copy.ToolKitClient)
  }
}

function hold({ prototype }: typeof ToolKitClient): void {
  const done = async (): Promise<void> => {}
  Object.assign(prototype, { start: done, whenRegistered: done })
}
