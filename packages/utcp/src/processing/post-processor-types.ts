import type { PluginType } from '../config/plugin-type.ts'
import { filterDictType } from './filter-dict.ts'
import { limitStringsType } from './limit-strings.ts'
import type { ToolPostProcessor } from './tool-post-processor.ts'

/** The post-processors that every client knows. */
export const postProcessorTypes: readonly PluginType<ToolPostProcessor>[] = [filterDictType, limitStringsType]
