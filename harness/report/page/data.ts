/** Everything that the page shows, read before anything is drawn. */
import type { PictureName } from "../pictures.ts";
import type { Kept, Kind, Missing } from "../results.ts";
import type { Commit } from "../versions.ts";

export interface Data {
  /** The commit of whoever makes the page. */
  readonly head: Commit;
  readonly kept: { readonly [K in Kind]: Kept<K> | Missing };
  /** SVG that follows the page's colours; undefined where there are no numbers for it. */
  readonly pictures: Readonly<Partial<Record<PictureName, string>>>;
}

/** What there is; undefined where it is missing. */
export function there<T extends object>(kept: T | Missing): T | undefined {
  return "missing" in kept ? undefined : kept;
}
