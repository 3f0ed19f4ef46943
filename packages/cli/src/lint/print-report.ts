import { styleText } from 'node:util'
import type { ProviderName } from '@atp/core'
import type { CliIo } from '../cli-io.ts'
import { hasColours, type Style } from '../output.ts'
import { plainText } from '../plain-text.ts'
import { type Finding, type FindingLevel, findingsOfTool, isAsGraveAs, toFinding } from './findings.ts'
import type { LintReport, LintSummary } from './lint-toolkits.ts'

/** What each finding begins with. */
const labels: Record<FindingLevel, { word: string; style: Style }> = {
  refusals: { word: 'refused', style: 'red' },
  losses: { word: 'loses', style: 'yellow' },
  hints: { word: 'hint', style: 'bold' },
  changes: { word: 'change', style: 'dim' },
}

/**
 * Prints a report for people on stdout: the findings of each tool that has any, and a line that sums all up. Findings
 * less grave than `least` are only counted.
 */
export function printReport(report: LintReport, least: FindingLevel, io: Pick<CliIo, 'stdout' | 'env'>): void {
  const colours = hasColours(io.stdout, io.env)
  const style = (name: Style, text: string): string =>
    colours ? styleText(name, text, { validateStream: false }) : text
  const { providers } = report.summary
  // What is read by programs, or searched, is one line each.
  const { isTTY = false, columns = Number.POSITIVE_INFINITY } = io.stdout
  const textWidth = isTTY ? Math.max(narrowest, columns - indent) : Number.POSITIVE_INFINITY

  function print(title: string, all: readonly Finding[]): void {
    const shown = all.filter(({ level }) => isAsGraveAs(level, least))
    if (shown.length === 0) return
    io.stdout.write(`${style('bold', plainText(title))}\n`)
    for (const { level, providers: concerned, text } of shown) {
      const { word, style: look } = labels[level]
      const whose = concerned.length === 0 ? '' : `${nameProviders(concerned, providers)}: `
      const [line, ...more] = wrap(plainText(whose + text), textWidth)
      io.stdout.write(`  ${style(look, word.padEnd(labelWidth))}${line}\n`)
      for (const rest of more) io.stdout.write(`${' '.repeat(indent)}${rest}\n`)
    }
    io.stdout.write('\n')
  }

  for (const { name, hints, tools } of report.toolkits) {
    print(name, hints.map(toFinding))
    for (const tool of tools) print(`${name}/${tool.name}`, findingsOfTool(tool))
  }
  io.stdout.write(`${sumUp(report.summary, least)}\n`)
}

const labelWidth = 9
const indent = labelWidth + 2
const narrowest = 40

/** Breaks a text at spaces into lines that fit; a longer word gets a line of its own. */
function wrap(text: string, width: number): string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line)
      line = word
    } else line = line === '' ? word : `${line} ${word}`
  }
  return [...lines, line]
}

function nameProviders(concerned: readonly ProviderName[], all: readonly ProviderName[]): string {
  return concerned.length === all.length && all.length > 1 ? 'all formats' : concerned.join(', ')
}

function sumUp({ tools, providers, refusals, losses, hints, changes }: LintSummary, least: FindingLevel): string {
  const checked = `${count(tools, 'tool')}, ${count(providers.length, 'format')}`
  if (refusals + losses + hints + changes === 0) return `${checked}: nothing to change`
  const parts = [
    refusals > 0 ? `${count(refusals, 'tool')} refused` : 'nothing refused',
    losses > 0 ? `${count(losses, 'tool')} told incompletely` : 'nothing lost',
    ...(hints > 0 ? [count(hints, 'hint')] : []),
    ...(changes > 0 ? [`${count(changes, 'tool')} changed without loss${least === 'changes' ? '' : ' (--all)'}`] : []),
  ]
  return `${checked}: ${parts.join(', ')}`
}

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? '' : 's'}`
}
