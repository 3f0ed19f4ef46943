import { createRequire } from 'node:module'

/**
 * Loads a package in the very copy that our server works with, so that a peer has the same version of it.
 * @param path the packages that lead there from the server, such as `['@atp/egress', 'undici']`
 * @throws Error when one of them is not there
 */
export function serverPackage<T>(...path: [string, ...string[]]): T {
  let place = import.meta.resolve('@atp/server')
  for (const name of path.slice(0, -1)) place = createRequire(place).resolve(name)
  return createRequire(place)(path.at(-1) as string) as T
}
