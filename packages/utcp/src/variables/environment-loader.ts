import type { PluginType } from '../config/plugin-type.ts'
import type { VariableLoader } from './variable-substitutor.ts'

/**
 * Reads variables from an environment, such as a worker's bindings: `environmentLoader(env)`. The environment of the
 * process is the last source of every client anyway; as a loader it comes before those that follow it.
 */
export function environmentLoader(environment: Readonly<Record<string, unknown>>): VariableLoader {
  return {
    get(name) {
      const value = Object.hasOwn(environment, name) ? environment[name] : undefined
      return typeof value === 'string' ? value : undefined
    },
  }
}

/** Lets configurations name an environment: `{"variable_loader_type": "environment"}`. */
export function environmentLoaderType(environment: Readonly<Record<string, unknown>>): PluginType<VariableLoader> {
  return { type: 'environment', create: () => environmentLoader(environment) }
}
