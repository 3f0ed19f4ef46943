import type { Readable } from 'node:stream'
import type { ReadStream } from 'node:tty'
import type { CliIo } from '../cli-io.ts'

/** Whether somebody sits there to press keys and see what they do. */
export function hasKeyboard({ stdin, stdout }: Pick<CliIo, 'stdin' | 'stdout'>): boolean {
  return (stdin as Partial<ReadStream>).isTTY === true && stdout.isTTY === true
}

/** Calls `onKey` for each key that is pressed, without Enter; Ctrl-C is the key `\u0003`. Returns what ends that. */
export function readKeys({ stdin }: Pick<CliIo, 'stdin'>, onKey: (key: string) => void): () => void {
  const input = stdin as unknown as Readable & Partial<ReadStream>
  const onData = (keys: Buffer | string): void => {
    for (const key of String(keys)) onKey(key)
  }
  input.setRawMode?.(true)
  input.on('data', onData)
  input.resume()
  return () => {
    input.off('data', onData)
    input.setRawMode?.(false)
    input.pause()
  }
}
