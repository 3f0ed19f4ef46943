import type { PluginType } from '../config/plugin-type.ts'
import { textList } from '../model/check-shape.ts'
import { isObject } from '../model/copy-json.ts'
import { isOutOfScope, type ResultScope, readScoped } from './result-scope.ts'
import type { ToolPostProcessor } from './tool-post-processor.ts'

/** What {@link filterDict} keeps and drops. With both, keys are dropped first. */
export interface FilterDictOptions extends ResultScope {
  /** Dropped at every depth; objects and lists inside lists that are left empty are dropped, too. */
  readonly exclude_keys?: readonly string[]
  /**
   * Kept at every depth. Another key stays only if something is left of its object or list. A kept object is filtered
   * itself, a kept list is kept whole; plain values inside filtered lists are dropped.
   */
  readonly only_include_keys?: readonly string[]
}

/** Makes the post-processor `filter_dict`, which filters the keys of results. */
export function filterDict(options: FilterDictOptions): ToolPostProcessor {
  const excluded = new Set(options.exclude_keys ?? [])
  const included = new Set(options.only_include_keys ?? [])
  return {
    postProcess(_caller, tool, manualCallTemplate, result) {
      if (isOutOfScope(options, tool.name, manualCallTemplate.name)) return result
      const kept = excluded.size > 0 ? exclude(result, excluded) : result
      return included.size > 0 ? include(kept, included) : kept
    },
  }
}

/** {@link filterDict} for configurations. */
export const filterDictType: PluginType<ToolPostProcessor> = {
  type: 'filter_dict',
  create: (config, context) => {
    const members = { exclude_keys: textList.optional(), only_include_keys: textList.optional() }
    return filterDict(readScoped<FilterDictOptions>(config, members, context))
  },
}

function exclude(value: unknown, keys: ReadonlySet<string>): unknown {
  if (Array.isArray(value)) return value.map((item) => exclude(item, keys)).filter((item) => !isEmptyContainer(item))
  if (!isPlainObject(value)) return value
  const left = Object.entries(value).filter(([key]) => !keys.has(key))
  return Object.fromEntries(left.map(([key, member]) => [key, exclude(member, keys)]))
}

function include(value: unknown, keys: ReadonlySet<string>): unknown {
  if (Array.isArray(value)) return value.map((item) => include(item, keys)).filter(isFilledContainer)
  if (!isPlainObject(value)) return value
  const left: [string, unknown][] = []
  for (const [key, member] of Object.entries(value)) {
    if (keys.has(key)) left.push([key, isPlainObject(member) ? include(member, keys) : member])
    else {
      const filtered = include(member, keys)
      if (isFilledContainer(filtered)) left.push([key, filtered])
    }
  }
  return Object.fromEntries(left)
}

/** Bytes and dates are values, not objects of keys. */
function isPlainObject(value: unknown): value is Readonly<Record<string, unknown>> {
  if (!isObject(value)) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === null || prototype === Object.prototype || Object.getPrototypeOf(prototype) === null
}

function isEmptyContainer(value: unknown): boolean {
  if (Array.isArray(value)) return value.length === 0
  return isPlainObject(value) && Object.keys(value).length === 0
}

function isFilledContainer(value: unknown): boolean {
  return (Array.isArray(value) || isPlainObject(value)) && !isEmptyContainer(value)
}
