//! Which rule a destination falls under: the first that matches.
//!
//! Rule: the same answers as the generator's `explain --to`; both are held to `fixtures/rules.zon`. IPv4 is
//! compared as IPv6, mapped, so that an AF_INET6 socket's destination finds the same rule; and 0.0.0.0 and ::
//! are the loopback addresses that they lead to. ip(7)

const std = @import("std");
const sys = @import("system.zig");
const Policy = @import("Policy.zig");
const Rule = Policy.Rule;

/// The index of the first rule for `destination`. `transport` is asked for only where a rule looks at it.
pub fn find(comptime rules: []const Rule, destination: *const sys.Name, transport: Policy.Transport) ?usize {
    const compiled = comptime compile(rules);
    const address = addressOf(destination);
    const high: u64 = @truncate(address >> 64);
    const low: u64 = @truncate(address);
    const is_ipv4 = high == 0 and low >> 32 == 0xffff;
    const port = destination.port();
    for (rules, compiled, 0..) |*rule, range, index| {
        if (rule.transport) |wanted| if (wanted != transport) continue;
        if (!holdsPort(rule.ports, port)) continue;
        if (range.from == range.to) return index;
        for (networksOf(rules)[range.from..range.to]) |*network| {
            if (is_ipv4 and network.is_short) continue;
            const differs = ((network.high ^ high) & network.high_mask) | ((network.low ^ low) & network.low_mask);
            if (differs == 0) return index;
        }
    }
    return null;
}

/// Which of all networks are one rule's; none: every destination.
const Range = struct { from: u16, to: u16 };

fn compile(comptime rules: []const Rule) [rules.len]Range {
    var ranges: [rules.len]Range = undefined;
    var at: u16 = 0;
    for (rules, &ranges) |rule, *range| {
        range.* = .{ .from = at, .to = at + rule.networks.len };
        at = range.to;
    }
    return ranges;
}

/// A network as two words and the bits of them that count.
const Words = struct {
    high: u64,
    low: u64,
    high_mask: u64,
    low_mask: u64,
    /// A network so short is IPv6's own, and holds no IPv4 address.
    is_short: bool,
};

/// All networks behind one another, so that a look-up is four loads and no shift.
fn networksOf(comptime rules: []const Rule) []const Words {
    const words = comptime words: {
        @setEvalBranchQuota(1000 * (1 + Policy.rules_max * Policy.networks_max));
        var all: []const Words = &.{};
        for (rules) |rule| for (rule.networks) |network| {
            all = all ++ .{wordsOf(network)};
        };
        break :words all;
    };
    return words;
}

fn wordsOf(network: Policy.Network) Words {
    const address = std.mem.readInt(u128, &network.address, .big);
    const ones: u128 = std.math.maxInt(u128);
    const mask: u128 = if (network.prefix == 0) 0 else ones << (128 - network.prefix);
    return .{
        .high = @truncate(address >> 64),
        .low = @truncate(address),
        .high_mask = @truncate(mask >> 64),
        .low_mask = @truncate(mask),
        .is_short = network.prefix < 96,
    };
}

fn addressOf(destination: *const sys.Name) u128 {
    if (!destination.isWildcard()) return destination.mapped();
    return if (destination.ipv4() == null) 1 else sys.Name.ofIpv4(sys.AF.INET, .{ 127, 0, 0, 1 }).mapped();
}

/// Whether any of the rules is for one transport alone.
pub fn lookAtTransport(rules: []const Rule) bool {
    for (rules) |rule| if (rule.transport != null) return true;
    return false;
}

fn holdsPort(ranges: []const Policy.PortRange, port: u16) bool {
    for (ranges) |range| {
        if (range.low <= port and port <= range.high) return true;
    }
    return ranges.len == 0;
}

test "find() answers as the table says that the generator is held to" {
    const Entry = struct {
        name: []const u8,
        rules: []const Rule,
        destinations: []const struct {
            address: union(enum) { ipv4: [4]u8, ipv6: [16]u8 },
            port: u16,
            transport: Policy.Transport,
            rule: ?u8,
        },
    };
    @setEvalBranchQuota(1_000_000);
    const table: []const Entry = comptime @import("rules_table");
    inline for (table) |entry| for (entry.destinations) |to| {
        var name: sys.Name = switch (to.address) {
            .ipv4 => |four| .ofIpv4(sys.AF.INET, four),
            .ipv6 => |six| .ofIpv6(six),
        };
        name.setPort(to.port);
        errdefer std.debug.print("{s}: {any}\n", .{ entry.name, to });
        try std.testing.expectEqual(if (to.rule) |index| @as(?usize, index) else null, find(entry.rules, &name, to.transport));
    };
}
