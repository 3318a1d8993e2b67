//! getsockname(2): the moment when a deferred bind(2) must have a port to show, and where a guest that asked for a late
//! bind sees its address without one.

const address = @import("../address.zig");
const instance = @import("../instance.zig");
const next = @import("../next.zig");
const process = @import("../process.zig");
const sys = @import("../system.zig");
const Policy = @import("../Policy.zig");

const hook = @This();
const may_emulate = instance.policy.mayEmulate();

pub const symbol = "getsockname";
pub const system_call = symbol;

pub fn isWanted(policy: Policy) bool {
    return policy.defer_bind or policy.mayEmulate();
}

/// ENOBUFS, one of the errors that getsockname(2) documents: the ports are all taken.
pub fn call(fd: c_int, name: ?[*]u8, length: ?*c_uint) callconv(.c) c_int {
    const pin = instance.get();
    if (pin != null and !pin.?.settle(fd)) {
        process.setErrno(.NOBUFS);
        return -1;
    }
    const shown = if (may_emulate and pin != null) pin.?.shownName(fd) else null;
    const is_readable = shown != null and address.isReadable(pin.?.system, length, @sizeOf(c_uint));
    const room = if (is_readable) length.?.* else 0;
    const result = next.call(hook, .{ fd, name, length });
    // The kernel has written so much there.
    if (result == 0) if (shown) |it| show(&it, name.?, room);
    return result;
}

/// Puts the address where the kernel has written the wildcard, and nothing past the room that the guest has.
fn show(shown: *const sys.Name, name: [*]u8, room: c_uint) void {
    const is_ipv4 = shown.bytes.family == sys.AF.INET;
    const start: usize = if (is_ipv4) 4 else 8;
    const end: usize = @min(room, if (is_ipv4) 8 else @as(usize, @sizeOf(@TypeOf(shown.bytes))));
    const bytes: [*]const u8 = @ptrCast(&shown.bytes);
    if (end > start) @memcpy(name[start..end], bytes[start..end]);
}
