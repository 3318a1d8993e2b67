//! Decides what happens to a socket of the guest at the moments when its port may be chosen.
//!
//! Rule: a decision knows neither where it runs nor how the guest's call was caught. The system
//! calls are a comptime parameter, and the guest's own call comes in as a value that can be run;
//! hooks only say which moment it is. When in doubt, that call runs as it stands.

const std = @import("std");
const address = @import("address.zig");
const sys = @import("system.zig");
const Policy = @import("Policy.zig");
const Ports = @import("Ports.zig");
const NamespaceRange = @import("NamespaceRange.zig");
const Random = @import("random.zig").Random;
const deferral = @import("deferral.zig");
const emulation = @import("engines/emulation.zig");
const kernel = @import("engines/kernel.zig");
const late_bind = @import("late_bind.zig");
const reuse = @import("reuse.zig");
const Remembered = @import("Remembered.zig");
const Reserved = @import("Reserved.zig");
const transport = @import("transport.zig");

pub const Settings = struct {
    ports: Ports,
    defer_bind: bool,
    engine: Policy.Engine,
    when_unkept: Policy.WhenUnkept,
};

/// A call of the guest that may make the kernel choose a port.
pub const Call = struct {
    fd: i32,
    moment: Moment,
    /// Calls on, with the guest's own arguments; -1 and errno on failure, as libc has it.
    run: *const fn (*const Call) isize,
    /// What connect and bind were given; may be null, short, unaligned or unreadable.
    address: ?*const anyopaque = null,
    length: c_uint = 0,
    /// What sendmsg and sendmmsg were given: the address is in there, if it can be read.
    message: ?*const address.Destination = null,
};

pub const Moment = enum { connect, listen, bind, send, settle };

