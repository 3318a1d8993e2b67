//! Which rule a destination falls under: the first that matches.
//!
//! Rule: the same answers as the generator's `explain --to`; both are held to `fixtures/rules.zon`. IPv4 is
//! compared as IPv6, mapped, so that an AF_INET6 socket's destination finds the same rule.

const std = @import("std");
const sys = @import("system.zig");
const Policy = @import("Policy.zig");
const Rule = Policy.Rule;

/// The index of the first rule for `destination`. `transport` is asked for only where a rule looks at it.
pub fn find(rules: []const Rule, destination: *const sys.Name, transport: Policy.Transport) ?usize {
    const address = destination.mapped();
    const port = destination.port();
    for (rules, 0..) |*rule, index| {
        if (rule.transport) |wanted| if (wanted != transport) continue;
        if (holdsPort(rule.ports, port) and holdsAddress(rule.networks, address)) return index;
    }
    return null;
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
        const first = std.mem.readInt(u128, &network.address, .big);
        if (network.prefix == 0 or (first ^ address) >> @intCast(128 - @as(u32, network.prefix)) == 0) return true;
    }
    return networks.len == 0;
}
