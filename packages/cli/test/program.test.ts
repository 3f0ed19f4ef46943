import { describe, expect, it } from 'vitest'
import packageJson from '../package.json' with { type: 'json' }
import { runHere as run } from './run-here.ts'

const commands = [
  ['server'],
  ['keys', 'create'],
  ['keys', 'list'],
  ['keys', 'revoke'],
  ['vault', 'generate-key'],
  ['vault', 'status'],
  ['vault', 'rotate'],
  ['toolkits', 'list'],
  ['tools', 'list'],
  ['call'],
  ['context'],
  ['lint'],
  ['chat'],
  ['utcp', 'list'],
  ['utcp', 'search'],
  ['utcp', 'call'],
  ['utcp', 'vars'],
  ['utcp', 'check'],
  ['utcp', 'migrate'],
  ['calls', 'list'],
]

describe('help', () => {
  it('lists every command, the settings and the exit codes', async () => {
    const { code, stdout, stderr } = await run('--help')
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    for (const [name] of commands) expect(stdout).toMatch(new RegExp(`^  ${name} `, 'm'))
    for (const word of ['ATP_BASE_URL', 'ATP_API_KEY', 'ATP_DATA', 'dev-keys.json', 'Exit codes', 'Examples:']) {
      expect(stdout).toContain(word)
    }
  })

  it.each(commands.map((words) => [words.join(' '), words]))('of %s has examples that name it', async (name, words) => {
    const { code, stdout, stderr } = await run(...words, '--help')
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toContain(`Usage: atp ${name}`)
    const examples = stdout.slice(stdout.indexOf('Examples:')).match(/^ {2}\$ atp .+$/gm) ?? []
    expect(examples.length).toBeGreaterThanOrEqual(1)
    expect(examples.length).toBeLessThanOrEqual(3)
    for (const example of examples) expect(example).toContain(`atp ${name}`)
  })

  it('is the same for "help NAME" and "NAME --help"', async () => {
    for (const name of new Set(commands.map(([first]) => first ?? ''))) {
      expect(await run('help', name)).toEqual(await run(name, '--help'))
    }
  })

  it('has --json on every command that prints data', async () => {
    for (const words of commands) expect((await run(...words, '--help')).stdout).toContain('--json')
  })
})

describe('version', () => {
  it('is that of the package', async () => {
    expect(await run('--version')).toEqual({ code: 0, stdout: `${packageJson.version}\n`, stderr: '' })
  })
})

describe('wrong usage', () => {
  it.each([
    [[], 'Usage: atp'],
    [['keys'], 'Usage: atp keys'],
    [['nonsense'], "unknown command 'nonsense'"],
    [['serve'], 'Did you mean server?'],
    [['--nonsense'], "unknown option '--nonsense'"],
    [['keys', 'nonsense'], "unknown command 'nonsense'"],
    [['keys', 'create'], "required option '--kind <kind>' not specified"],
    [['keys', 'create', '--kind', 'root'], 'Allowed choices are toolkit, llm, admin'],
    [['keys', 'revoke'], "missing required argument 'id'"],
    [['keys', 'list', 'more'], 'too many arguments'],
    [['tools', 'list'], "required option '--toolkit <name>' not specified"],
    [['call', 'demo'], "missing required argument 'tool'"],
    [['call', 'demo', 'greet', '--timeout', '0'], 'Give seconds'],
    [['call', 'demo', 'greet', '--timeout', 'soon'], 'Give seconds'],
    [['call', 'demo', 'greet', '--timeout', '601'], 'Give seconds'],
    [['call', 'demo', 'greet', '--params', '{"a"'], 'Not valid JSON'],
    [['call', 'demo', 'greet', 'word', '--json'], '"word" is no parameter'],
    [['context', 'demo', '--provider', 'nobody'], 'Allowed choices are openai, openai-chat, openai-strict'],
    [['lint', '--provider', 'nobody'], 'Allowed choices are openai, openai-chat, openai-strict'],
    [['lint', '--fail-on', 'all'], 'Allowed choices are refusals, losses, hints, changes'],
    [['lint', 'toolkit.ts', '--timeout', '0'], 'Give seconds'],
    [['lint', './toolkit'], '"./toolkit" is no file that lint reads'],
    [['calls', 'list', '--status', 'odd'], 'Allowed choices are succeeded'],
    [['calls', 'list', '--limit', '501'], 'from 1 to 500'],
    [['server', '--port', '65536'], 'from 0 to 65535'],
    [['server', '--port', '1e3'], 'from 0 to 65535'],
    [['server', '--log-level', 'loud'], 'Allowed choices are silent'],
    [['nonsense\u001b[2J'], "unknown command 'nonsense\\u001b[2J'"],
  ])('%j is told on stderr, with exit code 2 and nothing on stdout', async (args, message) => {
    const { code, stdout, stderr } = await run(...args)
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toContain(message)
    expect(stderr).not.toMatch(/\n\s+at /)
  })
})

describe('a failure', () => {
  it('is one line with its code, and with --json one JSON value on stdout', async () => {
    const plain = await run('toolkits', 'list')
    expect(plain).toMatchObject({ code: 1, stdout: '' })
    expect(plain.stderr).toMatch(/^error: No admin key: .+ \(invalid_config\)\n$/)
    const json = await run('toolkits', 'list', '--json')
    expect(json.code).toBe(1)
    expect(json.stderr).toBe(plain.stderr)
    expect(Object.keys(JSON.parse(json.stdout))).toEqual(['error', 'code'])
    expect(JSON.parse(json.stdout).code).toBe('invalid_config')
  })
})
