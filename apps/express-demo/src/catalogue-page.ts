import type { Product } from './shop-data.ts'

/** The shop window as HTML. */
export function cataloguePage(products: readonly Product[]): string {
  const rows = products.map(
    ({ sku, name, about, pricePence, stock }) =>
      `<tr><td>${toHtml(name)}<br><small>${toHtml(about)}</small></td><td>${pounds(pricePence)}</td>` +
      `<td>${stock === 0 ? 'sold out' : `${stock} left`}</td><td><code>${toHtml(sku)}</code></td></tr>`,
  )
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Leaf &amp; Kettle</title>
<h1>Leaf &amp; Kettle</h1>
<table>
${rows.join('\n')}
</table>
</html>
`
}

function pounds(pence: number): string {
  return `£${(pence / 100).toFixed(2)}`
}

function toHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
}
