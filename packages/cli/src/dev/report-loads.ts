import { registerHooks } from 'node:module'
import { fileURLToPath } from 'node:url'
import { stampOf } from './file-stamp.ts'

/**
 * From now on tells of each file that this process loads as a module, with its stamp from just before it was read, and
 * of each that it was told to load and that is not there. Packages in `node_modules` are left out; those of a workspace
 * are linked there and lie elsewhere, so they are told.
 */
export function reportLoads(report: (file: string, stamp: string) => void): void {
  registerHooks({
    resolve(specifier, context, next) {
      try {
        return next(specifier, context)
      } catch (error) {
        const url = /^(?:\.{0,2}\/|file:)/.test(specifier) ? URL.parse(specifier, context.parentURL) : null
        if (url?.protocol === 'file:') report(fileURLToPath(url), '')
        throw error
      }
    },
    load(url, context, next) {
      if (url.startsWith('file:') && !url.includes('/node_modules/')) {
        const path = fileURLToPath(url)
        report(path, stampOf(path))
      }
      return next(url, context)
    },
  })
}
