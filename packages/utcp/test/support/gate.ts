/** Something a test opens when it is time. */
export function gate<T = void>(): { readonly open: (value: T) => void; readonly passed: Promise<T> } {
  const { promise, resolve } = Promise.withResolvers<T>()
  return { open: resolve, passed: promise }
}
