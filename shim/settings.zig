//! What policy and environment came to: what `environment.zig` settles before main(), and `pin.zig` reads from then on.

const Choice = @import("Choice.zig");
const Policy = @import("Policy.zig");
const Target = @import("log.zig").Target;

pub fn Settings(comptime policy: Policy) type {
    return struct {
        /// What applies where no rule does.
        own: Choice,
        /// What each rule says; null: leave.
        rules: [policy.rules.len]?Choice,
        defer_bind: bool,
        engine: Policy.Engine,
        when_unkept: Policy.WhenUnkept,
        target: if (policy.environment.log) Target else void = if (policy.environment.log) .{} else {},
    };
}
