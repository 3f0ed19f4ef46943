/** Where text goes: a stream of this process, or a stand-in. */
export interface TextStream {
  write(text: string): unknown
  /** Whether a person reads it: allows colours, cuts tables to fit. */
  isTTY?: boolean | undefined
  /** The width of that terminal in characters. */
  columns?: number | undefined
  /** False once nobody reads it any more, such as after `| head`. */
  writable?: boolean | undefined
}

/** All that the command touches of the process it runs in; nothing below `main.ts` reaches for `process` itself. */
export interface CliIo {
  stdin: AsyncIterable<string | Uint8Array>
  /** The result and nothing else. */
  stdout: TextStream
  /** Errors, hints and logs. */
  stderr: TextStream
  env: Record<string, string | undefined>
  /** The current folder, absolute. */
  cwd: string
  /** Takes Ctrl-C over until the returned function is called. */
  onInterrupt(listener: () => void): () => void
  /**
   * Takes over, until the returned function is called, the other ends that a command may meet in order: SIGTERM, and a
   * reader of stdout that has left. Without a listener the first ends the process, and the second is ignored.
   */
  onQuit?(listener: () => void): () => void
}
