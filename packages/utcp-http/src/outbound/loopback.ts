/** Whether a URL leads to this machine by its text. What is no URL does not. */
export function leadsToLoopback(url: string): boolean {
  const parsed = URL.parse(url)
  return parsed !== null && meansLoopback(parsed.hostname)
}

/**
 * Whether a host, as the URL parser writes it, means this machine on one system or another. The parser has turned
 * `127.1`, `2130706433`, `0x7f000001` and the like into dotted numbers already.
 */
export function meansLoopback(hostname: string): boolean {
  const host = hostname.replace(/\.$/, '').toLowerCase()
  if (host === 'localhost' || host.endsWith('.localhost')) return true
  if (host === '0.0.0.0' || /^127\.\d+\.\d+\.\d+$/.test(host)) return true
  return /^\[::(?:1|ffff:0:0|ffff:7f[0-9a-f]{2}:[0-9a-f]{1,4})?\]$/.test(host)
}

/** The spellings of this machine that may be opened: `localhost`, 127.0.0.0/8 and ::1, nothing that only means it. */
export function isLiteralLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(hostname)
}
