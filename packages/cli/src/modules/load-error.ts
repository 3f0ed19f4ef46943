/** What went wrong while a module was loaded, on one line, with the place in the user's own code where there is one. */
export function describeLoadError(error: unknown, file: string): string {
  if (!(error instanceof Error)) return `it threw ${typeof error === 'string' ? JSON.stringify(error) : String(error)}`
  const message = `${error.name}: ${error.message.split('\n', 1)[0]}`
  const place = findPlace(error, file)
  return place === undefined ? message : `${message}, at ${place}`
}

/** Whether an error tells a line of somebody's code. */
export function hasLocation(error: Error): boolean {
  return findPlace(error, '') !== undefined
}

/** The first place that a text of several lines names, such as what Node prints of wrong syntax. */
export function placeInText(text: string): string | undefined {
  return text
    .split('\n')
    .map(readPlace)
    .find((place) => place !== undefined)
}

/** The innermost place in the file itself, else in what it imports, as `path:line` or `path:line:column`. */
function findPlace({ stack }: Error, file: string): string | undefined {
  const lines = String(stack).split('\n').map(readPlace)
  const places = lines.filter((place) => place !== undefined)
  const own = (place: string): boolean => file !== '' && place.startsWith(`${file}:`)
  return places.find(own) ?? places.find((place) => !place.includes('/node_modules/')) ?? places[0]
}

/** Node writes places as paths or as URLs, in frames (`at name (place)`, `at place`) and above the text of wrong syntax. */
function readPlace(line: string): string | undefined {
  const found = /^(?:\s+at (?:async )?(?:.*\()?)?((?:file:\/\/|\/|[A-Za-z]:\\).*?)(:\d+(?::\d+)?)\)?$/.exec(line)
  if (found === null) return undefined
  const [, place = '', position = ''] = found
  if (!place.startsWith('file:')) return place + position
  // A module may be asked for with a query, and two of one path are one file.
  const url = URL.parse(place)
  return url === null ? undefined : `${decodeURIComponent(url.pathname)}${position}`
}
