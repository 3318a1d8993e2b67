/** Folders for what nobody needs afterwards. */
import { exitStatus, Failure, systemReason } from "../generator/failure.ts";

/** A new folder, which is gone with all that is in it at the end of the block: `using`. */
export class ScratchFolder implements Disposable {
  readonly path: string;

  /**
   * `what` it is for becomes a part of its name.
   *
   * @throws {Failure} where there is no place for it: TMPDIR may say anything.
   */
  constructor(what: string) {
    try {
      this.path = Deno.makeTempDirSync({ prefix: `portpin-${what}-` });
    } catch (error) {
      const reason = systemReason(error);
      throw new Failure(`portpin: Cannot make a temporary folder: ${reason}`, exitStatus.failed);
    }
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.path, { recursive: true });
  }
}
