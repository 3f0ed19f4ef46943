import { checkToolName, sha256Hex } from '@atp/core/protocol'

/** What stands for a dot, which names of ATP do not have. */
const dot = '--'
const hashLength = 12

/**
 * The name of a manual's tool as ATP writes names: those that are names of ATP already stay, and a dot becomes `--`, so
 * that `orders.cancel` is `orders--cancel`. What could not be read back from that (other characters, `--`, more than 64)
 * is shortened and ends in a hash of the whole name. A name does not depend on a manual's other tools, so it stays when
 * they change.
 * @param name without its manual
 */
export async function toAtpToolName(name: string): Promise<string> {
  const candidate = name.replaceAll('.', dot)
  if (candidate.replaceAll(dot, '.') === name && isToolName(candidate)) return candidate
  const hash = (await sha256Hex(name)).slice(0, hashLength)
  const readable = name.replaceAll(/[^a-zA-Z0-9_-]+/g, '_').slice(0, 63 - hashLength)
  return `${readable || 'tool'}_${hash}`
}

function isToolName(name: string): boolean {
  try {
    checkToolName(name)
    return true
  } catch {
    return false
  }
}
