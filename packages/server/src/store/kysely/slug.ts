/** The longest slug, in characters. */
const maxSlugLength = 64

/** Derives the form of a toolkit name that fits into URLs and tool names: `^[a-z0-9_-]{1,64}$`. */
export function slugify(appName: string): string {
  const slug = appName
    // Splits letters from their accents, so that "é" becomes "e" instead of "-".
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .toLowerCase()
    .replace(/[^a-z0-9_-]+/g, '-')
    .replace(/^-+/, '')
    .slice(0, maxSlugLength)
    .replace(/-+$/, '')
  return slug || 'toolkit'
}

/** The slug itself, or the first of `slug-2`, `slug-3`, … that is not taken, cut to {@link maxSlugLength}. */
export function freeSlug(slug: string, taken: ReadonlySet<string>): string {
  let candidate = slug
  for (let number = 2; taken.has(candidate); number += 1) {
    const suffix = `-${number}`
    candidate = slug.slice(0, maxSlugLength - suffix.length) + suffix
  }
  return candidate
}
