import { argumentText, jsonText, percentEncoded, scalarText } from './argument-text.ts'

/** How arguments that are lists or objects are written in queries and forms. */
export interface QueryStyle {
  /** `repeat`: `a=1&a=2`; `brackets`: `a[]=1&a[]=2`; `comma`: `a=1,2`; `json`: `a=[1,2]`. @default 'repeat' */
  readonly lists?: 'repeat' | 'brackets' | 'comma' | 'json'
  /** `json`: `a={"x":1}`; `brackets`: `a[x]=1`. @default 'json' */
  readonly objects?: 'json' | 'brackets'
}

type Pair = readonly [name: string, value: string]

/** The pairs of one argument: true and false as words, none for null. */
export function queryPairs(name: string, value: unknown, style: QueryStyle): Pair[] {
  if (value === null || value === undefined) return []
  if (Array.isArray(value)) return listPairs(name, value, style)
  if (style.objects === 'brackets' && isPlainObject(value)) {
    return Object.entries(value).flatMap(([key, each]) => queryPairs(`${name}[${key}]`, each, style))
  }
  return pairOf(name, scalarText(value, name))
}

/** Appends pairs to a URL, whose own query and writing stay as they are. */
export function withQuery(url: string, pairs: readonly Pair[]): string {
  if (pairs.length === 0) return url
  const hash = url.indexOf('#')
  const base = hash === -1 ? url : url.slice(0, hash)
  const query = pairs.map(([name, value]) => `${percentEncoded(name)}=${percentEncoded(value)}`).join('&')
  const separator = base.includes('?') ? (/[?&]$/.test(base) ? '' : '&') : '?'
  return `${base}${separator}${query}`
}

function listPairs(name: string, list: readonly unknown[], style: QueryStyle): Pair[] {
  switch (style.lists) {
    case 'comma':
      return pairOf(name, argumentText(list, name))
    case 'json':
      return pairOf(name, jsonText(list, name))
    case 'brackets':
      return list.flatMap((item) => pairOf(`${name}[]`, scalarText(item, name)))
    default:
      return list.flatMap((item) => pairOf(name, scalarText(item, name)))
  }
}

function pairOf(name: string, text: string | undefined): Pair[] {
  return text === undefined ? [] : [[name, text]]
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype
}
