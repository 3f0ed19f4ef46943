import * as z from 'zod'
import type { PluginType } from '../config/plugin-type.ts'
import { isObject } from '../model/copy-json.ts'
import { isOutOfScope, type ResultScope, readScoped } from './result-scope.ts'
import type { ToolPostProcessor } from './tool-post-processor.ts'

/** What {@link limitStrings} cuts. */
export interface LimitStringsOptions extends ResultScope {
  /** The most characters of a text. @default 10_000 */
  readonly limit?: number
}

/** Makes the post-processor `limit_strings`, which cuts texts in results at every depth, never their keys. */
export function limitStrings(options: LimitStringsOptions = {}): ToolPostProcessor {
  const { limit = 10_000 } = options
  return {
    postProcess(_caller, tool, manualCallTemplate, result) {
      return isOutOfScope(options, tool.name, manualCallTemplate.name) ? result : cut(result, limit)
    },
  }
}

/** {@link limitStrings} for configurations. */
export const limitStringsType: PluginType<ToolPostProcessor> = {
  type: 'limit_strings',
  create: (config, context) =>
    limitStrings(readScoped<LimitStringsOptions>(config, { limit: z.int().positive().optional() }, context)),
}

function cut(value: unknown, limit: number): unknown {
  if (typeof value === 'string') return value.length <= limit ? value : cutText(value, limit)
  if (Array.isArray(value)) return value.map((item) => cut(item, limit))
  if (!isObject(value) || Object.prototype.toString.call(value) !== '[object Object]') return value
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, cut(member, limit)]))
}

/** Never leaves half a character behind. */
function cutText(text: string, limit: number): string {
  const last = text.charCodeAt(limit - 1)
  return text.slice(0, last >= 0xd800 && last <= 0xdbff ? limit - 1 : limit)
}
