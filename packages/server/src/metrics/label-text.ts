/** A text of somebody else inside the quotes of a label, in the text format of Prometheus. */
export function labelText(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')
}
