// What the modules, the C libraries, and the means of the tests can do. Pure.

import type { Facts } from "./facts.ts";
import { bad, fact, good, warning } from "./finding.ts";
import type { Finding } from "./report.ts";

/** The emulation looks up who has a port; without the module every look-up says "free". */
export function explainSockDiag({ sockDiag }: Facts): Finding[] {
  return (["tcp", "udp"] as const).map((transport) => {
    const errno = sockDiag[transport];
    if (errno === null) return good(`sock_diag finds ${transport} sockets`);
    const consequence = transport === "tcp"
      ? "the emulation cannot tell who uses a port that destinations share"
      : "connected UDP sockets cannot share ports (udpShare)";
    // A module that is not there is ENOENT; any other errno is somebody's prohibition.
    if (errno !== "ENOENT") {
      return warning(
        `sock_diag could not be tried on ${transport} (${errno}): maybe ${consequence}`,
      );
    }
    return warning(
      `sock_diag does not find ${transport} sockets: ${consequence}`,
      `modprobe ${transport}_diag`,
    );
  });
}

export function explainPrograms({ programs, ioUring, isolation }: Facts): Finding[] {
  const { libc } = programs;
  const found = libc.map(({ name, version, bits, loader }) =>
    fact(`${name} ${version ?? "of unknown version"}, ${bits}-bit (${loader})`)
  );
  const small = libc.some(({ bits }) => bits === 32) ? [] : [
    fact("no 32-bit loader: 32-bit programs do not start here", "Debian's package libc6-i386"),
  ];
  return [
    ...found,
    ...small,
    ...explainPreload(programs),
    explainIoUring(ioUring, isolation.filtered),
  ];
}

function explainPreload({ library, built, preload, secure }: Facts["programs"]): Finding[] {
  const findings = [
    secure
      ? bad("AT_SECURE is set: loaders ignore LD_PRELOAD, and portpin ignores its variables")
      : good("AT_SECURE is not set"),
  ];
  if (!built) {
    return [
      ...findings,
      warning(`LD_PRELOAD was not tried: there is no ${library}`, "deno task build"),
    ];
  }
  findings.push(
    preload === null
      ? good(`LD_PRELOAD works: the loader took ${library} into a program`)
      : bad(`LD_PRELOAD does not work with ${library}: ${preload}`),
  );
  return findings;
}

function explainIoUring(errno: string | null, filtered: boolean): Finding {
  if (errno === null) {
    return fact("io_uring is there: its connects keep to the ports under the kernel engine alone");
  }
  return fact(
    `io_uring is not to be had: ${errno}`,
    errno === "EPERM" && !filtered ? "sysctl -w kernel.io_uring_disabled=0" : undefined,
  );
}

export function explainIsolation({ isolation }: Facts): Finding[] {
  const { user, network, remedies, seccomp, filtered } = isolation;
  const advice = remedies.length === 0 ? undefined : remedies.join(" && ");
  const needed = ["errno", "user_notif"].filter((action) => !seccomp.includes(action));
  return [
    user === null ? good("user namespaces") : warning(`no user namespace: ${user}`, advice),
    network === null
      ? good("network namespaces")
      : warning(`no network namespace: ${network}`, advice),
    needed.length === 0
      ? good("seccomp filters, which play old kernels")
      : warning(`seccomp filters cannot answer ${needed.join(" and ")}`, "Linux 5.0 or newer"),
    ...(filtered ? [fact("a seccomp filter is in force already, as in a container")] : []),
  ];
}
