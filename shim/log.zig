//! PORTPIN_LOG: one JSON object a line for each decision, and what is in it.
//!
//! Rule: the guest does not notice. Nothing stays open between two lines; a line is one write(2) to a file that is
//! appended to, so it stays whole among those of other processes; what cannot be written is lost, without a signal
//! and without waiting. Standard error counts only while descriptor 2 is certainly the file that the guest was
//! started with: never where the kernel cannot say so (statx(2), Linux 4.11).
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
const Moment = @import("moment.zig").Moment;
const Policy = @import("Policy.zig");
const Ports = @import("Ports.zig");

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

/// Where the lines go; settled before main().
pub const Target = struct {
    kind: enum { nowhere, file, standard_error } = .nowhere,
    path: [linux.PATH_MAX:0]u8 = undefined,
    /// Of the file that descriptor 2 was.
    identity: ?Identity = null,

    /// The guest's environment may be overwritten later, as setproctitle(3) does. False: no such target.
    pub fn set(target: *Target, text: []const u8) bool {
        if (std.mem.eql(u8, text, "stderr")) {
            target.kind = .standard_error;
            target.identity = identify(linux.STDERR_FILENO);
            return true;
        }
        if (text.len == 0 or text[0] != '/' or text.len >= target.path.len) return false;
        @memcpy(target.path[0..text.len], text);
        target.path[text.len] = 0;
        target.kind = .file;
        return true;
    }

    pub fn isSomewhere(target: *const Target) bool {
        return target.kind != .nowhere;
    }

    /// Seven system calls, eight for standard error, and the clock.
    pub fn write(target: *const Target, decision: *const Decision) void {
        const now = process.wallClock();
        const line = render(decision, .{
            .seconds = @intCast(now.sec),
            .microseconds = @intCast(@divTrunc(now.nsec, 1000)),
            .process = @intCast(linux.getpid()),
            .thread = @intCast(linux.gettid()),
        });
        if (line.length > line.bytes.len) return;
        const silence: Silence = .begin();
        silence.end(target.append(line.bytes[0..line.length]));
    }

    fn append(target: *const Target, line: []const u8) usize {
        if (target.kind == .standard_error) {
            const before = target.identity orelse return 0;
            const now = identify(linux.STDERR_FILENO) orelse return 0;
            if (now.device != before.device or now.inode != before.inode or !hasRoom(linux.STDERR_FILENO)) return 0;
            return linux.write(linux.STDERR_FILENO, line.ptr, line.len);
        }
        // O_NONBLOCK: a FIFO that nobody reads must not stop the guest.
        const flags: linux.O = .{ .ACCMODE = .WRONLY, .CREAT = true, .APPEND = true, .CLOEXEC = true, .NOCTTY = true, .NONBLOCK = true };
        const opened = linux.open(&target.path, flags, 0o666);
        if (linux.errno(opened) != .SUCCESS) return 0;
        defer _ = linux.close(@intCast(opened));
        return linux.write(@intCast(opened), line.ptr, line.len);
    }
};

const Identity = struct { device: u64, inode: u64 };

fn identify(fd: i32) ?Identity {
    var status: linux.Statx = undefined;
    const rc = linux.statx(fd, "", linux.AT.EMPTY_PATH, .{ .INO = true }, &status);
    if (linux.errno(rc) != .SUCCESS) return null;
    return .{ .device = @as(u64, status.dev_major) << 32 | status.dev_minor, .inode = status.ino };
}

/// Whether a line goes in at once: a pipe that nobody empties has room for a page or for nothing. pipe(7)
fn hasRoom(fd: i32) bool {
    var entries = [_]linux.pollfd{.{ .fd = fd, .events = linux.POLL.OUT, .revents = 0 }};
    return linux.poll(&entries, entries.len, 0) == 1 and entries[0].revents & linux.POLL.OUT != 0;
}

