/** What a server child tells when it is ready. */
export interface ServerInfo {
  url: string
  llmKey: string
  adminKey: string
}
