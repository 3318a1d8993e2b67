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
pub fn find(rules: []const Rule, destination: *const sys.Name, transport: Policy.Transport) ?usize {
    const address = addressOf(destination);
    const port = destination.port();
    for (rules, 0..) |*rule, index| {
        if (rule.transport) |wanted| if (wanted != transport) continue;
        if (holdsPort(rule.ports, port) and holdsAddress(rule.networks, address)) return index;
    }
    return null;
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

fn holdsAddress(networks: []const Policy.Network, address: u128) bool {
    for (networks) |network| {
        // IPv6's own networks, as short as they may be, hold no IPv4 address.
        if (network.prefix < 96 and address >> 32 == 0xffff) continue;
        const first = std.mem.readInt(u128, &network.address, .big);
        if (network.prefix == 0 or (first ^ address) >> @intCast(128 - @as(u32, network.prefix)) == 0) return true;
    }
    return networks.len == 0;
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
    const table: []const Entry = @import("rules_table");
    for (table) |entry| for (entry.destinations) |to| {
        var name: sys.Name = switch (to.address) {
            .ipv4 => |four| .ofIpv4(sys.AF.INET, four),
            .ipv6 => |six| .ofIpv6(six),
        };
        name.setPort(to.port);
        errdefer std.debug.print("{s}: {any}\n", .{ entry.name, to });
        try std.testing.expectEqual(if (to.rule) |index| @as(?usize, index) else null, find(entry.rules, &name, to.transport));
    };
}
