/** A kernel that can be booted: its image, and its modules on the side. */
export interface Kernel {
  /** What tables call it, such as `5.10`. */
  readonly label: string;
  /** The kernel image. Absolute. */
  readonly image: string;
  /** The directory that holds its `modules.dep`, such as /lib/modules/RELEASE. Absolute. */
  readonly modules: string;
}
