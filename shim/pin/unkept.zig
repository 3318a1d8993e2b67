//! What cannot be kept: `whenUnkept` says what becomes of the call.
//!
//! Rule: `refuse` is EADDRNOTAVAIL, `leave` the guest's call as it stands, and nothing is in between. A call that needs
//! no port goes on, and so does every call of a socket that has its port already or is none of ours.

const socket = @import("socket.zig");
const sys = @import("../system.zig");
const to_log = @import("to_log.zig");
const transport = @import("../transport.zig");
const Call = @import("../call.zig").Call;

/// No engine can keep the ports for this call.
pub fn run(pin: anytype, call: *const Call) isize {
    if (pin.settings.when_unkept == .leave) {
        to_log.note(pin, call, .leave, null);
        return call.run(call);
    }
    if (!transport.isPinnable(pin.system, call.fd) or socket.isTaken(pin, call)) return call.run(call);
    const port = call.port(pin.system);
    const needs_port = switch (call.moment) {
        // AF_UNSPEC disconnects, and what is no address fails by itself.
        .connect => port != null,
        .bind => port == 0,
        .listen, .send, .settle => true,
    };
    if (!needs_port) return call.run(call);
    return pin.fail(.ADDRNOTAVAIL);
}

/// A message went nowhere because its source is not on this host. `before`: errno before anything was tried.
pub fn runWithoutSource(pin: anytype, call: *const Call, before: sys.E) isize {
    if (pin.settings.when_unkept == .refuse) return pin.fail(.ADDRNOTAVAIL);
    pin.system.setErrno(before);
    return call.run(call);
}

/// What a call fails with whose source is not on this host; SUCCESS: it goes on.
pub fn errnoOfSource(pin: anytype) sys.E {
    return if (pin.settings.when_unkept == .leave) .SUCCESS else .ADDRNOTAVAIL;
}
