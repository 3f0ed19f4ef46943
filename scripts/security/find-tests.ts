import { parseAst } from 'rolldown/parseAst'

/** One test as its file writes it. */
export interface FoundTest {
  /**
   * The titles of its suites and its own, joined by ` > `, as they are written: `%s` and `$name` of table-driven tests
   * stay, and so does `${…}` of a template.
   */
  title: string
  /** Why it is no proof of anything: `skip`, `todo`, `fails`, or that it has no body. Undefined for an ordinary test. */
  idle?: string
}

type Node = Record<string, unknown> & { type: string; start: number; end: number }

/** What a callee such as `it.each(cases)` or `describe.skip` is made of. */
interface Callee {
  root: string
  modifiers: readonly string[]
}

const testNames: ReadonlySet<string> = new Set(['it', 'test'])
/** Called once with a condition or cases, they give the function that takes the title. */
const factories: ReadonlySet<string> = new Set(['each', 'for', 'skipIf', 'runIf'])
const idleModifiers: ReadonlySet<string> = new Set(['skip', 'todo', 'fails'])

/**
 * Finds the tests of a TypeScript text: `it` and `test` with all their variants, inside of `describe` and of functions
 * whose names begin with it, and what contracts run: objects with `says`, `run` and perhaps an `id`.
 */
export function findTests(text: string, file: string): FoundTest[] {
  const found: FoundTest[] = []
  const textOf = (node: Node): string => text.slice(node.start, node.end)

  function visit(node: Node, suites: readonly string[], idle: string | undefined): void {
    const callee = node.type === 'CallExpression' ? calleeOf(node.callee) : undefined
    const [title, ...others] = callee ? nodesOf(node.arguments) : []
    if (!callee || !title || isWaitingForTitle(callee)) {
      if (node.type === 'ObjectExpression') addBehaviour(node, suites, idle)
      for (const child of Object.values(node).flatMap(nodesOf)) visit(child, suites, idle)
      return
    }
    const path = [...suites, titleOf(title, textOf)]
    const state = idle ?? callee.modifiers.find((modifier) => idleModifiers.has(modifier))
    if (testNames.has(callee.root)) {
      const why = state ?? (others.some(isBody) ? undefined : 'no body')
      found.push({ title: path.join(' > '), ...(why === undefined ? {} : { idle: why }) })
    } else for (const body of others) visit(body, path, state)
  }

  function addBehaviour(node: Node, suites: readonly string[], idle: string | undefined): void {
    const members = new Map(nodesOf(node.properties).map((member) => [nameOf(member.key), asNode(member.value)]))
    const [id, says] = [members.get('id'), members.get('says')]
    if (!says || !members.has('run')) return
    const title = `${id ? `${titleOf(id, textOf)}: ` : ''}${titleOf(says, textOf)}`
    found.push({ title: [...suites, title].join(' > '), ...(idle === undefined ? {} : { idle }) })
  }

  visit(parseAst(text, { lang: file.endsWith('x') ? 'tsx' : 'ts' }, file) as unknown as Node, [], undefined)
  return found
}

function calleeOf(value: unknown): Callee | undefined {
  const node = asNode(value)
  const name = nameOf(node)
  if (name !== undefined) {
    return testNames.has(name) || name.startsWith('describe') ? { root: name, modifiers: [] } : undefined
  }
  if (node?.type === 'MemberExpression') {
    const inner = calleeOf(node.object)
    return inner && { ...inner, modifiers: [...inner.modifiers, nameOf(node.property) ?? ''] }
  }
  if (node?.type !== 'CallExpression' && node?.type !== 'TaggedTemplateExpression') return undefined
  const inner = calleeOf(node.callee ?? node.tag)
  // The factory has what it needs: its own name no longer stands at the end.
  return inner && isWaitingForTitle(inner) ? { ...inner, modifiers: [...inner.modifiers, 'called'] } : undefined
}

function isWaitingForTitle({ modifiers }: Callee): boolean {
  return factories.has(modifiers.at(-1) ?? '')
}

/** A function, or the name of one. */
function isBody(node: Node): boolean {
  return ['ArrowFunctionExpression', 'FunctionExpression', 'Identifier', 'MemberExpression'].includes(node.type)
}

function titleOf(node: Node, textOf: (node: Node) => string): string {
  if (node.type === 'Literal' && typeof node.value === 'string') return node.value
  if (node.type === 'TemplateLiteral') return textOf(node).slice(1, -1)
  return `\${${textOf(node)}}`
}

function nameOf(value: unknown): string | undefined {
  const node = asNode(value)
  return node?.type === 'Identifier' ? String(node.name) : undefined
}

function asNode(value: unknown): Node | undefined {
  return typeof value === 'object' && value !== null && 'type' in value ? (value as Node) : undefined
}

function nodesOf(value: unknown): Node[] {
  return [value].flat().flatMap((each) => asNode(each) ?? [])
}
