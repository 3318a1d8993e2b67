//! What the log is told of a call.
//!
//! Rule: where there is no log, a call is decided and nothing more: what is noted on the way is not even built, or
//! finds no decision to write to.

const log = @import("../log.zig");
const rules = @import("../rules.zig");
const socket = @import("socket.zig");
const sys = @import("../system.zig");
const transport = @import("../transport.zig");
const Call = @import("../call.zig").Call;
const Ports = @import("../Ports.zig");

/// Decides, and says so in the log.
pub fn told(pin: anytype, call: *Call, comptime decide: fn (@TypeOf(pin), *const Call) isize) isize {
    if (!pin.may.log or !pin.settings.target.isSomewhere()) return decide(pin, call);
    return decideAndTell(pin, call, decide);
}

noinline fn decideAndTell(pin: anytype, call: *Call, comptime decide: fn (@TypeOf(pin), *const Call) isize) isize {
    const kind = transport.kindOf(pin.system, call.fd) orelse return decide(pin, call);
    var decision: log.Decision = .{ .call = call.moment, .fd = call.fd, .transport = kind };
    const had_port = socket.isBound(pin, call.fd);
    if (call.moment == .connect or call.moment == .send) decision.destination = call.destination(pin.system);
    if (decision.destination) |*to| decision.rule = rules.find(pin.policy.rules, to, kind);
    call.decision = &decision;
    const result = decide(pin, call);
    if (!isNews(pin, call, &decision, had_port)) return result;
    if (result == -1) decision.errno = pin.system.errno();
    decision.source = pin.system.getName(call.fd);
    pin.system.log(&pin.settings.target, &decision);
    return result;
}

/// Whether something was decided: a datagram of a socket that has its port already is no news, unless its
/// destination's rule would have said another one.
fn isNews(pin: anytype, call: *const Call, decision: *const log.Decision, had_port: bool) bool {
    return switch (call.moment) {
        .connect => decision.destination != null,
        .bind => !had_port and call.port(pin.system) == 0,
        .listen, .settle => !had_port,
        .send => decision.destination != null and (!had_port or isElsewhere(pin, call.fd, decision)),
    };
}

fn isElsewhere(pin: anytype, fd: i32, decision: *const log.Decision) bool {
    if (!pin.may.have_rules) return false;
    const ports = decision.ports orelse return true;
    const name = pin.system.getName(fd) orelse return false;
    return ports.count > 0 and !ports.has(name.port());
}

/// Who keeps the ports of a call, and which; the last one counts.
pub fn note(pin: anytype, call: *const Call, engine: log.Engine, ports: ?*const Ports) void {
    if (!pin.may.log) return;
    const decision = call.decision orelse return;
    decision.engine = engine;
    decision.ports = ports;
}

/// The guest's call is run with one of the ranges.
pub fn noteTry(pin: anytype, call: *const Call) void {
    if (!pin.may.log) return;
    if (call.decision) |decision| decision.tries += 1;
}

/// A datagram's own control message says where it leaves from.
pub fn guestsSource(pin: anytype, fd: i32, destination: *const sys.Name) void {
    if (!pin.may.log or !pin.settings.target.isSomewhere()) return;
    pin.system.log(&pin.settings.target, &.{
        .call = .send,
        .fd = fd,
        .transport = .udp,
        .destination = destination.*,
        .rule = rules.find(pin.policy.rules, destination, .udp),
        .engine = .leave,
        .source = pin.system.getName(fd),
    });
}
