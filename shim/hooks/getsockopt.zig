//! getsockopt(2): IP_BIND_ADDRESS_NO_PORT reads as the guest set it, not as we did.

const instance = @import("../instance.zig");
const next = @import("../next.zig");
const sys = @import("../system.zig");
const Policy = @import("../Policy.zig");

const hook = @This();

pub const symbol = "getsockopt";
pub const system_call = symbol;

pub fn isWanted(policy: Policy) bool {
    return policy.defer_bind;
}

pub fn call(fd: c_int, level: c_int, name: c_int, value: ?[*]u8, length: ?*c_uint) callconv(.c) c_int {
    const pin = instance.get();
    const result = next.call(hook, .{ fd, level, name, value, length });
    if (result != 0 or level != sys.SOL.IP or name != sys.IP.BIND_ADDRESS_NO_PORT) return result;
    // The kernel has written `length.*` bytes, so they can be written.
    if (pin != null and pin.?.isDeferredByUs(fd)) @memset(value.?[0..length.?.*], 0);
    return result;
}
