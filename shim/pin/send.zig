//! sendto(2), sendmsg(2), sendmmsg(2): messages to an address, by a socket that may be unbound.
//!
//! Rule: where the kernel honours the range nothing is asked: the socket got its range when it came. Only rules and a
//! source make us look where a message goes: the socket then gets its port by the first message's rule, and each
//! message leaves from its own rule's source.

const address = @import("../address.zig");
const by_emulation = @import("by_emulation.zig");
const by_kernel = @import("by_kernel.zig");
const keep = @import("keep.zig");
const kernel = @import("../engines/kernel.zig");
const pktinfo = @import("../pktinfo.zig");
const socket = @import("socket.zig");
const source = @import("../source.zig");
const sys = @import("../system.zig");
const to_log = @import("to_log.zig");
const transport = @import("../transport.zig");
const unkept = @import("unkept.zig");
const Call = @import("../call.zig").Call;
const Message = @import("../message.zig").Message;
const Ports = @import("../Ports.zig");

pub fn decide(pin: anytype, call: *const Call) isize {
    if (pin.may.look_further and keep.looksAtDestination(pin)) return runTowards(pin, call);
    return run(pin, &pin.settings.own.ports, call);
}

fn run(pin: anytype, ports: *const Ports, call: *const Call) isize {
    to_log.note(pin, call, .kernel, ports);
    if (by_kernel.mayKeep(pin, ports, .any) and socket.pending(pin, call.fd) == null) return by_kernel.run(pin, ports, call);
    const emulates = by_emulation.isAllowed(pin);
    to_log.note(pin, call, if (emulates) .emulation else .none, ports);
    return if (emulates) by_emulation.run(pin, ports, call, null) else unkept.run(pin, call);
}

/// The same where it matters which address.
fn runTowards(pin: anytype, call: *const Call) isize {
    const own = &pin.settings.own.ports;
    const destination = call.destination(pin.system) orelse return run(pin, own, call);
    if (!transport.isUdp(pin.system, call.fd)) return run(pin, own, call);
    const before = pin.system.errno();
    const sending: Sending = .of(call);
    const sends = if (pin.may.force_source and isSourceless(pin, call.fd)) &sending.call else call;
    const choice = keep.choiceFor(pin, call.fd, &destination) orelse return keep.leaveAlone(pin, sends);
    if (pin.may.have_rules and by_kernel.mayKeep(pin, &choice.ports, .this_second) and !socket.isBound(pin, call.fd)) {
        _ = kernel.keep(pin.system, &choice.ports, &pin.random, call.fd);
    }
    const result = run(pin, &choice.ports, sends);
    if (!pin.may.force_source or result != -1 or sends == call) return result;
    const from = source.towards(choice.source, &destination) orelse return result;
    return if (isRefused(pin, &from)) unkept.runWithoutSource(pin, call, before) else result;
}

/// Whether a datagram socket's messages leave from where the kernel chooses: the guest has not bound it to
/// an address, nor have we.
fn isSourceless(pin: anytype, fd: i32) bool {
    if (!pin.may_hold_bound.load(.monotonic)) return true;
    const name = pin.system.getName(fd) orelse return false;
    return name.isInternet() and name.isWildcard();
}

/// Whether a message failed because its source is not on this host: sendmsg says EINVAL or ENETUNREACH, by
/// family and version, where bind says EADDRNOTAVAIL.
fn isRefused(pin: anytype, from: *const sys.Name) bool {
    return switch (pin.system.errno()) {
        .INVAL, .NETUNREACH => !pin.system.isLocal(from),
        else => false,
    };
}

/// A send of the guest whose messages get a source.
const Sending = struct {
    call: Call,
    guest: *const Call,

    fn of(guest: *const Call) Sending {
        var call = guest.*;
        call.run = Sending.run;
        return .{ .call = call, .guest = guest };
    }

    fn run(call: *const Call) isize {
        const sending: *const Sending = @alignCast(@fieldParentPtr("call", call));
        return sending.guest.run_from_source.?(sending.guest);
    }
};

/// What the guest's `message` is sent as: itself, or in `room` with its source.
pub fn fromSource(pin: anytype, fd: i32, room: *pktinfo.Sourced, message: *const Message) *const Message {
    const destination = address.ofMessage(pin.system, message) orelse return message;
    if (destination.bytes.family == sys.AF.INET6 and pin.guest_sets_source.load(.monotonic)) return message;
    const choice = keep.choiceFor(pin, fd, &destination) orelse return message;
    const from = source.towards(choice.source, &destination) orelse return message;
    switch (room.make(pin.system, message, &from)) {
        .made => return &room.message,
        .guests => to_log.guestsSource(pin, fd, &destination),
        .no_room => {},
    }
    return message;
}
