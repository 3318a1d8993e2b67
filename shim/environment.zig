//! The environment variables PORTPIN_*: what they may say, and what becomes of policy and environment
//! together.
//!
//! Rule: a value that cannot be used is named on standard error in one line, whole, with the first
//! thing that is wrong with it; it is never ignored.

const std = @import("std");
const linux = std.os.linux;
const net = std.Io.net;
const Policy = @import("Policy.zig");
const Ports = @import("Ports.zig");
const Scanner = @import("Scanner.zig");
const process = @import("process.zig");
const Settings = @import("settings.zig").Settings;

/// sysexits.h: EX_CONFIG.
const exit_configuration = 78;

/// Why a value cannot be used; null-terminated, because that returns in a register.
const Reason = [*:0]const u8;

const expected_ports: Reason = "expected LOW-HIGH";
const expected_source: Reason = "expected an IPv4 and/or an IPv6 address";
const expected_slice: Reason = "expected INDEX/COUNT";

const Unusable = error{Unusable};

const Variable = enum {
    PORTPIN_PORTS,
    PORTPIN_SLICE,
    PORTPIN_SOURCE,
    PORTPIN_ENGINE,
    PORTPIN_LOG,
    PORTPIN_OFF,
};

const Values = std.EnumArray(Variable, ?[]const u8);

/// False: nothing to do. Where AT_SECURE is set the environment is somebody else's, and says
/// nothing. Does not return where a value cannot be used and the policy says `refuse`.
pub fn settle(comptime policy: Policy, settings: *Settings(policy), start: ?process.Start) bool {
    var given: Values = .initFill(null);
    if (start) |it| if (!it.secure) collect(&given, it.environment);
    combine(policy, settings, &given) catch |refusal| switch (refusal) {
        error.Idle => return false,
        error.Unusable => {
            if (policy.when_unkept == .refuse) linux.exit_group(exit_configuration);
            return false;
        },
    };
    return true;
}

/// The first of each name, as getenv(3) has it.
fn collect(given: *Values, environment: process.Environment) void {
    var index: usize = 0;
    while (environment[index]) |entry| : (index += 1) {
        const text = std.mem.span(entry);
        var name: [*:0]const u8 = names;
        for (&given.values) |*value| {
            const length = std.mem.len(name);
            take(value, text, name[0..length]);
            name += length + 1;
        }
    }
}

/// Of all variables, in their order, behind one another: a loop is smaller than a call for each.
const names = join: {
    var joined: [:0]const u8 = "";
    for (std.enums.values(Variable)) |variable| joined = joined ++ @tagName(variable) ++ "\x00";
    break :join joined;
};

fn take(value: *?[]const u8, entry: []const u8, name: []const u8) void {
    if (value.* != null or entry.len <= name.len or entry[name.len] != '=') return;
    if (equal(entry[0..name.len], name)) value.* = entry[name.len + 1 ..];
}

fn combine(comptime policy: Policy, settings: *Settings(policy), given: *const Values) (Unusable || error{Idle})!void {
    if (try allowed(policy, given, .PORTPIN_OFF, policy.environment.off)) |value| {
        if (equal(value, "1")) return error.Idle;
        return unusable(.PORTPIN_OFF, value, "expected 1");
    }
    if (try allowed(policy, given, .PORTPIN_ENGINE, policy.environment.engine)) |value| {
        settings.engine = parseEngine(value) orelse
            return unusable(.PORTPIN_ENGINE, value, "expected auto, kernel or emulation");
    } else settings.engine = policy.engine;
    try chooseTarget(policy, settings, given);
    settings.defer_bind = policy.defer_bind;
    settings.when_unkept = policy.when_unkept;
    try chooseSource(&settings.own.source, policy, given);
    const ports = &settings.own.ports;
    try choosePorts(ports, policy, given);
    if (ports.count > 0) try takePart(ports, policy, given);
    try chooseForRules(policy, settings, given);
    if (settings.own.isNone() and policy.rules.len == 0) return error.Idle;
}

fn chooseTarget(comptime policy: Policy, settings: *Settings(policy), given: *const Values) Unusable!void {
    if (policy.environment.log) settings.target.kind = .nowhere;
    const value = try allowed(policy, given, .PORTPIN_LOG, policy.environment.log) orelse return;
    if (!policy.environment.log) return;
    if (!settings.target.set(value)) return unusable(.PORTPIN_LOG, value, "expected an absolute path or stderr");
}