/// `may_emulate`: whether the policy leaves room for the second engine at all.
pub fn Pin(comptime System: type, comptime may_emulate: bool) type {
    return struct {
        const Self = @This();

        settings: Settings,
        random: Random,
        system: System,
        namespace_range: NamespaceRange = .{},
        reserved: Reserved = .{},
        remembered: Remembered = .{},
        /// Whether this process may hold a socket whose bind(2) was deferred; never cleared.
        may_hold_deferred: std.atomic.Value(bool) = .init(false),
        /// Whether it may hold one whose bind(2) waits in `late_bind`; never cleared.
        may_hold_pending: std.atomic.Value(bool) = .init(false),
        /// Whether it may hold one whose SO_REUSEADDR is ours; never cleared.
        may_hold_shared: std.atomic.Value(bool) = .init(false),
        /// Whether the guest sets IP_LOCAL_PORT_RANGE itself; never cleared.
        guest_sets_ranges: std.atomic.Value(bool) = .init(false),
        /// Whether this kernel has told us that TCP and UDP have no IP_LOCAL_PORT_RANGE.
        lacks_option: std.atomic.Value(bool) = .init(false),
        /// Whether it may hold a socket of another protocol that has none: MPTCP, before Linux 6.8. Never cleared.
        may_hold_lacking: std.atomic.Value(bool) = .init(false),

        /// A socket has come into the process: from socket(2), over a Unix socket, from before exec.
        /// It gets a range at once, for what never passes a hook again (io_uring) and for the
        /// send path, which asks nothing. A failure is left for the call that needs a port.
        pub fn adoptNew(self: *Self, fd: i32, domain: u32, kind: u32, protocol: u32) void {
            if (!transport.isPinnableKind(domain, kind, protocol) or !self.kernelMayKeep()) return;
            const answer = kernel.set(self.system, &self.settings.ports, &self.random, fd);
            if (answer == .lacking) self.noteLacking(protocol == sys.IPPROTO_MPTCP);
        }

        fn noteLacking(self: *Self, is_mptcp: bool) void {
            const flag = if (is_mptcp) &self.may_hold_lacking else &self.lacks_option;
            flag.store(true, .monotonic);
        }

        pub fn adoptStranger(self: *Self, fd: i32) void {
            if (!transport.isPinnable(self.system, fd)) return;
            if (deferral.mayBe(self.system, fd)) self.may_hold_deferred.store(true, .monotonic);
            if (may_emulate and late_bind.pending(self.system, fd) != null) self.may_hold_pending.store(true, .monotonic);
            if (may_emulate and reuse.isHidden(self.system, fd)) self.may_hold_shared.store(true, .monotonic);
            if (!self.kernelMayKeep()) return;
            const answer = kernel.keep(self.system, &self.settings.ports, &self.random, fd);
            if (answer == .lacking) self.noteLacking(transport.isMptcp(self.system, fd));
        }

        /// connect, listen, and sends that connect.
        pub fn choose(self: *Self, call: *const Call) isize {
            return switch (self.wayFor(call.fd)) {
                .kernel => self.tryRanges(call),
                .emulation => self.emulate(call),
                .none => self.unkept(call),
                .foreign => call.run(call),
            };
        }

        fn mayEmulate(self: *Self) bool {
            return may_emulate and self.settings.engine != .kernel;
        }

        /// The first engine that keeps the ports for this socket.
        fn wayFor(self: *Self, fd: i32) enum { kernel, emulation, none, foreign } {
            if (self.pending(fd) != null) return .emulation;
            if (self.kernelMayKeep()) switch (kernel.keep(self.system, &self.settings.ports, &self.random, fd)) {
                .ready => return .kernel,
                .foreign => return .foreign,
                .lacking => {},
            };
            return if (self.mayEmulate()) .emulation else .none;
        }

        /// sendto, sendmsg, sendmmsg: with MSG_FASTOPEN a connect with the first data.
        pub fn sendOrConnect(self: *Self, call: *const Call, flags: c_int) isize {
            const connects = @as(u32, @bitCast(flags)) & sys.MSG.FASTOPEN != 0;
            return if (connects) self.choose(call) else self.send(call);
        }

        /// A send to an address, by a socket that may be unbound. Where the kernel honours the range nothing
        /// is asked: the socket got its range when it came.
        fn send(self: *Self, call: *const Call) isize {
            if (self.kernelKept() and self.pending(call.fd) == null) return self.tryRanges(call);
            return if (self.mayEmulate()) self.emulate(call) else self.unkept(call);
        }

        /// bind. Nothing is asked of a range here either, but TCP's bind is deferred.
        pub fn bind(self: *Self, call: *const Call) isize {
            const result = self.bindOrDefer(call);
            if (!may_emulate or !self.may_hold_pending.load(.monotonic)) return result;
            // Where it finds the port in use, the kernel forgets the address that it had before.
            const is_over = if (result == 0) self.isBound(call.fd) else self.system.errno() == .ADDRINUSE;
            if (is_over) late_bind.forget(self.system, call.fd);
            return result;
        }

        fn bindOrDefer(self: *Self, call: *const Call) isize {
            const kernel_keeps = self.kernelMayKeep();
            if (!kernel_keeps and !self.mayEmulate()) return self.unkept(call);
            if (transport.isTcp(self.system, call.fd)) {
                // The guest's first bind, if we deferred it, counts: a second one must fail.
                _ = self.settle(call.fd);
                if (address.read(self.system, call.address, call.length) != 0) return call.run(call);
                if (self.settings.defer_bind and deferral.begin(self.system, call.fd)) return self.runDeferred(call);
            }
            if (self.may_hold_lacking.load(.monotonic)) return self.choose(call);
            return if (kernel_keeps) self.tryRanges(call) else self.emulate(call);
        }

        fn runDeferred(self: *Self, call: *const Call) isize {
            const result = call.run(call);
            if (result == 0) {
                self.may_hold_deferred.store(true, .monotonic);
            } else deferral.undo(self.system, call.fd);
            return result;
        }

        /// getsockname(2) may show a port only if there is one: gives a socket whose bind was deferred its
        /// port now. False where the ports are all taken.
        pub fn settle(self: *Self, fd: i32) bool {
            if (self.pending(fd)) |waiting| return !waiting.is_ours or self.settleAt(fd, &waiting.name);
            if (!self.may_hold_deferred.load(.monotonic)) return true;
            const name = deferral.pending(self.system, fd) orelse return true;
            return self.settleAt(fd, &name);
        }

        /// The guest is to use a socket's filter, where an address may wait: so the address goes. False where the
        /// ports are all taken.
        pub fn vacate(self: *Self, fd: i32, level: c_int, name: c_int) bool {
            if (!may_emulate or level != sys.SOL.SOCKET) return true;
            switch (name) {
                sys.SO.ATTACH_FILTER, sys.SO.DETACH_FILTER, sys.SO.LOCK_FILTER, sys.SO.ATTACH_BPF => {},
                else => return true,
            }
            const waiting = self.pending(fd) orelse return true;
            return self.settleAt(fd, &waiting.name);
        }

        fn settleAt(self: *Self, fd: i32, name: *const sys.Name) bool {
            const before = self.system.errno();
            defer self.system.setErrno(before);
            const settling: Settling(System) = .{
                .system = self.system,
                .name = name,
                .call = .{ .fd = fd, .moment = .settle, .run = Settling(System).run },
            };
            return self.choose(&settling.call) == 0;
        }

        /// The guest has set IP_LOCAL_PORT_RANGE: its choice stands where it lies inside the ports.
        pub fn keepRange(self: *Self, fd: i32) void {
            self.guest_sets_ranges.store(true, .monotonic);
            if (self.kernelMayKeep()) _ = kernel.keep(self.system, &self.settings.ports, &self.random, fd);
        }

        /// The guest has set or cleared IP_BIND_ADDRESS_NO_PORT.
        pub fn noteBindAddressNoPort(self: *Self, fd: i32, asked: bool) void {
            if (self.settings.defer_bind) deferral.note(self.system, fd, asked);
        }

        pub fn isDeferredByUs(self: *Self, fd: i32) bool {
            return self.may_hold_deferred.load(.monotonic) and deferral.isOurs(self.system, fd);
        }

        fn pending(self: *Self, fd: i32) ?late_bind.Pending {
            if (!may_emulate or !self.may_hold_pending.load(.monotonic)) return null;
            const waiting = late_bind.pending(self.system, fd) orelse return null;
            // What has a port all the same was bound behind our back.
            return if (self.isBound(fd)) null else waiting;
        }

        /// What getsockname(2) must show in place of the wildcard: the guest has asked for a late bind.
        pub fn shownName(self: *Self, fd: i32) ?sys.Name {
            const waiting = self.pending(fd) orelse return null;
            return if (waiting.is_ours) null else waiting.name;
        }

        /// IP_BIND_ADDRESS_NO_PORT on a kernel that lacks it, as Linux 6.12 has it: the errno of the guest's call;
        /// null where it fails as ever.
        pub fn emulateSetLateBind(self: *Self, fd: i32, value: ?*const anyopaque, length: c_uint) ?sys.E {
            if (!self.isEmulated(fd)) return null;
            if (length > std.math.maxInt(c_int)) return .INVAL;
            // An int, or a char where it is given less, or 0 where nothing. ip(7)
            const count: usize = if (length >= @sizeOf(c_int)) @sizeOf(c_int) else @min(length, 1);
            if (count > 0 and !address.isReadable(self.system, value, count)) return .FAULT;
            const asked = count > 0 and !std.mem.allEqual(u8, @as([*]const u8, @ptrCast(value.?))[0..count], 0);
            return if (late_bind.ask(self.system, fd, asked)) .SUCCESS else null;
        }

        /// What the option reads as there; null where it fails as ever.
        pub fn emulateGetLateBind(self: *Self, fd: i32) ?u32 {
            if (!self.isEmulated(fd)) return null;
            return @intFromBool(late_bind.isAsked(self.system, fd) orelse return null);
        }

        /// IP_LOCAL_PORT_RANGE on a kernel that lacks it, as Linux 6.12 has it: the errno of the guest's call; null
        /// where it fails as ever.
        pub fn emulateSetRange(self: *Self, fd: i32, value: ?*const anyopaque, length: c_uint) ?sys.E {
            if (!self.isEmulated(fd)) return null;
            if (length != @sizeOf(u32)) return .INVAL;
            if (!address.isReadable(self.system, value, @sizeOf(u32))) return .FAULT;
            const bytes: *const [@sizeOf(u32)]u8 = @ptrCast(value.?);
            const range = kernel.unpack(std.mem.readInt(u32, bytes, .native));
            if (range.low != 0 and range.high != 0 and range.low > range.high) return .INVAL;
            if (!self.remembered.remember(self.system, fd, kernel.pack(range))) return null;
            self.guest_sets_ranges.store(true, .monotonic);
            return .SUCCESS;
        }

        /// What the option reads as there; null where it fails as ever.
        pub fn emulateGetRange(self: *Self, fd: i32) ?u32 {
            return if (self.isEmulated(fd)) self.remembered.recall(self.system, fd) else null;
        }

        /// Whether options that this kernel lacks are emulated for `fd`.
        fn isEmulated(self: *Self, fd: i32) bool {
            return self.mayEmulate() and transport.isPinnable(self.system, fd);
        }

        /// Whether the range of `fd` is one that the guest knows nothing of.
        pub fn isRangeOurs(self: *Self, fd: i32) bool {
            if (self.guest_sets_ranges.load(.monotonic)) return false;
            return kernel.current(self.system, &self.settings.ports, fd) != null;
        }

        /// Runs `call`, and while it fails because a range is full, again with the next one, until
        /// all were tried. A range that the guest has narrowed itself is not exchanged.
        fn tryRanges(self: *Self, call: *const Call) isize {
            const ports = &self.settings.ports;
            const before = self.system.errno();
            var result = call.run(call);
            if (result != -1 or ports.count == 1 or !self.isFull(call)) return result;
            const first = kernel.current(self.system, ports, call.fd) orelse return result;
            for (1..ports.count) |step| {
                const index = (first + step) % ports.count;
                if (kernel.setIndex(self.system, ports, index, call.fd) != .ready) return result;
                result = call.run(call);
                if (result != -1) self.system.setErrno(before);
                if (result != -1 or !self.isFull(call)) return result;
            }
            return result;
        }

        /// Whether the call has just failed because the range is full: TCP's connect says EADDRNOTAVAIL,
        /// bind and listen EADDRINUSE, UDP EAGAIN. Each may mean something else on a socket that has a port.
        fn isFull(self: *Self, call: *const Call) bool {
            switch (self.system.errno()) {
                .ADDRNOTAVAIL, .AGAIN => if (call.moment == .bind) return false,
                // EADDRINUSE says that the kernel has read the address.
                .ADDRINUSE => if (call.moment == .bind and !asksForPort(call)) return false,
                else => return false,
            }
            return !self.isBound(call.fd);
        }

        /// No engine can keep the ports for this call. A call that needs no port goes on, and so does
        /// every call of a socket that has its port already or is none of ours.
        fn unkept(self: *Self, call: *const Call) isize {
            if (self.settings.when_unkept == .leave) return call.run(call);
            if (!transport.isPinnable(self.system, call.fd) or self.isBound(call.fd)) return call.run(call);
            const port = address.read(self.system, call.address, call.length);
            const needs_port = switch (call.moment) {
                // AF_UNSPEC disconnects, and what is no address fails by itself.
                .connect => port != null,
                .bind => port == 0,
                .listen, .send, .settle => true,
            };
            if (!needs_port) return call.run(call);
            return self.fail(.ADDRNOTAVAIL);
        }

        /// The second engine: finds a port for a socket that has none, and runs the call once.
        fn emulate(self: *Self, call: *const Call) isize {
            if (!may_emulate) unreachable;
            var name = self.system.getName(call.fd) orelse return call.run(call);
            if (!name.isInternet() or name.port() != 0) return call.run(call);
            const kind = transport.kindOf(self.system, call.fd) orelse return call.run(call);
            self.reserved.refresh(self.system);
            if (self.pending(call.fd)) |waiting| name = waiting.name;
            const ports = self.portsOf(call.fd);
            const scope: emulation.Scope = .{ .ports = &ports, .reserved = &self.reserved, .random = &self.random };
            switch (call.moment) {
                .connect, .send => {
                    const given = self.destinationOf(call);
                    if (call.moment == .connect and given == null) return call.run(call);
                    if (kind == .stream) return self.emulateConnect(call, scope, &name, &(given orelse return call.run(call)));
                    return self.afterSearch(call, .AGAIN, emulation.bind(self.system, scope, call.fd, &name));
                },
                .bind => {
                    // The guest has asked for a late bind itself: the kernel remembers the address.
                    if (deferral.mayBe(self.system, call.fd)) return call.run(call);
                    name = address.copy(self.system, call.address, call.length) orelse return call.run(call);
                    if (name.port() != 0) return call.run(call);
                    if (self.bindLate(call, scope, kind, &name)) |result| return result;
                },
                .listen, .settle => {},
            }
            return self.afterSearch(call, .ADDRINUSE, emulation.bind(self.system, scope, call.fd, &name));
        }

        /// bind(ip, 0) where the kernel cannot remember an address alone; null where it must be carried out at once.
        fn bindLate(self: *Self, call: *const Call, scope: emulation.Scope, kind: transport.Kind, name: *sys.Name) ?isize {
            const is_asked = late_bind.isAsked(self.system, call.fd) orelse return null;
            if (!is_asked and (kind != .stream or !self.settings.defer_bind)) return null;
            if (deferral.isThere(self.system, call.fd)) return null;
            const answer = emulation.probe(self.system, scope, call.fd, kind, name) orelse return null;
            if (answer != .full) return self.afterSearch(call, .ADDRINUSE, answer);
            if (!late_bind.leave(self.system, call.fd, name, !is_asked)) return null;
            self.may_hold_pending.store(true, .monotonic);
            return 0;
        }

        fn destinationOf(self: *Self, call: *const Call) ?sys.Name {
            if (call.message == null) return address.copy(self.system, call.address, call.length);
            const given = address.ofMessage(self.system, call.message) orelse return null;
            return address.copy(self.system, given.address, given.length);
        }

        fn emulateConnect(self: *Self, call: *const Call, scope: emulation.Scope, name: *sys.Name, destination: *const sys.Name) isize {
            var guests: reuse.Options = undefined;
            const answer = emulation.bindFor(self.system, scope, call.fd, name, destination, &guests);
            if (answer == .bound) self.may_hold_shared.store(true, .monotonic);
            const result = self.afterSearch(call, .ADDRNOTAVAIL, answer);
            if (answer == .bound) emulation.afterConnect(self.system, call.fd, guests);
            return result;
        }

        /// `full`: what the kernel says to such a call where its range is exhausted.
        fn afterSearch(self: *Self, call: *const Call, full: sys.E, answer: emulation.Answer) isize {
            return switch (answer) {
                .bound => {
                    if (self.may_hold_pending.load(.monotonic)) late_bind.forget(self.system, call.fd);
                    // The call was for a port, and nothing else.
                    return if (call.moment == .bind or call.moment == .settle) 0 else call.run(call);
                },
                .full => self.fail(full),
                .forbidden => self.unkept(call),
                // EINVAL: another thread has bound the socket meanwhile.
                .failed => |errno| if (errno == .INVAL) call.run(call) else self.fail(errno),
            };
        }

        /// The ports, or as many of them as the guest's own choice for this socket leaves.
        fn portsOf(self: *Self, fd: i32) Ports {
            if (self.guest_sets_ranges.load(.monotonic)) {
                const own = kernel.rangeOf(self.system, fd) orelse kernel.unpack(self.remembered.recall(self.system, fd));
                if (self.settings.ports.holds(own)) return .one(own);
            }
            return self.settings.ports;
        }

        fn fail(self: *Self, errno: sys.E) isize {
            self.system.setErrno(errno);
            return -1;
        }

        /// Whether the kernel would honour the ports, as far as can be said without asking a socket.
        fn kernelMayKeep(self: *Self) bool {
            if (self.settings.engine == .emulation or self.lacks_option.load(.monotonic)) return false;
            const range = self.namespace_range.get(self.system) orelse return false;
            return self.settings.ports.liesInside(range);
        }

        /// The same without a look at the clock.
        fn kernelKept(self: *Self) bool {
            const range = self.namespace_range.known() orelse return self.kernelMayKeep();
            if (self.settings.engine == .emulation or self.lacks_option.load(.monotonic)) return false;
            return self.settings.ports.liesInside(range);
        }

        pub fn isSharedByUs(self: *Self, fd: i32) bool {
            return may_emulate and self.may_hold_shared.load(.monotonic) and reuse.isHidden(self.system, fd);
        }

        /// The guest has set SO_REUSEADDR.
        pub fn noteReuseAddress(self: *Self, fd: i32, on: bool) void {
            if (self.isSharedByUs(fd)) reuse.noteHidden(self.system, fd, on);
        }

        fn isBound(self: *Self, fd: i32) bool {
            const name = self.system.getName(fd) orelse return true;
            return !name.isInternet() or name.port() != 0;
        }
    };
}

/// Only where the kernel has read the address.
fn asksForPort(call: *const Call) bool {
    return address.port(call.address.?, call.length) == 0;
}

/// The bind(2) that was deferred, in our own name.
fn Settling(comptime System: type) type {
    return struct {
        system: System,
        name: *const sys.Name,
        call: Call,

        fn run(call: *const Call) isize {
            const settling: *const @This() = @alignCast(@fieldParentPtr("call", call));
            const errno = deferral.settle(settling.system, call.fd, settling.name);
            if (errno == .SUCCESS) return 0;
            settling.system.setErrno(errno);
            return -1;
        }
    };
}

test {
    _ = @import("pin_test.zig");
}
