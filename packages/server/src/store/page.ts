/** Some of a list, and how long the whole list is. */
export interface Page<T> {
  items: T[]
  count: number
}

/** Which part of a list is wanted. */
export interface PageRange {
  offset: number
  limit: number
}
