//! The heart: what is chosen for a call, and who keeps it.
//!
//! Rule: a list of ways, the first of which that can keep the ports for this socket does. Where none can, the policy
//! says what happens (`unkept`); what is no socket of ours is called on.

const at_source = @import("at_source.zig");
const by_emulation = @import("by_emulation.zig");
const by_kernel = @import("by_kernel.zig");
const by_sharing = @import("by_sharing.zig");
const deferral = @import("../deferral.zig");
const kernel = @import("../engines/kernel.zig");
const late_bind = @import("../late_bind.zig");
const rules = @import("../rules.zig");
const socket = @import("socket.zig");
const sys = @import("../system.zig");
const to_log = @import("to_log.zig");
const transport = @import("../transport.zig");
const unkept = @import("unkept.zig");
const Call = @import("../call.zig").Call;
const Choice = @import("../Choice.zig");
const Ports = @import("../Ports.zig");

/// Whether rules or a source make a difference between destinations.
pub fn looksAtDestination(pin: anytype) bool {
    return pin.may.have_rules or at_source.mayForce(pin);
}

/// What the first rule that matches says; null: leave.
pub fn choiceFor(pin: anytype, fd: i32, destination: *const sys.Name) ?*const Choice {
    const own = &pin.settings.own;
    if (!pin.may.have_rules) return own;
    const looks = comptime rules.lookAtTransport(pin.policy.rules);
    const kind = if (looks) transport.kindOf(pin.system, fd) orelse return own else .tcp;
    const index = rules.find(pin.policy.rules, destination, kind) orelse return own;
    return if (pin.settings.rules[index]) |*choice| choice else null;
}

/// Runs the call so that its port is one of the choice's. `from`: the end that the socket gets where the guest has not
/// bound it; null: as the kernel chooses.
pub fn run(pin: anytype, choice: *const Choice, call: *const Call, from: ?*const deferral.Reading) isize {
    if (pin.policy.udp_share and call.moment == .connect) {
        if (by_sharing.run(pin, &choice.ports, call, from)) |result| return result;
    }
    const way = wayFor(pin, call.fd, &choice.ports);
    if (from) |end| {
        if (way == .kernel) {
            const errno = at_source.bind(pin, call, end);
            if (errno != .SUCCESS) return pin.fail(errno);
        } else if (end.begun) deferral.undo(pin.system, call.fd);
    }
    to_log.note(pin, call, switch (way) {
        .kernel => .kernel,
        .emulation => .emulation,
        .none => .none,
        .foreign => .leave,
    }, &choice.ports);
    return switch (way) {
        .kernel => by_kernel.run(pin, &choice.ports, call),
        .emulation => by_emulation.run(pin, &choice.ports, call, if (from) |end| &end.name.? else null),
        .none => unkept.run(pin, call),
        .foreign => call.run(call),
    };
}

/// The first engine that keeps the ports for this socket.
fn wayFor(pin: anytype, fd: i32, ports: *const Ports) enum { kernel, emulation, none, foreign } {
    if (socket.pending(pin, fd) != null) return .emulation;
    if (pin.may.look_further and ports.count == 0) return if (transport.isPinnable(pin.system, fd)) .kernel else .foreign;
    if (by_kernel.mayKeep(pin, ports, .this_second)) switch (kernel.keep(pin.system, ports, &pin.random, fd)) {
        .ready => return .kernel,
        .foreign => return .foreign,
        .lacking => {},
    };
    return if (by_emulation.isAllowed(pin)) .emulation else .none;
}

/// A rule leaves the destination alone: the range that the socket got when it came goes.
pub fn leaveAlone(pin: anytype, call: *const Call) isize {
    to_log.note(pin, call, .leave, null);
    if (pin.policy.udp_share and call.moment == .connect) _ = by_sharing.end(pin, call.fd);
    const ports = &pin.settings.own.ports;
    if (ports.count > 0 and !pin.guest_sets_ranges.load(.monotonic)) {
        if (kernel.current(pin.system, ports, call.fd) != null) kernel.clear(pin.system, call.fd);
    }
    if (socket.pending(pin, call.fd)) |waiting| {
        if (pin.system.bind(call.fd, &waiting.name) == .SUCCESS) late_bind.forget(pin.system, call.fd);
    }
    return call.run(call);
}
