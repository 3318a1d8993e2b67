//! The environment variables PORTPIN_*: what they may say, and what becomes of policy and environment
//! together.
//!
//! Rule: a value that cannot be used is named on standard error in one line, whole, with the first
//! thing that is wrong with it; it is never ignored.

const std = @import("std");
const linux = std.os.linux;
const Policy = @import("Policy.zig");
const Ports = @import("Ports.zig");
const process = @import("process.zig");
const Settings = @import("pin.zig").Settings;

/// sysexits.h: EX_CONFIG.
const exit_configuration = 78;

/// Why a value cannot be used: the part of it that is meant, if not the whole, and what is wrong.
const Reason = struct {
    part: []const u8 = "",
    text: []const u8,

    const expected_ports: Reason = .{ .text = "expected LOW-HIGH" };
    const expected_slice: Reason = .{ .text = "expected INDEX/COUNT" };
};

fn Parsed(comptime T: type) type {
    return union(enum) { value: T, reason: Reason };
}

const Unusable = error{Unusable};

const Variable = enum {
    PORTPIN_PORTS,
    PORTPIN_SLICE,
    PORTPIN_SOURCE,
    PORTPIN_ENGINE,
    PORTPIN_LOG,
    PORTPIN_OFF,

    const count = @typeInfo(Variable).@"enum".fields.len;
};

const Values = std.EnumArray(Variable, ?[*:0]const u8);

/// Null: nothing to do. Does not return where a value cannot be used and the policy says `refuse`.
pub fn settings(policy: Policy, start: ?process.Start) ?Settings {
    return combine(policy, values(start)) catch |refusal| switch (refusal) {
        error.Idle => null,
        error.Unusable => {
            if (policy.when_unkept == .refuse) linux.exit_group(exit_configuration);
            return null;
        },
    };
}

/// The first of each name, as getenv(3) has it. Where AT_SECURE is set the environment is somebody
/// else's, and says nothing.
fn values(start: ?process.Start) Values {
    var result: Values = .initFill(null);
    const given = start orelse return result;
    if (given.secure) return result;
    var index: usize = 0;
    while (given.environment[index]) |entry| : (index += 1) {
        if (!std.mem.startsWith(u8, std.mem.span(entry), "PORTPIN_")) continue;
        inline for (comptime std.enums.values(Variable)) |variable| {
            if (valueOf(entry, @tagName(variable))) |value| {
                if (result.get(variable) == null) result.set(variable, value);
            }
        }
    }
    return result;
}

fn valueOf(entry: [*:0]const u8, comptime name: []const u8) ?[*:0]const u8 {
    for (name ++ "=", 0..) |character, index| if (entry[index] != character) return null;
    return entry + name.len + 1;
}

fn combine(policy: Policy, given: Values) (Unusable || error{Idle})!Settings {
    if (try allowed(policy, given, .PORTPIN_OFF, policy.environment.off)) |value| {
        if (std.mem.eql(u8, value, "1")) return error.Idle;
        return unusable(.PORTPIN_OFF, value, .{ .text = "expected 1" });
    }
    for ([_]Variable{ .PORTPIN_SOURCE, .PORTPIN_LOG }) |variable| {
        const value = given.get(variable) orelse continue;
        return unusable(variable, std.mem.span(value), .{ .text = "not supported by this version of portpin" });
    }
    if (try allowed(policy, given, .PORTPIN_ENGINE, policy.environment.engine)) |value| {
        if (engineProblem(value)) |reason| return unusable(.PORTPIN_ENGINE, value, reason);
    }
    const ports = try portsOf(policy, given);
    if (ports.count == 0) return error.Idle;
    return .{
        .ports = try partOf(policy, given, &ports),
        .defer_bind = policy.defer_bind,
        .when_unkept = policy.when_unkept,
    };
}

fn portsOf(policy: Policy, given: Values) Unusable!Ports {
    const value = try allowed(policy, given, .PORTPIN_PORTS, policy.environment.ports) orelse
        return Ports.init(policy.ports) catch unreachable; // hooks.zig had it checked at compile time.
    return switch (parsePorts(value)) {
        .value => |ports| ports,
        .reason => |reason| unusable(.PORTPIN_PORTS, value, reason),
    };
}

fn partOf(policy: Policy, given: Values, ports: *const Ports) Unusable!Ports {
    const value = try allowed(policy, given, .PORTPIN_SLICE, policy.environment.slice) orelse {
        const slice = policy.slice orelse return ports.*;
        return ports.part(slice) catch
            unusable(.PORTPIN_PORTS, std.mem.span(given.get(.PORTPIN_PORTS) orelse ""), .{
                .text = "the policy's slice has more parts than these ports",
            });
    };
    return switch (parseSlice(value)) {
        .value => |slice| ports.part(slice) catch
            unusable(.PORTPIN_SLICE, value, .{ .text = "more parts than ports" }),
        .reason => |reason| unusable(.PORTPIN_SLICE, value, reason),
    };
}

/// The value, if there is one and the policy lets it override. One that it forbids is said to be so, and
/// changes nothing: else `leave` would let anyone switch the policy off.
fn allowed(policy: Policy, given: Values, variable: Variable, may: bool) Unusable!?[]const u8 {
    const value = std.mem.span(given.get(variable) orelse return null);
    if (may) return value;
    report(variable, value, .{ .text = "the policy forbids it" });
    return if (policy.when_unkept == .refuse) error.Unusable else null;
}