/// SIGPIPE of a pipe without a reader and SIGXFSZ of a file that has grown too large end a process that knows
/// nothing of our line. Both are sent to the thread that writes, and here they go no further. SIGTTOU would stop a
/// job in the background of a terminal; where it is blocked, the line is written and it is not sent. termios(3)
const Silence = struct {
    before: linux.sigset_t,
    /// Pending already, and so the guest's.
    pending: c_ulong,

    const signals: c_ulong = 1 << @intFromEnum(linux.SIG.PIPE) - 1 | 1 << @intFromEnum(linux.SIG.XFSZ) - 1 | 1 << @intFromEnum(linux.SIG.TTOU) - 1;

    fn begin() Silence {
        var silence: Silence = .{ .before = undefined, .pending = 0 };
        var blocked: linux.sigset_t = @splat(0);
        blocked[0] = signals;
        _ = linux.sigprocmask(linux.SIG.BLOCK, &blocked, &silence.before);
        // Only what the guest blocks itself can be pending.
        if (silence.before[0] & signals != 0) {
            var pending: linux.sigset_t = @splat(0);
            _ = linux.syscall2(.rt_sigpending, @intFromPtr(&pending), @sizeOf(linux.sigset_t));
            silence.pending = pending[0];
        }
        return silence;
    }

    fn end(silence: *const Silence, written: usize) void {
        if (linux.errno(written) != .SUCCESS) {
            var raised: linux.sigset_t = @splat(0);
            raised[0] = signals & ~silence.pending;
            const at_once = [_]u64{ 0, 0 };
            _ = linux.syscall4(wait, @intFromPtr(&raised), 0, @intFromPtr(&at_once), @sizeOf(linux.sigset_t));
        }
        _ = linux.sigprocmask(linux.SIG.SETMASK, &silence.before, null);
    }

    /// Zeros are the same time in either of the two.
    const wait: linux.SYS = if (@hasField(linux.SYS, "rt_sigtimedwait")) .rt_sigtimedwait else .rt_sigtimedwait_time64;
};

/// A line under construction; what has no room is left out, and then the line too.
const Line = struct {
    bytes: [line_bytes_max]u8 = undefined,
    length: usize = 0,

    fn put(line: *Line, text: []const u8) void {
        for (text) |byte| {
            if (line.length < line.bytes.len) line.bytes[line.length] = byte;
            line.length += 1;
        }
    }

    fn key(line: *Line, name: []const u8) void {
        line.put(if (line.length == 0) "{\"" else ",\"");
        line.put(name);
        line.put("\":");
    }

    fn string(line: *Line, name: []const u8, value: ?[]const u8) void {
        line.key(name);
        const text = value orelse return line.put("null");
        line.put("\"");
        line.put(text);
        line.put("\"");
    }

    /// `digits`: at least so many.
    fn number(line: *Line, value: u64, radix: u8, digits: usize) void {
        var text: [20]u8 = undefined;
        var at = text.len;
        var left = value;
        while (left > 0 or text.len - at < digits) : (left /= radix) {
            at -= 1;
            text[at] = "0123456789abcdef"[@intCast(left % radix)];
        }
        line.put(text[at..]);
    }

    fn count(line: *Line, name: []const u8, value: ?u64) void {
        line.key(name);
        if (value) |it| line.number(it, 10, 1) else line.put("null");
    }

    fn end(line: *Line, name: []const u8, value: *const ?sys.Name) void {
        line.key(name);
        const it: *const sys.Name = if (value.*) |*there| there else return line.put("null");
        line.put("\"");
        line.address(it);
        line.put(":");
        line.number(it.port(), 10, 1);
        line.put("\"");
    }

    fn address(line: *Line, name: *const sys.Name) void {
        const is_ipv6 = name.bytes.family == sys.AF.INET6;
        if (is_ipv6) line.put("[");
        if (name.ipv4()) |four| {
            if (is_ipv6) line.put("::ffff:");
            for (four, 0..) |byte, index| {
                if (index > 0) line.put(".");
                line.number(byte, 10, 1);
            }
        } else line.ipv6(&name.bytes.addr);
        if (is_ipv6) line.put("]");
    }

    /// RFC 5952: the longest run of two or more zero words, the first of equals, is left out.
    fn ipv6(line: *Line, bytes: *const [16]u8) void {
        var from: usize = 8;
        var longest: usize = 1;
        for (0..8) |start| {
            var length: usize = 0;
            while (start + length < 8 and bytes[2 * (start + length)] | bytes[2 * (start + length) + 1] == 0) length += 1;
            if (length > longest) {
                from = start;
                longest = length;
            }
        }
        var at: usize = 0;
        while (at < 8) {
            if (at == from) {
                line.put("::");
                at += longest;
                continue;
            }
            if (at > 0 and at != from + longest) line.put(":");
            line.number(std.mem.readInt(u16, bytes[2 * at ..][0..2], .big), 16, 1);
            at += 1;
        }
    }

    fn ports(line: *Line, value: ?*const Ports) void {
        line.key("ports");
        const it = value orelse return line.put("null");
        line.put("\"");
        for (it.slice(), 0..) |range, index| {
            if (index > 0) line.put(",");
            line.number(range.low, 10, 1);
            if (range.high == range.low) continue;
            line.put("-");
            line.number(range.high, 10, 1);
        }
        line.put("\"");
    }

    fn errno(line: *Line, value: sys.E) void {
        if (value == .SUCCESS) return line.string("errno", null);
        for (errno_names) |each| {
            if (each.errno == value) return line.string("errno", std.mem.sliceTo(&each.name, 0));
        }
        line.count("errno", @intFromEnum(value));
    }
};

