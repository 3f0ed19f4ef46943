import type { Toolkit } from '@atp/core'
import { readOnlyTool } from './shared.ts'

/** Adds `hello_world`: the smallest tool, written in the founding form. */
export function registerHelloWorld(toolkit: Toolkit): void {
  toolkit.registerTool(
    {
      functionName: 'hello_world',
      params: ['name'],
      requiredParams: ['name'],
      description: 'Returns a greeting.',
      authProvider: null,
      authType: null,
      authWith: null,
      annotations: { title: 'Hello', ...readOnlyTool },
      tags: ['demo'],
    },
    ({ name }) => ({ message: `Hello, ${typeof name === 'string' ? name : JSON.stringify(name)}!` }),
  )
}