fn parsePorts(text: []const u8) Parsed(Ports) {
    var ports: Ports = .none;
    var parts = std.mem.splitScalar(u8, text, ',');
    while (parts.next()) |part| {
        var ends = std.mem.splitScalar(u8, part, '-');
        const low = number(ends.first()) orelse return .{ .reason = .expected_ports };
        const high = if (ends.next()) |end| number(end) orelse return .{ .reason = .expected_ports } else low;
        if (ends.next() != null) return .{ .reason = .expected_ports };
        if (@min(low, high) < 1 or @max(low, high) > std.math.maxInt(u16)) {
            return .{ .reason = .{ .part = part, .text = " is not within 1-65535" } };
        }
        if (low > high) return .{ .reason = .{ .part = part, .text = " is reversed" } };
        ports.add(.{ .low = @intCast(low), .high = @intCast(high) }) catch |problem| switch (problem) {
            error.Overlap => return .{ .reason = .{ .part = part, .text = " overlaps another range" } },
            error.TooMany => return .{ .reason = .{ .text = std.fmt.comptimePrint(
                "more ranges than the limit of {d}",
                .{Policy.port_ranges_max},
            ) } },
        };
    }
    return .{ .value = ports };
}

fn parseSlice(text: []const u8) Parsed(Policy.Slice) {
    var parts = std.mem.splitScalar(u8, text, '/');
    const index = number(parts.first()) orelse return .{ .reason = .expected_slice };
    const count = number(parts.next() orelse "") orelse return .{ .reason = .expected_slice };
    if (parts.next() != null) return .{ .reason = .expected_slice };
    if (count < 1 or count > std.math.maxInt(u16)) return .{ .reason = .{ .text = "expected a COUNT within 1-65535" } };
    if (index >= count) return .{ .reason = .{ .text = "expected an INDEX below COUNT" } };
    return .{ .value = .{ .index = @intCast(index), .count = @intCast(count) } };
}

fn engineProblem(text: []const u8) ?Reason {
    const engine = std.meta.stringToEnum(Policy.Engine, text) orelse
        return .{ .text = "expected auto, kernel or emulation" };
    return switch (engine) {
        .auto, .kernel => null,
        .emulation => .{ .text = "not supported by this version of portpin" },
    };
}

/// Decimal digits alone, without a leading zero, up to nine of them.
fn number(text: []const u8) ?u32 {
    if (text.len == 0 or text.len > 9 or (text.len > 1 and text[0] == '0')) return null;
    var sum: u32 = 0;
    for (text) |digit| {
        if (!std.ascii.isDigit(digit)) return null;
        sum = sum * 10 + (digit - '0');
    }
    return sum;
}

fn unusable(variable: Variable, value: []const u8, reason: Reason) Unusable {
    report(variable, value, reason);
    return error.Unusable;
}

/// One line, one writev(2): it stays whole among the lines of other processes.
fn report(variable: Variable, value: []const u8, reason: Reason) void {
    const name = switch (variable) {
        inline else => |tag| @as([]const u8, @tagName(tag)),
    };
    const texts = [_][]const u8{ "portpin: Cannot use ", name, "=", value, ": ", reason.part, reason.text, "\n" };
    var pieces: [texts.len]std.posix.iovec_const = undefined;
    for (&pieces, texts) |*piece, text| piece.* = .{ .base = text.ptr, .len = text.len };
    _ = linux.writev(linux.STDERR_FILENO, &pieces, pieces.len);
}

test "parsePorts() takes ranges and single ports" {
    const ports = parsePorts("60000-60511,50000").value;
    try std.testing.expectEqualSlices(Policy.PortRange, &.{
        .{ .low = 50000, .high = 50000 },
        .{ .low = 60000, .high = 60511 },
    }, ports.slice());
}

test "parsePorts() says what is wrong" {
    const cases = [_]struct { []const u8, []const u8, []const u8 }{
        .{ "", "", "expected LOW-HIGH" },
        .{ "60000-", "", "expected LOW-HIGH" },
        .{ "-60000", "", "expected LOW-HIGH" },
        .{ "1-2-3", "", "expected LOW-HIGH" },
        .{ "060000", "", "expected LOW-HIGH" },
        .{ "1,", "", "expected LOW-HIGH" },
        .{ " 1", "", "expected LOW-HIGH" },
        .{ "99999999999", "", "expected LOW-HIGH" },
        .{ "0", "0", " is not within 1-65535" },
        .{ "1,0-9", "0-9", " is not within 1-65535" },
        .{ "1-65536", "1-65536", " is not within 1-65535" },
        .{ "9,20-10", "20-10", " is reversed" },
        .{ "10-20,20-30", "20-30", " overlaps another range" },
    };
    for (cases) |case| {
        const reason = parsePorts(case[0]).reason;
        try std.testing.expectEqualStrings(case[1], reason.part);
        try std.testing.expectEqualStrings(case[2], reason.text);
    }
}

test "parseSlice() takes an index from 0 and below the count" {
    try std.testing.expectEqual(Policy.Slice{ .index = 0, .count = 1 }, parseSlice("0/1").value);
    try std.testing.expectEqual(Policy.Slice{ .index = 65534, .count = 65535 }, parseSlice("65534/65535").value);
    for ([_][]const u8{ "", "1", "/", "1/", "/2", "1/2/3", "-1/2", "a/b", "2/2", "0/0", "0/65536" }) |text| {
        try std.testing.expect(parseSlice(text) == .reason);
    }
}