fn chooseForRules(comptime policy: Policy, settings: *Settings(policy), given: *const Values) Unusable!void {
    inline for (policy.rules, &settings.rules) |rule, *choice| switch (rule.then) {
        .leave => choice.* = null,
        .pin => |says| {
            choice.* = settings.own;
            if (!says.source.isNone()) choice.*.?.source = says.source;
            if (says.ports.len == 0) continue;
            choice.*.?.ports = Ports.init(says.ports) catch unreachable; // hooks.zig had them checked at compile time.
            try takePart(&choice.*.?.ports, policy, given);
        },
    };
}

fn chooseSource(source: *Policy.Source, comptime policy: Policy, given: *const Values) Unusable!void {
    source.* = policy.source;
    const value = try allowed(policy, given, .PORTPIN_SOURCE, policy.environment.source) orelse return;
    source.* = .none;
    if (parseSource(source, value)) |reason| return unusable(.PORTPIN_SOURCE, value, reason);
}

fn choosePorts(ports: *Ports, comptime policy: Policy, given: *const Values) Unusable!void {
    ports.count = 0;
    const value = try allowed(policy, given, .PORTPIN_PORTS, policy.environment.ports) orelse {
        for (policy.ports) |range| ports.add(range) catch unreachable; // hooks.zig had them checked at compile time.
        return;
    };
    if (parsePorts(ports, value)) |reason| return unusable(.PORTPIN_PORTS, value, reason);
}

fn takePart(ports: *Ports, comptime policy: Policy, given: *const Values) Unusable!void {
    const value = try allowed(policy, given, .PORTPIN_SLICE, policy.environment.slice) orelse {
        const slice = policy.slice orelse return;
        return ports.keepPart(slice) catch unusable(.PORTPIN_PORTS, given.get(.PORTPIN_PORTS) orelse "", "fewer ports than the policy's slice has parts");
    };
    var slice: Policy.Slice = undefined;
    if (parseSlice(&slice, value)) |reason| return unusable(.PORTPIN_SLICE, value, reason);
    ports.keepPart(slice) catch return unusable(.PORTPIN_SLICE, value, "more parts than ports");
}

/// The value, if there is one and the policy lets it override. One that it forbids is said to be so, and
/// changes nothing: else `leave` would let anyone switch the policy off.
fn allowed(comptime policy: Policy, given: *const Values, comptime variable: Variable, comptime may: bool) Unusable!?[]const u8 {
    const value = given.get(variable) orelse return null;
    if (may) return value;
    report(@tagName(variable), value, "the policy forbids it");
    return if (policy.when_unkept == .refuse) error.Unusable else null;
}

/// Null: `ports` hold what `text` says.
fn parsePorts(ports: *Ports, text: []const u8) ?Reason {
    var scanner: Scanner = .{ .text = text };
    while (true) {
        const low = scanner.number() orelse return expected_ports;
        const high = if (scanner.take('-')) scanner.number() orelse return expected_ports else low;
        if (!scanner.isAtEnd() and !scanner.take(',')) return expected_ports;
        if (@min(low, high) < 1 or @max(low, high) > std.math.maxInt(u16)) {
            return "ports are 1-65535";
        }
        if (low > high) return "a range is reversed";
        ports.add(.{ .low = @intCast(low), .high = @intCast(high) }) catch |problem| switch (problem) {
            error.Overlap => return "ranges overlap",
            error.TooMany => return std.fmt.comptimePrint("more than {d} ranges", .{Policy.port_ranges_max}),
        };
        if (scanner.isAtEnd()) return if (text[text.len - 1] == ',') expected_ports else null;
    }
}

/// Null: `source` is what `text` says, one address of each family at most.
fn parseSource(source: *Policy.Source, text: []const u8) ?Reason {
    var rest = text;
    while (true) {
        const end = std.mem.indexOfScalar(u8, rest, ',') orelse rest.len;
        const part = rest[0..end];
        if (net.Ip4Address.parse(part, 0)) |address| {
            if (source.ipv4 != null) return "two IPv4 addresses";
            source.ipv4 = address.bytes;
        } else |_| {
            if (source.ipv6 != null) return if (parseIpv6(part) == null) expected_source else "two IPv6 addresses";
            source.ipv6 = parseIpv6(part) orelse return expected_source;
        }
        if (end == rest.len) break;
        rest = rest[end + 1 ..];
    }
    return unsuitable(source);
}

