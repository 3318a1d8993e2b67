//! bind(2): the guest's own choice stands, and where that is port 0 the ports are kept.
//!
//! Rule: TCP's `bind(ip, 0)` is deferred, so that connect(2) may share its port (`deferral`). A second bind must fail
//! as if the first had not been.

const address = @import("../address.zig");
const at_source = @import("at_source.zig");
const by_emulation = @import("by_emulation.zig");
const by_kernel = @import("by_kernel.zig");
const deferral = @import("../deferral.zig");
const keep = @import("keep.zig");
const late_bind = @import("../late_bind.zig");
const socket = @import("socket.zig");
const to_log = @import("to_log.zig");
const transport = @import("../transport.zig");
const unkept = @import("unkept.zig");
const Call = @import("../call.zig").Call;

/// A wildcard becomes a server's source where the policy says so.
pub fn decide(pin: anytype, call: *const Call) isize {
    if (!pin.may.force_source or !at_source.mayForce(pin)) return run(pin, call);
    pin.may_hold_bound.store(true, .monotonic);
    const given = address.copy(pin.system, call.address, call.length) orelse return run(pin, call);
    const end = if (given.isWildcard()) at_source.forServer(pin, call.fd, &given) else null;
    // TCP's port 0 is deferred first: it may be a client's, or a server's, whose listen comes.
    const is_late = given.port() == 0 and pin.settings.defer_bind and transport.isTcp(pin.system, call.fd) and
        (end == null or deferral.isThere(pin.system, call.fd));
    if (end == null or is_late or !transport.isPinnable(pin.system, call.fd)) {
        const result = run(pin, call);
        if (result == 0 and is_late and at_source.isOne(pin, &given)) deferral.noteOwnAddress(pin.system, call.fd);
        return result;
    }
    var replaced = call.*;
    replaced.address = &end.?.bytes;
    replaced.length = end.?.length;
    return run(pin, &replaced);
}

fn run(pin: anytype, call: *const Call) isize {
    const result = runOrDefer(pin, call);
    if (!pin.may.emulate or !pin.may_hold_pending.load(.monotonic)) return result;
    // Where it finds the port in use, the kernel forgets the address that it had before.
    const is_over = if (result == 0) socket.isBound(pin, call.fd) else pin.system.errno() == .ADDRINUSE;
    if (is_over) late_bind.forget(pin.system, call.fd);
    return result;
}

fn runOrDefer(pin: anytype, call: *const Call) isize {
    const ports = &pin.settings.own.ports;
    const kernel_keeps = by_kernel.mayKeep(pin, ports, .this_second);
    const emulates = by_emulation.isAllowed(pin);
    to_log.note(pin, call, if (kernel_keeps) .kernel else if (emulates) .emulation else .none, ports);
    if (!kernel_keeps and !emulates) return unkept.run(pin, call);
    if (transport.isTcp(pin.system, call.fd)) {
        // The guest's first bind, if we deferred it, counts: a second one must fail.
        _ = pin.settle(call.fd);
        if (call.port(pin.system) != 0) return call.run(call);
        if (pin.settings.defer_bind and deferral.begin(pin.system, call.fd)) return runDeferred(pin, call);
    }
    if (pin.may_hold_lacking.load(.monotonic)) return keep.run(pin, &pin.settings.own, call, null);
    return if (kernel_keeps) by_kernel.run(pin, ports, call) else by_emulation.run(pin, ports, call, null);
}

fn runDeferred(pin: anytype, call: *const Call) isize {
    const result = call.run(call);
    if (result == 0) {
        pin.may_hold_deferred.store(true, .monotonic);
    } else deferral.undo(pin.system, call.fd);
    return result;
}
