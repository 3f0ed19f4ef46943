import { UtcpValidationError } from '../errors/utcp-error.ts'
import { isObject } from './copy-json.ts'
import type { CallTemplate, UtcpWarning } from './models.ts'
import { type ReadManual, readManual } from './read-manual.ts'
import { TemplateReader } from './template-reader.ts'

/** A document of UTCP in the form of 1.x, and what was changed or left out on the way. */
export interface Migrated {
  readonly kind: 'manual' | 'config' | 'call_templates'
  readonly value: unknown
  readonly warnings: readonly UtcpWarning[]
}

/**
 * Turns a manual of UTCP 0.x (or of the drafts before it) into one of 1.x; one of 1.x passes.
 * @throws UtcpValidationError `invalid_manual` when it is no manual
 */
export function migrateManual(value: unknown): ReadManual {
  return readManual(value)
}

/**
 * Turns a document of UTCP 0.x into one of 1.x, whichever it is: a manual, a client's configuration, or a list of
 * providers, which becomes one of call templates (`manual_call_templates`).
 * @throws UtcpValidationError
 */
export function migrateDocument(value: unknown): Migrated {
  if (Array.isArray(value)) {
    const { templates, warnings } = migrateTemplates(value, '')
    return { kind: 'call_templates', value: templates, warnings }
  }
  if (!isObject(value)) throw new UtcpValidationError('invalid_manual', '', 'must be an object or a list')
  if (Array.isArray(value.tools)) {
    const { manual, warnings } = migrateManual(value)
    return { kind: 'manual', value: manual, warnings }
  }
  if (Array.isArray(value.providers)) {
    const { templates, warnings } = migrateTemplates(value.providers, 'providers')
    return { kind: 'call_templates', value: templates, warnings }
  }
  return migrateConfig(value)
}

function migrateConfig(config: Readonly<Record<string, unknown>>): Migrated {
  const warnings: UtcpWarning[] = []
  const written: Record<string, unknown> = { ...config }
  if (typeof config.providers_file_path === 'string') {
    delete written.providers_file_path
    written.manual_call_templates = config.manual_call_templates ?? []
    warnings.push({
      path: 'providers_file_path',
      message: `left out: migrate "${config.providers_file_path.slice(0, 200)}" and put its list into "manual_call_templates"`,
    })
  }
  if (Array.isArray(written.manual_call_templates)) {
    const migrated = migrateTemplates(written.manual_call_templates, 'manual_call_templates')
    written.manual_call_templates = migrated.templates
    warnings.push(...migrated.warnings)
  }
  if (Array.isArray(config.load_variables_from)) {
    written.load_variables_from = config.load_variables_from.map((loader: unknown, index) => {
      if (!isObject(loader) || loader.variable_loader_type !== undefined || typeof loader.type !== 'string')
        return loader
      const { type, ...rest } = loader
      warnings.push({ path: `load_variables_from[${index}].type`, message: 'is now called "variable_loader_type"' })
      return { variable_loader_type: type, ...rest }
    })
  }
  return { kind: 'config', value: written, warnings }
}

function migrateTemplates(
  list: readonly unknown[],
  path: string,
): { templates: readonly CallTemplate[]; warnings: readonly UtcpWarning[] } {
  const warnings: UtcpWarning[] = []
  const reader = new TemplateReader()
  const templates = list.map((each, index) =>
    reader.read(each, `${path}[${index}]`, (warning) => warnings.push(warning)),
  )
  return { templates, warnings }
}