/// RFC 4291, 2.2. std's parser would make the library 3 KB larger.
fn parseIpv6(text: []const u8) ?[16]u8 {
    var bytes: [16]u8 = @splat(0);
    var count: usize = 0;
    var gap: ?usize = null;
    var rest = text;
    while (true) {
        if (rest.len >= 2 and rest[0] == ':' and rest[1] == ':') {
            if (gap != null) return null;
            gap = count;
            rest = rest[2..];
            if (rest.len == 0) break;
        } else if (count > 0) {
            if (rest[0] != ':') return null;
            rest = rest[1..];
        }
        if (count <= 12) if (net.Ip4Address.parse(rest, 0)) |four| {
            bytes[count..][0..4].* = four.bytes;
            count += 4;
            break;
        } else |_| {};
        if (count == 16) return null;
        const word = takeWord(&rest) orelse return null;
        std.mem.writeInt(u16, bytes[count..][0..2], word, .big);
        count += 2;
        if (rest.len == 0) break;
    }
    const from = gap orelse return if (count == 16) bytes else null;
    if (count == 16) return null;
    var spread: [16]u8 = @splat(0);
    @memcpy(spread[0..from], bytes[0..from]);
    @memcpy(spread[16 - (count - from) ..], bytes[from..count]);
    return spread;
}

/// One to four hexadecimal digits.
fn takeWord(rest: *[]const u8) ?u16 {
    var word: u16 = 0;
    var digits: usize = 0;
    while (digits < rest.len) : (digits += 1) {
        const digit = std.fmt.charToDigit(rest.*[digits], 16) catch break;
        if (digits == 4) return null;
        word = word << 4 | digit;
    }
    rest.* = rest.*[digits..];
    return if (digits == 0) null else word;
}

fn unsuitable(source: *const Policy.Source) ?Reason {
    if (source.ipv4) |address| {
        if (equal(&address, &[_]u8{0} ** 4)) return "an unspecified address";
        if (address[0] >> 4 == 14 or equal(&address, &[_]u8{255} ** 4)) return "a multicast or broadcast address";
    }
    if (source.ipv6) |address| {
        if (equal(&address, &[_]u8{0} ** 16)) return "an unspecified address";
        if (address[0] == 0xff) return "a multicast or broadcast address";
        if (equal(address[0..12], &[_]u8{0} ** 10 ++ &[_]u8{ 0xff, 0xff })) return "a mapped address, expected it as IPv4";
    }
    return null;
}

/// Null: `slice` is what `text` says.
fn parseSlice(slice: *Policy.Slice, text: []const u8) ?Reason {
    var scanner: Scanner = .{ .text = text };
    const index = scanner.number() orelse return expected_slice;
    if (!scanner.take('/')) return expected_slice;
    const count = scanner.number() orelse return expected_slice;
    if (!scanner.isAtEnd()) return expected_slice;
    if (count < 1 or count > std.math.maxInt(u16)) return "expected a COUNT within 1-65535";
    if (index >= count) return "expected an INDEX below COUNT";
    slice.* = .{ .index = @intCast(index), .count = @intCast(count) };
    return null;
}

fn parseEngine(text: []const u8) ?Policy.Engine {
    if (equal(text, "auto")) return .auto;
    if (equal(text, "kernel")) return .kernel;
    return if (equal(text, "emulation")) .emulation else null;
}

/// std.mem.eql is quicker and ten times as large.
fn equal(a: []const u8, b: []const u8) bool {
    if (a.len != b.len) return false;
    for (a, b) |left, right| if (left != right) return false;
    return true;
}

fn unusable(comptime variable: Variable, value: []const u8, reason: Reason) Unusable {
    report(@tagName(variable), value, reason);
    return error.Unusable;
}

/// One line, one writev(2): it stays whole among the lines of other processes.
noinline fn report(name: []const u8, value: []const u8, reason: Reason) void {
    const texts = [_][]const u8{ "portpin: Cannot use ", name, "=", value, ": ", std.mem.span(reason), "\n" };
    var pieces: [texts.len]std.posix.iovec_const = undefined;
    for (&pieces, texts) |*piece, text| piece.* = .{ .base = text.ptr, .len = text.len };
    _ = linux.writev(linux.STDERR_FILENO, &pieces, pieces.len);
}

