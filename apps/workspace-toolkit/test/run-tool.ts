import { type InvokeOptions, invokeTool, Toolkit, type WireError } from '@atp/core'
import { registerWorkspaceTools, type WorkspaceOptions } from '../src/workspace-toolkit.ts'

/** Runs the tools of one workspace as a server would have them run. */
export class ToolRunner {
  readonly toolkit: Toolkit = new Toolkit({ appName: 'workspace' })

  constructor(options: WorkspaceOptions) {
    registerWorkspaceTools(this.toolkit, options)
  }

  /** The result of a call that must succeed. */
  // biome-ignore lint/suspicious/noExplicitAny: tests read results of seven shapes.
  async result(name: string, args: object = {}, options: Partial<InvokeOptions> = {}): Promise<any> {
    const outcome = await this.#run(name, args, options)
    if (!outcome.ok) throw new Error(`${name} failed: ${outcome.error.code}: ${outcome.error.message}`)
    return JSON.parse(outcome.json)
  }

  /** The error of a call that must fail. */
  async error(name: string, args: object = {}, options: Partial<InvokeOptions> = {}): Promise<WireError> {
    const outcome = await this.#run(name, args, options)
    if (outcome.ok) throw new Error(`${name} succeeded: ${outcome.json}`)
    return outcome.error
  }

  /** All that a caller gets to see of a call, whatever its outcome. */
  async anything(name: string, args: object = {}): Promise<string> {
    const outcome = await this.#run(name, args, {})
    return outcome.ok ? outcome.json : JSON.stringify(outcome.error)
  }

  #run(name: string, args: object, options: Partial<InvokeOptions>): ReturnType<typeof invokeTool> {
    const tool = this.toolkit.registeredTools.get(name)
    if (!tool) throw new Error(`no tool ${name}`)
    return invokeTool(tool, args, { callId: 'call-1', ...options })
  }
}
