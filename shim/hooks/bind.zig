//! bind(2): a moment when a port is chosen only if the guest asks for port 0.
//!
//! Where the call names a port, it is the guest's own choice and stays so.

const instance = @import("../instance.zig");
const next = @import("../next.zig");
const Call = @import("../call.zig").Call;
const Policy = @import("../Policy.zig");

const hook = @This();

pub const symbol = "bind";
pub const system_call = symbol;

pub fn isWanted(_: Policy) bool {
    return true;
}

pub fn call(fd: c_int, address: ?*const anyopaque, length: c_uint) callconv(.c) c_int {
    var guest: Call = .{ .fd = fd, .moment = .bind, .run = run, .address = address, .length = length };
    const pin = instance.get() orelse return @intCast(run(&guest));
    return @intCast(pin.choose(&guest));
}

fn run(guest: *const Call) isize {
    return next.call(hook, .{ guest.fd, guest.address, guest.length });
}
