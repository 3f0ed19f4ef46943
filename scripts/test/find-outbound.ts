import { parseAst } from 'rolldown/parseAst'

/** One place in a file that opens connections to other machines, or hands on what does. */
export interface Outbound {
  line: number
  /** `node:net connect`, `fetch`, `undici`. */
  what: string
}

type Node = Record<string, unknown> & { type: string; start: number }

/** Modules that can connect, and what of theirs cannot. */
const modules: ReadonlyMap<string, ReadonlySet<string>> = new Map([
  ['net', new Set(['createServer', 'isIP', 'isIPv4', 'isIPv6', 'BlockList', 'Server'])],
  ['tls', new Set(['createServer', 'createSecureContext', 'rootCertificates', 'Server'])],
  ['http', new Set(['createServer', 'Server', 'IncomingMessage', 'ServerResponse', 'METHODS', 'STATUS_CODES'])],
  ['https', new Set(['createServer', 'Server'])],
  ['http2', new Set(['createServer', 'createSecureServer', 'constants'])],
  ['ws', new Set(['WebSocketServer'])],
  ...['dgram', 'quic', 'undici', 'pg', 'node-fetch', 'axios', 'got', 'ky', 'superagent', 'needle', 'undici-types'].map(
    (name): [string, ReadonlySet<string>] => [name, new Set()],
  ),
  ...['@nats-io/transport-node', 'socket.io-client', 'eventsource', 'nodemailer', 'mongodb', 'ioredis', 'mysql2'].map(
    (name): [string, ReadonlySet<string>] => [name, new Set()],
  ),
])

const globals: ReadonlySet<string> = new Set(['fetch', 'WebSocket', 'EventSource', 'XMLHttpRequest', 'WebSocketStream'])
const globalObjects: ReadonlySet<string> = new Set(['globalThis', 'self', 'window', 'global'])

/** Where a name is not the value of that name, as `type.key` of the node that holds it. */
const bindings: ReadonlySet<string> = new Set([
  ...['MethodDefinition.key', 'PropertyDefinition.key', 'VariableDeclarator.id', 'FunctionDeclaration.id'],
  ...['FunctionExpression.id', 'ClassDeclaration.id', 'AssignmentPattern.left', 'RestElement.argument'],
  ...['ImportSpecifier.imported', 'ImportSpecifier.local', 'ImportDefaultSpecifier.local', 'ExportSpecifier.exported'],
  ...['FunctionDeclaration.params', 'FunctionExpression.params', 'ArrowFunctionExpression.params', 'CatchClause.param'],
])

/** TypeScript nodes that hold expressions; all others are types, which connect nothing. */
const expressions: ReadonlySet<string> = new Set([
  ...['TSAsExpression', 'TSSatisfiesExpression', 'TSNonNullExpression', 'TSInstantiationExpression', 'TSTypeAssertion'],
  ...['TSParameterProperty', 'TSExportAssignment', 'TSEnumDeclaration', 'TSEnumBody', 'TSEnumMember'],
])

/** Finds every use of the network's ways out in a TypeScript text: imports of modules, and the globals. */
export function findOutbound(text: string, file: string): Outbound[] {
  const found: Outbound[] = []
  const add = (node: Node, what: string): void => {
    found.push({ line: text.slice(0, node.start).split('\n').length, what })
  }

  function visit(node: Node, holder: string, isPattern: boolean): void {
    if (node.type.startsWith('TS') && !expressions.has(node.type)) return
    if (node.type === 'ImportDeclaration' || node.type === 'ExportNamedDeclaration') visitNames(node)
    if (node.type === 'ExportAllDeclaration' || node.type === 'ImportExpression') visitWhole(node, node.source)
    if (node.type === 'CallExpression' && nameOf(node.callee) === 'require') visitWhole(node, listOf(node.arguments)[0])
    if (node.type === 'MemberExpression' && globalObjects.has(nameOf(node.object) ?? '')) {
      const name = nameOf(node.property) ?? String(asNode(node.property)?.value)
      if (globals.has(name)) add(node, name)
    }
    if (node.type === 'Identifier' && globals.has(String(node.name)) && !bindings.has(holder))
      add(node, String(node.name))
    for (const [key, value] of Object.entries(node)) {
      // Keys name something; what a pattern has as values are new names.
      const isName = node.computed === false && (key === 'property' || (node.type === 'Property' && key === 'key'))
      if (isName || (node.type === 'Property' && key === 'value' && isPattern && nameOf(value) !== undefined)) continue
      for (const child of listOf(value)) visit(child, `${node.type}.${key}`, isPattern || node.type === 'ObjectPattern')
    }
  }

  function visitNames(node: Node): void {
    const harmless = harmlessOf(node.source)
    if (harmless === undefined || node.importKind === 'type' || node.exportKind === 'type') return
    for (const specifier of listOf(node.specifiers)) {
      if (specifier.importKind === 'type' || specifier.exportKind === 'type') continue
      const name =
        nameOf(specifier.imported ?? (specifier.type === 'ExportSpecifier' ? specifier.local : undefined)) ?? '*'
      if (!harmless.has(name)) add(node, `${moduleOf(node.source)} ${name}`)
    }
    if (listOf(node.specifiers).length === 0) add(node, `${moduleOf(node.source)}`)
  }

  function visitWhole(node: Node, source: unknown): void {
    if (node.exportKind !== 'type' && harmlessOf(source) !== undefined) add(node, `${moduleOf(source)} *`)
  }

  visit(parseAst(text, { lang: file.endsWith('x') ? 'tsx' : 'ts' }, file) as unknown as Node, '', false)
  return found
}

function moduleOf(source: unknown): string | undefined {
  const value = asNode(source)?.value
  return typeof value === 'string' ? value : undefined
}

function harmlessOf(source: unknown): ReadonlySet<string> | undefined {
  const name = moduleOf(source)?.replace(/^node:/, '')
  return name === undefined ? undefined : modules.get(name)
}

function nameOf(node: unknown): string | undefined {
  const identifier = asNode(node)
  return identifier?.type === 'Identifier' ? String(identifier.name) : undefined
}

function asNode(value: unknown): Node | undefined {
  return typeof value === 'object' && value !== null && 'type' in value ? (value as Node) : undefined
}

function listOf(value: unknown): Node[] {
  return [value].flat().flatMap((each) => asNode(each) ?? [])
}
