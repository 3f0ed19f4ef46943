import type { AtpError } from '@atp/core'

const failures = new WeakMap<object, AtpError>()

/** Keeps what a parser of the app failed with for when the routes come to the body, in their own order. */
export function keepBodyFailure(request: object, failure: AtpError): void {
  failures.set(request, failure)
}

/** @throws AtpError what the app's parser failed with */
export function throwBodyFailure(request: object): void {
  const failure = failures.get(request)
  if (failure !== undefined) throw failure
}
