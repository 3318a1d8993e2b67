//! A socket comes into the process: from socket(2), over a Unix socket, from before exec.
//!
//! Rule: it gets a range at once, for what never passes a hook again (io_uring) and for the send path, which asks
//! nothing. A failure is left for the call that needs a port.

const by_kernel = @import("by_kernel.zig");
const deferral = @import("../deferral.zig");
const kernel = @import("../engines/kernel.zig");
const late_bind = @import("../late_bind.zig");
const reuse = @import("../reuse.zig");
const sys = @import("../system.zig");
const transport = @import("../transport.zig");
const udp_share = @import("../engines/udp_share.zig");

/// One that socket(2) has just made of these arguments.
pub fn adoptNew(pin: anytype, fd: i32, domain: u32, kind: u32, protocol: u32) void {
    if (!transport.isPinnableKind(domain, kind, protocol) or !by_kernel.givesRange(pin)) return;
    const answer = kernel.set(pin.system, &pin.settings.own.ports, &pin.random, fd);
    if (answer == .lacking) noteLacking(pin, protocol == sys.IPPROTO_MPTCP);
}

/// One that somebody else has made, and perhaps used; any descriptor.
pub fn adoptStranger(pin: anytype, fd: i32) void {
    if (!transport.isPinnable(pin.system, fd)) return;
    noteState(pin, fd);
    if (!by_kernel.givesRange(pin)) return;
    const answer = kernel.keep(pin.system, &pin.settings.own.ports, &pin.random, fd);
    if (answer == .lacking) noteLacking(pin, transport.isMptcp(pin.system, fd));
}

fn noteState(pin: anytype, fd: i32) void {
    if (pin.may.force_source) pin.may_hold_bound.store(true, .monotonic);
    if (deferral.mayBe(pin.system, fd)) {
        pin.may_hold_deferred.store(true, .monotonic);
        // By whom, on UDP nobody can tell any more.
        if (pin.may.force_source and transport.isUdp(pin.system, fd)) pin.guest_defers.store(true, .monotonic);
    }
    if (pin.may.emulate and late_bind.pending(pin.system, fd) != null) pin.may_hold_pending.store(true, .monotonic);
    if (pin.may.emulate and reuse.isHidden(pin.system, fd)) pin.may_hold_shared.store(true, .monotonic);
    if (pin.policy.udp_share and udp_share.isShared(pin.system, fd)) pin.may_hold_shared.store(true, .monotonic);
}

fn noteLacking(pin: anytype, is_mptcp: bool) void {
    const flag = if (is_mptcp) &pin.may_hold_lacking else &pin.lacks_option;
    flag.store(true, .monotonic);
}
