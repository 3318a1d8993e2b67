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
const kernel = @import("engines/kernel.zig");
const transport = @import("transport.zig");

pub const Settings = struct {
    ports: Ports,
    defer_bind: bool,
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
};

pub const Moment = enum { connect, listen, bind, send };

pub fn Pin(comptime System: type) type {
    return struct {
        const Self = @This();

        settings: Settings,
        random: Random,
        system: System,
        namespace_range: NamespaceRange = .{},
        /// Whether this process may hold a socket whose bind(2) was deferred; never cleared.
        may_hold_deferred: std.atomic.Value(bool) = .init(false),

        /// A socket has come into the process: from socket(2), over a Unix socket, from before exec.
        /// It gets a range at once, for what never passes a hook again (io_uring) and for the
        /// send path, which asks nothing. A failure is left for the call that needs a port.
        pub fn adoptNew(self: *Self, fd: i32, domain: u32, kind: u32, protocol: u32) void {
            if (!transport.isPinnableKind(domain, kind, protocol) or !self.rangeIsKept()) return;
            _ = kernel.set(self.system, &self.settings.ports, &self.random, fd);
        }

        pub fn adoptStranger(self: *Self, fd: i32) void {
            if (!transport.isPinnable(self.system, fd)) return;
            if (deferral.mayBe(self.system, fd)) self.may_hold_deferred.store(true, .monotonic);
            if (self.rangeIsKept()) _ = kernel.keep(self.system, &self.settings.ports, &self.random, fd);
        }

        /// connect, listen, and sends that connect.
        pub fn choose(self: *Self, call: *const Call) isize {
            if (!self.rangeIsKept()) return self.unkept(call);
            return switch (kernel.keep(self.system, &self.settings.ports, &self.random, call.fd)) {
                .ready => self.tryRanges(call),
                .foreign => call.run(call),
                .lacking => self.unkept(call),
            };
        }

        /// sendto, sendmsg, sendmmsg: with MSG_FASTOPEN a connect with the first data.
        pub fn sendOrConnect(self: *Self, call: *const Call, flags: c_int) isize {
            const connects = @as(u32, @bitCast(flags)) & sys.MSG.FASTOPEN != 0;
            return if (connects) self.choose(call) else self.send(call);
        }

        /// A send to an address, by a socket that may be unbound. Where the kernel honours the range nothing
        /// is asked: the socket got its range when it came.
        fn send(self: *Self, call: *const Call) isize {
            const range = self.namespace_range.known() orelse self.namespace_range.get(self.system);
            if (range == null or !self.settings.ports.liesInside(range.?)) return self.unkept(call);
            return self.tryRanges(call);
        }

        /// bind. Nothing is asked of a range here either, but TCP's bind is deferred.
        pub fn bind(self: *Self, call: *const Call) isize {
            _ = self.settle(call.fd);
            if (!self.rangeIsKept()) return self.unkept(call);
            if (self.settings.defer_bind and transport.isTcp(self.system, call.fd)) return self.deferBind(call);
            return self.tryRanges(call);
        }

        fn deferBind(self: *Self, call: *const Call) isize {
            if (!deferral.begin(self.system, call.fd)) return self.tryRanges(call);
            const result = call.run(call);
            if (result == 0 and asksForPort(call)) {
                self.may_hold_deferred.store(true, .monotonic);
            } else deferral.undo(self.system, call.fd);
            return result;
        }

        /// getsockname(2) may show a port only if there is one: gives a socket whose bind was deferred its
        /// port now. False where the ports are all taken.
        pub fn settle(self: *Self, fd: i32) bool {
            if (!self.may_hold_deferred.load(.monotonic)) return true;
            const name = deferral.pending(self.system, fd) orelse return true;
            const before = self.system.errno();
            defer self.system.setErrno(before);
            const settling: Settling(System) = .{
                .system = self.system,
                .name = &name,
                .call = .{ .fd = fd, .moment = .listen, .run = Settling(System).run },
            };
            return self.choose(&settling.call) == 0;
        }

        /// The guest has set IP_LOCAL_PORT_RANGE: its choice stands where it lies inside the ports.
        pub fn keepRange(self: *Self, fd: i32) void {
            if (self.rangeIsKept()) _ = kernel.keep(self.system, &self.settings.ports, &self.random, fd);
        }

        /// The guest has set or cleared IP_BIND_ADDRESS_NO_PORT.
        pub fn noteBindAddressNoPort(self: *Self, fd: i32, asked: bool) void {
            if (self.settings.defer_bind) deferral.note(self.system, fd, asked);
        }

        pub fn isDeferredByUs(self: *Self, fd: i32) bool {
            return self.may_hold_deferred.load(.monotonic) and deferral.isOurs(self.system, fd);
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
                .listen, .send => true,
            };
            if (!needs_port) return call.run(call);
            self.system.setErrno(.ADDRNOTAVAIL);
            return -1;
        }

        fn rangeIsKept(self: *Self) bool {
            const range = self.namespace_range.get(self.system) orelse return false;
            return self.settings.ports.liesInside(range);
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
