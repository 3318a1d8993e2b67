//! PORTPIN_LOG: one JSON object a line for each decision, and what is in it.
//!
//! Rule: one line is one decision, whole: what has no room is not written at all. That the guest does not notice is
//! `log/Target.zig`'s.
//!
//! The fields, in this order; null where there is nothing to say:
//!
//!     time         seconds since 1970, UTC, with six decimals
//!     pid, thread  getpid(2), gettid(2)
//!     call         connect, listen, bind, send, or settle: getsockname had to show a port
//!     descriptor   the guest's number
//!     transport    tcp (MPTCP too), udp (UDP-Lite too) or sctp
//!     destination  ADDRESS:PORT, [ADDRESS]:PORT
//!     rule         the index of the rule that matched, from 0
//!     engine       kernel or emulation; share: udpShare's own search, with either; leave: as if portpin were not
//!                  there; none: no engine can keep the ports
//!     ports        the ranges that were allowed
//!     source       what getsockname(2) says afterwards, ADDRESS:PORT
//!     errno        what the call failed with
//!     tries        how many ports or ranges were tried

const std = @import("std");
const linux = std.os.linux;
const process = @import("process.zig");
const sys = @import("system.zig");
const Line = @import("log/Line.zig");
const Moment = @import("moment.zig").Moment;
const Policy = @import("Policy.zig");
const Ports = @import("Ports.zig");

pub const Target = @import("log/Target.zig");

pub const Decision = struct {
    call: Moment,
    fd: i32,
    transport: ?Policy.Transport = null,
    destination: ?sys.Name = null,
    rule: ?usize = null,
    engine: Engine = .none,
    ports: ?*const Ports = null,
    source: ?sys.Name = null,
    errno: sys.E = .SUCCESS,
    tries: u32 = 0,
};

pub const Engine = enum { none, leave, kernel, emulation, share };

/// Seven system calls, and the clock.
pub fn write(target: *const Target, decision: *const Decision) void {
    const now = process.wallClock();
    const line = render(decision, .{
        .seconds = @intCast(now.sec),
        .microseconds = @intCast(@divTrunc(now.nsec, 1000)),
        .process = @intCast(linux.getpid()),
        .thread = @intCast(linux.gettid()),
    });
    target.write(line.whole() orelse return);
}

/// When and by whom a line is written.
const Origin = struct { seconds: u64, microseconds: u64, process: u32, thread: u32 };

fn render(decision: *const Decision, origin: Origin) Line {
    var line: Line = .{};
    line.key("time");
    line.number(origin.seconds, 10, 1);
    line.put(".");
    line.number(origin.microseconds, 10, 6);
    line.count("pid", origin.process);
    line.count("thread", origin.thread);
    line.string("call", Line.nameOf(decision.call));
    line.count("descriptor", @intCast(decision.fd));
    line.string("transport", if (decision.transport) |it| Line.nameOf(it) else null);
    line.end("destination", &decision.destination);
    line.count("rule", if (decision.rule) |index| index else null);
    line.string("engine", Line.nameOf(decision.engine));
    line.ports(decision.ports);
    line.end("source", &decision.source);
    line.errno(decision.errno);
    line.count("tries", decision.tries);
    line.put("}\n");
    return line;
}

fn expectLine(expected: []const u8, decision: Decision) !void {
    const line = render(&decision, .{ .seconds = 1795305421, .microseconds = 42, .process = 7, .thread = 8 });
    try std.testing.expectEqualStrings(expected, line.whole().?);
}

test "a line holds every field, in its order" {
    const ports: Ports = try .init(&.{ .{ .low = 50000, .high = 50511 }, .{ .low = 60000, .high = 60000 } });
    var destination: sys.Name = .ofIpv4(sys.AF.INET, .{ 192, 0, 2, 7 });
    destination.setPort(443);
    var source: sys.Name = .ofIpv4(sys.AF.INET6, .{ 10, 0, 0, 1 });
    source.setPort(50012);
    try expectLine(
        \\{"time":1795305421.000042,"pid":7,"thread":8,"call":"connect","descriptor":3,"transport":"tcp","destination":"192.0.2.7:443","rule":0,"engine":"kernel","ports":"50000-50511,60000","source":"[::ffff:10.0.0.1]:50012","errno":"EINPROGRESS","tries":2}
        \\
    , .{
        .call = .connect,
        .fd = 3,
        .transport = .tcp,
        .destination = destination,
        .rule = 0,
        .engine = .kernel,
        .ports = &ports,
        .source = source,
        .errno = .INPROGRESS,
        .tries = 2,
    });
    try expectLine(
        \\{"time":1795305421.000042,"pid":7,"thread":8,"call":"listen","descriptor":0,"transport":null,"destination":null,"rule":null,"engine":"none","ports":null,"source":null,"errno":133,"tries":0}
        \\
    , .{ .call = .listen, .fd = 0, .errno = .HWPOISON });
}

test "the longest line has room" {
    var ports: Ports = .none;
    for (0..Policy.port_ranges_max) |index| {
        const low: u16 = @intCast(50000 + 10 * index);
        try ports.add(.{ .low = low, .high = low + 1 });
    }
    var far: sys.Name = .ofIpv6(@splat(0xff));
    far.setPort(65535);
    const line = render(&.{
        .call = .connect,
        .fd = std.math.maxInt(i32),
        .transport = .sctp,
        .destination = far,
        .rule = 63,
        .engine = .emulation,
        .ports = &ports,
        .source = far,
        .errno = .ADDRNOTAVAIL,
        .tries = 65535,
    }, .{ .seconds = std.math.maxInt(u40), .microseconds = 0, .process = std.math.maxInt(u32), .thread = std.math.maxInt(u32) });
    try std.testing.expect(line.whole() != null);
}

test {
    _ = Line;
    _ = Target;
}
