import type { BigIntStats } from 'node:fs'
import { constants } from 'node:fs'
import { type FileHandle, lstat, open, realpath } from 'node:fs/promises'
import { ToolError } from '@atp/core'

/** An open regular file. Whoever got it closes the handle. */
export interface OpenFile {
  handle: FileHandle
  stats: BigIntStats
}

// Windows has neither flag. Without O_NONBLOCK, opening a FIFO waits for a writer.
const readOnly = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0)
const readOnlyNoFollow = readOnly | (constants.O_NOFOLLOW ?? 0)

/**
 * Opens a regular file by its real path and makes sure that what was opened is what is at that path: a folder on the
 * way may have become a symlink between the check of the path and the opening.
 * @throws ToolError when it is no regular file or changed; errors of the file system as they are
 */
export async function openVerified(realPath: string): Promise<OpenFile> {
  const file = await openRegular(realPath, readOnlyNoFollow)
  try {
    if ((await realpath(realPath)) !== realPath) throw changedError()
    const entry = await lstat(realPath, { bigint: true })
    if (fileId(entry) !== fileId(file.stats)) throw changedError()
    return file
  } catch (error) {
    await file.handle.close()
    throw error
  }
}

/** Opens a regular file, following symlinks. For the toolkit's own use: nothing of a caller may reach this. */
export function openFollowing(path: string): Promise<OpenFile> {
  return openRegular(path, readOnly)
}

/** Names a file or folder whatever path leads to it. */
export function fileId({ dev, ino }: BigIntStats): string {
  return `${dev}:${ino}`
}

/** Reads from the start of a file: at most `maxBytes`. */
export async function readStart({ handle, stats }: OpenFile, maxBytes: number): Promise<Buffer> {
  const buffer = Buffer.allocUnsafe(Math.min(Number(stats.size), maxBytes))
  let length = 0
  while (length < buffer.length) {
    const { bytesRead } = await handle.read(buffer, length, buffer.length - length, length)
    if (bytesRead === 0) break
    length += bytesRead
  }
  return buffer.subarray(0, length)
}

async function openRegular(path: string, flags: number): Promise<OpenFile> {
  const handle = await open(path, flags)
  try {
    const stats = await handle.stat({ bigint: true })
    if (!stats.isFile()) throw new ToolError('This is not a regular file; only regular files can be read')
    return { handle, stats }
  } catch (error) {
    await handle.close()
    throw error
  }
}

function changedError(): ToolError {
  return new ToolError('The file was replaced while it was being opened; try again')
}
