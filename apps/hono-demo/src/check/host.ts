/** The app as one platform serves it. */
export interface Host {
  readonly name: string
  readonly url: string
  close(): Promise<void>
}

/** What both hosts are given, so that the checks know what to expect. */
export const settings = {
  EDITOR_KEY: 'editor-key-of-the-check',
  PUBLIC_URL: 'https://kurz.example',
  BLOCKED_HOSTS: 'blocked.example,worse.example',
} as const
