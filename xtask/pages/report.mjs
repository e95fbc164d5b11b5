// Opens a report of `manta scan -o html` in a real browser and uses it: node report.mjs CHROMIUM REPORT SCREENSHOT
// Prints one line for each thing seen; the first that isn't so ends it.
import { chromium } from "playwright-core";
import { pathToFileURL } from "node:url";
import assert from "node:assert/strict";

const [browserPath, report, screenshot] = process.argv.slice(2);
const browser = await chromium.launch({
  executablePath: browserPath,
  args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"],
});

async function open(options) {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  const seen = { requests: [], dialogs: 0, errors: [] };
  page.on("request", (request) => seen.requests.push(request.url()));
  page.on("dialog", (dialog) => { seen.dialogs += 1; return dialog.dismiss(); });
  page.on("pageerror", (error) => seen.errors.push(String(error)));
  await page.goto(pathToFileURL(report).href);
  return { page, seen, context };
}

// Without JavaScript everything can be read and filtered.
{
  const { page, seen, context } = await open({ javaScriptEnabled: false, colorScheme: "light" });
  const articles = await page.locator("article").count();
  assert.ok(articles > 0, "there are findings");
  const rows = await page.locator("tbody tr").count();
  assert.ok(rows > 0, "there is a table of tools");
  const critical = page.locator("article.critical");
  const before = await critical.count();
  assert.ok(before > 0 && (await critical.first().isVisible()), "critical findings are shown");
  await page.locator("input.show-critical").uncheck();
  assert.equal(await critical.first().isVisible(), false, "unticked, they are hidden");
  await page.locator("input.show-critical").check();
  assert.ok(await critical.first().isVisible(), "ticked again, they are back");
  assert.ok((await page.locator("details li pre").count()) > 0, "paths show their source");
  assert.equal(seen.requests.length, 1, `nothing is loaded: ${seen.requests}`);
  console.log(`${articles} findings and ${rows} tools read and filtered without JavaScript and without a request`);
  await context.close();
}

// The colours follow the reader, and nothing in the page runs.
const backgrounds = [];
for (const colorScheme of ["light", "dark"]) {
  const { page, seen, context } = await open({ colorScheme, viewport: { width: 1100, height: 900 } });
  backgrounds.push(await page.evaluate(() => getComputedStyle(document.body).backgroundColor));
  assert.equal(await page.evaluate(() => document.querySelectorAll("script, iframe, object, img").length), 0);
  assert.equal(seen.dialogs, 0, "no text of the scanned code became code");
  if (colorScheme === "light") await page.screenshot({ path: screenshot });
  await context.close();
}
assert.notEqual(backgrounds[0], backgrounds[1]);
console.log("light and dark, no script, no dialog");

// On a telephone nothing makes the page wider than the screen.
{
  const { page, context } = await open({ viewport: { width: 360, height: 700 } });
  const [width, screen] = await page.evaluate(() => [document.documentElement.scrollWidth, window.innerWidth]);
  assert.ok(width <= screen, `${width} on a screen of ${screen}`);
  console.log("fits a screen of 360 points");
  await context.close();
}
await browser.close();
