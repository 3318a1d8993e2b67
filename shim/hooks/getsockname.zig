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
const may_have_source = instance.policy.mayHaveSource();

pub const symbol = "getsockname";
pub const system_call = symbol;

pub fn isWanted(policy: Policy) bool {
    return policy.defer_bind or policy.mayEmulate() or policy.mayHaveSource();
}

/// ENOBUFS, one of the errors that getsockname(2) documents: the ports are all taken.
pub fn call(fd: c_int, name: ?[*]u8, length: ?*c_uint) callconv(.c) c_int {
    const pin = instance.get();
    if (pin != null and !pin.?.settle(fd)) {
        process.setErrno(.NOBUFS);
        return -1;
    }
    const shown = if (may_emulate and pin != null) pin.?.shownName(fd) else null;
    const looks = pin != null and (shown != null or (may_have_source and pin.?.mayForceSource()));
    const room = if (looks and address.canRead(pin.?.system, length, @sizeOf(c_uint))) length.?.* else 0;
    const result = next.call(hook, .{ fd, name, length });
    if (result != 0 or !looks) return result;
    // The kernel has written so much there.
    if (shown) |it| show(&it, name.?, room) else if (may_have_source) hideSource(pin.?, fd, name.?, @min(room, length.?.*));
    return result;
}

/// A connect that failed leaves its socket bound to the source, and the guest knows of no bind.
fn hideSource(pin: anytype, fd: c_int, name: [*]u8, length: c_uint) void {
    const shown = address.copyWritten(name, length) orelse return;
    if (!pin.isNameOurs(fd, &shown)) return;
    const start: usize, const end: usize = if (shown.bytes.family == sys.AF.INET) .{ 4, 8 } else .{ 8, 24 };
    @memset(name[start..end], 0);
}

/// Puts the address where the kernel has written the wildcard, and nothing past the room that the guest has.
fn show(shown: *const sys.Name, name: [*]u8, room: c_uint) void {
    const is_ipv4 = shown.bytes.family == sys.AF.INET;
    const start: usize = if (is_ipv4) 4 else 8;
    const end: usize = @min(room, if (is_ipv4) 8 else @as(usize, @sizeOf(@TypeOf(shown.bytes))));
    const bytes: [*]const u8 = @ptrCast(&shown.bytes);
    if (end > start) @memcpy(name[start..end], bytes[start..end]);
}