/// 32 ranges, two IPv6 addresses, and the rest.
const line_bytes_max = 768;

/// What these calls say; every other is a number. No pointers: each would cost the library a relocation.
const errno_names = names: {
    const listed = .{
        .ACCES,       .ADDRINUSE, .ADDRNOTAVAIL, .AFNOSUPPORT, .AGAIN,   .ALREADY, .BADF,     .CONNABORTED, .CONNREFUSED, .CONNRESET,
        .DESTADDRREQ, .FAULT,     .HOSTUNREACH,  .INPROGRESS,  .INTR,    .INVAL,   .ISCONN,   .MSGSIZE,     .NETUNREACH,  .NOBUFS,
        .NOTSOCK,     .OPNOTSUPP, .PERM,         .PIPE,        .NOTCONN, .NOMEM,   .TIMEDOUT,
    };
    var entries: [listed.len]struct { errno: sys.E, name: [16]u8 } = undefined;
    for (listed, &entries) |errno, *entry| {
        entry.* = .{ .errno = errno, .name = @splat(0) };
        const name = "E" ++ @tagName(errno);
        entry.name[0..name.len].* = name.*;
    }
    break :names entries;
};

/// @tagName without a table of pointers.
fn nameOf(value: anytype) []const u8 {
    const Tag = @TypeOf(value);
    const names = comptime table: {
        var entries: [std.enums.values(Tag).len][15:0]u8 = @splat(@splat(0));
        for (std.enums.values(Tag)) |tag| entries[@intFromEnum(tag)][0..@tagName(tag).len].* = @tagName(tag).*;
        break :table entries;
    };
    return std.mem.sliceTo(&names[@intFromEnum(value)], 0);
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
    line.string("call", nameOf(decision.call));
    line.count("descriptor", @intCast(decision.fd));
    line.string("transport", if (decision.transport) |it| nameOf(it) else null);
    line.end("destination", &decision.destination);
    line.count("rule", if (decision.rule) |index| index else null);
    line.string("engine", nameOf(decision.engine));
    line.ports(decision.ports);
    line.end("source", &decision.source);
    line.errno(decision.errno);
    line.count("tries", decision.tries);
    line.put("}\n");
    return line;
}

fn expectLine(expected: []const u8, decision: Decision) !void {
    const line = render(&decision, .{ .seconds = 1795305421, .microseconds = 42, .process = 7, .thread = 8 });
    try std.testing.expectEqualStrings(expected, line.bytes[0..line.length]);
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
    try std.testing.expect(line.length <= line.bytes.len);
}

test "IPv6 addresses are written as RFC 5952 has them" {
    const cases = [_][]const u8{ "::", "::1", "1::", "2001:db8::1", "2001:db8:0:1:1:1:1:1", "2001:0:0:1::1", "2001:db8::1:0:0:1", "1:2:3:4:5:6:7:8", "fe80::a:0:0:b" };
    for (cases) |text| {
        var line: Line = .{};
        line.ipv6(&(try std.Io.net.Ip6Address.parse(text, 0)).bytes);
        try std.testing.expectEqualStrings(text, line.bytes[0..line.length]);
    }
}

test "a target is an absolute path or standard error" {
    var target: Target = .{};
    for ([_][]const u8{ "", "log", "./log", "STDERR", "/" ** linux.PATH_MAX }) |text| try std.testing.expect(!target.set(text));
    try std.testing.expect(!target.isSomewhere());
    try std.testing.expect(target.set("/var/log/portpin") and target.isSomewhere());
}

fn pipe() ![2]i32 {
    var ends: [2]i32 = undefined;
    try std.testing.expectEqual(.SUCCESS, linux.errno(linux.pipe2(&ends, .{ .CLOEXEC = true, .NONBLOCK = true })));
    return ends;
}

test "a pipe that nobody empties has no room" {
    const ends = try pipe();
    defer for (ends) |end| {
        _ = linux.close(end);
    };
    const page: [4096]u8 = @splat('x');
    try std.testing.expect(hasRoom(ends[1]));
    while (linux.errno(linux.write(ends[1], &page, page.len)) == .SUCCESS) {}
    try std.testing.expect(!hasRoom(ends[1]));
}

test "a file is told from another, and a closed descriptor from every file" {
    const ends = try pipe();
    const others = try pipe();
    defer for (ends ++ others) |end| {
        _ = linux.close(end);
    };
    try std.testing.expectEqual(identify(ends[0]).?, identify(ends[1]).?);
    try std.testing.expect(identify(ends[0]).?.inode != identify(others[0]).?.inode);
    try std.testing.expectEqual(null, identify(-1));
}
