import { expect } from 'vitest'

const sample = /^([a-zA-Z_:][\w:]*)(\{(?:[a-zA-Z_]\w*="(?:[^"\\\n]|\\[\\"n])*",?)*\})? (-?[\d.e+-]+|nan|[+-]inf)$/i

/** Reads the text format of Prometheus, as strictly as a scraper: value by series, such as `up{job="x"}`. */
export function readExposition(text: string): Map<string, number> {
  const values = new Map<string, number>()
  expect(text.endsWith('\n')).toBe(true)
  for (const line of text.split('\n')) {
    if (line === '' || /^# (HELP|TYPE) \w+ /.test(line)) continue
    const match = sample.exec(line)
    if (match === null) throw new Error(`This line is no sample: ${line}`)
    const series = `${match[1]}${match[2] ?? ''}`
    if (values.has(series)) throw new Error(`This series comes twice: ${series}`)
    values.set(series, Number(match[3]))
  }
  return values
}
