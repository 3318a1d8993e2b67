//! The emulation keeps the ports: a port is searched for, for a socket that has none, and the guest's call is run once.
//!
//! Rule: what fails says what the kernel would say where its own range is full. A guest's late bind, its own or ours,
//! stays late: on a kernel that cannot remember an address alone, the socket does (`late_bind`).

const address = @import("../address.zig");
const at_source = @import("at_source.zig");
const deferral = @import("../deferral.zig");
const emulation = @import("../engines/emulation.zig");
const late_bind = @import("../late_bind.zig");
const reuse = @import("../reuse.zig");
const socket = @import("socket.zig");
const sys = @import("../system.zig");
const transport = @import("../transport.zig");
const unkept = @import("unkept.zig");
const Call = @import("../call.zig").Call;
const Policy = @import("../Policy.zig");
const Ports = @import("../Ports.zig");

pub fn isAllowed(pin: anytype) bool {
    return pin.may.emulate and pin.settings.engine != .kernel;
}

/// `from`: the source, which is given up where it is not on this host and the policy says so.
pub fn run(pin: anytype, ports: *const Ports, call: *const Call, from: ?*const sys.Name) isize {
    const end = from orelse return search(pin, ports, call, null);
    const before = pin.system.errno();
    const result = search(pin, ports, call, end);
    if (result != -1 or pin.settings.when_unkept == .refuse) return result;
    if (pin.system.errno() != .ADDRNOTAVAIL or pin.system.isLocal(end)) return result;
    pin.system.setErrno(before);
    return search(pin, ports, call, null);
}

fn search(pin: anytype, all: *const Ports, call: *const Call, from: ?*const sys.Name) isize {
    if (!pin.may.emulate) unreachable;
    var name = pin.system.getName(call.fd) orelse return call.run(call);
    if (!name.isInternet()) return call.run(call);
    const kind = transport.kindOf(pin.system, call.fd) orelse return call.run(call);
    if (name.port() != 0 and !socket.releases(pin, call)) return call.run(call);
    at_source.aim(pin, call.fd, &name, from);
    pin.reserved.refresh(pin.system);
    const ports = socket.portsOf(pin, call.fd, all);
    const scope = scopeOf(pin, call, &ports);
    switch (call.moment) {
        .connect, .send => {
            const given = call.destination(pin.system);
            if (call.moment == .connect and given == null) return call.run(call);
            // TCP sends nothing before it is connected.
            if (kind == .tcp and call.moment == .send and !call.isFastOpen()) return call.run(call);
            if (kind == .tcp) return connect(pin, call, scope, &name, &(given orelse return call.run(call)));
            return finish(pin, call, .AGAIN, emulation.bind(pin.system, scope, call.fd, &name));
        },
        .bind => {
            // The guest has asked for a late bind itself: the kernel remembers the address.
            if (deferral.mayBe(pin.system, call.fd)) return call.run(call);
            name = address.copy(pin.system, call.address, call.length) orelse return call.run(call);
            if (name.port() != 0) return call.run(call);
            if (bindLate(pin, call, scope, kind, &name)) |result| return result;
        },
        .listen, .settle => {},
    }
    return finish(pin, call, .ADDRINUSE, emulation.bind(pin.system, scope, call.fd, &name));
}

/// What a search looks at besides the socket.
pub fn scopeOf(pin: anytype, call: *const Call, ports: *const Ports) emulation.Scope {
    return .{
        .ports = ports,
        .reserved = &pin.reserved,
        .random = &pin.random,
        .tries = if (pin.may.log and call.decision != null) &call.decision.?.tries else null,
    };
}

fn connect(pin: anytype, call: *const Call, scope: emulation.Scope, name: *sys.Name, destination: *const sys.Name) isize {
    var guests: reuse.Options = undefined;
    const answer = emulation.bindFor(pin.system, scope, call.fd, name, destination, &guests);
    if (answer == .bound) pin.may_hold_shared.store(true, .monotonic);
    const result = finish(pin, call, .ADDRNOTAVAIL, answer);
    if (answer == .bound) emulation.afterConnect(pin.system, call.fd, guests);
    return result;
}

/// bind(ip, 0) where the kernel cannot remember an address alone; null where it must be carried out at once.
fn bindLate(pin: anytype, call: *const Call, scope: emulation.Scope, kind: Policy.Transport, name: *sys.Name) ?isize {
    const is_asked = late_bind.isAsked(pin.system, call.fd) orelse return null;
    if (kind == .sctp or (!is_asked and (kind != .tcp or !pin.settings.defer_bind))) return null;
    if (deferral.isThere(pin.system, call.fd)) return null;
    const answer = emulation.probe(pin.system, scope, call.fd, kind, name) orelse return null;
    if (answer != .full) return finish(pin, call, .ADDRINUSE, answer);
    if (!late_bind.leave(pin.system, call.fd, name, !is_asked)) return null;
    pin.may_hold_pending.store(true, .monotonic);
    return 0;
}

/// What the call comes to after a search. `full`: what the kernel says to such a call where its range is exhausted.
pub fn finish(pin: anytype, call: *const Call, full: sys.E, answer: emulation.Answer) isize {
    return switch (answer) {
        .bound => {
            if (pin.may_hold_pending.load(.monotonic)) late_bind.forget(pin.system, call.fd);
            // The call was for a port, and nothing else.
            return switch (call.moment) {
                .bind => 0,
                .settle => noteSettled(pin, call.fd),
                else => call.run(call),
            };
        },
        .full => pin.fail(full),
        .forbidden => unkept.run(pin, call),
        // EINVAL: another thread has bound the socket meanwhile.
        .failed => |errno| if (errno == .INVAL) call.run(call) else pin.fail(errno),
    };
}

/// A socket with a port of its own is not deferred any more.
fn noteSettled(pin: anytype, fd: i32) isize {
    if (pin.may.force_source) deferral.undo(pin.system, fd);
    return 0;
}
