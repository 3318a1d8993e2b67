/** Debian's Chromium without a window, driven through a pipe: it needs no network, not even loopback. */
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import puppeteer, { type Browser, type Page } from "puppeteer-core";
import { exitStatus, Failure } from "../../generator/failure.ts";
import { describeMissing, findInstalled } from "../servers/programs.ts";

/** The path of Chromium; undefined where it is not installed. */
export function findChromium(): string | undefined {
  return findInstalled("chromium");
}

/** Says what to install where it is missing. */
export const missingChromium = `missing: ${describeMissing("chromium")}`;

/**
 * Starts the Chromium at `executablePath`; its profile is in a temporary folder. It shows our own page
 * alone, so it may do without its sandbox, which neither root has nor a user without namespaces.
 */
export async function startChromium(executablePath: string): Promise<Browser> {
  return await puppeteer.launch({
    executablePath,
    pipe: true,
    args: ["--no-sandbox", "--disable-dev-shm-usage", "--font-render-hinting=none"],
  });
}

/** Opens a file, with nothing in reach but that. */
export async function openFile(browser: Browser, file: string): Promise<Page> {
  const page = await browser.newPage();
  await page.goto(pathToFileURL(resolve(file)).href);
  return page;
}

/** What of the page the picture shows, in pixels of CSS. */
const view = { width: 1120, height: 1240 };

/**
 * Writes a PNG of the top of the page in `file`, as a desktop shows it.
 *
 * @throws {Failure} when the picture cannot be made.
 */
export async function photograph(chromium: string, file: string, picture: string): Promise<void> {
  try {
    const browser = await startChromium(chromium);
    try {
      const page = await openFile(browser, file);
      await page.setViewport(view);
      const png = await page.screenshot({ type: "png" });
      await Deno.writeFile(picture, png);
    } finally {
      await browser.close();
    }
  } catch (error) {
    const [reason] = (error instanceof Error ? error.message : String(error)).split("\n");
    throw new Failure(`portpin: Cannot make ${picture}: ${reason}`, exitStatus.failed, {
      cause: error,
    });
  }
}
