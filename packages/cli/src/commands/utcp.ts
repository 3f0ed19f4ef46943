import { type Command, InvalidArgumentError } from 'commander'
import type { CliIo } from '../cli-io.ts'
import { createOutput } from '../output.ts'
import { readParams } from '../params.ts'
import { addManual, type UtcpOptions } from '../utcp/manual-options.ts'
import { jsonOf, showTools, textOf } from '../utcp/show-tools.ts'
import { withUtcpClient } from '../utcp/with-utcp-client.ts'
import { addExamples } from './shared-options.ts'
import { defineUtcpCheck, defineUtcpMigrate, defineUtcpVars } from './utcp-documents.ts'

/** `atp utcp list`, `search`, `call`, `vars`, `check` and `migrate` */
export function defineUtcp(utcp: Command, io: CliIo): void {
  addExamples(utcp, [
    'atp utcp list https://api.example.com/utcp',
    'atp utcp call ./manual.json get_weather location=Rome',
    'atp utcp check ./manual.json',
  ])
  utcp.addHelpText(
    'after',
    `
MANUAL is the URL of a manual, or a file: a manual, or a configuration of a client with its manuals.
Files are JSON (comments and trailing commas are fine) or YAML. Protocols: http, sse, streamable_http, text, file.`,
  )
  defineList(utcp, io)
  defineSearch(utcp, io)
  defineCall(utcp, io)
  defineUtcpVars(utcp, io)
  defineUtcpCheck(utcp, io)
  defineUtcpMigrate(utcp, io)
}

function defineList(utcp: Command, io: CliIo): void {
  const output = createOutput(io)
  const list = utcp.command('list').description('list tools; an argument with "?" may be left out')
  addExamples(addManual(list), [
    'atp utcp list https://api.example.com/utcp',
    'atp utcp list ./config.json --json    with schemas and call templates',
  ]).action(async (manual: string, options: UtcpOptions) => {
    await withUtcpClient(manual, options, io, output, async ({ client }) => {
      const tools = await client.repository.getTools()
      if (options.json) return output.json({ tools })
      if (tools.length === 0) return output.note('There are no tools.')
      showTools(tools, output)
    })
  })
}

interface SearchOptions extends UtcpOptions {
  limit: number
  tag?: string[]
}

function defineSearch(utcp: Command, io: CliIo): void {
  const output = createOutput(io)
  const search = addManual(utcp.command('search').description('find the tools that fit a text, best first'))
    .argument('<query...>', 'what the tool should do')
    .option('--limit <count>', 'the most to print; 0 for all', readCount, 10)
    .option('--tag <tag>', 'only tools with this tag, or another that is given', collect)
  addExamples(search, ['atp utcp search ./config.json current weather --limit 3']).action(
    async (manual: string, query: string[], options: SearchOptions) => {
      await withUtcpClient(manual, options, io, output, async ({ client }) => {
        const tools = await client.searchTools(query.join(' '), options.limit, options.tag ?? [])
        if (options.json) return output.json({ tools })
        if (tools.length === 0) return output.note('No tool fits.')
        showTools(tools, output)
      })
    },
  )
}

interface CallOptions extends UtcpOptions {
  params?: string[]
  stream?: true
  /** Seconds. */
  timeout?: number
}

function defineCall(utcp: Command, io: CliIo): void {
  const output = createOutput(io)
  const call = addManual(utcp.command('call').description('call a tool and print its result'))
    .argument('<tool>', 'its full name, or without the manual where there is one manual')
    .argument('[params...]', 'arguments as key=value; a value that is valid JSON is taken as JSON')
    .option('--params <params>', 'arguments as a JSON object, @file, - for stdin, or key=value', collect)
    .option('--stream', 'print pieces as they come, with --json as one line of JSON each')
    .option('--timeout <seconds>', 'how long the call may take (default: 120, for streams no limit)', readSeconds)
  addExamples(call, [
    'atp utcp call ./manual.json get_weather location=Rome',
    `atp utcp call https://api.example.com/utcp create_user --params '{"body": {"name": "Ada"}}' --var TOKEN=…`,
    'atp utcp call ./config.json ticker.prices --stream --json',
  ]).action(async (manual: string, tool: string, pairs: string[], options: CallOptions) => {
    const args = await readParams([...(options.params ?? []), ...pairs], io)
    await withUtcpClient(manual, options, io, output, async ({ client, source, signal }) => {
      const { manualName } = source
      const full = manualName === undefined || tool.startsWith(`${manualName}.`) ? tool : `${manualName}.${tool}`
      const callOptions = { signal, ...(options.timeout === undefined ? {} : { timeoutMs: options.timeout * 1_000 }) }
      if (!options.stream) {
        const result = await client.callTool(full, args, callOptions)
        return options.json ? output.json(jsonOf(result)) : output.line(textOf(result))
      }
      for await (const piece of client.callToolStreaming(full, args, callOptions)) {
        // Always one line: a program reads them one by one.
        output.line(options.json ? JSON.stringify(jsonOf(piece)) : textOf(piece))
      }
    })
  })
}

function collect(value: string, before: string[] | undefined): string[] {
  return [...(before ?? []), value]
}

function readCount(text: string): number {
  if (/^\d{1,7}$/.test(text)) return Number(text)
  throw new InvalidArgumentError('Give a whole number, 0 for all.')
}

function readSeconds(text: string): number {
  const seconds = Number(text)
  if (text.trim() !== '' && seconds >= 0.001 && seconds <= 86_400) return seconds
  throw new InvalidArgumentError('Give seconds, more than 0 and at most 86400.')
}
