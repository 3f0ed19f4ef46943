import { constants, type FileHandle, open, realpath } from 'node:fs/promises'
import { isAbsolute, relative, resolve, sep } from 'node:path'
import { UtcpError, UtcpValidationError } from '@atp/utcp'

/** How a file may be read. */
export interface FileAccess {
  readonly rootDir: string
  /** Whether the file must lie within `rootDir`. */
  readonly confined: boolean
  /** The most that is read, in bytes. */
  readonly maxBytes: number
  readonly signal: AbortSignal
}

/** An open file. Obligation: to be disposed of. */
export interface OpenedFile extends AsyncDisposable {
  /** Another one after each change of the file. */
  readonly version: string
  /** All of it. @throws UtcpError `response_too_large`, `invalid_response` for what is not UTF-8 */
  readText(): Promise<string>
}

/**
 * Opens an ordinary file that really lies within a root: links are followed first, then judged (rule C7). Errors name the
 * path as it was written, not where it leads.
 * @throws UtcpValidationError `invalid_call_template` for a path outside of the root or with NUL
 * @throws UtcpError `call_failed` for a file that is not there or not an ordinary one
 */
export async function openConfined(path: string, access: FileAccess): Promise<OpenedFile> {
  if (path.includes('\0')) throw new UtcpValidationError('invalid_call_template', 'file_path', 'must not hold NUL')
  const real = await realPathOf(path, access)
  const handle = await attempt(path, () => open(real, openFlags))
  try {
    // A link that was put in place of a folder since then would have led elsewhere.
    if (access.confined && (await realPathOf(path, access)) !== real) throw outside(path)
    const found = await handle.stat({ bigint: true })
    if (!found.isFile()) throw new UtcpError('call_failed', `${shown(path)} is not an ordinary file`)
    const { dev, ino, size, mtimeNs, ctimeNs } = found
    return {
      version: [dev, ino, size, mtimeNs, ctimeNs].join('-'),
      readText: () => readText(handle, path, access),
      [Symbol.asyncDispose]: () => handle.close(),
    }
  } catch (error) {
    await handle.close()
    throw error
  }
}

/** Links were resolved before; a pipe must not hold up whoever opens it. Windows has neither flag. */
const openFlags = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0)

async function realPathOf(path: string, { rootDir, confined }: FileAccess): Promise<string> {
  const target = resolve(rootDir, path)
  if (!confined) return attempt(path, () => realpath(target))
  const root = await attempt('rootDir', () => realpath(rootDir))
  // Judged before anything outside is touched, so that nobody learns what is there, ...
  if (!isWithin(resolve(rootDir), target) && !isWithin(root, target)) throw outside(path)
  const real = await attempt(path, () => realpath(target))
  // ... and again when links were followed.
  if (!isWithin(root, real)) throw outside(path)
  return real
}

function isWithin(root: string, target: string): boolean {
  const way = relative(root, target)
  return way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way)
}

async function readText(handle: FileHandle, path: string, { maxBytes, signal }: FileAccess): Promise<string> {
  const chunks: Buffer[] = []
  let length = 0
  for (;;) {
    signal.throwIfAborted()
    const chunk = Buffer.allocUnsafe(chunkBytes)
    const { bytesRead } = await attempt(path, () => handle.read(chunk, 0, chunkBytes, length))
    if (bytesRead === 0) break
    length += bytesRead
    // Counted as it is read: a file may grow.
    if (length > maxBytes) {
      throw new UtcpError('response_too_large', `${shown(path)} is larger than ${maxBytes} bytes`)
    }
    chunks.push(chunk.subarray(0, bytesRead))
  }
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Buffer.concat(chunks, length))
  } catch (error) {
    throw new UtcpError('invalid_response', `${shown(path)} is not text in UTF-8`, { cause: error })
  }
}

const chunkBytes = 65_536

async function attempt<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    // The system's own message holds the whole path.
    throw new UtcpError('call_failed', `${shown(path)} cannot be read: ${reasons[code ?? ''] ?? code ?? 'failed'}`)
  }
}

const reasons: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  ENOTDIR: 'a part of the path is not a folder',
  EACCES: 'not permitted',
  EPERM: 'not permitted',
  ELOOP: 'its links go in circles',
  EISDIR: 'it is a folder',
  ENAMETOOLONG: 'the path is too long',
}

function outside(path: string): UtcpValidationError {
  const problem = `${shown(path)} is outside of the root folder; "rootDir" moves the root, "allowOutsideRoot" lifts it`
  return new UtcpValidationError('invalid_call_template', 'file_path', problem)
}

function shown(path: string): string {
  return JSON.stringify(path.slice(0, 200))
}
