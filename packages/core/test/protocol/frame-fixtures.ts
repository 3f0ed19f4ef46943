import { readdirSync, readFileSync } from 'node:fs'
import {
  type Decoded,
  decodeFromLlm,
  decodeFromToolkit,
  decodeToLlm,
  decodeToToolkit,
} from '../../src/protocol/codec.ts'
import type { Frame } from '../../src/protocol/frames.ts'

const folder = new URL('../fixtures/frames/', import.meta.url)

/** Every fixture by name: a frame as it travels, parsed. */
export const frameFixtures: ReadonlyMap<string, Record<string, unknown>> = new Map(
  readdirSync(folder).map((file) => [
    file.replace(/\.json$/, ''),
    JSON.parse(readFileSync(new URL(file, folder), 'utf8')) as Record<string, unknown>,
  ]),
)

/** The four directions a frame can travel in. */
export const decoders: Record<Direction, (text: string) => Decoded<Frame>> = {
  fromToolkit: decodeFromToolkit,
  toToolkit: decodeToToolkit,
  fromLlm: decodeFromLlm,
  toLlm: decodeToLlm,
}

/** Who sends to whom. */
export type Direction = 'fromToolkit' | 'toToolkit' | 'fromLlm' | 'toLlm'

/** Which fixtures each direction takes; what is not listed is refused there. */
export const takenBy: Record<Direction, readonly string[]> = {
  fromToolkit: [
    ...['hello', 'register', 'register-endpoint', 'unregister', 'ack', 'progress', 'chunk'],
    ...['ack-leased', 'progress-leased', 'chunk-leased', 'result-leased'],
    ...['result-success', 'result-failure', 'running', 'drain', 'error'],
  ],
  toToolkit: [
    ...['welcome', 'registered', 'call-to-toolkit', 'call-stored', 'acked', 'received'],
    ...['cancel', 'drain', 'error'],
  ],
  fromLlm: ['hello', 'context-request', 'call-from-llm', 'call-of-app', 'cancel', 'error'],
  toLlm: [
    ...['welcome', 'context', 'accepted', 'ack', 'ack-leased', 'progress', 'chunk'],
    ...['progress-leased', 'chunk-leased', 'result-leased', 'result-success', 'result-failure', 'drain', 'error'],
  ],
}
