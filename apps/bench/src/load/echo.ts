/** The tool that every system serves: it gives back what it got. */
export const echoTool = 'echo'

/** What every call sends. */
export const echoParams: { text: string; n: number } = { text: 'hello', n: 1 }

/** The result of every call as JSON. */
export const echoJson: string = JSON.stringify(echoParams)

/**
 * Refuses an answer that is not the echo: a system that fails fast must not count as a fast one.
 * @throws Error showing the answer
 */
export function checkEcho(result: unknown): void {
  const { text, n } = (result ?? {}) as Partial<typeof echoParams>
  if (text !== echoParams.text || n !== echoParams.n) throw wrongAnswer(result)
}

/** @throws Error showing the answer when it is not the echo as JSON text */
export function checkEchoJson(text: unknown): void {
  if (text !== echoJson) throw wrongAnswer(text)
}

function wrongAnswer(answer: unknown): Error {
  return new Error(`The answer to a call is not what was sent: ${JSON.stringify(answer)?.slice(0, 300)}`)
}
