import { writeFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { type CallTemplate, migrateDocument, readManual, type UtcpWarning } from '@atp/utcp'
import type { Command } from 'commander'
import type { CliIo } from '../cli-io.ts'
import { CommandError, ExitError } from '../exit-errors.ts'
import { createOutput, type Output } from '../output.ts'
import { baseFolder } from '../settings.ts'
import { addManual, type UtcpOptions } from '../utcp/manual-options.ts'
import { isUrl, readDocument, readPlainDocument } from '../utcp/source.ts'
import { type UtcpSession, withUtcpClient, withUtcpErrors } from '../utcp/with-utcp-client.ts'
import { addExamples } from './shared-options.ts'

/** `atp utcp vars` */
export function defineUtcpVars(utcp: Command, io: CliIo): void {
  const output = createOutput(io)
  const vars = utcp.command('vars').description('list the variables that manuals and their tools need')
  addExamples(addManual(vars), ['atp utcp vars ./config.json']).action(async (manual: string, options: UtcpOptions) => {
    await withUtcpClient(
      ...([manual, options, io, output] as const),
      async (session) => {
        const variables = (await requiredVariables(session)).map((name) => ({
          name,
          found_in: placeOf(name, session, io),
        }))
        if (options.json) return output.json({ variables })
        if (variables.length === 0) return output.note('No variables are needed.')
        output.table(
          ['VARIABLE', 'FOUND IN'],
          variables.map(({ name, found_in }) => [
            name,
            found_in === null ? { text: 'nowhere yet', style: 'yellow' } : { text: found_in, style: 'green' },
          ]),
        )
      },
      'not registered',
    )
  })
}

async function requiredVariables({ client, source }: UtcpSession): Promise<readonly string[]> {
  const templates = source.config.manual_call_templates ?? []
  const names = await Promise.all(templates.map((each) => client.getRequiredVariablesForManualAndTools(each)))
  return [...new Set(names.flat())]
}

function placeOf(name: string, { source }: UtcpSession, io: CliIo): 'variables' | 'environment' | null {
  if (Object.hasOwn(source.config.variables ?? {}, name)) return 'variables'
  return io.env[name] ? 'environment' : null
}

/** One thing that `atp utcp check` found. */
interface Finding {
  readonly manual: string
  readonly severity: 'error' | 'warning'
  readonly path: string
  readonly tool: string | null
  readonly message: string
}

/** `atp utcp check` */
export function defineUtcpCheck(utcp: Command, io: CliIo): void {
  const output = createOutput(io)
  const check = utcp
    .command('check')
    .description('say what is wrong with manuals; exit code 1 when a manual or a tool cannot be used')
  addExamples(addManual(check), ['atp utcp check ./manual.json', 'atp utcp check https://api.example.com/utcp']).action(
    async (manual: string, options: UtcpOptions) => {
      const found = isUrl(manual) || options.config !== undefined ? undefined : await checkFile(manual, io)
      const { tools, findings } = found ?? (await checkRegistered(manual, options, io, output))
      const errors = findings.filter(({ severity }) => severity === 'error').length
      if (options.json) output.json({ ok: errors === 0, tools, findings })
      else showFindings(tools, findings, output)
      if (errors === 0) return
      output.note(`error: ${errors} ${errors === 1 ? 'thing' : 'things'} cannot be used`)
      throw new ExitError(1)
    },
  )
}

interface Checked {
  readonly tools: number
  readonly findings: readonly Finding[]
}

/** A manual in a file is checked by itself: tools of all protocols, also of those that this command does not have. */
async function checkFile(path: string, io: CliIo): Promise<Checked | undefined> {
  return withUtcpErrors(async () => {
    const { kind, value } = await readDocument(path, io)
    if (kind !== 'manual') return undefined
    const { manual, warnings } = readManual(Array.isArray(value) ? { tools: value } : value)
    return { tools: manual.tools.length, findings: warnings.map((each) => toFinding(path, each)) }
  })
}

async function checkRegistered(manual: string, options: UtcpOptions, io: CliIo, output: Output): Promise<Checked> {
  return withUtcpClient(
    ...([manual, options, io, output] as const),
    async ({ client, source }) => {
      const templates = (source.config.manual_call_templates ?? []) as CallTemplate[]
      const results = await client.registerManuals(templates)
      const findings = results.flatMap(({ manualCallTemplate, errors, warnings }): Finding[] => {
        const name = manualCallTemplate.name ?? ''
        const failures = errors.map((message) => ({ severity: 'error' as const, path: '', tool: null, message }))
        return [
          ...failures.map((each) => ({ manual: name, ...each })),
          ...warnings.map((each) => toFinding(name, each)),
        ]
      })
      return { tools: results.reduce((sum, result) => sum + result.manual.tools.length, 0), findings }
    },
    'not registered',
  )
}

function toFinding(manual: string, { path, tool, message }: UtcpWarning): Finding {
  const severity = message.startsWith('left out') ? 'error' : 'warning'
  return { ...{ manual, severity, path }, tool: tool ?? null, message }
}

function showFindings(tools: number, findings: readonly Finding[], output: Output): void {
  output.line(`${tools} ${tools === 1 ? 'tool' : 'tools'} can be used.`)
  if (findings.length === 0) return
  output.table(
    ['', 'WHERE', 'TOOL', 'WHAT'],
    findings.map(({ severity, manual, path, tool, message }) => [
      { text: severity, style: severity === 'error' ? 'red' : 'yellow' },
      path === '' ? manual : path,
      tool ?? '-',
      message,
    ]),
  )
}

/** `atp utcp migrate` */
export function defineUtcpMigrate(utcp: Command, io: CliIo): void {
  const output = createOutput(io)
  const migrate = utcp
    .command('migrate')
    .description('write a document of UTCP 0.x (manual, configuration, list of providers) as one of 1.x')
    .argument('<file>', 'JSON or YAML')
    .option('--output <file>', 'where to write it; a file that is there is not replaced (default: stdout)')
    .option('--json', 'print one JSON value: kind, value and warnings')
  addExamples(migrate, [
    'atp utcp migrate providers.json',
    'atp utcp migrate manual-0.json --output manual.json',
  ]).action(async (path: string, options: { output?: string; json?: true }) => {
    const { kind, value, warnings } = await withUtcpErrors(async () =>
      migrateDocument(await readPlainDocument(path, io)),
    )
    for (const { path: where, message } of warnings) output.note(`${where}: ${message}`)
    if (options.output !== undefined) {
      await writeNew(resolve(baseFolder(io), options.output), `${JSON.stringify(value, null, 2)}\n`)
    }
    if (options.json) return output.json({ kind, value, warnings })
    if (options.output === undefined) output.line(JSON.stringify(value, null, 2))
    else output.line(`Wrote ${options.output}`)
  })
}

async function writeNew(file: string, text: string): Promise<void> {
  try {
    await writeFile(file, text, { flag: 'wx' })
  } catch (error) {
    throw new CommandError(`Nothing was written: ${(error as Error).message}`, 'invalid_config', { cause: error })
  }
}
