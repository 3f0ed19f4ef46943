import { sep } from 'node:path'

/** Whether an absolute, normal path is the folder or lies in it. Compares text only: resolve symlinks before. */
export function isInside(folder: string, path: string): boolean {
  return path === folder || path.startsWith(folder.endsWith(sep) ? folder : folder + sep)
}
