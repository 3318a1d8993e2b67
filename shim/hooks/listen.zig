//! listen(2): the moment when a TCP socket that was not bound, or whose bind was deferred, chooses a port.

const instance = @import("../instance.zig");
const next = @import("../next.zig");
const Call = @import("../call.zig").Call;
const Policy = @import("../Policy.zig");

const hook = @This();

pub const symbol = "listen";
pub const system_call = symbol;

pub fn isWanted(_: Policy) bool {
    return true;
}

pub fn call(fd: c_int, backlog: c_int) callconv(.c) c_int {
    var guest: Guest = .{ .call = .{ .fd = fd, .moment = .listen, .run = run }, .backlog = backlog };
    const pin = instance.get() orelse return @intCast(run(&guest.call));
    return @intCast(pin.choose(&guest.call));
}

const Guest = struct { call: Call, backlog: c_int };

fn run(call_of_guest: *const Call) isize {
    const guest: *const Guest = @alignCast(@fieldParentPtr("call", call_of_guest));
    return next.call(hook, .{ guest.call.fd, guest.backlog });
}
