import { type ToolArguments, UtcpError } from '@atp/utcp'
import { argumentText, percentEncoded } from './argument-text.ts'

/** A template's URL with its arguments. */
export interface FilledUrl {
  readonly url: string
  /** The arguments that are in it. */
  readonly used: ReadonlySet<string>
  /** Whether an argument is in its scheme, host or port. */
  readonly hasArgumentHost: boolean
  /** Whether arguments may choose any host, and not only one below a fixed domain. */
  readonly hasAnyHost: boolean
}

/** `{name}`, and `${name}` where that is not a variable any more. */
const parameter = /\$?\{([^{}]+)\}/g
const wholeParameter = /^\$?\{([^{}]+)\}$/

/**
 * Fills arguments into the parameters of a URL, which are in braces, percent-encoded; `{url}` as the whole template is
 * the argument as it is. One argument may be in several places. None can leave its segment of the path: `..` is refused.
 * @throws UtcpError `invalid_arguments` for one that is missing, null or empty
 */
export function fillUrl(template: string, args: ToolArguments): FilledUrl {
  const used = new Set<string>()
  const take = (name: string): string => {
    used.add(name)
    // Only own properties: `{constructor}` is no argument of an object that has none.
    const text = Object.hasOwn(args, name) ? argumentText(args[name], name) : undefined
    if (text) return text
    throw new UtcpError('invalid_arguments', `Missing required path parameter: ${name}`, { path: name })
  }
  const whole = wholeParameter.exec(template)?.[1]
  if (whole !== undefined) return { url: take(whole), used, hasArgumentHost: true, hasAnyHost: true }
  if (!template.includes('{')) return { url: template, used, hasArgumentHost: false, hasAnyHost: false }

  const fill = (text: string): string => text.replace(parameter, (_, name: string) => percentEncoded(take(name)))
  const { origin, path, rest } = partsOf(template)
  const url =
    fill(origin) +
    path
      .split('/')
      .map((segment) => filledSegment(segment, fill))
      .join('/') +
    fill(rest)
  const hasArgumentHost = isOriginOpen(template)
  return { url, used, hasArgumentHost, hasAnyHost: hasArgumentHost && !hasFixedDomain(origin) }
}

/** The scheme and authority, the path, and query and fragment. */
function partsOf(template: string): { origin: string; path: string; rest: string } {
  const scheme = template.indexOf('://')
  const from = scheme === -1 ? 0 : scheme + 3
  const pathAt = template.slice(from).search(/[/?#\\]/)
  const end = pathAt === -1 ? template.length : from + pathAt
  const after = template.slice(end)
  const restAt = after.search(/[?#]/)
  const path = restAt === -1 ? after : after.slice(0, restAt)
  return { origin: template.slice(0, end), path, rest: after.slice(path.length) }
}

function filledSegment(segment: string, fill: (text: string) => string): string {
  const filled = fill(segment)
  if (filled !== segment && /^(?:\.|%2e){1,2}$/i.test(filled)) {
    throw new UtcpError('invalid_arguments', `"." and ".." cannot be path parameters: ${segment}`)
  }
  return filled
}

/** Whether arguments change where a request goes, by the word of the URL parser, which reads `https:/\\{host}` as well. */
function isOriginOpen(template: string): boolean {
  const [one, other] = ['11', '22'].map((value) => URL.parse(template.replace(parameter, value)))
  return !one || !other || one.protocol !== other.protocol || one.host !== other.host || one.username !== other.username
}

/** Whether at least two labels stand after the last parameter of a host: `{shop}.example.com`, not `{shop}.com`. */
function hasFixedDomain(origin: string): boolean {
  const scheme = origin.indexOf('://')
  if (!origin.includes('}') || scheme === -1 || origin.slice(0, scheme).includes('{')) return false
  const host = origin.slice(scheme + 3).replace(/:[^:\]]*$/, '')
  const fixed = host.slice(host.lastIndexOf('}') + 1)
  return host.includes('}') ? /\.[^.]+\.[^.]+\.?$/.test(fixed) : true
}
