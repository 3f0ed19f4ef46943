/** The releases of the Python SDK that differ on the wire, oldest first. `0.2.0-early` is the build that had no inbox/respond. */
export const sdkVersions = [
  '0.1.0',
  '0.1.1',
  '0.1.2',
  '0.1.3',
  '0.1.4',
  '0.1.5',
  '0.1.6',
  '0.1.7',
  '0.1.8',
  '0.2.0-early',
  '0.2.0',
  '0.2.1',
  '0.2.2',
  '0.2.3',
  '0.2.4',
  '0.2.5',
] as const

/** One release of the Python SDK. */
export type SdkVersion = (typeof sdkVersions)[number]

/** The release that the reference describes. */
export const referenceVersion: SdkVersion = '0.2.5'

/** Whether a release is another one or later. */
export function isAtLeast(version: SdkVersion, other: SdkVersion): boolean {
  return sdkVersions.indexOf(version) >= sdkVersions.indexOf(other)
}

/** 1 for 0.1.x and its documents, 2 for 0.2.x. */
export function generationOf(version: SdkVersion): 1 | 2 {
  return isAtLeast(version, '0.2.0-early') ? 2 : 1
}

/** Where an LLM client of a release connects. @throws Error for a release without an LLM socket */
export function llmSocketPath(version: SdkVersion, key: string): string {
  if (!isAtLeast(version, '0.1.2')) throw new Error(`SDK ${version} has no LLM socket`)
  return isAtLeast(version, '0.1.4') ? `/ws/v1/atp/llm-client/${key}/` : '/ws/v1/atp/llm-client'
}

/** Where a toolkit of a release connects. */
export function toolkitSocketPath(version: SdkVersion, key: string): string {
  return isAtLeast(version, '0.1.2') ? `/ws/v1/atp/toolkit-client/${key}/` : `/ws/v1/atp/${key}/`
}