test "parsePorts() takes ranges and single ports" {
    var ports: Ports = .none;
    try std.testing.expectEqual(null, parsePorts(&ports, "60000-60511,50000"));
    try std.testing.expectEqualSlices(Policy.PortRange, &.{
        .{ .low = 50000, .high = 50000 },
        .{ .low = 60000, .high = 60511 },
    }, ports.slice());
}

test "parsePorts() says what is wrong" {
    const cases = [_][2][]const u8{
        .{ "", "expected LOW-HIGH" },
        .{ "60000-", "expected LOW-HIGH" },
        .{ "-60000", "expected LOW-HIGH" },
        .{ "1-2-3", "expected LOW-HIGH" },
        .{ "060000", "expected LOW-HIGH" },
        .{ "1,", "expected LOW-HIGH" },
        .{ ",1", "expected LOW-HIGH" },
        .{ " 1", "expected LOW-HIGH" },
        .{ "99999999999", "expected LOW-HIGH" },
        .{ "0", "ports are 1-65535" },
        .{ "1,0-9", "ports are 1-65535" },
        .{ "1-65536", "ports are 1-65535" },
        .{ "9,20-10", "a range is reversed" },
        .{ "10-20,20-30", "ranges overlap" },
    };
    for (cases) |case| {
        var ports: Ports = .none;
        try std.testing.expectEqualStrings(case[1], std.mem.span(parsePorts(&ports, case[0]).?));
    }
}

test "parseSource() takes an address of each family, and says what is wrong" {
    var both: Policy.Source = .none;
    try std.testing.expectEqual(null, parseSource(&both, "2001:db8::7,192.0.2.7"));
    try std.testing.expectEqual([4]u8{ 192, 0, 2, 7 }, both.ipv4.?);
    try std.testing.expectEqual([_]u8{ 0x20, 0x01, 0x0d, 0xb8 } ++ [_]u8{0} ** 11 ++ [_]u8{7}, both.ipv6.?);
    const bad = [_][]const u8{
        "",       "192.0.2",         "192.0.2.7,",        ",192.0.2.7",       "192.0.2.7,192.0.2.8", "::1,::2",               "0.0.0.0",   "::",
        "ff02::", "224.0.0.1",       "fe80::1%lo",        "192.0.2.07",       "::ffff:192.0.2.7",    "1:2:3",                 "localhost", " ::1",
        "::1 ",   "1" ** 300,        ":" ** 300,          "1:" ** 8,          "1::2::3",             "12345::",               ":1",        "1:",
        ":::",    "255.255.255.255", "1:2:3:4:5:6:7:8:9", "1:2:3:4:5:6:7::8", "1::2:3:4:5:6:7:8",    "1:2:3:4:5:6:7:1.2.3.4",
    };
    const good = [_][]const u8{ "1:2:3:4:5:6:7:8", "1::8", "::8", "1::", "1:2:3:4:5:6:7::", "64:ff9b::192.0.2.7", "FE80::aBcD", "::1", "1:2:3:4:5:6:1.2.3.4" };
    for (good) |text| {
        const parsed = try net.Ip6Address.parse(if (std.mem.eql(u8, text, "64:ff9b::192.0.2.7")) "64:ff9b::c000:207" else if (text.len == 19) "1:2:3:4:5:6:102:304" else text, 0);
        var source: Policy.Source = .none;
        try std.testing.expectEqual(null, parseSource(&source, text));
        try std.testing.expectEqual(parsed.bytes, source.ipv6.?);
    }
    for (bad) |text| {
        var source: Policy.Source = .none;
        try std.testing.expect(parseSource(&source, text) != null);
    }
}

test "parseSlice() takes an index from 0 and below the count" {
    var slice: Policy.Slice = undefined;
    try std.testing.expectEqual(null, parseSlice(&slice, "65534/65535"));
    try std.testing.expectEqual(Policy.Slice{ .index = 65534, .count = 65535 }, slice);
    for ([_][]const u8{ "", "1", "/", "1/", "/2", "1/2/3", "-1/2", "a/b", "2/2", "0/0", "0/65536" }) |text| {
        try std.testing.expect(parseSlice(&slice, text) != null);
    }
}
