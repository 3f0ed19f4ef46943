import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** One module that a file asks for, as it is written there. */
export interface Import {
  /** The importing file, relative to the folder that was read. */
  file: string
  specifier: string
}

/** What an import or export statement may say before `from`: names, braces, `type`, stars, over several lines. */
const statement = /^[ \t]*(?:import|export)\b[^'"`]*?\bfrom\s*(['"])(?<specifier>[^'"]+)\1/gm
const sideEffect = /^[ \t]*import\s*(['"])(?<specifier>[^'"]+)\1/gm
const call = /\b(?:import|require|import\.meta\.resolve)\(\s*(['"`])(?<specifier>[^'"`]+)\1/g

/** Every module that a TypeScript text imports: statically, for its effects, for its types, or while it runs. */
export function importsOf(text: string): string[] {
  return [statement, sideEffect, call].flatMap((pattern) =>
    [...text.matchAll(pattern)].map((match) => match.groups?.specifier ?? ''),
  )
}

/** The imports of all TypeScript files below a folder; none when it does not exist. */
export function readImports(folder: string): Import[] {
  return typescriptFiles(folder).flatMap((file) =>
    importsOf(readFileSync(join(folder, file), 'utf8')).map((specifier) => ({ file, specifier })),
  )
}

/** The TypeScript files below a folder, relative to it and with `/`; none when it does not exist. */
export function typescriptFiles(folder: string): string[] {
  if (!existsSync(folder)) return []
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((file) => file.replaceAll('\\', '/'))
    .filter((file) => /\.[cm]?tsx?$/.test(file) && !file.split('/').includes('node_modules'))
    .sort()
}

/** The package of a bare specifier: `@atp/core/protocol` -> `@atp/core`, `zod/mini` -> `zod`. */
export function packageOf(specifier: string): string {
  const parts = specifier.split('/')
  return parts.slice(0, specifier.startsWith('@') ? 2 : 1).join('/')
}
