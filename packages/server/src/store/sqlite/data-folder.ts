import { accessSync, closeSync, constants, existsSync, mkdirSync, openSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { AtpError, isAtpError } from '@atp/core'
import { isBusy, sqliteCode } from './busy.ts'

/** Makes the folder (0700) when it is not there, and checks that files in it can be read and written. */
export function prepareFolder(folder: string): void {
  makeFolder(folder)
  accessSync(folder, constants.R_OK | constants.W_OK | constants.X_OK)
}

/** As {@link prepareFolder}, for files that are not SQLite's. @throws AtpError `data_folder_unusable` */
export function prepareDataFolder(folder: string): void {
  try {
    prepareFolder(folder)
  } catch (error) {
    throw toOpenError(error, folder)
  }
}

/**
 * Opens an SQLite file in the folder, made as 0600 when it is not there. SQLite gives its side files the same mode.
 */
export function openFile(folder: string, name: string): DatabaseSync {
  const path = join(folder, name)
  createPrivately(path)
  accessSync(path, constants.R_OK | constants.W_OK)
  return new DatabaseSync(path)
}

/**
 * Takes the folder for one server, until the returned function is called or the process ends in any way.
 * @throws AtpError `data_folder_in_use`
 */
export function takeFolder(folder: string): () => void {
  const file = openFile(folder, lockFile)
  try {
    // An open transaction is a lock that the operating system lets go of, even after kill -9: nothing is left behind
    // to clean up, and no process id can be mistaken for another's.
    file.exec('begin exclusive')
  } catch (error) {
    file.close()
    if (!isBusy(error)) throw toOpenError(error, folder, lockFile)
    throw new AtpError(
      'data_folder_in_use',
      `Another ATP server uses the data folder "${folder}": stop it, or choose another folder with --data`,
    )
  }
  return () => {
    if (file.isOpen) file.close()
  }
}

const lockFile = 'server.lock'

/**
 * What to tell of a failure to open the folder, or one file in it: an error of ours as it is, anything else as
 * `data_folder_unusable`.
 */
export function toOpenError(failure: unknown, folder: string, file?: string): AtpError {
  const isOfStore = isAtpError(failure) && failure.code === 'store_unavailable'
  if (isAtpError(failure) && !isOfStore) return failure
  // Of a folder that is just being opened nobody expects that it comes back by itself.
  const error = isOfStore ? failure.cause : failure
  const reason = file === undefined ? reasonOf(error) : `${file}: ${reasonOf(error)}`
  return new AtpError(
    'data_folder_unusable',
    `The data folder "${folder}" cannot be used: ${reason}. Choose another with --data, or put it right`,
    { cause: error },
  )
}

/** Not `recursive: true`: that never returns where a folder refuses new entries with ENOENT, as `/proc` does. */
function makeFolder(folder: string): void {
  try {
    mkdirSync(folder, { mode: 0o700 })
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EEXIST' && statSync(folder).isDirectory()) return
    if (code !== 'ENOENT' || existsSync(dirname(folder))) throw error
    makeFolder(dirname(folder))
    makeFolder(folder)
  }
}

/**
 * Never opens a file that is there: closing it again would drop the locks that this process holds on it, as POSIX
 * locks belong to the process and not to the open file.
 */
function createPrivately(path: string): void {
  try {
    closeSync(openSync(path, 'wx', 0o600))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
}

function reasonOf(error: unknown): string {
  const { code, message = String(error) } = error as Partial<NodeJS.ErrnoException>
  if (sqliteCode(error) !== undefined) return message
  if (code === 'EEXIST' || code === 'ENOTDIR') return 'a file is where a folder should be'
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS') return `it is not readable and writable (${code})`
  return message
}
