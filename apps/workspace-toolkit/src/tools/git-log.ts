import { ToolError, type Toolkit } from '@atp/core'
import * as z from 'zod'
import type { ConfinedFolder } from '../confined-folder.ts'
import { findRepositoryRoot } from '../confinement/ignore-rules.ts'
import { type GitAnswer, runGit } from '../git/run-git.ts'
import { maxAnswerBytes, takeWithinJsonBytes } from '../text/json-size.ts'
import { quote } from '../text/quote.ts'
import { joinNotices, pathParam, readOnlyTool } from './shared.ts'

const maxBodyLength = 1_000

const params = z.strictObject({
  path: pathParam.describe('File or folder, from the workspace folder, whose commits to list. Default: all commits.'),
  author: z
    .string()
    .min(1)
    .max(200)
    .optional()
    .describe('Only commits whose author name or e-mail contains this text.'),
  since: z
    .string()
    .min(1)
    .max(40)
    .optional()
    .describe('Only commits after this time: "2026-01-31", "2026-01-31T12:00:00Z" or "3 weeks ago".'),
  limit: z.int().min(1).max(200).default(20).describe('Most commits to return, newest first, 1 to 200.'),
})

const commit = z.object({
  hash: z.string(),
  author: z.string(),
  date: z.string().describe('When it was written, ISO 8601.'),
  subject: z.string(),
  body: z.string().optional(),
})

const output = z.object({
  commits: z.array(commit),
  truncated: z.boolean().describe('Whether there are older commits.'),
  notice: z.string().optional(),
})

/** Adds `git_log`: the history of the workspace or of a path in it. */
export function registerGitLog(toolkit: Toolkit, folder: ConfinedFolder): void {
  toolkit.registerTool(
    {
      name: 'git_log',
      description:
        'Lists git commits of the workspace, newest first: hash, author, date and message, without the changes themselves. Can be narrowed to a path, an author or a time.',
      params,
      output,
      annotations: { title: 'Git history', ...readOnlyTool },
      tags: ['workspace', 'git'],
      timeoutMs: 30_000,
    },
    async ({ path, author, since, limit }, { signal }) => {
      const filters = [...authorFilter(author), ...sinceFilter(since)]
      const view = await folder.view()
      const name = await view.checkName(path)
      const top = await findRepositoryRoot(folder.root)
      if (top === undefined) throw noRepositoryError()
      // Commits of a repository that reaches above the folder count only as far as they touch the folder.
      const paths = name !== '' ? [name] : top === folder.root ? [] : ['.']
      const answer = await runGit(folder.root, [...logArguments, ...filters, `-n${limit + 1}`, '--', ...paths], {
        signal,
      })
      const commits = readCommits(answer, folder.root)
      const given = takeWithinJsonBytes(commits.slice(0, limit), maxAnswerBytes)
      const truncated = given.length < commits.length
      return {
        commits: given,
        truncated,
        ...joinNotices(truncated && 'There are older commits: raise limit or narrow it.'),
      }
    },
  )
}

const logArguments = [
  '-c',
  'i18n.logOutputEncoding=UTF-8',
  'log',
  '--no-show-signature',
  '--no-patch',
  '--no-ext-diff',
  '--no-color',
  '--fixed-strings',
  '--regexp-ignore-case',
  '-z',
  '--format=tformat:%H%x00%an%x00%aI%x00%s%x00%b',
]

function authorFilter(author: string | undefined): string[] {
  if (author === undefined) return []
  if (author.startsWith('-') || /\p{Cc}/u.test(author)) {
    throw new ToolError(`author ${quote(author)} is not allowed: it starts with "-" or has control characters`)
  }
  return [`--author=${author}`]
}

const isoTime = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2})?(Z|[+-]\d{2}:?\d{2})?)?$/
const timeAgo = /^\d{1,5} (second|minute|hour|day|week|month|year)s? ago$/

/** git takes what it does not understand for "now" and finds nothing, so only what it understands is let through. */
function sinceFilter(since: string | undefined): string[] {
  if (since === undefined) return []
  const isTime = isoTime.test(since) && !Number.isNaN(Date.parse(since))
  if (!isTime && !timeAgo.test(since)) {
    throw new ToolError(`since ${quote(since)} is no time; write "2026-01-31", "2026-01-31T12:00:00Z" or "3 weeks ago"`)
  }
  // To a bare date, git would add the present time of day.
  return [`--since=${isTime && !since.includes('T') ? `${since}T00:00:00` : since}`]
}

function readCommits({ exitCode, stdout, stderr }: GitAnswer, root: string): z.infer<typeof commit>[] {
  if (exitCode !== 0) {
    if (stderr.includes('does not have any commits yet')) return []
    throw gitError(stderr, root)
  }
  const fields = stdout.split('\0')
  const commits = []
  for (let at = 0; at + 5 <= fields.length; at += 5) {
    const [hash = '', author = '', date = '', subject = '', body = ''] = fields.slice(at, at + 5)
    const text = body.trim()
    const shown = text.length > maxBodyLength ? `${text.slice(0, maxBodyLength)}…` : text
    commits.push({
      hash,
      author,
      date,
      subject: subject.slice(0, maxBodyLength),
      ...(shown === '' ? {} : { body: shown }),
    })
  }
  return commits
}

function gitError(stderr: string, root: string): ToolError {
  if (stderr.includes('not a git repository')) return noRepositoryError()
  if (stderr.includes('dubious ownership')) {
    return new ToolError(
      'git refuses this repository because it belongs to another user of the machine (safe.directory)',
    )
  }
  const line = stderr.split('\n').find((text) => text.startsWith('fatal:')) ?? stderr.split('\n')[0] ?? ''
  return new ToolError(`git failed: ${line.replaceAll(root, '.').slice(0, 300)}`)
}

function noRepositoryError(): ToolError {
  return new ToolError('The workspace folder is not in a git repository, so it has no history')
}
