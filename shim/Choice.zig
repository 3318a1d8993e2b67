//! What a call comes to: which ports, and from where. The policy's own choice, or that of one of its rules.

const Policy = @import("Policy.zig");
const Ports = @import("Ports.zig");
const Choice = @This();

/// Empty: any port.
ports: Ports,
/// None: from where the kernel chooses.
source: Policy.Source,

/// Whether there is nothing to choose.
pub fn isNone(choice: *const Choice) bool {
    return choice.ports.count == 0 and choice.source.isNone();
}
